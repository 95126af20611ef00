"""What went wrong in candidate code, as a document: kind, one sentence, place in the repo, traceback."""

from __future__ import annotations

import builtins
import inspect
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from .tracing_frames import KIT

TRACEBACK_CHARS = 20_000
LONGEST_TEXT = 100_000
LONGEST_CHAIN = 20  # exceptions that led to one another
LONGEST_STACK = 200  # lines of a traceback, the innermost ones
T = TypeVar("T")


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


OURS = (ContractBroken, NotFinite, ImportBroken)
# Python 3.9 has no groups.
GROUPS = tuple(kind for kind in (getattr(builtins, "BaseExceptionGroup", None),) if kind is not None)


def describe(
    error: BaseException, *, stage: str, root: str, asked: Callable[[], Any] = lambda: None
) -> dict[str, Any]:
    """stage: what was being done, for people ("import of model:build", "fit()"). asked: gives the function of the repo
    that was called then; it is to blame where no line of the repo raised, and the answer alone was wrong.

    Nothing is raised: of an exception of the candidate's every attribute may be code of its own, and what cannot be
    looked at costs that part alone.
    """
    _be_left_alone()
    path, line = _tried(lambda: place(error, root), ("", 0))
    if not path:
        path, line = _tried(lambda: defined_at(asked(), root), ("", 0))
    unknown = f"{stage} raised {name_of(error)}, which cannot be looked at"
    return {
        "kind": _tried(lambda: _kind(error, stage), "crash"),
        "message": _tried(lambda: _message(error, stage), unknown),
        "path": path,
        "line": line,
        "traceback": _tried(lambda: traceback_of(error), "")[-TRACEBACK_CHARS:],
    }


def _tried(look: Callable[[], T], otherwise: T) -> T:
    """What `look` finds. It may try twice, as a hook of the candidate's that raises is taken off by that."""
    for _ in range(2):
        try:
            return look()
        except BaseException:  # noqa: BLE001 - see `describe`; SystemExit would end the worker without a word
            continue
    return otherwise


def _be_left_alone() -> None:
    """No timer or hook of the candidate's interrupts what follows."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        _tried(lambda timer=timer: signal.setitimer(timer, 0), None)  # type: ignore[misc]
    _tried(lambda: sys.settrace(None), None)
    _tried(lambda: sys.setprofile(None), None)


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
    for link in _chain(error):
        told.insert(0, _one_traceback(link))
    return "\nDuring the handling of the above exception, or because of it:\n\n".join(told)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception, and those that led to it, the first of all last. No method of theirs is called."""
    link: Any = error
    for _ in range(LONGEST_CHAIN):
        yield link
        cause = _attribute(link, "__cause__")
        if cause is None and not _attribute(link, "__suppress_context__"):
            cause = _attribute(link, "__context__")
        if cause is None:
            return
        link = cause


def _one_traceback(error: BaseException) -> str:
    frames = _attribute(error, "__traceback__")
    try:
        if not _is(error, GROUPS):
            return "".join(
                traceback.format_exception(type(error), error, frames, limit=-LONGEST_STACK, chain=False)
            )
    except BaseException:  # noqa: BLE001 - see above
        pass
    lines = ["Traceback (most recent call last):\n", *traceback.format_tb(frames, limit=-LONGEST_STACK)]
    return "".join([*lines, f"{name_of(error)}: {text_of(error)}\n"])


def _attribute(error: BaseException, name: str, of: type[BaseException] = BaseException) -> Any:
    """Of the exception as Python keeps it for its class `of`, whatever a class of the candidate's makes of the name."""
    return of.__dict__[name].__get__(error)


