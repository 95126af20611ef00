"""Files that a user has asked for outside of the store: written whole or not at all, and over nothing by accident."""

import os
from collections.abc import Callable
from pathlib import Path

from evolution.base.drafts import draft_name
from evolution.base.errors import UsageError
from evolution.base.kept import flush


def check_free(path: Path, *, force: bool) -> None:
    """Raises UsageError: a file cannot be written there, or one is there and `force` is not given."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder; expected the name of a file")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no folder; make it first")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already; expected another name, or --force to replace it")


def write_new(path: Path, fill: Callable[[Path], object], *, force: bool) -> None:
    """Have `fill` write a draft beside `path`, then give it that name. Raises UsageError as `check_free` does, OSError."""
    check_free(path, force=force)
    draft = path.with_name(draft_name())
    try:
        fill(draft)
        flush(draft)
        if force:
            draft.replace(path)
        else:
            _name_once(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _name_once(draft: Path, path: Path) -> None:
    """A link fails where somebody has written a file meanwhile, which renaming would replace."""
    try:
        os.link(draft, path)
    except FileExistsError:
        check_free(path, force=False)
    except OSError:  # a file system without links
        check_free(path, force=False)
        draft.rename(path)
