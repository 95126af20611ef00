"""Static rule: a model that is chosen by its test metric."""

import ast
from collections.abc import Iterator
from itertools import islice

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.parts_of_data import Part, parts_in, parts_named
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import How, bindings, names_in, origins, parameters, same, words_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="selected-on-test",
    found_by=FoundBy.RULE,
    title="Model selected on test",
    why="Keeping the epoch that is best on test makes the test figure a training figure.",
    definition="A metric of test events in the condition under which the model is kept, or training stops. Test events are what is called so, "
    "and the last of each user's events after histories that hold the one of validation.",
    roles=(Role.ENTRY,),
    sources=("github.com/xiangwang1223/neural_graph_collaborative_filtering/issues/37",),
)

SAVES = {
    "save",
    "save_checkpoint",
    "deepcopy",
    "state_dict",
    "save_model",
    "save_weights",
    "clone",
    "save_pretrained",
}
JOINS = {"append", "concatenate", "cat", "hstack", "concat", "chain"}
METRICS = ("ndcg", "recall", "hr", "hit", "mrr", "map", "auc", "metric", "score")
COUNTERS = {"epoch", "epochs", "step", "steps", "global_step", "iteration", "iterations", "it", "n_iter"}
ASKS = {"step", "update", "check", "call"}  # of a stopper, whether it is time
LOADS = {"load_state_dict", "load"}  # by which a chosen state is taken up again
MOST_ORIGINS = 8
MOST_STEPS = 3  # assignments between the metric and the evaluation that returns it


def selected_on_test(source: ParsedFile) -> Iterator[RuleHit]:
    """Conditions such as `if ndcg > best: torch.save(...)`, where `ndcg` was measured on test events; calls of an early
    stopper with such a metric.
    """
    for node in source.within(source.nodes[0], ast.If):
        compared = [
            part
            for part in source.within(node.test, ast.Compare)
            if any(isinstance(op, ast.Gt | ast.GtE | ast.Lt | ast.LtE) for op in part.ops)
            and not any(_counts_time(side) for side in (part.left, *part.comparators))
        ]
        sides = [side for part in compared for side in (part.left, *part.comparators)]
        if sides and (_saves(source, node) or _keeps_the_best(node, sides)) and _of_test(source, *sides):
            yield _hit(source, node)
    for call in source.calls_named("max", "argmax"):
        if _picks_by_test(call):
            yield _hit(source, call)
    if not LOADS.isdisjoint(source.called_names):
        for call in source.calls_named("argmax", "argmin", "max"):
            if _picks_epoch_by_test(source, call):
                yield _hit(source, call)
    for call in source.calls_named("step") if "ReduceLROnPlateau" in source.called_names else ():
        if _lowers_rate(source, call) and _of_test(source, *call.args):
            yield _hit(source, call)
    for name in source.called_names:
        if name in ASKS or "stop" in name.lower():
            for call in source.calls_named(name):
                if _stops(call) and _of_test(source, *call.args):
                    yield _hit(source, call)
    whole = source.repo is not None and _takes_validation(source.repo)
    for call in source.calls:
        if call.keywords and _watches_test(call):
            yield _hit(source, call)
        if (whole or call.keywords) and _stands_for_validation(source, call):
            yield _hit(source, call)


def _hit(source: ParsedFile, node: ast.expr | ast.stmt) -> RuleHit:
    return source.hit(
        KIND.code, node, "keeps the model that is best on test: choose by validation, read test once"
    )


def _counts_time(side: ast.expr) -> bool:
    """Whether a side counts epochs or steps, as in `epoch > first_test_epoch`, where no metric is compared."""
    return dotted(side).rpartition(".")[2].lower() in COUNTERS


def _saves(source: ParsedFile, node: ast.If) -> bool:
    return any(called_name(call) in SAVES for call in source.calls_in(*node.body))


def _keeps_the_best(node: ast.If, sides: list[ast.expr]) -> bool:
    """Whether the body makes one side of the comparison the other: `if ndcg > best: best = ndcg`."""
    names = [dotted(side) for side in sides]
    for statement in node.body:
        if isinstance(statement, ast.Assign) and any(
            dotted(t) in names for t in statement.targets if dotted(t)
        ):
            taken = statement.value.elts if isinstance(statement.value, ast.Tuple) else [statement.value]
            if any(same(part, side) for part in taken for side in sides):
                return True
    return False


def _stops(call: ast.Call) -> bool:
    words = called_name(call).lower().replace("_", "")
    owner = dotted(call.func).rpartition(".")[0].lower()
    return "earlystop" in words or words in ("stopper", "stopping") or (words in ASKS and "stop" in owner)


