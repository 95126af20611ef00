"""Static rule: rows that are repeated in another order than the candidates beside them are flattened in."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.discount import statement_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.values import How, bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="rows-tiled",
    found_by=FoundBy.RULE,
    title="Rows and candidates are repeated in different orders",
    why="The candidates of one row stand together and the rows beside them alternate, so that each candidate meets another user.",
    definition="Rows are repeated as a whole, by `np.tile(rows, n)` or torch's `rows.repeat(n)`, with n the width of a matrix that the same function "
    "flattens row by row.",
    roles=(Role.LOADER, Role.SCORING),
    explains=("batch-companions", "target-of-another", "user-shifted", "same-list", *WEAK),
)
FLATTENS = {"reshape", "view", "flatten", "ravel"}
TURNS = {"transpose", "permute", "t", "T", "swapaxes", "mT"}

COUNTS = {"unique", "max", "min", "sum", "mean", "numel", "any", "all", "bincount"}  # where no order matters


def rows_tiled(source: ParsedFile) -> Iterator[RuleHit]:
    """`owner = np.tile(np.arange(len(users)), items.shape[1])` beside `items.reshape(-1)`."""
    for call in source.calls:
        times = _times(source, call)
        matrix = _width_of(source, times) if times is not None else ""
        if not matrix or _is_laid_out_anew(source, call):
            continue
        around = source.function_of(call) or source.nodes[0]
        flat = [other for other in source.calls_in(around) if _flattens(other, matrix)]
        if any(called_name(_called_on(source, other)) not in COUNTS for other in flat):
            yield source.hit(
                KIND.code,
                statement_of(source, call),
                f"repeats all rows one after the other, where `{matrix}` is flattened row by row: repeat each row, by `np.repeat` or "
                "`repeat_interleave`",
            )


def _times(source: ParsedFile, call: ast.Call) -> ast.expr | None:
    """How many times a call repeats a row of numbers as a whole."""
    name, full = called_name(call), source.full_name(call)
    if name == "tile" and full.startswith(("numpy.", "torch.")) and len(call.args) == 2:
        inner = call.args[1]
        if isinstance(inner, ast.Tuple | ast.List):
            return inner.elts[0] if len(inner.elts) == 1 else None
        return inner
    if (
        name in ("repeat", "tile")
        and isinstance(call.func, ast.Attribute)
        and len(call.args) == 1
        and not call.keywords
    ):
        return call.args[0] if name == "tile" or _is_of_torch(source, call.func.value) else None
    return None


def _called_on(source: ParsedFile, call: ast.Call) -> ast.Call:
    """The call that takes what another one returns as its object or its argument; the other one itself where there is none."""
    outer = source.parents.get(call)
    outer = source.parents.get(outer) if isinstance(outer, ast.Attribute) else outer
    return outer if isinstance(outer, ast.Call) else call


def _is_laid_out_anew(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the repeated row is a matrix at once, which may be turned: `users.repeat(n).view(n, -1).t()`."""
    outer = _called_on(source, call)
    return (
        outer is not call
        and called_name(outer) in FLATTENS | TURNS
        and len(outer.args) + sum(len(a.elts) - 1 for a in outer.args if isinstance(a, ast.Tuple)) > 1
    )


def _is_of_torch(source: ParsedFile, node: ast.expr) -> bool:
    """Whether torch made what is repeated: numpy's method of that name repeats each number."""
    steps = [node]
    if isinstance(node, ast.Name):
        steps = [b.value for b in bindings(source, node.id, node) if b.how is How.ASSIGNED]
    return any(
        source.full_name(c).startswith("torch.") for step in steps for c in source.within(step, ast.Call)
    )


def _width_of(source: ParsedFile, times: ast.expr) -> str:
    """The name of the matrix whose width a number is: "items" for `items.shape[1]` and `items.size(1)`; "" for anything else."""
    if isinstance(times, ast.Name):
        made = [b for b in bindings(source, times.id, times) if b.how is How.ASSIGNED]
        if len(made) != 1:
            return ""
        value, position = made[0].value, made[0].position
        if position is not None:
            whole = isinstance(value, ast.Attribute) and value.attr == "shape" and position == 1
            return dotted(value.value) if whole and isinstance(value, ast.Attribute) else ""
        times = value
    if (
        isinstance(times, ast.Subscript)
        and number(times.slice) in (1, -1)
        and isinstance(times.value, ast.Attribute)
    ):
        return dotted(times.value.value) if times.value.attr == "shape" else ""
    if (
        isinstance(times, ast.Call)
        and called_name(times) == "size"
        and isinstance(times.func, ast.Attribute)
        and times.args
    ):
        return dotted(times.func.value) if number(times.args[0]) in (1, -1) else ""
    return ""


def _flattens(call: ast.Call, matrix: str) -> bool:
    """`items.reshape(-1)`, row by row."""
    name = called_name(call)
    if name not in FLATTENS or not isinstance(call.func, ast.Attribute) or keyword(call, "order") is not None:
        return False
    sizes = [number(one) for one in call.args]
    return dotted(call.func.value) == matrix and (
        sizes in ([-1], [-1, 1]) or (not call.args and name in ("flatten", "ravel"))
    )


RULE = Rule(kind=KIND, run=rows_tiled)
