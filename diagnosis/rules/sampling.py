"""Static rule: negatives drawn one at a time in a Python loop."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="python-loop-sampling",
    found_by=FoundBy.RULE,
    title="Negatives drawn in a Python loop",
    why="One draw at a time in Python is an order of magnitude slower than one vectorised call.",
    definition="A `while` or `for` loop that draws single random items and tests them for membership.",
    roles=(Role.NEGATIVES,),
)

DRAWS = {"randint", "randrange", "choice", "integers"}
SIZES = ("size", "shape", "k")


def python_loop_sampling(source: ParsedFile) -> Iterator[RuleHit]:
    """Loops such as `while candidate in seen: candidate = randint(...)`: they test membership and draw single numbers."""
    for loop in source.loops:
        if not isinstance(loop, ast.While):
            continue
        tests_membership = _has_membership(loop.test)
        in_body = any(_has_membership(s.test) for s in loop.body if isinstance(s, ast.If))
        draws = any(map(_draws_one, source.calls_in(*loop.body)))
        if draws and (tests_membership or in_body):
            yield source.hit(
                KIND.code,
                loop,
                "draws negatives one at a time: draw a whole batch at once and redraw the few collisions",
            )


def _has_membership(test: ast.expr) -> bool:
    return any(
        isinstance(part, ast.Compare) and any(isinstance(op, ast.In | ast.NotIn) for op in part.ops)
        for part in ast.walk(test)
    )


def _draws_one(call: ast.Call) -> bool:
    name = called_name(call)
    sized = any(keyword(call, size) for size in SIZES) or (
        name in ("randint", "integers") and len(call.args) > 2
    )
    return name in DRAWS and not sized


RULE = Rule(kind=KIND, run=python_loop_sampling)