def _stands_for_validation(source: ParsedFile, call: ast.Call) -> bool:
    """Whether test events are given for the validation by which a function keeps its best: `trainer.fit(train, test)` of
    `def fit(self, train, valid)`.
    """
    if source.repo is None:
        return False
    told = call.args if _takes_validation(source.repo) else []
    given = [place for place, argument in enumerate(told) if parts_in(argument) == {Part.TEST}]
    valid = [k for k in call.keywords if parts_named([k.arg or ""]) == {Part.VALID}]
    named = [k.arg or "" for k in valid if parts_in(k.value) == {Part.TEST}]
    if not (given or named):
        return False
    run = source.repo.callee(source, call)
    if run is None or not isinstance(run.node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    names = [name for name in parameters(run.node) if name not in ("self", "cls")]
    meant = [*named, *(names[place] for place in given if place < len(names))]
    if not any(parts_named([name]) == {Part.VALID} for name in meant):
        return False
    return any(_stops(inner) or called_name(inner) in SAVES for inner in run.file.calls_in(run.node))


@once
def _takes_validation(repo: Codebase) -> bool:
    """Whether any function has a parameter for the validation: few repos have, and every call is asked."""
    functions = (function for file in repo.files for function in file.functions)
    return any(parts_named([name]) == {Part.VALID} for f in functions for name in parameters(f))


def _watches_test(call: ast.Call) -> bool:
    """Whether a callback keeps the best, or stops, by the name of a test metric: `ModelCheckpoint(monitor="test_ndcg")`."""
    watched = [
        k.value for k in call.keywords if k.arg in ("monitor", "metric_for_best_model", "watch_metric")
    ]
    return any(isinstance(w, ast.Constant) and parts_in(w) == {Part.TEST} for w in watched)


def _picks_by_test(call: ast.Call) -> bool:
    """Whether the best of several is taken by a test metric: `max(runs, key=lambda r: r["test_ndcg"])`."""
    key = next((k.value for k in call.keywords if k.arg == "key"), None)
    if key is not None:
        return parts_in(key) == {Part.TEST}
    given = call.args[0] if call.args else call
    words = [word.lower() for word in words_of(given)]
    return called_name(call) == "argmax" and any(
        parts_named([word]) == {Part.TEST} and any(metric in word for metric in METRICS) for word in words
    )


def _lowers_rate(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a schedule is told a figure, by which it lowers the learning rate: `ReduceLROnPlateau`."""
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    if own is None or len(call.args) != 1:
        return False
    made = [b.value for b in bindings(source, dotted(own), own)]
    return any(isinstance(value, ast.Call) and called_name(value) == "ReduceLROnPlateau" for value in made)


def _picks_epoch_by_test(source: ParsedFile, call: ast.Call) -> bool:
    """`best = np.argmax(history)`, whose place chooses a state, where each epoch appended a figure of test events."""
    given = call.args[0] if call.args else None
    if isinstance(given, ast.Attribute | ast.Subscript) or not isinstance(given, ast.Name) or parts_in(given):
        return False
    added = [
        one
        for one in source.calls_named("append")
        if isinstance(one.func, ast.Attribute) and dotted(one.func.value) == given.id and len(one.args) == 1
    ]
    return bool(added) and all(_is_test(source, one.args[0], MOST_STEPS) for one in added)


def _of_test(source: ParsedFile, *nodes: ast.expr) -> bool:
    """Whether a value is a metric of test events: by its name, or by what the call that made it was given."""
    for node in nodes:
        found = parts_in(node)
        if found == {Part.VALID} and any(_is_test_by_another_name(source, name) for name in names_in(node)):
            return True
        if Part.TEST in found and Part.VALID not in found:
            return not _is_of_validation(source, node)
        if not found and any(_made_of_test(source, name, MOST_STEPS) for name in names_in(node)):
            return True
    return False


def _made_of_test(source: ParsedFile, name: ast.Name | ast.Attribute, steps: int) -> bool:
    made = [b.value for b in bindings(source, dotted(name), name) if b.how is not How.CHANGED]
    made = [
        value
        for value in made
        if not isinstance(value, ast.Constant | ast.UnaryOp) and not _is_made_once(value)
    ]
    if not made or steps == 0:
        return False
    return all(_is_test(source, value, steps) for value in made)


def _is_test(source: ParsedFile, value: ast.expr, steps: int) -> bool:
    call = next((part for part in ast.walk(value) if isinstance(part, ast.Call)), None)
    if call is not None:
        given = parts_in(*call.args, *(k.value for k in call.keywords))
        named = [n for a in (*call.args, *(k.value for k in call.keywords)) for n in names_in(a)]
        if Part.TEST not in given and any(_is_test_by_another_name(source, name) for name in named):
            return True
        if Part.TEST not in given and _asks_after_validation(source, call):
            return True
        found = given if given else parts_named([called_name(call)]) - {Part.TRAIN}
        if found:
            return Part.TEST in found and Part.VALID not in found and not _is_of_validation(source, call)
    if parts_in(value):
        return Part.TEST in parts_in(value) and Part.VALID not in parts_in(value)
    return any(_made_of_test(source, name, steps - 1) for name in names_in(value))


def _asks_after_validation(source: ParsedFile, call: ast.Call) -> bool:
    """Whether an evaluation is given histories that go on with the event of validation, and the last event of all as truth:
    `evaluate(net, {u: np.append(past[u], valid[u]) for u in past}, {u: events[-1] for u, events in log.items()})`.
    """
    given = [_made(source, one) for one in (*call.args, *(k.value for k in call.keywords))]
    joined = [one for one in given if any(_joins_validation(source, part) for part in ast.walk(one))]
    last = [one for one in given if one not in joined and not parts_in(one) and _takes_the_last(one)]
    return bool(joined) and bool(last)


def _made(source: ParsedFile, node: ast.expr) -> ast.expr:
    """What a name was given by its only assignment; the expression itself otherwise."""
    found = bindings(source, node.id, node) if isinstance(node, ast.Name) else []
    whole = len(found) == 1 and found[0].how is How.ASSIGNED and found[0].position is None
    return found[0].value if whole else node


def _joins_validation(source: ParsedFile, node: ast.AST) -> bool:
    """`np.append(past[u], valid[u])`, `past[u] + [valid[u]]`, `[*past[u], valid[u]]`: a history, and what comes next in validation."""
    if isinstance(node, ast.Call) and called_name(node) in JOINS and node.args:
        parts = node.args[0].elts if isinstance(node.args[0], ast.Tuple | ast.List) else node.args
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [node.left, node.right]
    elif isinstance(node, ast.List) and any(isinstance(part, ast.Starred) for part in node.elts):
        parts = node.elts
    else:
        return False
    spoken = [_spoken_of(source, part) for part in parts]
    return len(parts) == 2 and spoken[1] == {Part.VALID} and Part.VALID not in spoken[0]


def _spoken_of(source: ParsedFile, node: ast.expr) -> set[Part]:
    """The parts of the data that an expression speaks of, or what its names go through: `v` of `zip(seqs, valid)`."""
    found = parts_in(node)
    for name in names_in(node) if not found else ():
        for binding in bindings(source, dotted(name), name):
            value, place = binding.value, binding.position
            if binding.how is not How.ITERATED:
                continue
            if isinstance(value, ast.Call) and called_name(value) == "zip" and place is not None:
                value = value.args[place] if place < len(value.args) else value
            found |= parts_in(value)
    return found


def _takes_the_last(node: ast.expr) -> bool:
    """Whether a dictionary or list holds the last event of each user."""
    made = isinstance(node, ast.DictComp | ast.ListComp)
    value = (
        node.value if isinstance(node, ast.DictComp) else node.elt if isinstance(node, ast.ListComp) else node
    )
    return made and any(isinstance(p, ast.Subscript) and number(p.slice) == -1 for p in ast.walk(value))


def _is_test_by_another_name(source: ParsedFile, name: ast.Name | ast.Attribute) -> bool:
    """Whether what is called validation was made of test events: `valid_loader = DataLoader(test_set)`."""
    made = [
        b.value for b in bindings(source, dotted(name), name) if b.how is How.ASSIGNED and b.position is None
    ]
    return (
        parts_in(name) == {Part.VALID}
        and bool(made)
        and all(parts_in(value) == {Part.TEST} for value in made)
    )


def _is_of_validation(source: ParsedFile, node: ast.expr) -> bool:
    """Whether what is called test was made of validation events; what is made of both tells nothing, as a count of items."""
    steps = (parts_in(step) for step in islice(origins(source, node), 1, MOST_ORIGINS))
    return any(Part.VALID in found and Part.TEST not in found for found in steps)


def _is_made_once(value: ast.expr) -> bool:
    """Whether a value is an object, as a trainer that holds all loaders, and no figure."""
    return isinstance(value, ast.Call) and called_name(value)[:1].isupper()


RULE = Rule(kind=KIND, run=selected_on_test)
