"""Static rule: distances between places count towards the future, and are cut to 0 for all that attention may see."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.tensor_calls import amount, operation, whole
from diagnosis.rules.values import How, bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="distances-cut-to-zero",
    found_by=FoundBy.RULE,
    title="All distances are 0",
    why="Every event that attention may see is at distance 0, so that nothing tells the order of the events.",
    definition="In a causal model, distances between places are taken as key minus query and cut off below 0: what lies in the past, all "
    "that a query may see, is at distance 0.",
    roles=(Role.ENCODER,),
    explains=("order-ignored", "order-unused", *WEAK),
)
CUTS = {"clamp", "clamp_", "clip", "clip_", "clamp_min", "clamp_min_", "relu", "maximum"}


def distances_cut_to_zero(source: ParsedFile) -> Iterator[RuleHit]:
    """`(place[None, :] - place[:, None]).clamp(min=0)` beside a lower triangle."""
    repo = source.repo
    for call in source.calls_named(*CUTS) if repo else ():
        if repo is None:
            continue
        done = operation(repo, source, call)
        if done is None or not done.values or not _from_zero(done.name, call, done.values):
            continue
        for value in _values(source, done.values[0]):
            if _key_minus_query(value) and _is_causal(repo):
                yield source.hit(
                    KIND.code,
                    call,
                    "counts from the query towards later events and cuts the past to 0: subtract the key's place from the query's",
                )


def _from_zero(name: str, call: ast.Call, values: tuple[ast.expr, ...]) -> bool:
    """Whether what is below 0 becomes 0."""
    if name == "relu":
        return True
    least = keyword(call, "min") or keyword(call, "a_min") or (values[1] if len(values) > 1 else None)
    most = keyword(call, "max") or keyword(call, "a_max") or (values[2] if len(values) > 2 else None)
    return amount(least) == 0 and (most is None or amount(most) != 0)


def _values(source: ParsedFile, node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.Name):
        made = bindings(source, node.id, node)
        return [b.value for b in made if b.how is How.ASSIGNED and b.position is None]
    return [node]


def _key_minus_query(node: ast.expr) -> bool:
    """`p[None, :] - p[:, None]`, `p.unsqueeze(0) - p.unsqueeze(1)` of one `p`: rows are queries, columns keys."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Sub):
        return False
    left, right = _turned(node.left), _turned(node.right)
    return (
        left is not None
        and right is not None
        and left[0] == right[0]
        and (left[1], right[1]) == ("row", "column")
    )


def _turned(node: ast.expr) -> tuple[str, str] | None:
    """(what, "row" or "column") of `p[None, :]`, `p.unsqueeze(0)`, `p.view(1, -1)`; None for all else."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Tuple) and len(node.slice.elts) == 2:
        new = [_is_new(part) for part in node.slice.elts]
        name = ast.unparse(node.value)
        return (name, "row") if new == [True, False] else (name, "column") if new == [False, True] else None
    if isinstance(node, ast.Subscript) and _is_new(node.slice):
        return ast.unparse(node.value), "row"
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    name, numbers = ast.unparse(node.func.value), [whole(a) for a in node.args]
    if called_name(node) == "unsqueeze" and numbers in ([0], [1], [-1]):
        return name, "row" if numbers == [0] else "column"
    if called_name(node) in ("view", "reshape"):
        return (name, "row") if numbers == [1, -1] else (name, "column") if numbers == [-1, 1] else None
    return None


def _is_new(node: ast.expr) -> bool:
    return (isinstance(node, ast.Constant) and node.value is None) or dotted(node).endswith("newaxis")


@once
def _is_causal(repo: Codebase) -> bool:
    """Whether a triangle keeps later events away from attention, somewhere in the repo."""
    words = ("tril", "triu", "generate_square_subsequent_mask", "tril_", "triu_")
    return next(repo.calls(*words), None) is not None or any(
        (given := keyword(made.call, "is_causal")) is not None and getattr(given, "value", False) is True
        for made in repo.calls("scaled_dot_product_attention")
    )


RULE = Rule(kind=KIND, run=distances_cut_to_zero)
