"""What `data.source` may be: the built-in shop by its size, or the path of a log in one of the `FORMATS`."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from seeds.errors import SourceError
from seeds.loading import formats
from seeds.sizes import SIZES

if TYPE_CHECKING:
    from seeds.interactions import Interactions

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
    return source.startswith(SHOP_PREFIX) and not source_path(source, root).exists()


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


def load(source: str, *, root: Path) -> "Interactions":
    """The log of `source`, which is a name of `built_in` or a path, absolute or relative to `root`.

    Raises DataError: nothing there, of no known format, or broken (with file, line and column).
    """
    if is_built_in(source, root):
        return _load_shop(source)
    path = source_path(source, root)
    if not path.exists():
        raise SourceError(
            path=source,
            expected=f"{', '.join(built_in())}, or an existing file or folder",
            found=f"nothing at {path}",
            next_step="Correct data.source in evolverec.toml.",
        )
    known = formats.format_of(path)
    if known is None:
        raise SourceError(
            path=str(path),
            expected=f"a log in one of these formats: {described_logs()}",
            found="a folder without one" if path.is_dir() else f"a file called {path.name}",
            next_step="Point data.source at the log, or convert it.",
        )
    return known.read(path)


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
