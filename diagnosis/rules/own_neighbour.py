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
    "diags",
    "diag_indices",
    "diag_indices_from",
    "remove",
    "discard",
    "pop",
}
PRODUCTS = {"dot", "matmul", "mm"}
SOLVES = {
    "inv",
    "inverse",
    "pinv",
    "solve",
    "lstsq",
    "cholesky",
    "cho_factor",
    "svd",
    "eigh",
}  # make another matrix of it
FEATURES = ("norm", "feat", "emb", "context", "vec", "hidden", "repr")
FACTORS = set("xyzhwqkveupfYZHWQKVEUPF")  # what is called so holds factors or features, and no events


def item_its_own_neighbour(source: ParsedFile) -> Iterator[RuleHit]:
    """`A = M.T.dot(M)`, and then `topk(A)`, with nothing done to its diagonal."""
    if source.called_names.isdisjoint(TOPS):
        return
    for part in source.within(source.nodes[0], ast.BinOp, ast.Call):
        if not _shares(source, part):
            continue
        statement = next((o for o in source.around(part) if isinstance(o, ast.stmt)), None)
        function = source.function_of(part)
        if function is None or not isinstance(statement, ast.Assign):
            continue
        name = dotted(statement.targets[0])
        if name and _is_ranked(source, function, _made_of(source, function, name)):
            yield source.hit(
                KIND.code,
                statement,
                "an item has most in common with itself: set the diagonal to 0 before the best are taken",
            )


def _shares(source: ParsedFile, part: ast.expr) -> bool:
    """Whether an expression is a matrix by its own transpose, of events as far as its name tells."""
    sides: list[ast.expr] = []
    if isinstance(part, ast.BinOp) and isinstance(part.op, ast.MatMult):
        sides = [part.left, part.right]
    elif isinstance(part, ast.Call) and called_name(part) in PRODUCTS:
        own = part.func.value if isinstance(part.func, ast.Attribute) else None
        sides = [*([own] if own is not None and dotted(own) not in source.imports else []), *part.args]
    if len(sides) != 2:
        return False
    one, other = map(_straight, sides)
    if (one is sides[0]) == (other is sides[1]) or ast.unparse(one) != ast.unparse(other):
        return False
    if dotted(one).rpartition(".")[2] in FACTORS:
        return False
    return not any(word in dotted(p).lower() for p in ast.walk(part) for word in FEATURES)


def _made_of(source: ParsedFile, function: ast.AST, name: str) -> set[str]:
    """The names in a function of what is made of a matrix, step by step, by anything but a solver."""
    found = {name}
    for statement in source.within(function, ast.Assign):
        solved = any(called_name(c) in SOLVES for c in source.calls_in(statement.value))
        if not solved and any(dotted(part) in found for part in ast.walk(statement.value)):
            found |= {
                dotted(p) for t in statement.targets for p in (t.elts if isinstance(t, ast.Tuple) else [t])
            }
    return found - {""}


def _is_ranked(source: ParsedFile, function: ast.AST, names: set[str]) -> bool:
    """Whether the best of one of these are taken, and nothing in the function sets or leaves out the diagonal."""
    calls = source.calls_in(function)
    ranked = [c for c in calls if called_name(c) in TOPS and any(dotted(p) in names for p in ast.walk(c))]
    return (
        bool(ranked)
        and not any(called_name(c) in CLEARS for c in calls)
        and not _clears_by_index(source, function, names)
    )


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


def _clears_by_index(source: ParsedFile, function: ast.AST, names: set[str]) -> bool:
    """Whether the function writes at places, leaves out the first of each list, or compares items, as in `j != i`."""
    for part in source.within(function, ast.Subscript):
        if isinstance(part.ctx, ast.Store) and (
            isinstance(part.slice, ast.Tuple) or dotted(part.value) in names
        ):
            return True
        places = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
        if any(isinstance(p, ast.Slice) and p.lower is not None and number(p.lower) == 1 for p in places):
            return True
    return any(
        isinstance(op, ast.NotEq) or (isinstance(op, ast.Eq) and all(map(dotted, (c.left, c.comparators[0]))))
        for c in source.within(function, ast.Compare)
        for op in c.ops
    )


RULE = Rule(kind=KIND, run=item_its_own_neighbour)
