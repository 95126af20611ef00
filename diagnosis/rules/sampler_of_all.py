"""Samplers of negatives for training that are made of the whole log, and not of its training part."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.draws import is_draw
from diagnosis.rules.draws_rejected import rejected_by
from diagnosis.rules.parts_of_data import Part, parts_in, parts_named
from diagnosis.rules.parts_taken import is_given_cut
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, parameters
from diagnosis.rules.whole_log import HELD_OUT, divisions, is_whole, reads_whole, takes_training
from diagnosis.syntax import called_name, dotted

SAMPLERS = ("sampl", "negativ", "corrupt")
OF_A_GRAPH = (
    "kgsampl",
    "kg_sampl",
    "triple",
    "entity",
    "knowledge",
)  # draws facts of items, which are not divided


def made_of_whole_log(repo: Codebase, source: ParsedFile) -> Iterator[ast.Call]:
    """`NegativeSampler(log)` where training data are at hand too, and the log was divided before it came there."""
    if not any(divisions(file) for file in repo.files):
        return
    for call in source.calls:
        given = [*call.args, *(k.value for k in call.keywords)]
        if not given or not _makes_sampler(repo, source, call) or not reads_whole(repo, source, *given):
            continue
        if (
            Part.TRAIN not in parts_in(*given)
            and not is_given_cut(source, call)
            and not takes_training(repo, call)
            and _is_for_training(source, call)
        ):
            yield call
    yield from _spared(repo, source)


def _makes_sampler(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call makes a sampler of negatives: by its name, or because a class of the repo draws until nothing known is left."""
    name = called_name(call).lower()
    if any(word in name for word in OF_A_GRAPH):
        return False
    return any(word in name for word in SAMPLERS) or any(map(_rejects, _classes(repo, call)))


def _classes(repo: Codebase, call: ast.Call) -> list[Defined]:
    """The classes of the repo whose object a call makes: `Rivals(log)`, `Rivals.of(log)`."""
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    return [
        *repo.classes.get(called_name(call), []),
        *(repo.classes.get(own.id, []) if isinstance(own, ast.Name) else []),
    ]


def _rejects(place: Defined) -> bool:
    """Whether a class or function draws again, or from what is left, where a draw is known: `while j in seen[u]: j = randint(n)`."""
    file = place.file
    draws = [call for call in file.calls_in(place.node) if is_draw(file, call)]
    for draw in draws:
        for outer in file.around(draw):
            if outer is place.node or isinstance(outer, Function):
                break
            if isinstance(outer, ast.While) and _asks(file, outer):
                return True
            if isinstance(outer, ast.For) and _replaces(file, outer, draw):
                return True
    return False


def _asks(file: ParsedFile, loop: ast.While) -> bool:
    """Whether a loop goes on while what was drawn is among something, or breaks when it is not."""
    tests = [loop.test, *(part.test for s in loop.body for part in file.within(s, ast.If))]
    return any(
        isinstance(part, ast.Subscript)
        or (isinstance(part, ast.Compare) and isinstance(part.ops[0], ast.In | ast.NotIn))
        for test in tests
        for part in ast.walk(test)
    )


def _replaces(file: ParsedFile, loop: ast.For, draw: ast.Call) -> bool:
    """`for _ in range(50): again = bought[users, drawn]; drawn[again] = rng.choice(...)`"""
    statement = next((o for o in file.around(draw) if isinstance(o, ast.stmt)), None)
    target = statement.targets[0] if isinstance(statement, ast.Assign) else None
    if not isinstance(target, ast.Subscript) or not isinstance(target.slice, ast.Name):
        return False
    known = [b.value for b in bindings(file, target.slice.id, target)]
    return any(
        isinstance(p, ast.Subscript) or _name_of(p) in ("isin", "in1d") for v in known for p in ast.walk(v)
    )


def _name_of(node: ast.AST) -> str:
    return called_name(node) if isinstance(node, ast.Call) else ""


def _spared(repo: Codebase, source: ParsedFile) -> Iterator[ast.Call]:
    """`seen = items_of(log)` in `Pairs(train, seen)`, whose class draws until an item is not in `seen`."""
    for call in source.calls:
        given = {n: one.id for n, one in enumerate(call.args) if isinstance(one, ast.Name)}
        given |= {k.arg: k.value.id for k in call.keywords if isinstance(k.value, ast.Name) and k.arg}
        told = parts_named(given.values())
        if Part.TRAIN not in told or told & HELD_OUT:
            continue
        places = [*_classes(repo, call), *repo.functions.get(called_name(call), [])]
        if len(places) != 1 or not _rejects(places[0]):
            continue
        for place, name in given.items():
            made = [b.value for b in bindings(source, name, call) if b.how is How.ASSIGNED]
            word = _parameter(places[0], place)
            if word and _is_whole_itself(repo, source, call, name) and rejected_by(repo, places[0], word):
                yield call
                continue
            if len(made) != 1 or not isinstance(made[0], ast.Call | ast.DictComp) or parts_in(made[0]):
                continue
            if reads_whole(repo, source, made[0]) and word and rejected_by(repo, places[0], word):
                yield made[0] if isinstance(made[0], ast.Call) else call


def _is_whole_itself(repo: Codebase, source: ParsedFile, call: ast.Call, name: str) -> bool:
    """Whether an argument of a call is the divided log itself, by user."""
    given = [*call.args, *(k.value for k in call.keywords)]
    return any(isinstance(one, ast.Name) and one.id == name and is_whole(repo, source, one) for one in given)


def _parameter(place: Defined, at: int | str) -> str:
    """The parameter that an argument fills, of a function or of a class's constructor; a dataclass's field."""
    if isinstance(at, str):
        return at
    node = place.node
    if isinstance(node, ast.ClassDef):
        made = next((f for f in node.body if isinstance(f, Function) and f.name == "__init__"), None)
        fields = [
            s.target.id for s in node.body if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name)
        ]
        names = parameters(made)[1:] if made is not None else fields
    else:
        names = parameters(node) if isinstance(node, Function) else []
    return names[at] if at < len(names) else ""


def _is_for_training(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the sampler serves training: kept by an object that is given training data, or handed on together with them."""
    function = source.function_of(call)
    owner = source.parents.get(function) if function is not None else None
    names = [getattr(function, "name", ""), getattr(owner, "name", "")]
    if parts_named(names) & HELD_OUT or any("eval" in name.lower() for name in names):
        return False
    statement = next((o for o in source.around(call) if isinstance(o, ast.stmt)), None)
    kept = dotted(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
    if parts_named([kept]) & HELD_OUT:
        return False
    if kept.startswith("self.") and isinstance(function, Function):
        return Part.TRAIN in parts_named(parameters(function))
    around = function or source.nodes[0]
    beside = [
        parts_in(*other.args, *(k.value for k in other.keywords))
        for other in source.calls_in(around)
        if kept and any(dotted(a) == kept for a in (*other.args, *(k.value for k in other.keywords)))
    ]
    return bool(beside) and all(Part.TRAIN in told and not told & HELD_OUT for told in beside)
