"""Models whose scores are the products of two tables: those that they hold, or those that a method computes."""

import ast

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants
from evolution.adopting.foreign_code import is_abstract
from evolution.adopting.model_class import FoundModel
from evolution.adopting.naming import words_of
from evolution.adopting.score_way import ScoreWay
from evolution.adopting.vectors import tables_returned

# Words of calls by which vectors are mixed over a graph.
MIXES = {"sparse", "spmm", "propagate", "aggregate", "conv", "gcn", "message"}


def products(constants: Constants, model: FoundModel) -> ScoreWay | None:
    """Of what a method computes, else of the tables themselves; None where neither can be told."""
    return _of_methods(constants, model) or _of_tables(constants, model)


def _of_methods(constants: Constants, model: FoundModel) -> ScoreWay | None:
    """A model that computes all vectors of users and items in one method: its scores are their products."""
    for file, node in constants.repo.lineage(model.kind):
        for unit in (unit for unit in file.units if unit.owner is node and not is_abstract(unit)):
            tables = tables_returned(unit) if unit.name.rpartition(".")[2] != "__init__" else None
            if tables is not None:
                users, items = tables
                why = f"{unit.place} returns the vectors of all users and of all items; scores are their products"
                code = f"kit.scores.matrix(users={users}, items={items})"
                return ScoreWay(kind="matrix", code=code, why=why, table=items, why_table=unit.place)
    return None


def _of_tables(constants: Constants, model: FoundModel) -> ScoreWay | None:
    """A model that is two tables and nothing else, trained on pairs: its scores are their products."""
    users = [table for table in model.tables if table.about == "user"]
    items = [table for table in model.tables if table.about == "item"]
    others = [
        call
        for file, node in constants.repo.lineage(model.kind)
        for call in ast.walk(node)
        if _is_layer(call) or _mixes(call)
    ]
    if len(users) != 1 or len(items) != 1 or others:
        return None
    code = f'kit.scores.matrix(users="{users[0].path}.weight", items="{items[0].path}.weight")'
    why = f"{model.place} has a table of users and one of items, and no layer behind them: scores are their products"
    return ScoreWay(
        kind="matrix", code=code, why=why, table=f'"{items[0].path}.weight"', why_table=items[0].place
    )


def _mixes(node: ast.AST) -> bool:
    """Whether vectors are mixed before they are multiplied, as `torch.sparse.mm(graph, items)` does."""
    return isinstance(node, ast.Call) and bool(MIXES & set(words_of(dotted(node.func))))


def _is_layer(node: ast.AST) -> bool:
    """A layer of torch's that is made, apart from tables."""
    name = dotted(node.func) if isinstance(node, ast.Call) else ""
    base, _, last = name.rpartition(".")
    return (
        base.rpartition(".")[2] in ("nn", "torch")
        and last[:1].isupper()
        and last not in ("Embedding", "LongTensor", "Tensor")
    )
