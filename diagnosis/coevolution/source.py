"""Checks the source of a written probe on its syntax tree, before anything of it runs.

Imports and builtins are on an allow-list; the parts of numpy that touch files or hidden state are on a deny-list.
Inside the analyst's sandbox this check is the first of two barriers; without a sandbox it is the only one.
"""

import ast
import builtins
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from diagnosis.coevolution.rejection import ProbeFailed, Reason
from diagnosis.coevolution.view import FIELDS, ProbeView

FUNCTION = "measure"
MAX_CHARACTERS = 8_000
MODULES = ("numpy", "math")
_BUILTINS = frozenset(
    re.findall(
        r"\w+",
        "abs all any bool dict divmod enumerate filter float frozenset int isinstance len list map max min pow range"
        " reversed round set slice sorted str sum tuple zip ValueError IndexError ZeroDivisionError",
    )
)
_NUMPY_FILES = frozenset(
    re.findall(
        r"\w+",
        "load save savez savez_compressed savetxt loadtxt genfromtxt fromfile tofile memmap open_memmap DataSource"
        " fromregex dump dumps ctypeslib ctypes f2py distutils testing lib core compat rec show_config info get_include"
        " frombuffer sys os warnings inspect builtins extras mtrand subprocess importlib functools",
    )
)
_NUMPY_STATE = {"setflags", "seterr", "seterrcall", "setbufsize", "set_printoptions", "set_string_function"}
_SEEDED = {"default_rng", "Generator"}
_FORBIDDEN_NAMES = set(dir(builtins)) - set(_BUILTINS)


def compiled(source: str) -> Callable[[ProbeView], Any]:
    """The probe's function `measure`. Raises ProbeFailed, naming the line, if the source may not run."""
    tree = checked(source)
    space: dict[str, Any] = {"__builtins__": _allowed_builtins(), "__name__": "probe"}
    exec(compile(tree, "probe.py", "exec"), space)  # noqa: S102 - checked above, and run in the analyst only
    return space[FUNCTION]


def checked(source: str) -> ast.Module:
    """The syntax tree of a source that passes every check. Raises ProbeFailed for any other."""
    if len(source) > MAX_CHARACTERS:
        raise ProbeFailed(
            Reason.MALFORMED, f"the source has {len(source)} characters; at most {MAX_CHARACTERS}"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as those about invalid escapes in strings
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # the last two: nested too deeply
        raise ProbeFailed(Reason.MALFORMED, f"the source does not parse: {error}") from error
    _check_outline(tree)
    for node in ast.walk(tree):
        for reason, words in _objections(node):
            raise ProbeFailed(reason, f"line {getattr(node, 'lineno', 1)}: {words}")
    return tree


def needs(source: str) -> frozenset[str]:
    """The attributes of the view that a source names."""
    names = {node.attr for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Attribute)}
    return frozenset(names & set(FIELDS))


def _check_outline(tree: ast.Module) -> None:
    """The top level may hold imports, constants and functions only, one of them `measure(view)`."""
    for node in tree.body:
        documented = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Assign) and not _is_constant(node.value):
            words = "a value that can change at the top of the source is state; make it inside measure"
            raise ProbeFailed(Reason.GLOBAL_STATE, f"line {node.lineno}: {words}")
        if not documented and not isinstance(
            node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.Assign
        ):
            words = "only imports, constants and functions may stand at the top of the source"
            raise ProbeFailed(Reason.MALFORMED, f"line {node.lineno}: {words}")
    own = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == FUNCTION]
    if len(own) != 1 or len(own[0].args.args) != 1:
        raise ProbeFailed(
            Reason.MALFORMED, "expected exactly one function `def measure(view):` with one argument"
        )


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple):
        return all(_is_constant(part) for part in node.elts)
    return isinstance(node, ast.Constant) or (
        isinstance(node, ast.UnaryOp) and isinstance(node.operand, ast.Constant)
    )


