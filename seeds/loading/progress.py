"""How far reading a log has come, for whoever waits for it in another thread; and whether memory lasts."""

from dataclasses import dataclass
from pathlib import Path

from seeds.errors import SourceError

RESERVE_BYTES = 256 << 20  # left to the rest of the machine
LATER = 2  # times the bytes of text that ordering and dividing the events takes
_LIMITS = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))
_GROUPS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/memory"))


@dataclass(kw_only=True)
class Progress:
    """path: the file that is being read. rows, bytes: what was read of it so far, unpacked. whole: to its end."""

    path: str = ""
    rows: int = 0
    bytes: int = 0
    whole: bool = False

    def begin(self, path: Path) -> None:
        """Another file is being read."""
        self.path, self.rows, self.bytes, self.whole = str(path), 0, 0, False

    def add(self, rows: int, size: int) -> None:
        """Count a piece that was read. Raises SourceError while memory still lasts, but would not to the end."""
        self.rows += rows
        self.bytes += size
        spare = spare_bytes()
        if spare < LATER * self.bytes + RESERVE_BYTES:
            raise SourceError(
                path=self.path,
                expected="a log that fits into the memory of this machine",
                found=f"{self.rows:,} rows, {self.bytes / 1e6:,.0f} MB of text, before its end, with "
                f"{spare / 1e6:,.0f} MB of memory left",
                next_step="Use a part of the log, or a machine with more memory.",
            )


def spare_bytes() -> int:
    """The memory that may still be taken: of the machine, and of the control group that this process is in."""
    import psutil

    spare = int(psutil.virtual_memory().available)
    for group in _GROUPS:
        for most, used in _LIMITS:
            try:
                limit = int((group / most).read_text()) - int((group / used).read_text()) + _cached(group)
            except (OSError, ValueError):  # no such group, or "max"
                continue
            spare = min(spare, limit)
    return spare


def _cached(group: Path) -> int:
    """Bytes of files that the group counts as used, and gives back when memory is needed."""
    lines = (line.split() for line in (group / "memory.stat").read_text().splitlines())
    return sum(int(value) for name, value in lines if name in ("inactive_file", "total_inactive_file"))
