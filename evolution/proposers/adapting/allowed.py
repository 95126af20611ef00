"""What an adapter that an LLM wrote may contain, told from its text alone; the sandbox holds what this lets through."""

import ast
import sys
from collections.abc import Collection, Iterable
from pathlib import PurePosixPath

from diagnosis.syntax import Unparsed, dotted, parse
from evolution.adopting.foreign_code import ForeignRepo

LONGEST = 12_000  # characters; those of the ten shapes have at most 3,000
MOST_LINES = 150
# Of the standard library: what computes and reads text. Files are the kit's to write.
HARMLESS = {"collections", "csv", "functools", "io", "itertools", "json", "math", "operator", "re"}
ALWAYS = {"evolverec_kit", "numpy", "torch"}
REFUSED = {"exec", "eval", "compile", "__import__", "input", "breakpoint", "globals", "setattr"}


def importable(repo: ForeignRepo) -> frozenset[str]:
    """The first parts of the modules that an adapter may import: the kit, numpy, torch, the repo's own, and the packages
    that its code imports already."""
    own = set[str]()
    for path in repo.files:
        parts = PurePosixPath(path).with_suffix("").parts
        own |= {parts[0], *(parts[1:2] if parts[0] in ("src", "lib") else ())}
    named = {module for file in repo.files.values() for module, _ in file.imports.values()}
    used = {module.partition(".")[0] for module in named}
    packages = {name for name in used if name and name not in sys.stdlib_module_names}
    return frozenset({*ALWAYS, *HARMLESS, *own, *packages} - {""})


def not_allowed(text: str, function: str, modules: Collection[str]) -> str:
    """Why an adapter's text cannot be tried, with its lines; "" where nothing speaks against it.

    function: that it must define. modules: see `importable`.
    """
    if len(text) > LONGEST or text.count("\n") > MOST_LINES:
        return f"the adapter is too long: at most {MOST_LINES} lines and {LONGEST} characters"
    tree = parse(text)
    if isinstance(tree, Unparsed):
        return f"line {tree.line} is not valid Python: {tree.message}"
    if not any(isinstance(node, ast.FunctionDef) and node.name == function for node in tree.body):
        return f"it does not define {function}(data, *, device, seed) at its top"
    return "; ".join(_strange(tree, modules))


def _strange(tree: ast.Module, modules: Collection[str]) -> Iterable[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                yield from _import(node.lineno, one.name, modules)
        elif isinstance(node, ast.ImportFrom):
            yield from _import(node.lineno, "." * node.level + (node.module or ""), modules)
        elif isinstance(node, ast.Name) and node.id in REFUSED:
            yield f"line {node.lineno} uses {node.id}, which no adapter needs"
        elif isinstance(node, ast.Attribute) and node.attr.startswith("__"):
            yield f"line {node.lineno} reaches for {dotted(node) or node.attr}, which no adapter needs"


def _import(line: int, module: str, modules: Collection[str]) -> Iterable[str]:
    if module.partition(".")[0] not in modules:
        yield (
            f"line {line} imports {module}; only evolverec_kit, numpy, torch, the repo's own modules, the packages that they "
            f"import, and {', '.join(sorted(HARMLESS))} can be imported"
        )
