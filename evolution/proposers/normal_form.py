"""A hash that is equal for programs which differ in comments, layout or docstrings only, so that none is trained
twice.
"""

import ast
import hashlib
from collections.abc import Mapping

from diagnosis.syntax import parsed


def normal_form(sources: Mapping[str, str]) -> str:
    """The hash of a program's syntax trees.

    sources: path -> text.
    """
    digest = hashlib.sha256()
    for path in sorted(sources):
        digest.update(f"{path}\0{_tree(sources[path])}\0".encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _tree(text: str) -> str:
    """The syntax tree without positions and docstrings; the text itself if it does not parse."""
    tree = parsed(text)
    if tree is None:
        return text
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            node.body = _without_docstring(node.body)
    return ast.dump(tree)


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
    return body
