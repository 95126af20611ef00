"""Where a log that was divided is handed on whole, and a part alone is taken of it there: by a mask, a cut, or a condition."""

import ast
from collections.abc import Iterable, Iterator

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.parts_of_data import Part, parts_in
from diagnosis.rules.places_from import number
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, names_in, parameters, words_of
from diagnosis.rules.whole_log import HELD_OUT, is_whole
from diagnosis.syntax import called_name, dotted

# Conditions on these choose events of all parts alike.
OF_EVENTS = {
    "rating",
    "ratings",
    "score",
    "scores",
    "stars",
    "label",
    "labels",
    "weight",
    "weights",
    "count",
    "counts",
}
CHOOSES = ("query", "masked_select", "compress", "filter")


def is_cut(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call is given what the log was divided by, takes a part of what it is given, or has a part taken of its result."""
    if is_given_cut(source, call):
        return True
    cuts = _cut_by(source, call)
    return any(_takes_part(place, word) for place, word in _filled(repo, source, call)) or _is_cut_later(
        source, call, cuts
    )


def is_given_cut(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call is given what the log was divided by beside the log: `Graph(log, until)`, where `train = log[log.time < until]`."""
    given = [*call.args, *(k.value for k in call.keywords)]
    cuts = _cut_by(source, call)
    return any(name.id in cuts for one in given for name in names_in(one) if isinstance(name, ast.Name))


def is_filled_in_part(source: ParsedFile, loop: ast.For) -> bool:
    """Whether a loop passes some events over: `if event in held: continue`, `if t < until: graph[u].append(i)`."""
    return any(_chooses(source, part.test) for s in loop.body for part in source.within(s, ast.If))


def _cut_by(source: ParsedFile, call: ast.Call) -> set[str]:
    """The names by which the function around a call tells the parts: `until` of `train = log[log.time < until]`."""
    found: set[str] = set()
    for statement in source.within(source.function_of(call) or source.nodes[0], ast.Assign):
        if not parts_in(*statement.targets) & {Part.TRAIN, *HELD_OUT}:
            continue
        for part in ast.walk(statement.value):
            if isinstance(part, ast.Subscript):
                own = {n.id for n in ast.walk(part.value) if isinstance(n, ast.Name)}
                found |= {n.id for n in ast.walk(part.slice) if isinstance(n, ast.Name)} - own
    return found


def _filled(repo: Codebase, source: ParsedFile, call: ast.Call) -> Iterator[tuple[Defined, str]]:
    """The functions that a call runs, each with a parameter that is given the log whole."""
    name = called_name(call)
    classes = repo.classes.get(name, [])
    places = [*repo.functions.get(name, []), *classes]
    for place in places if len(places) == 1 else []:
        first = repo.method(place, "__init__") if classes else place
        names = parameters(first.node) if first is not None and isinstance(first.node, Function) else []
        names = names[1:] if names[:1] == ["self"] else names
        given = [*zip(names, call.args), *((k.arg or "", k.value) for k in call.keywords)]
        for word, value in given:
            if any(isinstance(n, ast.Name) and is_whole(repo, source, n) for n in names_in(value)):
                yield place, word


def _takes_part(place: Defined, word: str) -> bool:
    """Whether a function or class takes some of what a parameter holds: `log[log.time < until]`, `log.query(...)`, `for e in log if ...`."""
    file = place.file
    words = {word}
    for statement in file.within(place.node, ast.Assign):
        if words & set(words_of(statement.value)):
            words |= {dotted(target).rpartition(".")[2] for target in statement.targets} - {""}
    for loop in file.within(place.node, ast.For, ast.comprehension):
        if words & set(words_of(loop.iter)):
            words |= {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
    for part in file.within(place.node, ast.Subscript, ast.Call, ast.comprehension, ast.For):
        if isinstance(part, ast.Subscript):
            read = isinstance(part.ctx, ast.Load) and not _is_of_itself(part)
            told = part.value if read and (_ends_early(part) or _chooses(file, part.slice)) else None
        elif isinstance(part, ast.Call):
            own = part.func.value if isinstance(part.func, ast.Attribute) else None
            told = own if called_name(part) in CHOOSES else None
        elif isinstance(part, ast.For):
            told = part.iter if is_filled_in_part(file, part) else None
        else:
            told = part.iter if any(_chooses(file, test) for test in part.ifs) else None
        if told is not None and words & set(words_of(told)):
            return True
    return False


def _ends_early(part: ast.Subscript) -> bool:
    """`events[:-1]`"""
    return isinstance(part.slice, ast.Slice) and (number(part.slice.upper) or 0) < 0


def _is_of_itself(part: ast.Subscript) -> bool:
    """`degrees[degrees > 0]`, which asks what was counted and not of when."""
    return isinstance(part.slice, ast.Compare) and dotted(part.slice.left) == dotted(part.value) != ""


def _chooses(file: ParsedFile, test: ast.expr) -> bool:
    """Whether a condition may tell the parts of a log from each other; one on ratings does not."""
    asked: Iterable[ast.expr] = [test]
    if isinstance(test, ast.Name):
        asked = [b.value for b in bindings(file, test.id, test) if b.how is How.ASSIGNED]
    compared = [part for one in asked for part in ast.walk(one) if isinstance(part, ast.Compare)]
    return any(not OF_EVENTS & {word.lower() for word in words_of(part)} for part in compared)


def _is_cut_later(source: ParsedFile, call: ast.Call, cuts: set[str]) -> bool:
    """Whether those of training are taken of what a call made: `edges[:, train_mask]`."""
    statement = next((o for o in source.around(call) if isinstance(o, ast.stmt)), None)
    kept = {dotted(t) for t in statement.targets} - {""} if isinstance(statement, ast.Assign) else set[str]()
    return any(
        dotted(part.value) in kept
        and (Part.TRAIN in parts_in(part.slice) or bool(cuts & set(words_of(part.slice))))
        for part in source.within(source.function_of(call) or source.nodes[0], ast.Subscript)
    )