def _objections(node: ast.AST) -> Iterator[tuple[Reason, str]]:
    if isinstance(node, ast.Try | ast.TryStar):
        yield Reason.SWALLOWS, "`try` may hide a failure; a probe that fails must say so"
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield Reason.GLOBAL_STATE, "state that outlives a call is not allowed"
    elif isinstance(node, ast.Import):
        yield from _of_modules([alias.name for alias in node.names])
    elif isinstance(node, ast.ImportFrom):
        yield from _of_modules([node.module or "."])
        for alias in node.names:
            yield from _of_attribute(alias.name)
            if alias.name in ("*", "random"):
                yield (
                    Reason.FORBIDDEN,
                    f"`from {node.module} import {alias.name}`; write `import numpy as np`",
                )
    elif isinstance(node, ast.Name):
        yield from _of_name(node)
    elif isinstance(node, ast.Attribute):
        yield from _of_attribute(node.attr)
        if isinstance(node.ctx, ast.Store | ast.Del):
            yield (
                Reason.GLOBAL_STATE,
                f"assigning to an attribute (.{node.attr}) is state that outlives a call",
            )
    elif isinstance(node, ast.FunctionDef):
        yield from _of_defaults(node)
    elif isinstance(node, ast.Call):
        yield from _of_randomness(node)
    elif isinstance(
        node, ast.Match | ast.ClassDef | ast.AsyncFunctionDef | ast.Await | ast.Yield | ast.YieldFrom
    ):
        yield Reason.MALFORMED, f"{type(node).__name__} has no place in a probe"


def _of_modules(names: list[str]) -> Iterator[tuple[Reason, str]]:
    for name in names:
        if name not in MODULES:
            yield Reason.FORBIDDEN, f"import of {name}; a probe may import numpy and math only"


def _of_name(node: ast.Name) -> Iterator[tuple[Reason, str]]:
    hidden = node.id in _FORBIDDEN_NAMES or node.id.startswith("__")
    if hidden and isinstance(node.ctx, ast.Load):
        yield Reason.FORBIDDEN, f"`{node.id}` is not available to a probe"


def _of_attribute(name: str) -> Iterator[tuple[Reason, str]]:
    if name.startswith("_") or name in _NUMPY_FILES:
        yield Reason.FORBIDDEN, f"`{name}` reaches for files, processes or the interpreter"
    if name in _NUMPY_STATE:
        yield Reason.GLOBAL_STATE, f"`{name}` changes state that outlives a call"


def _of_defaults(node: ast.FunctionDef) -> Iterator[tuple[Reason, str]]:
    for default in [*node.args.defaults, *(value for value in node.args.kw_defaults if value is not None)]:
        if not _is_constant(default):
            yield Reason.GLOBAL_STATE, "a default that can change is state that outlives a call"


def _of_randomness(node: ast.Call) -> Iterator[tuple[Reason, str]]:
    function = node.func
    if not isinstance(function, ast.Attribute):
        return
    inside = function.value
    of_random = isinstance(inside, ast.Attribute) and inside.attr == "random"
    if of_random and function.attr not in _SEEDED:
        yield (
            Reason.NOT_DETERMINISTIC,
            f"np.random.{function.attr} uses the global random state; use default_rng",
        )
    if function.attr == "default_rng" and not node.args and not node.keywords:
        yield Reason.NOT_DETERMINISTIC, "default_rng() without a seed; use np.random.default_rng(view.seed)"


def _allowed_builtins() -> dict[str, Any]:
    def bring(name: str, *arguments: Any, **named: Any) -> Any:
        """`__import__` for the probe. numpy calls it too, for submodules that it loads late."""
        if name.partition(".")[0] not in MODULES:
            raise ImportError(f"{name} is not available to a probe")
        return builtins.__import__(name, *arguments, **named)

    return {name: getattr(builtins, name) for name in _BUILTINS} | {"__import__": bring}
