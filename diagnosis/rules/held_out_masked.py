"""Evaluations that hide what they look for: the items of which the scores are set to -inf are those of all parts of the data."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.definitions import Defined, Made, argument_of
from diagnosis.rules.judging import judges
from diagnosis.rules.parts_of_data import Part, parts_in, parts_named
from diagnosis.rules.repeated import callee
from diagnosis.rules.source import Function, Loop, ParsedFile
from diagnosis.rules.tensor_calls import amount
from diagnosis.rules.values import Binding, How, bindings, bound_to, parameters, same, words_of
from diagnosis.syntax import called_name, dotted

LOWEST = -1e4  # scores below this are masked on purpose
FILLS = {"masked_fill", "masked_fill_", "index_fill", "index_fill_", "scatter", "scatter_"}
LEAVES_OUT = {"difference", "difference_update", "discard", "remove", "setdiff1d", "symmetric_difference", "isdisjoint", "pop", "delete"}  # fmt: skip
GROWS = {"add", "append", "update", "extend"}
JOINS = {"union", "concatenate", "concat", "chain", "hstack", "append", "cat", "logical_or"}
STEPS = 12  # names that one question follows


@dataclass(frozen=True, kw_only=True)
class _Mask:
    """A statement that makes some scores very low. scores: their name. hidden: what picks them."""

    statement: ast.stmt
    scores: str
    hidden: ast.expr


def held_out_masked(repo: Codebase, source: ParsedFile) -> Iterator[tuple[ast.stmt, str]]:
    """(mask, the part that it hides with the rest): `scores[list(train[u] | test[u])] = -inf` where `test[u]` is looked for."""
    for function in source.functions:
        if function not in judges(repo):
            continue
        for mask in _masks(source, function):
            if _leaves_out(source, function) or _score_is_kept(source, function, mask):
                continue
            held = _held(repo, source, function, mask)
            if held:
                yield mask.statement, held


def _masks(source: ParsedFile, function: Function) -> Iterator[_Mask]:
    for statement in source.within(function, ast.Assign):
        value = amount(statement.value)
        for target in statement.targets if value is not None and value <= LOWEST else ():
            if isinstance(target, ast.Subscript) and dotted(target.value):
                yield _Mask(statement=statement, scores=dotted(target.value), hidden=target.slice)
    for call in source.calls_in(function):
        own = call.func.value if isinstance(call.func, ast.Attribute) else None
        if called_name(call) in FILLS and len(call.args) >= 2 and own is not None and dotted(own):
            value = amount(call.args[-1])
            if value is not None and value <= LOWEST:
                statement = next(o for o in source.around(call) if isinstance(o, ast.stmt))
                yield _Mask(statement=statement, scores=dotted(own), hidden=call.args[-2])


def _held(repo: Codebase, source: ParsedFile, function: Function, mask: _Mask) -> str:
    """The name of the part that is hidden and looked for; "" if there is none."""
    steps = _steps(source, mask.hidden)
    for step in steps:
        joined = _joined(step)
        if _takes_off(step) or Part.TRAIN not in joined or isinstance(step, ast.IfExp):
            continue
        inside = set(ast.walk(step))
        names = [n for n in source.within(function, ast.Name, ast.Attribute) if n not in inside]
        outside = parts_named(dotted(n).rpartition(".")[2] for n in names)
        for wanted in (Part.TEST, Part.VALID):
            if wanted in joined and wanted in outside and (wanted is Part.TEST or Part.TEST not in outside):
                return _named(step, wanted)
    for name in dict.fromkeys(
        dotted(n) for step in steps for n in ast.walk(step) if isinstance(n, ast.Attribute)
    ):
        held = _filled_with_test(repo, name.rpartition(".")[2]) if name else ""
        if held:
            return held
    return _cut_from(repo, source, function, steps)


def _steps(source: ParsedFile, node: ast.expr) -> list[ast.expr]:
    """What picks the scores, and what its names stand for, the users at whom tables are looked up left out."""
    waiting, found = [node], list[ast.expr]()
    while waiting and len(found) < STEPS:
        step = waiting.pop(0)
        if step in found:
            continue
        found.append(step)
        for name in _names_but_indices(step):
            waiting += bound_to(source, name)
    return found


def _names_but_indices(node: ast.AST) -> Iterator[ast.Name | ast.Attribute]:
    if isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and dotted(node).count(".") == 1):
        yield node
    elif isinstance(node, ast.Subscript):
        yield from _names_but_indices(node.value)
    else:
        for part in ast.iter_child_nodes(node):
            yield from _names_but_indices(part)


def _joined(step: ast.expr) -> set[Part]:
    """The parts of the data that an expression puts together: `train[u] + test[u]`, `np.concatenate([train[u], test[u]])`."""
    found: set[Part] = set()
    for node in ast.walk(step):
        sums = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.BitOr)
        if sums or (isinstance(node, ast.Call) and called_name(node) in JOINS):
            words = [parts_named([word]) for word in words_of(node)]
            found |= {part for named in words if len(named) == 1 for part in named}
    return found


def _cut_from(repo: Codebase, source: ParsedFile, function: Function, steps: list[ast.expr]) -> str:
    """The name of the log that a caller hands over to be hidden, where it also hands over a part that it has cut from this log."""
    names = parameters(function)
    held = [name for name in names if parts_named([name]) & {Part.TEST, Part.VALID}]
    read = {n.id for step in steps for n in ast.walk(step) if isinstance(n, ast.Name) and n.id in names}
    hidden = {name for name in read - set(held) if not _is_of_seen(name)}
    looked = {n.id for n in source.within(function, ast.Name)} & set(held)
    held = [name for name in held if name in looked]
    for made in repo.calls(function.name) if held and hidden else ():
        reached = callee(repo, made.file, made.call)
        if reached is None or reached.node is not function:
            continue
        shift = names[:1] == ["self"]
        given = {name: argument_of(made, name, names.index(name) - shift) for name in (*hidden, *held)}
        for log in hidden:
            whole = given[log]
            for part in held:
                cut = given[part]
                if whole is not None and cut is not None and _is_cut(made.file, whole[1], cut[1]):
                    return dotted(whole[1])
    return ""


def given_whole(repo: Codebase, source: ParsedFile) -> Iterator[tuple[ast.Call, str]]:
    """(call, part): an evaluation that is handed, as what users have seen, the very log that the part beside it was cut from."""
    for call in source.calls:
        parts = [*call.args, *(k.value for k in call.keywords)]
        if not any(parts_in(part) & {Part.TEST, Part.VALID} for part in parts):
            continue
        reached = callee(repo, source, call)
        if reached is None or reached.node not in judges(repo) or not isinstance(reached.node, Function):
            continue
        names = parameters(reached.node)
        seen = next((name for name in names if _is_of_seen(name)), "")
        if not seen or _cuts_ends(reached):
            continue
        made = Made(file=source, call=call)
        whole = argument_of(made, seen, names.index(seen) - (names[:1] == ["self"]))
        for part in parts:
            if whole is not None and part is not whole[1] and _is_cut(source, whole[1], part):
                yield call, ast.unparse(part)


def given_twice(repo: Codebase, source: ParsedFile) -> Iterator[tuple[ast.Call, str]]:
    """(call, part): an evaluation that is handed one held-out part both as what it looks for and as what it hides."""
    for call in source.calls:
        parts = [*call.args, *(k.value for k in call.keywords)]
        twice = [p for p in parts if parts_in(p) in ({Part.TEST}, {Part.VALID}) and _has_equal(p, parts)]
        reached = callee(repo, source, call) if twice else None
        if reached is None or reached.node not in judges(repo) or not isinstance(reached.node, Function):
            continue
        names, file = parameters(reached.node), reached.file
        steps = [_steps(file, mask.hidden) for mask in _masks(file, reached.node)]
        picked = [step for found in steps if not any(map(_takes_off, found)) for step in found]
        hidden = {n.id for step in picked for n in _names_but_indices(step) if isinstance(n, ast.Name)}
        for name in (name for name in names if name in hidden and _is_of_seen(name)):
            given = argument_of(
                Made(file=source, call=call), name, names.index(name) - (names[:1] == ["self"])
            )
            if given is not None and given[1] in twice and not _leaves_out(file, reached.node):
                yield call, ast.unparse(given[1])


def _has_equal(part: ast.expr, parts: list[ast.expr]) -> bool:
    return any(same(part, other) for other in parts if other is not part)


def _cuts_ends(function: Defined) -> bool:
    """Whether a function leaves out the newest events of something: `x[:-1]`."""
    return any(
        isinstance(part.slice, ast.Slice) and isinstance(part.slice.upper, ast.UnaryOp)
        for part in function.file.within(function.node, ast.Subscript)
    )


def _is_of_seen(name: str) -> bool:
    return any(word in name.lower() for word in ("seen", "hist", "rated", "known", "exclude", "train"))


def _is_cut(file: ParsedFile, whole: ast.expr, part: ast.expr) -> bool:
    """Whether a part was made from the very values that names still have: `train, test = split(log)`, `{u: h[-1:] for u, h in log.items()}`;
    both may go through one function: `by_user(log)`, `by_user(test)`.
    """
    if isinstance(whole, ast.Call) and isinstance(part, ast.Call) and called_name(whole) == called_name(part):
        if len(whole.args) != 1 or len(part.args) != 1:
            return False
        whole, part = whole.args[0], part.args[0]
    if isinstance(whole, ast.Call) and called_name(whole) in ("zip", "list", "stack", "column_stack"):
        logs = {n.id for a in whole.args for n in ast.walk(a) if isinstance(n, ast.Name)}
    else:
        logs = {dotted(whole)} - {""}
    if (
        not isinstance(part, ast.Name)
        or not logs
        or part.id in logs
        or not parts_named([part.id]) & {Part.TEST, Part.VALID}
    ):
        return False
    for made in bindings(file, part.id, part):
        read = {n.id for n in ast.walk(made.value) if isinstance(n, ast.Name)}
        own = [b for name in logs for b in bindings(file, name, whole)]
        if logs <= read and all(b.value.lineno < made.value.lineno for b in own) and _cuts(made, logs):
            return True
    return False


def _cuts(made: Binding, logs: set[str]) -> bool:
    """Whether a binding takes a part of what it reads, as a split or the end of each list does."""
    if made.how is not How.ASSIGNED or not isinstance(made.node, ast.Assign):
        return False
    if isinstance(made.value, ast.DictComp):
        gone_through = _names_but_indices(made.value.generators[0].iter)
        return isinstance(made.value.value, ast.Subscript) and any(
            dotted(n).partition(".")[0] in logs for n in gone_through
        )
    if isinstance(made.value, ast.Subscript):
        return dotted(made.value.value) in logs
    targets = [dotted(t) for one in made.node.targets if isinstance(one, ast.Tuple) for t in one.elts]
    return isinstance(made.value, ast.Call) and any(Part.TRAIN in parts_named([t]) for t in targets)


def _named(step: ast.expr, part: Part) -> str:
    return next(word for word in words_of(step) if parts_named([word]) == {part})


def _takes_off(step: ast.expr) -> bool:
    return any(isinstance(n, ast.BinOp) and isinstance(n.op, ast.Sub | ast.BitXor) for n in ast.walk(step))


def _leaves_out(source: ParsedFile, function: Function) -> bool:
    """Whether anything is taken out of a set there, or only what is not among the targets is taken."""
    if any(called_name(call) in LEAVES_OUT for call in source.calls_in(function)):
        return True
    if any(
        isinstance(op, ast.NotIn | ast.NotEq) for c in source.within(function, ast.Compare) for op in c.ops
    ):
        return True
    return any(
        isinstance(n.op, ast.Sub) and parts_in(n.right) for n in source.within(function, ast.BinOp)
    ) or any(isinstance(n.op, ast.Invert) for n in source.within(function, ast.UnaryOp))


def _score_is_kept(source: ParsedFile, function: Function, mask: _Mask) -> bool:
    """Whether scores are read one by one before the mask, or written again after it, as those of targets are."""
    for part in source.within(function, ast.Subscript):
        if dotted(part.value) != mask.scores:
            continue
        if isinstance(part.ctx, ast.Load) and part.lineno < mask.statement.lineno:
            return True
        if isinstance(part.ctx, ast.Store) and part.lineno > mask.statement.lineno:
            return True
    return False


def _filled_with_test(repo: Codebase, attribute: str) -> str:
    """The name of the test part, where the attribute is a table by user that one loop over training and test events fills; else ""."""
    for file in repo.files:
        for call in file.calls_named(*GROWS):
            own = call.func.value if isinstance(call.func, ast.Attribute) else None
            table = own.value if isinstance(own, ast.Subscript) else None
            if not isinstance(table, ast.Attribute) or table.attr != attribute:
                continue
            for outer in file.around(call):
                if isinstance(outer, Function):
                    break
                if isinstance(outer, Loop) and isinstance(outer, ast.For):
                    told = [outer.iter, *_meant(file, outer.iter)]
                    words = [word for one in told for word in words_of(one)]
                    held = [word for word in words if parts_named([word]) == {Part.TEST}]
                    if held and any(parts_named([word]) == {Part.TRAIN} for word in words):
                        return held[0]
    return ""


def _meant(file: ParsedFile, node: ast.expr) -> list[ast.expr]:
    """What the names of an expression were assigned to, one step back."""
    return [
        b.value
        for n in ast.walk(node)
        if isinstance(n, ast.Name)
        for b in bindings(file, n.id, n)
        if b.how is How.ASSIGNED
    ]
