"""Weights of layers and tables that a repo fills with a constant other than 0, so that their units can only learn the same."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import amount, whole
from diagnosis.syntax import called_name, dotted

LAYERS = (
    "Linear",
    "Embedding",
    "EmbeddingBag",
    "GRU",
    "LSTM",
    "RNN",
    "GRUCell",
    "LSTMCell",
    "Conv1d",
    "Conv2d",
    "Bilinear",
)
FILLS = {"constant_": 1, "constant": 1, "ones_": None, "fill_": 0}
TWO = 2


def filled_weights(source: ParsedFile) -> Iterator[ast.Call]:
    """`nn.init.constant_(self.items.weight, 0.1)`, and of `p` where `p.dim() > 1` in a loop over `parameters()`."""
    repo = source.repo
    for call in source.calls_named(*FILLS) if repo else ():
        filled = _filled(source, call)
        if (
            repo is not None
            and filled is not None
            and (_is_of_layer(repo, source, filled) or _is_of_all(source, filled))
        ):
            yield call


def _filled(source: ParsedFile, call: ast.Call) -> ast.expr | None:
    """What a call fills with a number other than 0, `.data` left out; None for other calls."""
    name = called_name(call)
    if name not in FILLS or not isinstance(call.func, ast.Attribute):
        return None
    place = FILLS[name]
    if source.full_name(call).startswith("torch.nn.init."):
        target, number = (call.args[0] if call.args else None), place
    elif name == "fill_":
        target, number = call.func.value, place
    else:
        return None
    if number is not None and (len(call.args) <= number or amount(call.args[number]) == 0):
        return None
    return target.value if isinstance(target, ast.Attribute) and target.attr == "data" else target


def _is_of_layer(repo: Codebase, source: ParsedFile, filled: ast.expr) -> bool:
    """Whether it is the weight of a layer whose units are several; a table of one column holds biases."""
    if not isinstance(filled, ast.Attribute) or not filled.attr.startswith("weight"):
        return False
    made = repo.makers(source, filled.value)
    names = [m.full_name.removeprefix("torch.nn.") for m in made if m.full_name.startswith("torch.nn.")]
    one = any(len(m.call.args) >= TWO and whole(m.call.args[1]) == 1 for m in made)
    return bool(names) and len(names) == len(made) and all(name in LAYERS for name in names) and not one


def _is_of_all(source: ParsedFile, filled: ast.expr) -> bool:
    """Whether it is each of a module's parameters in turn, all those of several dimensions."""
    if not isinstance(filled, ast.Name):
        return False
    for outer in source.around(filled):
        if isinstance(outer, ast.For):
            names = {n.id for n in ast.walk(outer.target) if isinstance(n, ast.Name)}
            of_all = isinstance(outer.iter, ast.Call) and called_name(outer.iter) in (
                "parameters",
                "named_parameters",
            )
            if filled.id in names and of_all:
                return _are_matrices(source, filled, outer)
    return False


def _are_matrices(source: ParsedFile, filled: ast.Name, loop: ast.For) -> bool:
    """Whether a test on the way from the loop lets only parameters of several dimensions through."""
    for outer in source.around(filled):
        if outer is loop:
            return False
        if isinstance(outer, ast.If) and isinstance(outer.test, ast.Compare):
            test = outer.test
            asked = dotted(test.left.func) if isinstance(test.left, ast.Call) else dotted(test.left)
            more = isinstance(test.ops[0], ast.Gt | ast.GtE) and asked in (
                f"{filled.id}.dim",
                f"{filled.id}.ndim",
            )
            if more and any(filled in ast.walk(statement) for statement in outer.body):
                return True
    return False
