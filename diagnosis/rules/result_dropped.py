"""Static rule: a statement that computes something and keeps it nowhere, as if it changed what it is called on."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.draws import made_by_generator
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, is_false, keyword
from diagnosis.symptoms import UNSTEADY, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="result-dropped",
    found_by=FoundBy.RULE,
    title="The result is dropped",
    why="What was meant to be sorted, masked, detached or squashed stays as it was.",
    definition="A statement is a call that returns a new value and leaves its own object unchanged, as `df.sort_values(...)`, "
    "`x.masked_fill(...)` or `F.dropout(x)`, or a sum or product, as `loss + penalty`.",
    explains=("history-out-of-order", "batches-in-one-order", *UNSTEADY, *WEAK),
)

# Of tables, without inplace=True.
OF_TABLES = {
    "sort_values",
    "sort_index",
    "reset_index",
    "drop_duplicates",
    "dropna",
    "fillna",
    "set_index",
    "groupby",
}
# Of tensors and arrays; names that have an effect elsewhere (`to` of a module, `replace` of a path) are left out.
OF_TENSORS = {
    "masked_fill", "detach", "clamp", "unsqueeze", "squeeze", "transpose", "permute", "contiguous", "scatter", "index_fill",
    "masked_scatter", "scatter_add", "index_add", "index_copy", "sigmoid", "softmax", "log_softmax", "argsort", "astype",
    "clip",
}  # fmt: skip
OF_NUMPY = {
    "sort",
    "append",
    "concatenate",
    "permutation",
    "delete",
    "insert",
    "clip",
    "flip",
    "where",
    "random.permutation",
}
OF_GENERATORS = {"permutation", "permuted"}
ARITHMETIC = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.MatMult)
LONGEST = 60  # characters of an expression that are shown
PURE = {"sorted", "reversed"}
RAISING = {"raises", "assertRaises", "suppress"}


def result_dropped(source: ParsedFile) -> Iterator[RuleHit]:
    """`df.sort_values("time")`, `scores.masked_fill(seen, -inf)`, `np.append(negatives, j)` as statements."""
    for statement in source.within(source.nodes[0], ast.Expr):
        call = statement.value
        if _is_sum(source, statement):
            words = f"computes `{ast.unparse(call)[:LONGEST]}` and keeps the result nowhere: assign it"
            yield source.hit(KIND.code, statement, words)
            continue
        if not isinstance(call, ast.Call) or not _returns_anew(source, call):
            continue
        if _is_tried(source, statement) or _needs_no_detaching(source, call):
            continue
        yield source.hit(
            KIND.code, statement, f"computes `{called_name(call)}` and keeps the result nowhere: assign it"
        )


def _is_sum(source: ParsedFile, statement: ast.Expr) -> bool:
    """Whether a statement of a function adds or multiplies and is nothing else; pipelines of other libraries use `>>` and `|`."""
    value = statement.value
    if (
        not isinstance(value, ast.BinOp)
        or not isinstance(value.op, ARITHMETIC)
        or _is_tried(source, statement)
    ):
        return False
    text = any(isinstance(part, ast.Constant) and isinstance(part.value, str) for part in ast.walk(value))
    return source.function_of(statement) is not None and not text


def _returns_anew(source: ParsedFile, call: ast.Call) -> bool:
    name = called_name(call)
    in_place = next(
        (given for word in ("inplace", "out") if (given := keyword(call, word)) is not None), None
    )
    if (in_place is not None and not is_false(in_place)) or any(k.arg is None for k in call.keywords):
        return False
    full = source.full_name(call)
    if full.startswith("torch.nn.functional."):
        return not name.endswith("_")
    if full.startswith("numpy."):
        return full.removeprefix("numpy.") in OF_NUMPY
    if isinstance(call.func, ast.Name):
        return name in PURE and name not in source.imports and not _is_own(source, name)
    if name in OF_GENERATORS and made_by_generator(source, call):
        return True
    head = dotted(call.func).partition(".")[0]
    return name in {*OF_TABLES, *OF_TENSORS} and head not in source.imports and not _is_own(source, name)


def _is_own(source: ParsedFile, name: str) -> bool:
    """Whether the repo has a function or method of this name, which may do anything."""
    if source.repo is not None:
        return name in source.repo.functions
    return any(function.name == name for function in source.functions)


def _needs_no_detaching(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a `detach` stands where nothing is recorded anyway."""
    withs = (outer for outer in source.around(call) if isinstance(outer, ast.With))
    items = (item.context_expr for outer in withs for item in outer.items)
    names = {called_name(item) for item in items if isinstance(item, ast.Call)}
    return called_name(call) == "detach" and bool(names & {"no_grad", "inference_mode"})


def _is_tried(source: ParsedFile, statement: ast.stmt) -> bool:
    """Whether the call is only made to see whether it fails, or how long it takes."""
    for outer in source.around(statement):
        if isinstance(outer, ast.Try):
            return True
        if isinstance(outer, ast.With) and any(
            isinstance(i.context_expr, ast.Call) and called_name(i.context_expr) in RAISING
            for i in outer.items
        ):
            return True
    return False


RULE = Rule(kind=KIND, run=result_dropped)
