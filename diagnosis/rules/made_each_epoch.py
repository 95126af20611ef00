"""Models, layers and tables that the code of one epoch makes, trains, and makes anew in the next."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import SAME_OBJECT, WRAPPERS, Codebase, Made
from diagnosis.rules.epochs import Round, rounds
from diagnosis.rules.repeated import callee, trains
from diagnosis.rules.source import Function, ParsedFile, is_backward, is_false, keyword
from diagnosis.rules.steps import is_optimizer, trainings
from diagnosis.syntax import called_name, dotted

WEIGHTS = ("Embedding", "EmbeddingBag", "Linear", "GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "Conv1d", "Conv2d", "Parameter", "Bilinear",
           "Transformer", "TransformerEncoder", "TransformerEncoderLayer", "MultiheadAttention", "Sequential")  # fmt: skip
DRAWS = {"rand", "randn", "normal", "uniform", "random", "standard_normal", "random_sample", "truncnorm"}
# Libraries whose `fit` begins from nothing at each call, and what goes on in its place.
BEGIN_ANEW = {
    "lightfm": "fit_partial",
    "sklearn": "partial_fit, or warm_start=True",
    "surprise": "more epochs in one call",
}
FITS = {"fit", "fit_transform"}


def made_each_epoch(repo: Codebase, source: ParsedFile) -> Iterator[tuple[ast.expr | ast.stmt, str]]:
    """(where, what it does) of all in a file that makes anew in each epoch what the epoch trains."""
    for each in rounds(repo):
        if each.file.path == source.path and not _kept(each) and not _trains_more(repo, each):
            for targets, value, statement in each.assigned():
                if _is_trained(repo, each, targets, value):
                    yield statement, "makes the model anew in each epoch: make it once, before the loop"
    for call in source.calls_named(*FITS):
        loop = _loop_of_epochs(source, call)
        library = _library(repo, source, call) if loop is not None else ""
        if library:
            yield (
                call,
                f"begins anew at each call, so that the epochs before are lost: use {BEGIN_ANEW[library]}",
            )


def _trains_more(repo: Codebase, each: Round) -> bool:
    """Whether an epoch has several loops that train, as where what was learned is judged by a small model of its own."""
    parts = [one for one in rounds(repo) if one.loop is each.loop]
    loops = {
        training.loop
        for training in trainings(repo)
        for one in parts
        if one.file == training.file and any(o is one.node for o in one.file.around(training.loop))
    }
    return len(loops) > 1


def _kept(each: Round) -> bool:
    """Whether the round keeps several models, or fills the new one with what it has learned."""
    return any(
        called_name(call) in ("load_state_dict", "append")
        for one in (*each.above, each)
        for call in one.file.calls_in(*one.body)
        if called_name(call) == "load_state_dict" or _appends_module(one.file, call)
    )


def _appends_module(file: ParsedFile, call: ast.Call) -> bool:
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    return called_name(call) == "append" and own is not None and "model" in dotted(own).lower()


def _is_trained(repo: Codebase, each: Round, targets: list[ast.expr], value: ast.expr) -> bool:
    names = {
        dotted(part)
        for t in targets
        for part in (t.elts if isinstance(t, ast.Tuple) else [t])
        if dotted(part)
    }
    if not names:
        return False
    if any(isinstance(c, ast.Call) and called_name(c) in DRAWS for c in ast.walk(value)):
        return bool(names & _moved_tables(each))
    call = value
    while (
        isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and called_name(call) in SAME_OBJECT
        and isinstance(call.func.value, ast.Call)
    ):
        call = call.func.value
    if not isinstance(call, ast.Call) or called_name(call) in WRAPPERS:
        return False
    has_weights = any(_has_weights(repo, made) for made in repo.makers(each.file, call))
    return (has_weights or _has_parameters(each, call, names)) and _stepped(repo, each, names)


def _has_parameters(each: Round, call: ast.Call, names: set[str]) -> bool:
    """Whether an object of a class that is not at hand is one whose parameters the round gives to an optimizer."""
    given = [c for c in each.file.calls_in(*each.body) if is_optimizer(each.file.full_name(c))]
    return called_name(call)[:1].isupper() and any(
        called_name(inner) == "parameters"
        and isinstance(inner.func, ast.Attribute)
        and dotted(inner.func.value) in names
        for c in given
        for inner in each.file.calls_in(*c.args)
    )


def _has_weights(repo: Codebase, made: Made) -> bool:
    if made.full_name.startswith("torch.nn."):
        return made.name in WEIGHTS
    if made.name not in repo.modules:
        return False
    return any(
        called_name(call) in WEIGHTS
        for place in repo.classes.get(made.name, [])
        for above in repo.lineage(place)
        for call in above.file.within(above.node, ast.Call)
    )


def _stepped(repo: Codebase, each: Round, names: set[str]) -> bool:
    """Whether a loop of the same round steps what has these names, or an optimizer of the round is given their parameters."""
    for one in (*each.above, each):
        for loop in one.file.within(one.node, ast.For, ast.While):
            if loop is one.node:
                continue
            calls = one.file.calls_in(*loop.body)
            trained = any(
                is_backward(c)
                or ((reached := callee(repo, one.file, c)) is not None and reached.node in trains(repo))
                for c in calls
            )
            if trained and any(
                dotted(part) in names for part in one.file.within(loop, ast.Name, ast.Attribute)
            ):
                return True
    return False


def _moved_tables(each: Round) -> set[str]:
    """The tables whose rows the file moves."""
    found: set[str] = set()
    for statement in each.file.within(each.file.nodes[0], ast.AugAssign):
        target = statement.target
        while isinstance(target, ast.Subscript):
            target = target.value
        if target is not statement.target and dotted(target):
            found.add(dotted(target))
    return found


def _loop_of_epochs(source: ParsedFile, call: ast.Call) -> ast.For | None:
    """The loop over epochs whose every round runs a call, with nothing else around it."""
    for outer in source.around(call):
        if isinstance(outer, Function | ast.While | ast.If | ast.Try | ast.Lambda):
            return None
        if isinstance(outer, ast.For):
            return (
                outer
                if "epoch" in dotted(outer.target).lower() and isinstance(outer.iter, ast.Call)
                else None
            )
    return None


def _library(repo: Codebase, source: ParsedFile, call: ast.Call) -> str:
    """The library whose model is fitted, where it was made before the loop and not told to go on; else ""."""
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    made = repo.makers(source, own) if own is not None else []
    loop = _loop_of_epochs(source, call)
    if len(made) != 1 or loop is None or made[0].call in source.calls_in(*loop.body):
        return ""
    goes_on = keyword(made[0].call, "warm_start")
    library = made[0].full_name.partition(".")[0]
    return library if library in BEGIN_ANEW and (goes_on is None or is_false(goes_on)) else ""
