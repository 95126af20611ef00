"""Static rule: a training step that is written out, and moves a row the wrong way or along the wrong row."""

import ast
from collections.abc import Iterator
from weakref import WeakKeyDictionary

from diagnosis.findings import FindingKind, FoundBy, Nature, Role, Severity
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile
from diagnosis.rules.step_places import places_of_loop
from diagnosis.rules.step_slopes import Looked, Push, look
from diagnosis.rules.step_values import SAME
from diagnosis.rules.values import bindings, parameters
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

TURNED = FindingKind(
    code="update-turned",
    found_by=FoundBy.RULE,
    title="A written-out update goes the wrong way",
    why="Each step then takes the score further from what it is to learn, or pulls against the other rows of the same step.",
    definition="The step is computed on made-up numbers: a row is moved along the derivative of a score with a push that rises with the "
    "score, where the push of every convex loss falls, or against the other rows of the step.",
    roles=(Role.OPTIMIZER,),
    explains=("not-learning", *WEAK),
)
WRONG_ROW = FindingKind(
    code="update-along-wrong-row",
    found_by=FoundBy.RULE,
    title="A written-out update moves a row along the wrong vector",
    why="A step down a loss moves a row along the derivative of the score by that row; along anything else the score does not get better.",
    definition="The step is computed on made-up numbers: the other rows move along the derivative of a score that the step computes, and "
    "this row moves along another row.",
    roles=(Role.OPTIMIZER,),
    explains=("not-learning", *WEAK),
)
MOVED_BEFORE = FindingKind(
    code="row-already-moved",
    found_by=FoundBy.RULE,
    title="An update reads a row that was just moved",
    why="The second of two updates then is no step of the loss that the error was computed for; with a small rate the difference is small.",
    definition="An update reads a row of another table after the same step has moved it, and nothing was computed anew in between.",
    roles=(Role.OPTIMIZER,),
    nature=Nature.ADVICE,  # with a small rate both orders learn, and much published code does so
)
# What was found out about the steps of a repo: path -> its steps.
_KNOWN: "WeakKeyDictionary[Codebase, dict[str, list[tuple[list[ast.stmt], Looked]]]]" = WeakKeyDictionary()
FOLLOWED = 2  # assignments between an update and the number that all updates share
PUSHED = (Push.FALLS, Push.UP, Push.DOWN)


def written_gradient(source: ParsedFile) -> Iterator[RuleHit]:
    """`P[u] += lr * (e * P[u] - reg * P[u])` beside `Q[i] += lr * (e * P[u] - reg * Q[i])`"""
    for body, looked in looks(source):
        yield from _wrong(source, body, looked)
        for row, read in looked.ran.late.items():
            early = sorted(read - looked.ran.again)
            if early and row in looked.moves:
                yield source.hit(
                    MOVED_BEFORE.code,
                    looked.moves[row].made,
                    f"reads {early[0]}, which this step has just moved: take a copy before",
                    Severity.INFORMATION,
                )


def looks(source: ParsedFile) -> list[tuple[list[ast.stmt], Looked]]:
    """The steps of a file and what was measured of them; asked once for each repo."""
    if source.repo is None:
        return _looks(source)
    known = _KNOWN.setdefault(source.repo, {})
    if source.path not in known:
        known[source.path] = _looks(source)
    return known[source.path]


def _looks(source: ParsedFile) -> list[tuple[list[ast.stmt], Looked]]:
    return [(body, looked) for body in steps(source) if (looked := look(source, body)) is not None]


def lengthened(source: ParsedFile) -> Iterator[tuple[str, ast.stmt]]:
    """(row, statement) of each row that a step moves rightly along its score and that its penalty lengthens."""
    for _, looked in looks(source):
        for row, move in looked.grows.items():
            pushes = [found.get(row) for found in looked.pushes.values()]
            if any(push in PUSHED for push in pushes) and Push.RISES not in pushes:
                yield row, move.made


def turned_lines(source: ParsedFile) -> set[int]:
    """The lines of steps that are told as turned, whatever their penalties do."""
    told = {hit.start_line for hit in written_gradient(source) if hit.code == TURNED.code}
    return {
        move.written.lineno
        for _, looked in looks(source)
        for move in looked.moves.values()
        if told & {move.made.lineno, move.written.lineno}
    }


def steps(source: ParsedFile) -> list[list[ast.stmt]]:
    """The bodies of the loops and functions that move rows of tables, each as one step."""
    found: dict[ast.AST, list[ast.stmt]] = {}
    helpers: set[str] = set()
    for statement, table in _writes(source):
        unit = _unit(source, statement)
        function = source.function_of(statement)
        if function is not None and dotted(table) in parameters(function):
            helpers.add(function.name)
        if unit is not None:
            found[unit] = unit.body
    for call in source.calls_named(*helpers):
        unit = _unit(source, call)
        if unit is not None:
            found[unit] = unit.body
    return list(found.values())


def _writes(source: ParsedFile) -> Iterator[tuple[ast.AST, ast.expr]]:
    """(where, the table) of what may move a row by a rate."""
    for statement in source.within(source.nodes[0], ast.AugAssign):
        moved = isinstance(statement.target, ast.Subscript) and isinstance(statement.op, ast.Add | ast.Sub)
        if moved and (source.within(statement.value, ast.BinOp) or isinstance(statement.value, ast.Name)):
            yield statement, _table(statement.target)
    for statement in source.within(source.nodes[0], ast.Assign):
        target = statement.targets[0]
        if isinstance(target, ast.Subscript):
            held = bindings(source, dotted(statement.value), statement) if dotted(statement.value) else []
            values = [statement.value, *(binding.value for binding in held)]
            if any(_adds_to_itself(value, target) for value in values):
                yield statement, _table(target)
    for call in source.calls_named("at", "index_add_"):
        if len(call.args) == 3 and isinstance(call.func, ast.Attribute):
            yield call, call.args[0] if called_name(call) == "at" else call.func.value


