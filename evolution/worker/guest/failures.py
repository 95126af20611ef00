"""What went wrong in candidate code, as a document: kind, one sentence, place in the repo, traceback."""

from __future__ import annotations

import inspect
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
    """The entry cannot be imported, or something else than the program would be measured.

    path, line: in the repo, where its own text is to blame."""

    def __init__(self, message: str, *, path: str = "", line: int = 0) -> None:
        super().__init__(message)
        self.path, self.line = path, line


def describe(error: BaseException, *, stage: str, root: str, asked: Any = None) -> dict[str, Any]:
    """stage: what was being done, for people ("import of model:build", "fit()"). asked: the function of the repo
    that was called then; it is to blame where no line of the repo raised, and the answer alone was wrong."""
    path, line = place(error, root)
    if not path:
        path, line = _defined_at(asked, root)
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
    return f"{stage} raised {type(error).__name__}: {text[:2000]}{_advice(error)}"


def _advice(error: BaseException) -> str:
    """What helps, where the error itself does not say it. No path of this machine: an LLM may be told of the error."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    return (
        f". {error.name.partition('.')[0]} is no file of the program (those that git ignores are left out), and the "
        "interpreter that runs repos has no such package: install it there (`evolverec doctor` names the interpreter), "
        "or set another with --python"
    )


def place(error: BaseException, root: str) -> tuple[str, int]:
    """The innermost line of the repo that the traceback passes through; ("", 0) where there is none."""
    if isinstance(error, SyntaxError) and error.filename and _inside(error.filename, root):
        return _relative(error.filename, root), int(error.lineno or 0)
    if isinstance(error, ImportBroken) and error.path:
        return error.path, error.line
    found = ("", 0)
    for frame in traceback.extract_tb(error.__traceback__):
        if _inside(frame.filename, root):
            found = (_relative(frame.filename, root), int(frame.lineno or 0))
    return found


def _defined_at(function: Any, root: str) -> tuple[str, int]:
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    if code is None or not _inside(code.co_filename, root):
        return "", 0
    return _relative(code.co_filename, root), int(code.co_firstlineno)


def _inside(filename: str, root: str) -> bool:
    if filename.startswith("<"):  # "<frozen importlib._bootstrap>", "<string>": no files
        return False
    full = os.path.realpath(filename)
    return full.startswith(root + os.sep) and "site-packages" not in Path(full).parts[len(Path(root).parts) :]


def _relative(filename: str, root: str) -> str:
    return os.path.relpath(os.path.realpath(filename), root).replace(os.sep, "/")
