"""Imports the program, the program alone: a module of the repo that loads from elsewhere fails by name."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from .failures import ImportBroken

CONFIG = "evolverec.toml"


def enter(root: str, extra_path: Iterable[str], moved_from: str) -> None:
    """Make `root` the first place to import from, and the working directory.

    extra_path: what the user's interpreter has on its path beyond ours. moved_from: where the repo stands
    on disk when the program is a copy of it elsewhere ("" where it stands at its own path): entries of an
    editable install that point there are turned to the copy.
    """
    for entry in extra_path:
        if entry not in sys.path:
            sys.path.append(entry)
    if moved_from:
        sys.path[:] = [_moved(entry, moved_from, root) for entry in sys.path]
    sys.path[:] = [root, *(entry for entry in sys.path if entry and entry != root)]
    os.chdir(root)
    sys.argv = [str(Path(root, "evolverec-worker"))]


def _moved(entry: str, old: str, new: str) -> str:
    inside = entry == old or (entry.startswith(old + os.sep) and "site-packages" not in entry)
    return new + entry[len(old) :] if inside else entry


def load_build(entry: str, root: str) -> Callable[..., Any]:
    """The function "module:name". Raises ImportBroken, or whatever the import raises."""
    before = set(sys.modules)
    module_name, name = entry.split(":")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not (module_name + ".").startswith(error.name + "."):
            raise  # the entry is there; what it imports is not
        file = module_name.replace(".", "/") + ".py"
        raise ImportBroken(
            f"there is no module {error.name}; recommender.entry is {entry!r}, expected {file} at the repo's root (files "
            "that git ignores are no part of a program)",
            path=CONFIG,
            line=_entry_line(root),
        ) from None
    check_modules(root, before)
    build = getattr(module, name, None)
    if not callable(build):
        raise ImportBroken(
            f"{module_name} has no function {name}; recommender.entry is {entry!r}, expected "
            f"`def {name}(data, *, device, seed)` in it",
            path=CONFIG,
            line=_entry_line(root),
        )
    return build


def _entry_line(root: str) -> int:
    """Of recommender.entry in evolverec.toml, 0 where it is not found; Python 3.9 cannot read TOML."""
    try:
        lines = Path(root, CONFIG).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return 0
    named = (number for number, line in enumerate(lines, 1) if line.replace(" ", "").startswith("entry="))
    return next(named, 0)


def check_modules(root: str, before: set[str]) -> None:
    """Raises ImportBroken if a module whose file the program has was loaded from another place."""
    tops = _top_level_names(root)
    for name, module in list(sys.modules.items()):
        if name in before or name.partition(".")[0] not in tops:
            continue
        file = getattr(module, "__file__", None)
        if not isinstance(file, str):
            continue
        own = _own_file(root, name)
        if own and os.path.realpath(file) != os.path.realpath(own) and not _is_of_program(root, file):
            raise ImportBroken(
                f"module {name} was loaded from {file}, but the program has its own at "
                f"{os.path.relpath(own, root)}: something else than this program would be measured. "
                "Uninstall the other copy, or import it relative to the repo's root"
            )


def _top_level_names(root: str) -> set[str]:
    """First parts of every name that the program may have a module of: to look for every loaded module takes half a second."""
    found: set[str] = set()
    for base in (Path(root), Path(root, "src")):
        with contextlib.suppress(OSError):
            found.update(path.name.removesuffix(".py") for path in base.iterdir())
    return found


def _is_of_program(root: str, file: str) -> bool:
    """Whether a module is another file of the program, as `net/net.py` of a script in `net`; an installed copy is none."""
    real, inside = os.path.realpath(file), os.path.realpath(root) + os.sep
    return real.startswith(inside) and not {"site-packages", "dist-packages"} & set(Path(real).parts)


def _own_file(root: str, name: str) -> str:
    parts = name.split(".")
    for base in (Path(root), Path(root, "src")):
        for file in (base.joinpath(*parts).with_suffix(".py"), base.joinpath(*parts, "__init__.py")):
            if file.is_file():
                return str(file)
    return ""
