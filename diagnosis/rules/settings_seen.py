"""What the code of a repo says of a setting that it reads elsewhere: defaults, keys of a dict, options of a command."""

import ast

from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.source import keyword
from diagnosis.rules.tensor_calls import amount
from diagnosis.syntax import dotted

TELLERS = (ast.keyword, ast.AnnAssign, ast.Assign, ast.Dict, ast.Call)


def is_one_somewhere(repo: Codebase, setting: ast.expr) -> bool:
    """Whether a setting of this name is 1 where the repo says it: in a field of a class, an argument, a key or an option."""
    key = setting.slice if isinstance(setting, ast.Subscript) else None
    word = str(key.value) if isinstance(key, ast.Constant) else dotted(setting).rpartition(".")[2]
    return word in _ones(repo)


@once
def _ones(repo: Codebase) -> frozenset[str]:
    """The names of all settings that the repo says to be 1 somewhere."""
    return frozenset(
        word
        for file in repo.files
        for node in file.within(file.nodes[0], *TELLERS)
        for word in _said_to_be_one(node)
        if word
    )


def _said_to_be_one(node: ast.AST) -> list[str]:
    if isinstance(node, ast.keyword):
        return [node.arg or ""] if amount(node.value) == 1 else []
    if isinstance(node, ast.AnnAssign):
        return [dotted(node.target).rpartition(".")[2]] if amount(node.value) == 1 else []
    if isinstance(node, ast.Assign):
        return [dotted(t).rpartition(".")[2] for t in node.targets] if amount(node.value) == 1 else []
    if isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values)
        return [
            str(key.value) for key, value in pairs if isinstance(key, ast.Constant) and amount(value) == 1
        ]
    if isinstance(node, ast.Call) and amount(keyword(node, "default")) == 1:
        return [str(a.value).lstrip("-").replace("-", "_") for a in node.args if isinstance(a, ast.Constant)]
    return []
