"""What `data.source` may be: the built-in shop by its size, or the path of a log in one of the `FORMATS`."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seeds.errors import SourceError
from seeds.loading import formats
from seeds.loading.options import Options
from seeds.loading.progress import Progress
from seeds.sizes import SIZES

if TYPE_CHECKING:
    from seeds.interactions import Interactions

LONGEST_SHOWN = 200  # characters of a name in a message
SHOP_PREFIX = "shop-"
DEMO = "shop-demo"  # what is shown to somebody who has named no data


def built_in() -> Mapping[str, str]:
    """The sources that come with evolverec: name -> what a user should know of it."""
    return {
        SHOP_PREFIX + name: f"a made-up shop of {size.n_users:,} users, {size.patience}"
        for name, size in SIZES.items()
    }


def described_logs() -> str:
    """What a user's own log may be, in half a sentence: every format in its own words."""
    return ", or ".join(known.described for known in formats.FORMATS)


def described_sources() -> str:
    """What `data.source` may be, in half a sentence."""
    return f"{', '.join(built_in())}, or the path of {described_logs()}"


def is_built_in(source: str, root: Path) -> bool:
    """Whether a source is asked for by a shop's name; a file or folder of that name comes first."""
    return source.startswith(SHOP_PREFIX) and not exists(source_path(source, root))


def source_path(source: str, root: Path) -> Path:
    """Where a source that is a path lies, whether something is there or not. root: what it is relative to."""
    try:
        return root / Path(source).expanduser()
    except RuntimeError:  # a home folder that nobody has
        return root / source


def files_of(source: str, *, root: Path) -> tuple[Path, ...]:
    """Every file that `load` could open for this source; () for the built-in shop, and where nothing can be read."""
    if is_built_in(source, root):
        return ()
    path = source_path(source, root)
    known = formats.format_of(path)
    return formats.files_at(known, path) if known else ()


def exists(path: Path) -> bool:
    """Whether there is anything at a path. Names that no file can have are no error."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def load(
    source: str, *, root: Path, options: Options | None = None, progress: Progress | None = None
) -> "Interactions":
    """The log of `source`, which is a name of `built_in` or a path, absolute or relative to `root`.

    options: how to read a log; a shop is as it is. progress: told how far it has come. Raises DataError: nothing there, of no known format, or broken (with file, line and column).
    """
    if is_built_in(source, root):
        return _load_shop(source)
    path = source_path(source, root)
    if not exists(path):
        raise SourceError(
            path=_short(source),
            expected=f"{', '.join(built_in())}, or an existing file or folder",
            found=f"nothing at {_short(str(path))}",
            next_step="Correct data.source in evolverec.toml.",
        )
    known = formats.format_of(path)
    if known is None:
        raise SourceError(
            path=_short(str(path)),
            expected=f"a log in one of these formats: {described_logs()}",
            found=_kind(path),
            next_step="Point data.source at the log, or convert it.",
        )
    return known.read(path, options or Options(), progress or Progress())


def _kind(path: Path) -> str:
    """What lies at a path that has no log, in a few words."""
    if path.is_dir():
        return (
            "a folder without one" if os.access(path, os.R_OK | os.X_OK) else "a folder that may not be read"
        )
    return f"a file called {_short(path.name)}" if path.is_file() else "a device, a named pipe or a socket"


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_SHOWN else f"{name[:LONGEST_SHOWN]}... ({len(name):,} characters)"


def _load_shop(source: str) -> "Interactions":
    size = source.removeprefix(SHOP_PREFIX)
    if size not in SIZES:
        raise SourceError(
            path=source,
            expected=f"one of {', '.join(built_in())}",
            found=repr(source),
            next_step="Correct data.source in evolverec.toml.",
        )
    from seeds.shop import make

    return make(size).interactions
