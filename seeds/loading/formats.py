"""The formats of logs that can be read. A further one is its own module, and one more entry of `FORMATS`."""

from pathlib import Path

from seeds.loading import atomic, plain
from seeds.loading.format import Format

FORMATS: tuple[Format, ...] = (atomic.FORMAT, plain.FORMAT)


def format_of(path: Path) -> Format | None:
    """The first format that has files at a path."""
    return next((known for known in FORMATS if files_at(known, path)), None)


def files_at(known: Format, path: Path) -> tuple[Path, ...]:
    """The format's files at a path; () also where the path cannot be looked into, for then it cannot be read."""
    try:
        return known.files_of(path)
    except OSError:
        return ()


def log_suffixes() -> tuple[str, ...]:
    """How the name of a file ends that may be a log."""
    return tuple(suffix for known in FORMATS for suffix in known.suffixes)
