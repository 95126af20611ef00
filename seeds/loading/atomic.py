"""RecBole's atomic files: `NAME.inter` (events) and `NAME.item` beside it (item columns), plain or gzip'd.

One log per folder, or the `.inter` file is named; or `NAME.PART.inter` for each part of a split, which RecBole calls
benchmark_filename. `.user`, `.kg` and `.link` files are not read. `atomic_log.py` reads the others.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from seeds.errors import SourceError
from seeds.loading.format import Format
from seeds.loading.options import PARTS, Options
from seeds.loading.plain import part_of
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

    logs = _the_logs(path, options)
    return read_log(logs, item_file(logs[0][0]), options, progress)


def item_file(log: Path) -> Path | None:
    """The file with the item columns of a log, where there is one."""
    stem = _stem(log)
    stems = (
        (stem, stem.rpartition(".")[0]) if "." in stem else (stem,)
    )  # NAME.PART.inter has NAME.item beside it
    candidates = (log.with_name(own + suffix) for own in stems for suffix in ITEM_SUFFIXES)
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _logs(path: Path) -> list[Path]:
    entries = path.iterdir() if path.is_dir() else [path]
    return sorted(entry for entry in entries if entry.name.endswith(SUFFIXES) and entry.is_file())


def _the_logs(path: Path, options: Options) -> Sequence[tuple[Path, int | None]]:
    """Of a folder's logs its only one, or the one that is called like the folder; or the parts of one, each with its
    place in PARTS. Raises DataError.
    """
    logs = _logs(path)
    if options.parts:
        folder = path if path.is_dir() else path.parent
        return [(_part_file(folder, name, part), PARTS.index(part)) for part, name in options.parts.items()]
    own = [log for log in logs if _stem(log) == path.name]
    parts = [(log, part) for log in logs if (part := part_of(f"{_stem(log)}.inter")) is not None]
    names = {_stem(log).rpartition(".")[0] for log, _ in parts}
    divided = len(names) == 1 and {0} < {part for _, part in parts}
    if divided and (options.given or not own):
        return sorted(parts, key=lambda entry: entry[1])
    if len(logs) == 1 or own:
        return [((own or logs)[0], None)]
    raise SourceError(
        path=str(path),
        expected="one .inter file, or NAME.train.inter, NAME.valid.inter and NAME.test.inter",
        found=", ".join(log.name for log in logs),
        next_step="Name the file in data.source, or the parts of a split in [data.parts].",
    )


def _part_file(folder: Path, name: str, part: str) -> Path:
    path = folder / name
    if path.is_file():
        return path
    raise SourceError(
        path=str(path),
        expected=f"the file that data.parts.{part} names",
        found="none",
        next_step=f"Correct data.parts.{part} in evolverec.toml.",
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
