"""Item biases that training adds to its scores, and that nothing reads where the model answers."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.reach import contract, perhaps_reached
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import same
from diagnosis.syntax import called_name, dotted

PRODUCTS = {"matmul", "mm", "bmm", "linear", "einsum", "dot", "addmm"}


def bias_not_served(source: ParsedFile) -> Iterator[tuple[ast.stmt, str]]:
    """(statement, bias) of products with the whole table of items in what `score` runs, where training adds a bias of each item."""
    repo = source.repo
    if repo is None or not repo.whole or not contract(repo):
        return
    for kind, table, bias in _biases(repo):
        served = _served(repo)
        if _is_read(served, bias) or not _is_added(kind, bias):
            continue
        for place in served:
            if place.file != source:
                continue
            for node in _products(place):
                if any(_is_whole(p, table) for p in ast.walk(node)):
                    statement = next((o for o in place.file.around(node) if isinstance(o, ast.stmt)), None)
                    if statement is not None:
                        yield statement, bias


def _is_whole(node: ast.AST, table: str) -> bool:
    """`net.items.weight`: all rows, and not those of some users, `net.users(u)`."""
    return (
        isinstance(node, ast.Attribute)
        and node.attr == "weight"
        and dotted(node.value).rpartition(".")[2] == table
    )


@once
def _served(repo: Codebase) -> list[Defined]:
    return perhaps_reached(repo, [score for _, score in contract(repo)])


@once
def _biases(repo: Codebase) -> list[tuple[Defined, str, str]]:
    """(class, table, bias) of the modules that have a table and one number for each of its rows."""
    found = []
    for name in repo.modules:
        for kind in repo.classes[name]:
            tables: list[tuple[str, ast.expr]] = []
            biases: list[tuple[str, ast.expr]] = []
            for statement in kind.file.within(kind.node, ast.Assign):
                attribute = dotted(statement.targets[0]).removeprefix("self.")
                rows, wide = _rows(kind.file, statement.value)
                if rows is not None and "." not in attribute:
                    (tables if wide else biases).append((attribute, rows))
            found += [
                (kind, table, bias)
                for table, n in tables
                for bias, m in biases
                if same(_text(n), _text(m)) and "user" not in f"{table} {bias} {ast.unparse(n)}".lower()
            ]
    return found


def _text(node: ast.expr) -> ast.AST:
    return ast.Constant(value=ast.unparse(node))


def _rows(file: ParsedFile, value: ast.expr) -> tuple[ast.expr | None, bool]:
    """(rows, whether each has several numbers) of a table or a vector of parameters; (None, False) for anything else."""
    if not isinstance(value, ast.Call) or not value.args:
        return None, False
    full = file.full_name(value)
    if full == "torch.nn.Embedding" and len(value.args) > 1:
        return value.args[0], not (isinstance(value.args[1], ast.Constant) and value.args[1].value == 1)
    if full == "torch.nn.Parameter" and isinstance(value.args[0], ast.Call):
        made = value.args[0]
        if called_name(made) in ("zeros", "randn", "ones", "empty") and len(made.args) == 1:
            size = made.args[0]
            plain = not isinstance(size, ast.Tuple | ast.List | ast.Constant)
            return (size, False) if plain else (None, False)
    return None, False


def _is_read(places: list[Defined], name: str) -> bool:
    return any(part.attr == name for place in places for part in place.file.within(place.node, ast.Attribute))


def _is_added(kind: Defined, bias: str) -> bool:
    """Whether a method of the class adds what it reads of the bias."""
    for part in kind.file.within(kind.node, ast.BinOp):
        if isinstance(part.op, ast.Add) and any(
            dotted(p) == f"self.{bias}" for p in ast.walk(part) if isinstance(p, ast.Attribute)
        ):
            return True
    return False


def _products(place: Defined) -> Iterator[ast.expr]:
    for node in place.file.within(place.node, ast.BinOp, ast.Call):
        if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult)) or (
            isinstance(node, ast.Call) and called_name(node) in PRODUCTS
        ):
            yield node
