"""What the code of a repo says of a setting that it reads elsewhere: defaults, keys of a dict, options of a command."""

import ast

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.source import keyword
from diagnosis.rules.tensor_calls import amount
from diagnosis.syntax import dotted

TELLERS = (ast.keyword, ast.AnnAssign, ast.Assign, ast.Dict, ast.Call)


def is_one_somewhere(repo: Codebase, setting: ast.expr) -> bool:
    """Whether a setting of this name is 1 where the repo says it: in a field of a class, an argument, a key or an option."""
    key = setting.slice if isinstance(setting, ast.Subscript) else None
    word = str(key.value) if isinstance(key, ast.Constant) else dotted(setting).rpartition(".")[2]
    return bool(word) and any(
        _says_one(node, word) for file in repo.files for node in file.within(file.nodes[0], *TELLERS)
    )


def _says_one(node: ast.AST, word: str) -> bool:
    if isinstance(node, ast.keyword):
        return node.arg == word and amount(node.value) == 1
    if isinstance(node, ast.AnnAssign):
        return dotted(node.target).rpartition(".")[2] == word and amount(node.value) == 1
    if isinstance(node, ast.Assign):
        return amount(node.value) == 1 and any(dotted(t).rpartition(".")[2] == word for t in node.targets)
    if isinstance(node, ast.Dict):
        return any(
            isinstance(key, ast.Constant) and key.value == word and amount(value) == 1
            for key, value in zip(node.keys, node.values)
        )
    if isinstance(node, ast.Call):
        options = [
            str(a.value).lstrip("-").replace("-", "_") for a in node.args if isinstance(a, ast.Constant)
        ]
        return word in options and amount(keyword(node, "default")) == 1
    return False
