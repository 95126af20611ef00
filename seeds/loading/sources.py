"""Which reader serves which source. A new file format is one more entry of `FORMATS`."""

from pathlib import Path
from typing import Protocol

from seeds.errors import DataError
from seeds.interactions import Interactions
from seeds.loading.atomic import AtomicFiles


class Format(Protocol):
    """One way to keep a log in files."""

    name: str

    def find(self, path: Path) -> Path | None:
        """The log that `path` (a file, or a folder) means in this format; None where it is another format's.

        Raises DataError where the path is this format's but does not say which log.
        """
        ...

    def read(self, path: Path) -> Interactions:
        """The log at a path that `find` returned. Raises DataError."""
        ...


FORMATS: tuple[Format, ...] = (AtomicFiles(),)
SHOP_PREFIX = "shop-"


def load(source: str, *, root: Path) -> Interactions:
    """The log of `source`: "shop-micro", "shop-demo", "shop-full", or a path, absolute or relative to `root`.

    Raises DataError: nothing there, of no known format, or broken (with file, line and column).
    """
    if source.startswith(SHOP_PREFIX) and not (root / source).exists():
        return _load_shop(source)
    path = root / Path(source).expanduser()
    if not path.exists():
        raise DataError(
            path=source,
            expected="shop-micro, shop-demo, shop-full, or an existing file or folder",
            found=f"nothing at {path}",
            next_step="Correct data.source in evolverec.toml.",
        )
    for candidate in FORMATS:
        found = candidate.find(path)
        if found is not None:
            return candidate.read(found)
    known = ", ".join(known_format.name for known_format in FORMATS)
    raise DataError(
        path=str(path),
        expected=f"a log in one of these formats: {known}",
        found="a folder without one" if path.is_dir() else f"a file called {path.name}",
        next_step="Point data.source at the log, or convert it.",
    )


def _load_shop(source: str) -> Interactions:
    from seeds.shop import SIZES, make

    size = source.removeprefix(SHOP_PREFIX)
    if size not in SIZES:
        raise DataError(
            path=source,
            expected="one of " + ", ".join(SHOP_PREFIX + known for known in SIZES),
            found=repr(source),
            next_step="Correct data.source in evolverec.toml.",
        )
    return make(size).interactions
