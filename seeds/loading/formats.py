"""The formats of logs that can be read. A further one is its own module, and one more entry of `FORMATS`."""

from pathlib import Path

from seeds.loading import atomic, checkins, data_cache, known_lines, movielens, plain
from seeds.loading.format import Format
from seeds.loading.members import files_below

FORMATS: tuple[Format, ...] = (
    atomic.FORMAT,
    data_cache.FORMAT,
    movielens.FORMAT,
    known_lines.AMAZON,
    known_lines.YELP,
    known_lines.STEAM,
    checkins.GOWALLA,
    checkins.LASTFM,
    checkins.LIGHTGCN,
    checkins.PAIRS,
    plain.FORMAT,  # last, as some of the others hold tables too
)


def format_of(path: Path) -> Format | None:
    """The first format that has files at a path."""
    try:
        files = files_below(path)
    except (OSError, ValueError):  # the second: a name that no file can have
        files = None
    for known in FORMATS:
        there = known.find(files) if known.find and files else files_at(known, path)
        if there:
            return known
    return None


def files_at(known: Format, path: Path) -> tuple[Path, ...]:
    """The format's files at a path; () also where the path cannot be looked into, for then it cannot be read."""
    try:
        return known.files_of(path)
    except OSError:
        return ()


def log_suffixes() -> tuple[str, ...]:
    """How the name of a file ends that may be a log."""
    return tuple(suffix for known in FORMATS for suffix in known.suffixes)