def _adds_to_itself(value: ast.expr, target: ast.Subscript) -> bool:
    is_sum = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub)
    told = ast.unparse(target)
    return is_sum and any(
        isinstance(part, ast.Subscript) and ast.unparse(part) == told for part in ast.walk(value)
    )


def _table(target: ast.expr) -> ast.expr:
    while isinstance(target, ast.Subscript):
        target = target.value
    return target


def _unit(source: ParsedFile, node: ast.AST) -> Loop | Function | None:
    """The loop or function whose round is one step: not a loop through the places of rows."""
    for outer in source.around(node):
        if isinstance(outer, Function) or (isinstance(outer, Loop) and not places_of_loop(source, outer)):
            return outer
    return None


def _wrong(source: ParsedFile, body: list[ast.stmt], looked: Looked) -> Iterator[RuleHit]:
    score = _score(looked)
    if score is None:
        return
    pushes = looked.pushes[score]
    turned = [row for row, push in pushes.items() if push is Push.RISES]
    if turned and len(turned) == len(pushes):
        yield from _all_turned(source, body, looked, turned)
        return
    for row in [*turned, *_against(pushes)]:
        yield source.hit(
            TURNED.code, _sign(looked, row), f"moves {row} the other way than the step's other rows"
        )
    if any(push in PUSHED for push in pushes.values()):
        for row, push in pushes.items():
            if push is Push.ASIDE and (along := looked.aside.get(row)):
                yield source.hit(
                    WRONG_ROW.code,
                    looked.moves[row].made,
                    f"moves {row} along {along}, which is not what its score changes by",
                )


def _sign(looked: Looked, row: str) -> ast.stmt:
    """The statement whose sign is turned: where the penalty beside it lengthens the row too, the one that adds what another computed."""
    move = looked.moves[row]
    return move.written if row in looked.grows else move.made


def _score(looked: Looked) -> str | None:
    """The score that tells most of the rows; None where one tells that all of them move rightly, or none tells anything."""
    rows = len(looked.moves)
    best: tuple[tuple[int, int], str] | None = None
    for score, pushes in looked.pushes.items():
        told = [p for p in pushes.values() if p not in (Push.MIXED, Push.ASIDE)]
        if len(told) == rows and all(p is Push.FALLS for p in told):
            return None
        if not told or Push.MIXED in pushes.values() or len(pushes) < rows:
            continue
        sure = sum(p in (Push.FALLS, Push.RISES) for p in told)
        rank = (len(told), sure)
        if best is None or rank > best[0]:
            best = (rank, score)
    return best[1] if best else None


def _against(pushes: dict[str, Push]) -> list[str]:
    """The one row of at least three that a constant push moves against the others."""
    up = [row for row, push in pushes.items() if push is Push.UP]
    down = [row for row, push in pushes.items() if push is Push.DOWN]
    if len(up) + len(down) < 3 or len(up) + len(down) != len(pushes):
        return []
    return up if len(up) == 1 else down if len(down) == 1 else []


def _all_turned(
    source: ParsedFile, body: list[ast.stmt], looked: Looked, rows: list[str]
) -> Iterator[RuleHit]:
    """On the statement of the error where that is what is turned: a penalty beside it still shortens rows."""
    places = {_sign(looked, row) for row in rows}
    taken_off = all(_takes_off(looked.moves[row].written) for row in rows)
    shared = None if looked.grows or (taken_off and not looked.penalised) else _shared(source, body, looked)
    for place in [shared] if shared is not None else sorted(places, key=lambda s: s.lineno):
        yield source.hit(
            TURNED.code,
            place,
            "the step leads away: the further a score is off, the harder it is pushed on; turn the sign",
        )


def _takes_off(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.AugAssign) and isinstance(statement.op, ast.Sub)


def _names_in(node: ast.AST) -> set[str]:
    return {dotted(part) for part in ast.walk(node) if isinstance(part, ast.Name)}


def _shared(source: ParsedFile, body: list[ast.stmt], looked: Looked) -> ast.stmt | None:
    """The statement of the number, an error or a slope, that all moves are multiplied with."""
    assigns = [a for statement in body for a in source.within(statement, ast.Assign)]
    read = {dotted(a.targets[0]): _names_in(a.value) for a in assigns}
    names: set[str] | None = None
    for move in looked.moves.values():
        words = _names_in(move.made)
        for _ in range(FOLLOWED):
            words |= {inner for word in words for inner in read.get(word, ())}
        names = words if names is None else names & words
    last = None
    for assign in assigns:
        name = dotted(assign.targets[0])
        laid_out = isinstance(assign.value, ast.Subscript | ast.Name) or (
            isinstance(assign.value, ast.Call) and called_name(assign.value) in SAME
        )
        if (
            not laid_out
            and name in (names or set())
            and any(s.startswith(f"{name} ") for s in looked.ran.scores)
        ):
            last = assign
    return last


RULE = Rule(kind=TURNED, run=written_gradient, beside=(WRONG_ROW, MOVED_BEFORE))
