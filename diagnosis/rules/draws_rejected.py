"""The draws of a sampler that are thrown away, and what they are looked up in: `while j in seen[u]: j = randint(n)`."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.draws import is_draw
from diagnosis.rules.evaluating import FEEDS, evaluators
from diagnosis.rules.judging import judges, made_for_judges
from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.repeated import repeated, trains
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, words_of
from diagnosis.syntax import called_name, dotted

HELD_OUT = {Part.TEST, Part.VALID}
KEEPS = ("append", "add", "extend")  # a draw that was looked for and not found goes into the result
AMONG = ("isin", "in1d")


def samples_for_training(repo: Codebase, source: ParsedFile, function: Function) -> bool:
    """Whether a function draws, is run while training, and neither judges nor makes what a judge is handed."""
    if (
        not any(is_draw(source, call) for call in source.calls_in(function))
        or parts_named([function.name]) & HELD_OUT
    ):
        return False
    if (
        function in judges(repo)
        or function in made_for_judges(source, repo)
        or function in evaluators(source)
    ):
        return False
    owner = source.parents.get(function)
    if isinstance(owner, ast.ClassDef) and parts_named([owner.name]) & HELD_OUT:
        return False
    named = Part.TRAIN in parts_named([function.name])
    return named or function in repeated(repo) or function in trains(repo) or function.name in FEEDS


def rejected_by(repo: Codebase, place: Defined, word: str) -> bool:
    """Whether training throws a draw away because it is among what a parameter, or the attribute of its name, holds of a user.

    What an item alone is looked up in knows no events: a vocabulary, a list of what is not for sale, counts of items.
    """
    file = place.file
    for call in file.calls_in(place.node):
        function = file.function_of(call)
        if not is_draw(file, call) or function is None or not samples_for_training(repo, file, function):
            continue
        drawn = _names_drawn(file, call)
        for loop in _loops_around(file, call, place):
            if any(
                _is_among(file, test, drawn, word, rejects) for test, rejects in _tests(file, loop, drawn)
            ):
                return True
    return False


def _names_drawn(file: ParsedFile, draw: ast.Call) -> set[str]:
    """The names that hold what is drawn: of `j = randint(n)`, `drawn[again] = rng.choice(...)`, `for j in rng.integers(n, size=9)`."""
    found: set[str] = set()
    for outer in file.around(draw):
        if isinstance(outer, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            targets = outer.targets if isinstance(outer, ast.Assign) else [outer.target]
        elif isinstance(outer, ast.For | ast.comprehension):
            targets = [outer.target] if draw in file.calls_in(outer.iter) else []
        else:
            targets = []
        for target in targets:
            own = target.value if isinstance(target, ast.Subscript) else target
            found |= {part.id for part in ast.walk(own) if isinstance(part, ast.Name)}
        if isinstance(outer, ast.stmt):
            break
    return found


def _loops_around(file: ParsedFile, draw: ast.Call, place: Defined) -> Iterator[ast.While | ast.For]:
    for outer in file.around(draw):
        if outer is place.node or isinstance(outer, Function):
            return
        if isinstance(outer, ast.While | ast.For):
            yield outer


def _tests(file: ParsedFile, loop: ast.While | ast.For, drawn: set[str]) -> Iterator[tuple[ast.expr, bool]]:
    """What a loop asks before it draws again, and whether a draw is thrown away where the answer is yes."""
    if isinstance(loop, ast.While):
        yield loop.test, True
    for statement in loop.body:
        for part in file.within(statement, ast.If, ast.Assign):
            if isinstance(part, ast.If):
                yield part.test, not _goes_on(part)
            elif drawn & {
                dotted(getattr(t, "value", t)) for t in part.targets if isinstance(t, ast.Subscript)
            }:
                # `again = bought[users, drawn]`, which `drawn[again] = rng.choice(...)` follows
                for target in part.targets:
                    index = target.slice if isinstance(target, ast.Subscript) else None
                    if isinstance(index, ast.Name):
                        yield from (
                            (b.value, True) for b in bindings(file, index.id, index) if b.how is How.ASSIGNED
                        )


def _goes_on(branch: ast.If) -> bool:
    """Whether the branch takes the draw: it ends the loop, hands it back or keeps it."""
    return any(
        isinstance(part, ast.Break | ast.Return | ast.Yield)
        or (isinstance(part, ast.Call) and called_name(part) in KEEPS)
        for statement in branch.body
        for part in ast.walk(statement)
    )


def _is_among(file: ParsedFile, test: ast.expr, drawn: set[str], word: str, rejects: bool) -> bool:
    """Whether a test says, in the sense that throws the draw away, that it is among a user's part of what the word names."""
    if isinstance(test, ast.BoolOp):
        return any(_is_among(file, part, drawn, word, rejects) for part in test.values)
    if isinstance(test, ast.UnaryOp):
        return _is_among(file, test.operand, drawn, word, rejects ^ isinstance(test.op, ast.Not | ast.Invert))
    if isinstance(test, ast.Compare):
        (right, *more), (how, *_) = test.comparators, test.ops
        if more:
            return False
        if isinstance(how, ast.In | ast.NotIn):
            told = rejects == isinstance(how, ast.In)
            return (
                told and bool(drawn & set(words_of(test.left))) and _is_of_user(file, test.left, right, word)
            )
        is_none = isinstance(how, ast.Eq) and isinstance(right, ast.Constant) and right.value == 0
        return _is_among(file, test.left, drawn, word, rejects ^ is_none)
    if isinstance(test, ast.Call):
        if called_name(test) in AMONG and len(test.args) == 2:
            left, right = test.args
            return rejects and bool(drawn & set(words_of(left))) and _is_of_user(file, left, right, word)
        inner = [*test.args, *([test.func.value] if isinstance(test.func, ast.Attribute) else [])]
        return any(_is_among(file, part, drawn, word, rejects) for part in inner)
    if isinstance(test, ast.GeneratorExp | ast.ListComp):
        return _is_among(file, test.elt, drawn, word, rejects)
    if isinstance(test, ast.Subscript):
        return rejects and _names(test.value, word) and _is_cell(test, drawn)
    return False


