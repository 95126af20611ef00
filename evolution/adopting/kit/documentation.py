"""What an adapter's author needs of the kit: signatures and docstrings of its public parts, read from their source."""

import ast
from functools import cache

from evolution.adopting.kit import FOLDER

# What an adapter names, and where it is; the rest of the kit serves these.
NAMED = {
    "scratch": ("seed_all",),
    "log": ("write_events", "write_text", "lists", "frame"),
    "ids": ("Ids",),
    "program": ("Program",),
    "scoring": ("scores",),
    "recommender": ("Recommender",),
}
# Methods that the kit itself calls.
ITS_OWN = {"start", "epoch", "restart", "ended", "fit", "score", "item_embeddings", "to", "columns", "ids"}


@cache
def kit_documentation() -> str:
    """`kit.NAME(...)` with its docstring for all that an adapter may call, in the order in which adapters call it."""
    said = []
    for module, names in NAMED.items():
        tree = ast.parse((FOLDER / f"{module}.py").read_text(encoding="utf-8"))
        there = {node.name: node for node in tree.body if isinstance(node, (ast.ClassDef, ast.FunctionDef))}
        said += [_documented(there[name]) for name in names]
    return "\n\n".join(said)


def _documented(node: ast.ClassDef | ast.FunctionDef) -> str:
    if isinstance(node, ast.FunctionDef):
        return _told(f"kit.{node.name}({_arguments(node)})", node)
    methods = [one for one in node.body if isinstance(one, ast.FunctionDef)]
    made = next((one for one in methods if one.name == "__init__"), None)
    head = f"kit.{node.name}({_arguments(made)})" if made else f"kit.{node.name}"
    shown = [one for one in methods if not one.name.startswith("_") and one.name not in ITS_OWN]
    lines = [_told(head, node), *(_told(_call(node.name, one), one) for one in shown)]
    item = next((one for one in methods if one.name == "__getitem__"), None)
    return "\n".join([*lines, *([_told(f"{node.name.lower()}[{_arguments(item)}]", item)] if item else [])])


def _call(owner: str, node: ast.FunctionDef) -> str:
    marks = {mark.id for mark in node.decorator_list if isinstance(mark, ast.Name)}
    before = f"kit.{owner}" if "staticmethod" in marks else owner.lower()
    return f"{before}.{node.name}" + ("" if "property" in marks else f"({_arguments(node)})")


def _arguments(node: ast.FunctionDef) -> str:
    return ast.unparse(node.args).removeprefix("self, ").removeprefix("self")


def _told(head: str, node: ast.ClassDef | ast.FunctionDef) -> str:
    words = ast.get_docstring(node) or ""
    return "\n".join([head, *(f"    {line}".rstrip() for line in words.splitlines())])
