"""What went wrong in candidate code, as a document: kind, one sentence, place in the repo, traceback."""

from __future__ import annotations

import inspect
import os
import traceback
from pathlib import Path
from typing import Any

TRACEBACK_CHARS = 20_000
LONGEST_TEXT = 100_000
LONGEST_CHAIN = 20  # exceptions that led to one another


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
    try:
        path, line = place(error, root)
        if not path:
            path, line = _defined_at(asked, root)
        kind, message = _kind(error, stage), _message(error, stage)
    except BaseException:  # noqa: BLE001 - an exception of the candidate's, whose every attribute is code of its own
        path, line, kind = "", 0, "crash"
        message = f"{stage} raised {name_of(error)}, which cannot be looked at"
    return {
        "kind": kind,
        "message": message,
        "path": path,
        "line": line,
        "traceback": traceback_of(error)[-TRACEBACK_CHARS:],
    }


def text_of(error: BaseException) -> str:
    """What the exception says; the candidate's own `__str__` may raise, or return no text."""
    try:
        return "".join(str(error)[:LONGEST_TEXT])  # a plain text, of whatever class it was
    except BaseException as second:  # noqa: BLE001 - see above
        return f"its text cannot be read, as reading it raises {name_of(second)}"


def name_of(error: BaseException) -> str:
    """The name of the exception's class, as Python keeps it: a metaclass may have another attribute of that name."""
    return type.__dict__["__name__"].__get__(type(error))  # type: ignore[no-any-return]


def traceback_of(error: BaseException) -> str:
    """As Python prints it, from the first exception of a chain to the last. A group is not opened: it may hold millions."""
    told: list[str] = []
    link: Any = error
    for _ in range(LONGEST_CHAIN):
        if link is None:
            break
        told.insert(0, _one_traceback(link))
        link = _attribute(link, "__cause__") or (
            None if _attribute(link, "__suppress_context__") else _attribute(link, "__context__")
        )
    return "\nDuring the handling of the above exception, or because of it:\n\n".join(told)


def _one_traceback(error: BaseException) -> str:
    frames = _attribute(error, "__traceback__")
    try:
        if not any(part.__name__ == "BaseExceptionGroup" for part in type(error).__mro__):
            return "".join(traceback.format_exception(type(error), error, frames, chain=False))
    except BaseException:  # noqa: BLE001 - see above
        pass
    lines = ["Traceback (most recent call last):\n", *traceback.format_tb(frames)]
    return "".join([*lines, f"{name_of(error)}: {text_of(error)}\n"])


def _attribute(error: BaseException, name: str) -> Any:
    """Of the exception as Python keeps it, whatever its class makes of the name."""
    return BaseException.__dict__[name].__get__(error)


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
    text = text_of(error).lower()
    return (
        isinstance(error, MemoryError)
        or name_of(error) == "OutOfMemoryError"
        or (isinstance(error, RuntimeError) and ("out of memory" in text or "can't allocate memory" in text))
    )


def _message(error: BaseException, stage: str) -> str:
    if isinstance(error, (ContractBroken, NotFinite, ImportBroken)):
        return str(error)
    text = text_of(error).strip() or "no message"
    return f"{stage} raised {name_of(error)}: {text[:2000]}{_advice(error)}"


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
    for frame in traceback.extract_tb(_attribute(error, "__traceback__")):
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
