"""Which functions of a repo a piece of code reaches, and which of them switch a model between training and evaluation."""

import ast
from collections.abc import Iterable

from diagnosis.rules.codebase import Codebase, Defined, Made, once
from diagnosis.rules.source import ParsedFile, is_false, keyword
from diagnosis.rules.tensor_calls import amount
from diagnosis.syntax import called_name

MOST = 200  # functions that one question reaches
# Layers that answer otherwise in training; those of the second row do only when they are given a rate of dropout.
TWO_FACED = ("Dropout", "BatchNorm", "AlphaDropout", "FeatureAlphaDropout", "SyncBatchNorm", "LazyBatchNorm")
WITH_DROPOUT = {"GRU", "LSTM", "RNN", "MultiheadAttention"}
GROWS = {"append", "extend", "add", "insert"}
TRANSFORMERS = {"Transformer", "TransformerEncoderLayer", "TransformerDecoderLayer"}


def reached(repo: Codebase, start: Iterable[Defined]) -> list[Defined]:
    """The functions that run, the first ones included, as far as calls can be followed for sure."""
    waiting, found = list(start), dict[ast.AST, Defined]()
    while waiting and len(found) < MOST:
        place = waiting.pop()
        if place.node in found:
            continue
        found[place.node] = place
        for call in place.file.within(place.node, ast.Call):
            inner = repo.callee(place.file, call)
            if inner is not None:
                waiting.append(inner)
    return list(found.values())


def perhaps_reached(repo: Codebase, start: Iterable[Defined]) -> list[Defined]:
    """All functions that may run: every one of the repo whose name is called or handed on, and `forward` of all modules
    that are."""
    waiting, found = list(start), dict[ast.AST, Defined]()
    while waiting and len(found) < MOST:
        place = waiting.pop()
        if place.node in found:
            continue
        found[place.node] = place
        names = {
            n.id if isinstance(n, ast.Name) else n.attr
            for n in place.file.within(place.node, ast.Name, ast.Attribute)
        }
        for name in (names & repo.functions.keys()) - {"__init__"}:
            waiting += repo.functions[name]
        for name in names & repo.classes.keys():
            waiting += [m for c in repo.classes[name] if (m := repo.method(c, "__init__"))]
        waiting += [
            inner
            for call in place.file.within(place.node, ast.Call)
            if (inner := repo.callee(place.file, call))
        ]
    return list(found.values())


def evaluates(place: Defined) -> list[ast.Call]:
    """The calls in a piece of code that set evaluation mode: `x.eval()`, `x.train(False)`, `x.train(mode)`."""
    return [
        call
        for call in place.file.within(place.node, ast.Call)
        if isinstance(call.func, ast.Attribute)
        and (
            (call.func.attr == "eval" and not call.args)
            or (call.func.attr == "train" and _is_no_training(call))
        )
    ]


def trains(place: Defined) -> list[ast.Call]:
    """The calls in a piece of code that set training mode: `x.train()`, `x.train(True)`, `x.train(mode)`."""
    return [
        call
        for call in place.file.within(place.node, ast.Call)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "train"
        and len(call.args) + len(call.keywords) <= 1
        and not (call.args and is_false(call.args[0]))
    ]


def _is_no_training(call: ast.Call) -> bool:
    mode = call.args[0] if call.args else keyword(call, "mode")
    return mode is not None and not (isinstance(mode, ast.Constant) and mode.value is True)


def two_faced(repo: Codebase, places: Iterable[Defined]) -> Made | None:
    """A call in some functions of a layer that answers otherwise in training: dropout, batch norm, `F.dropout` that is
    told whether it trains; None if there is none.
    """
    for place in places:
        for call in place.file.within(place.node, ast.Call):
            if place.file.full_name(call).startswith("torch.nn.functional.dropout"):
                told = keyword(call, "training") or (call.args[2] if len(call.args) > 2 else None)
                if isinstance(told, ast.Attribute) and told.attr == "training":
                    return Made(file=place.file, call=call)
            elif any(is_two_faced(repo, made) for made in repo.makers(place.file, call.func)):
                return Made(file=place.file, call=call)
    return None


def is_two_faced(repo: Codebase, made: Made, depth: int = 0) -> bool:
    """Whether a constructor call makes a layer that answers otherwise in training."""
    full = made.full_name
    name = made.name
    if not full.startswith("torch.nn."):
        return False
    if name in TRANSFORMERS:
        return keyword(made.call, "dropout") is None or amount(keyword(made.call, "dropout")) != 0
    if name in WITH_DROPOUT:
        rate = keyword(made.call, "dropout")
        return rate is not None and amount(rate) != 0
    if name in ("Sequential", "ModuleList", "TransformerEncoder") and depth < 3:
        parts = [p for given in made.call.args for p in _parts(made.file, given)]
        return any(is_two_faced(repo, inner, depth + 1) for p in parts for inner in repo.makers(made.file, p))
    rate = made.call.args[0] if made.call.args else keyword(made.call, "p")
    return name.startswith(TWO_FACED) and not ("Dropout" in name and amount(rate) == 0)


def _parts(file: ParsedFile, given: ast.expr) -> list[ast.expr]:
    """The layers that a container is given: `*layers` and `layers` are what the function put into that list."""
    whole = given.value if isinstance(given, ast.Starred) else given
    if isinstance(whole, ast.List | ast.Tuple):
        return list(whole.elts)
    if not isinstance(whole, ast.Name):
        return [given]
    function = file.function_of(given)
    added: list[ast.expr] = []
    for node in file.within(function or file.nodes[0], ast.Assign, ast.AugAssign, ast.Call):
        if isinstance(node, ast.Call):
            own = node.func.value if isinstance(node.func, ast.Attribute) else None
            if called_name(node) in GROWS and isinstance(own, ast.Name) and own.id == whole.id:
                added += node.args
        else:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(one, ast.Name) and one.id == whole.id for one in targets):
                added.append(node.value)
    return [p for one in added for p in (one.elts if isinstance(one, ast.List | ast.Tuple) else [one])]


@once
def contract(repo: Codebase) -> list[tuple[Defined, Defined]]:
    """(`fit`, `score`) of the classes of the repo that have both, which is how evolverec trains and asks a repo."""
    found = []
    for places in repo.classes.values():
        for kind in places:
            fit, score = repo.method(kind, "fit"), repo.method(kind, "score")
            if fit is not None and score is not None:
                found.append((fit, score))
    return found


def same_place(source: ParsedFile, place: Defined) -> bool:
    """Whether a function stands in the file that is checked."""
    return place.file.path == source.path
