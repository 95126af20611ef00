"""Rows of a log that cannot be used: counted by reason, with the first of each, and refused where they are many."""

from dataclasses import dataclass, field

from seeds.errors import SourceError
from seeds.log_report import Fault

MOST_SHARE = 0.1  # of the rows; more says that the file is read in a wrong way
FEW = 1000  # rows that are read before many faults end the reading
LONGEST_QUOTED = 60


@dataclass(kw_only=True)
class Faults:
    """What was left out so far. rows: how many were looked at."""

    rows: int = 0
    _found: dict[str, tuple[int, str]] = field(default_factory=dict)
    _first: tuple[str, int, str, str] | None = None

    def add(self, reason: str, *, path: str, line: int, found: str, count: int = 1) -> None:
        """Count rows that are left out. path, line, found: of the first of them. Raises SourceError where they are too many."""
        known, example = self._found.get(reason, (0, f"{path}:{line}: {quoted(found)}"))
        self._found[reason] = (known + count, example)
        self._first = self._first or (path, line, reason, found)
        if self.rows > FEW:
            self.judge()

    def judge(self) -> None:
        """Raises SourceError, at the first fault, where more than MOST_SHARE of the rows cannot be used."""
        count = sum(known for known, _ in self._found.values())
        if self._first is None or count <= MOST_SHARE * self.rows:
            return
        path, line, reason, found = self._first
        raise SourceError(
            path=path,
            line=line,
            expected="rows that can be used",
            found=f"{reason} ({quoted(found)}), and {count:,} such rows of {self.rows:,}",
            next_step="Correct them, or say in [data] of evolverec.toml how this file is to be read.",
        )

    def all(self) -> tuple[Fault, ...]:
        """By reason, the most frequent first."""
        by_count = sorted(self._found.items(), key=lambda entry: -entry[1][0])
        return tuple(
            Fault(reason=reason, count=count, example=example) for reason, (count, example) in by_count
        )


def quoted(text: str) -> str:
    """A text for a message: quoted, on one line, not long."""
    return repr(text if len(text) <= LONGEST_QUOTED else text[:LONGEST_QUOTED] + "...")
