"""Static rule: neighbours by what items share, in which each item is its own first neighbour."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="item-its-own-neighbour",
    found_by=FoundBy.RULE,
    title="Each item is its own neighbour",
    why="It shares all its users with itself, so that it takes the first place and the largest weight among its neighbours.",
    definition="The best of each row of `M.T @ M` are taken, or all of them are, and its diagonal is neither set to 0 nor left out. M counts events; "
    "in a graph of items that are alike by features, an item beside itself is a common choice.",
    roles=(Role.LOSS,),
    explains=WEAK,
)
TOPS = {"topk", "argsort", "argpartition", "nlargest", "top_k", "sort"}
CLEARS = {
    "fill_diagonal",
    "fill_diagonal_",
    "setdiag",
    "diag",
    "diagonal",
    "eye",
    "identity",
    "diagflat",
    "triu",
    "tril",
    "eliminate",
}


FEATURES = ("norm", "feat", "emb", "context", "vec", "hidden", "repr")


def item_its_own_neighbour(source: ParsedFile) -> Iterator[RuleHit]:
    """`A = M.T.dot(M)`, and then `topk(A)`, with nothing done to its diagonal."""
    if not any(called_name(call) in TOPS for call in source.calls):
        return
    for statement in source.within(source.nodes[0], ast.Assign):
        name = dotted(statement.targets[0])
        function = source.function_of(statement)
        if not name or function is None or not _shares(source, statement.value):
            continue
        calls = source.calls_in(function)
        if not any(called_name(c) in TOPS for c in calls) or any(called_name(c) in CLEARS for c in calls):
            continue
        if not _clears_by_index(source, function):
            yield source.hit(
                KIND.code,
                statement,
                "an item has most in common with itself: set the diagonal to 0 before the best are taken",
            )


def _shares(source: ParsedFile, value: ast.expr) -> bool:
    """Whether a value is a matrix by its own transpose."""
    for part in ast.walk(value):
        sides: list[ast.expr] = []
        if any(word in dotted(one).lower() for one in ast.walk(part) for word in FEATURES):
            continue
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult):
            sides = [part.left, part.right]
        elif isinstance(part, ast.Call) and called_name(part) in ("dot", "matmul", "mm", "multiply"):
            own = (
                part.func.value
                if isinstance(part.func, ast.Attribute) and dotted(part.func.value) not in source.imports
                else None
            )
            sides = [*([own] if own is not None else []), *part.args]
        if (
            len(sides) == 2
            and ast.unparse(_straight(sides[1])) == ast.unparse(_straight(sides[0]))
            and (_straight(sides[0]) is not sides[0]) != (_straight(sides[1]) is not sides[1])
        ):
            return called_name(part) != "multiply" if isinstance(part, ast.Call) else True
    return False


def _straight(node: ast.expr) -> ast.expr:
    """x of `x.T` and `x.t()`."""
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        return node.value
    turned = (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("t", "transpose")
    )
    return (
        node.func.value
        if turned and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        else node
    )


def _clears_by_index(source: ParsedFile, function: ast.AST) -> bool:
    """Whether the function writes at places, leaves out the first of each list, or compares items, as in `j != i`."""
    for part in source.within(function, ast.Subscript):
        if isinstance(part.ctx, ast.Store) and isinstance(part.slice, ast.Tuple):
            return True
        places = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
        if any(isinstance(p, ast.Slice) and p.lower is not None and number(p.lower) == 1 for p in places):
            return True
    return any(isinstance(op, ast.NotEq) for c in source.within(function, ast.Compare) for op in c.ops)


RULE = Rule(kind=KIND, run=item_its_own_neighbour)
