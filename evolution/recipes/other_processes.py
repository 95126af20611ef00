"""Lines that ran where the trace does not reach: functions that were handed to a process of their own, and what these call.

A sampler that draws batches in processes beside the training is code that runs, though nobody saw its lines.
"""

import ast
from collections.abc import Iterator, Mapping, Sequence

from diagnosis import syntax
from diagnosis.syntax import called_name

STARTER = "Process"  # of multiprocessing, or of one of its contexts
Function = ast.FunctionDef | ast.AsyncFunctionDef


def lines_beside(
    sources: Mapping[str, str], executed: Mapping[str, Sequence[int]]
) -> dict[str, frozenset[int]]:
    """Path -> the lines of functions that a process ran whose start was seen. executed: path -> lines that were seen."""
    if not any(f"{STARTER}(" in text for text in sources.values()):
        return {}
    trees = {
        path: tree for path, text in sources.items() if isinstance(tree := syntax.parse(text), ast.Module)
    }
    functions = {path: list(_plain_functions(tree)) for path, tree in trees.items()}
    wanted = {name for path, tree in trees.items() for name in _handed(tree, set(executed.get(path, ())))}
    known = set[str]()
    while new := wanted - known:
        known |= new
        wanted |= {
            called_name(call)
            for found in functions.values()
            for function in found
            if function.name in new
            for call in ast.walk(function)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        }
    return {
        path: frozenset(
            line
            for function in found
            if function.name in known
            for line in range(function.lineno, (function.end_lineno or function.lineno) + 1)
        )
        for path, found in functions.items()
    }


def _plain_functions(tree: ast.Module) -> Iterator[Function]:
    """The functions at the top level of a file."""
    yield from (node for node in tree.body if isinstance(node, Function))


def _handed(tree: ast.Module, executed: set[int]) -> Iterator[str]:
    """Names that are handed to processes as their `target`, by calls that ran."""
    for call in ast.walk(tree):
        if not isinstance(call, ast.Call) or called_name(call) != STARTER:
            continue
        if executed.isdisjoint(range(call.lineno, (call.end_lineno or call.lineno) + 1)):
            continue
        yield from (
            keyword.value.id
            for keyword in call.keywords
            if keyword.arg == "target" and isinstance(keyword.value, ast.Name)
        )
