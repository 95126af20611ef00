"""Static rule: negatives drawn one at a time in a Python loop."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.draws import DRAWS, draws_one
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, names_in
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="python-loop-sampling",
    found_by=FoundBy.RULE,
    title="Negatives drawn in a Python loop",
    why="One draw at a time in Python is an order of magnitude slower than one vectorised call.",
    definition="A `while` loop that draws single random items until one passes a test.",
    roles=(Role.NEGATIVES,),
)


def python_loop_sampling(source: ParsedFile) -> Iterator[RuleHit]:
    """Loops such as `while candidate in seen: candidate = randint(...)`: they draw single numbers, and test each."""
    for loop in source.within(source.nodes[0], ast.While):
        calls = source.calls_in(*loop.body)
        draws = [call for call in calls if called_name(call) in DRAWS and draws_one(call)]
        tests = [
            loop.test,
            *(branch.test for s in loop.body for branch in source.within(s, ast.If) if _leaves(branch)),
        ]
        drawn = {name for call in draws for name in _taken_by(source, call)}
        tests += [
            branch.test
            for s in loop.body
            for branch in source.within(s, ast.If)
            if _collects(source, branch, drawn) and not any(_goes_on(call, branch) for call in draws)
        ]
        few = all(_redraws_a_few(source, call) or _is_drawn_before(source, call) for call in draws)
        if few or _learns_one_by_one(source, loop):
            continue
        if any(_tests_member(test) or _tests_drawn(test, drawn) for test in tests):
            yield source.hit(
                KIND.code,
                loop,
                "draws negatives one at a time: draw a whole batch at once and redraw the few collisions",
            )


def _learns_one_by_one(source: ParsedFile, loop: ast.While) -> bool:
    """Whether the loop around takes a step for each example itself: it moves single rows of tables, as SGD by hand does."""
    for outer in source.around(loop):
        if isinstance(outer, Function):
            return False
        if isinstance(outer, ast.For):
            moved = [
                s.target
                for s in source.within(outer, ast.AugAssign)
                if s not in source.within(loop, ast.AugAssign)
            ]
            rows = [t for t in moved if isinstance(t, ast.Subscript) and isinstance(t.slice, ast.Name)]
            if len({dotted(t.value) for t in rows}) > 1:
                return True
    return False


def _leaves(branch: ast.If) -> bool:
    """Whether a condition decides that the draw is kept, or made again."""
    kept = (ast.Break, ast.Continue, ast.Return)
    return any(isinstance(part, kept) for s in branch.body for part in ast.walk(s)) or _tests_member(
        branch.test
    )


def _collects(source: ParsedFile, branch: ast.If, drawn: set[str]) -> bool:
    """Whether a condition decides that the draw joins a list or takes a place of an array: `row.append(item)`."""
    calls = [c for s in branch.body for c in source.calls_in(s) if called_name(c) in ("append", "add")]
    joins = any(dotted(given) in drawn for call in calls for given in call.args)
    stores = [one for s in branch.body for one in source.within(s, ast.Assign)]
    return joins or any(
        dotted(one.value) in drawn and isinstance(one.targets[0], ast.Subscript) for one in stores
    )


def _goes_on(call: ast.Call, branch: ast.If) -> bool:
    """Whether a draw hangs on what the condition has collected before, as each step of a walk does."""
    kept = {
        dotted(c.func.value)
        for s in branch.body
        for c in ast.walk(s)
        if isinstance(c, ast.Call) and isinstance(c.func, ast.Attribute)
    }
    return any(dotted(part) in kept for given in call.args for part in ast.walk(given) if dotted(part))


def _redraws_a_few(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the draw goes to a place of an array that one call has filled before: what the finding asks for."""
    around = list(source.around(call))
    statement = next((outer for outer in around if isinstance(outer, ast.Assign)), None)
    scope = next((outer for outer in around if isinstance(outer, ast.FunctionDef)), source.nodes[0])
    if statement is None:
        return False
    places = {dotted(t.value) for t in statement.targets if isinstance(t, ast.Subscript)} - {""}
    return bool(places) and any(
        isinstance(other.value, ast.Call)
        and called_name(other.value) in DRAWS
        and not draws_one(other.value)
        and places & {dotted(target) for target in other.targets}
        for other in source.within(scope, ast.Assign)
    )


def _is_drawn_before(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the name that takes the draw goes through an array that one call has drawn: the loop draws hits again."""
    for name in _taken_by(source, call):
        for outer in bindings(source, name, call):
            if outer.how is not How.ITERATED:
                continue
            arrays = [b.value for part in names_in(outer.value) for b in bindings(source, dotted(part), part)]
            calls = [c for array in arrays for c in source.within(array, ast.Call)]
            if any(called_name(c) in DRAWS and not draws_one(c) for c in calls):
                return True
    return False


def _taken_by(source: ParsedFile, call: ast.Call) -> Iterator[str]:
    """The names that take what is drawn."""
    statement = next((outer for outer in source.around(call) if isinstance(outer, ast.stmt)), None)
    if isinstance(statement, ast.Assign):
        yield from (name for target in statement.targets if (name := dotted(target)))


def _tests_member(test: ast.expr) -> bool:
    return any(
        isinstance(part, ast.Compare) and any(isinstance(op, ast.In | ast.NotIn) for op in part.ops)
        for part in ast.walk(test)
    )


def _tests_drawn(test: ast.expr, drawn: set[str]) -> bool:
    """Whether a table or a function is asked about what was drawn: `if clicked[user, candidate] == 0`."""
    if any(isinstance(part, ast.Call) and called_name(part) == "len" for part in ast.walk(test)):
        return False
    asked = [part for part in ast.walk(test) if isinstance(part, ast.Subscript | ast.Call)]
    return any(isinstance(name, ast.Name) and name.id in drawn for part in asked for name in ast.walk(part))


RULE = Rule(kind=KIND, run=python_loop_sampling)