def _is(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """As `isinstance`, which asks the exception for a `__class__` of its own."""
    return issubclass(type(error), kinds)


def _kind(error: BaseException, stage: str) -> str:
    if _is(error, (ContractBroken,)):
        return "contract"
    if _is(error, (NotFinite,)):
        return "not finite"
    if is_out_of_memory(error):
        return "out of memory"
    if _is(error, (ImportBroken,)) or stage.startswith("import"):
        return "import"
    return "crash"


def is_out_of_memory(error: BaseException) -> bool:
    text = text_of(error).lower()
    return (
        _is(error, (MemoryError,))
        or name_of(error) == "OutOfMemoryError"
        or (_is(error, (RuntimeError,)) and ("out of memory" in text or "can't allocate memory" in text))
    )


def _message(error: BaseException, stage: str) -> str:
    if _is(error, OURS):
        return text_of(error)
    text = text_of(error).strip() or "no message"
    return f"{stage} raised {name_of(error)}: {text[:2000]}{_advice(error)}"


COMPILED = (
    ".pyx",
    ".c",
    ".cpp",
    ".cc",
    ".rs",
)  # what modules are written in that are built before they are imported


def _folder_of(error: BaseException, package: str) -> str:
    """The folder of a package through whose files an import went that failed; "" where it went through none."""
    step = _attribute(error, "__traceback__")
    while step is not None:
        held = step.tb_frame.f_globals
        if held.get("__package__") == package and isinstance(held.get("__file__"), str):
            return str(Path(held["__file__"]).parent)
        step = step.tb_next
    return ""


def _advice(error: BaseException) -> str:
    """What helps, where the error itself does not say it. No path of this machine: an LLM may be told of the error."""
    name = _attribute(error, "name", ImportError) if _is(error, (ModuleNotFoundError,)) else None
    if not isinstance(name, str) or not name:
        return ""
    package, _, module = name.rpartition(".")
    folder = _folder_of(error, package) if package else ""
    if folder:  # the package is there, and only a part of it is not
        for end in COMPILED:
            if (Path(folder) / (module + end)).is_file():
                return (
                    f". {module}{end} has to be built first, as the repo's README or setup.py says (such as `python setup.py "
                    "build_ext --inplace`), and what is built must not be ignored by git"
                )
        return f". {package} has no file {module}.py; files that git ignores are left out"
    return (
        f". {name.partition('.')[0]} is no file of the program (those that git ignores are left out), and the "
        "interpreter that runs repos has no such package: install it there (`evolverec doctor` names the interpreter), "
        "or set another with --python"
    )


def place(error: BaseException, root: str) -> tuple[str, int]:
    """The innermost line of the repo that the traceback passes through, or that of an exception which led to this one;
    ("", 0) where there is none.
    """
    for link in _chain(error):
        found = _tried(lambda link=link: _stated_place(link, root), ("", 0))  # type: ignore[misc]
        path, line = found if found[0] else _innermost(link, root)
        if path:
            return path, line
    return "", 0


def _stated_place(error: BaseException, root: str) -> tuple[str, int]:
    """What the exception itself says of where it belongs."""
    if _is(error, (ImportBroken,)):
        return error.path, error.line  # type: ignore[attr-defined]
    if _is(error, (SyntaxError,)):
        filename = _attribute(error, "filename", SyntaxError)
        if isinstance(filename, str) and _inside(filename, root):
            return _relative(filename, root), int(_attribute(error, "lineno", SyntaxError) or 0)
    return "", 0


def _innermost(error: BaseException, root: str) -> tuple[str, int]:
    """The last line of the repo on the way from where the exception was caught to where it was raised."""
    step, inside = _attribute(error, "__traceback__"), {"": False}
    filename, line = "", 0
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if name not in inside:
            inside[name] = _inside(name, root)
        if inside[name]:
            filename, line = name, int(step.tb_lineno or 0)
        step = step.tb_next
    return (_relative(filename, root), line) if filename else ("", 0)


def is_kits(function: Any) -> bool:
    """Whether a function is one of the kit that adapters are written with."""
    return Path(getattr(getattr(function, "__code__", None), "co_filename", "")).name == KIT


def defined_at(function: Any, root: str) -> tuple[str, int]:
    """(path, line) of a function of the repo's; ("", 0) of any other."""
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    if code is None or not _inside(code.co_filename, root):
        return "", 0
    return _relative(code.co_filename, root), int(code.co_firstlineno)


def _inside(filename: str, root: str) -> bool:
    """Whether a file is the repo's, and neither a library nor the adapter's kit."""
    if filename.startswith("<"):  # "<frozen importlib._bootstrap>", "<string>": no files
        return False
    try:
        full = os.path.realpath(filename)
    except ValueError:  # code may be compiled under a name that no file can have
        return False
    inside = full.startswith(root + os.sep) and Path(full).name != KIT
    return inside and "site-packages" not in Path(full).parts[len(Path(root).parts) :]


def _relative(filename: str, root: str) -> str:
    return os.path.relpath(os.path.realpath(filename), root).replace(os.sep, "/")
