"""RecBole's atomic files: `NAME.inter` (events) and `NAME.item` beside it (item columns), plain or gzip'd.

One log per folder, or the `.inter` file is named. `atomic_log.py` reads them.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from seeds.errors import SourceError
from seeds.loading.format import Format
from seeds.loading.options import Options
from seeds.loading.progress import Progress

if TYPE_CHECKING:
    from seeds.interactions import Interactions

SUFFIXES = (".inter", ".inter.gz")
ITEM_SUFFIXES = (".item", ".item.gz")


def files_of(path: Path) -> tuple[Path, ...]:
    """The logs that a path means, which are all of a folder's, and the item files beside them."""
    logs = _logs(path)
    beside = [item_file(log) for log in logs]
    return (*logs, *dict.fromkeys(item for item in beside if item is not None))


def read(path: Path, options: Options, progress: Progress) -> "Interactions":
    """The log at a file or in a folder, with the item columns beside it. Raises DataError."""
    from seeds.loading.atomic_log import read_log

    log = _the_log(path)
    return read_log(log, item_file(log), options, progress)


def item_file(log: Path) -> Path | None:
    """The file with the item columns of a log, where there is one."""
    candidates = (log.with_name(_stem(log) + suffix) for suffix in ITEM_SUFFIXES)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _logs(path: Path) -> list[Path]:
    entries = path.iterdir() if path.is_dir() else [path]
    return sorted(entry for entry in entries if entry.name.endswith(SUFFIXES) and entry.is_file())


def _the_log(path: Path) -> Path:
    """Of a folder's logs its only one, or the one that is called like the folder. Raises DataError."""
    logs = _logs(path)
    own = [log for log in logs if _stem(log) == path.name]
    if len(logs) == 1 or own:
        return (own or logs)[0]
    raise SourceError(
        path=str(path),
        expected="one .inter file",
        found=", ".join(log.name for log in logs),
        next_step="Name the file in data.source.",
    )


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".inter")


FORMAT = Format(
    name="RecBole atomic files",
    described="a RecBole .inter file, plain or .gz, or its folder",
    suffixes=SUFFIXES,
    files_of=files_of,
    read=read,
)
