"""What went wrong in candidate code, as a document: kind, one sentence, place in the repo, traceback."""

from __future__ import annotations

import os
import traceback
from pathlib import Path
from typing import Any

TRACEBACK_CHARS = 20_000


class ContractBroken(Exception):
    """The recommender answered, but not what the contract says."""


class NotFinite(Exception):
    """A score or a loss is NaN or infinite."""


class ImportBroken(Exception):
    """The entry cannot be imported, or something else than the program would be measured."""


def describe(error: BaseException, *, stage: str, root: str) -> dict[str, Any]:
    """stage: what was being done, for people ("import of model:build", "fit()")."""
    path, line = place(error, root)
    return {
        "kind": _kind(error, stage),
        "message": _message(error, stage),
        "path": path,
        "line": line,
        "traceback": "".join(traceback.format_exception(type(error), error, error.__traceback__))[
            -TRACEBACK_CHARS:
        ],
    }


def _kind(error: BaseException, stage: str) -> str:
    if isinstance(error, ContractBroken):
        return "contract"
    if isinstance(error, NotFinite):
        return "not finite"
    if is_out_of_memory(error):
        return "out of memory"
    if isinstance(error, ImportBroken) or stage.startswith("import"):
        return "import"
    return "crash"


def is_out_of_memory(error: BaseException) -> bool:
    text = str(error).lower()
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text))
    )


def _message(error: BaseException, stage: str) -> str:
    if isinstance(error, (ContractBroken, NotFinite, ImportBroken)):
        return str(error)
    text = str(error).strip() or "no message"
    return f"{stage} raised {type(error).__name__}: {text[:2000]}"


def place(error: BaseException, root: str) -> tuple[str, int]:
    """The innermost line of the repo that the traceback passes through; ("", 0) where there is none."""
    if isinstance(error, SyntaxError) and error.filename and _inside(error.filename, root):
        return _relative(error.filename, root), int(error.lineno or 0)
    found = ("", 0)
    for frame in traceback.extract_tb(error.__traceback__):
        if _inside(frame.filename, root):
            found = (_relative(frame.filename, root), int(frame.lineno or 0))
    return found


def _inside(filename: str, root: str) -> bool:
    full = os.path.realpath(filename)
    return full.startswith(root + os.sep) and "site-packages" not in Path(full).parts[len(Path(root).parts) :]


def _relative(filename: str, root: str) -> str:
    return os.path.relpath(os.path.realpath(filename), root).replace(os.sep, "/")