def _is_of_user(file: ParsedFile, left: ast.expr, right: ast.expr, word: str) -> bool:
    """Whether pairs are looked up in the parameter, or items in what it holds under a key: `(u, j) in known`, `j in seen[u]`."""
    if isinstance(right, ast.Name) and right.id != word:
        known = [b.value for b in bindings(file, right.id, right) if b.how is How.ASSIGNED]
        return any(_names(one, word) and _has_key(one) for one in known)
    if not _names(right, word):
        return False
    pairs = (
        isinstance(left, ast.Tuple | ast.BinOp)
        and len({n.id for n in ast.walk(left) if isinstance(n, ast.Name)}) > 1
    )
    return pairs or _has_key(right)


def _has_key(node: ast.expr) -> bool:
    """Whether something is looked up under a name: `seen[u]`, `seen.get(u, ())`, `items_of(seen, u)`."""
    return any(
        (isinstance(part, ast.Subscript) and not isinstance(part.slice, ast.Constant | ast.Slice))
        or (isinstance(part, ast.Call) and bool(part.args))
        for part in ast.walk(node)
    )


def _is_cell(node: ast.Subscript, drawn: set[str]) -> bool:
    """`bought[u, j]`, `bought[u][j]`"""
    keys = [node.slice, *([node.value.slice] if isinstance(node.value, ast.Subscript) else [])]
    pairs = len(keys) > 1 or (isinstance(node.slice, ast.Tuple) and len(node.slice.elts) > 1)
    return pairs and any(drawn & set(words_of(key)) for key in keys)


def _names(node: ast.expr, word: str) -> bool:
    return any(word in (name, name.lstrip("_")) for name in words_of(node))
