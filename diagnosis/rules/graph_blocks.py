"""Static rule: blocks of an adjacency matrix that lead one way, or connect items as users."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

ONE_WAY = FindingKind(
    code="graph-block-one-way",
    found_by=FoundBy.RULE,
    title="A block of the graph is missing",
    why="Only users hear from items, or items from users: half of the propagated embeddings are empty.",
    definition="One off-diagonal block of a square matrix is assigned, and its transpose nowhere.",
    roles=(Role.LOADER,),
    explains=("graph-one-way", "graph-edges-missing", "no-gradient", *WEAK),
    sources=("arXiv:2002.02126",),
)
WRONG = FindingKind(
    code="graph-block-misplaced",
    found_by=FoundBy.RULE,
    title="A block of the graph is misplaced",
    why="Item i and user i become one node, so that strangers are mixed.",
    definition="A block of user rows and item columns is assigned from row 0 and column 0 of the matrix of all nodes.",
    roles=(Role.LOADER,),
    explains=("graph-wrong-block", "graph-edges-missing", "graph-edges-unknown", *WEAK),
    sources=("arXiv:2002.02126",),
)

TURNS = {"transpose", "T", "t", "maximum", "to_undirected", "bmat", "block_array", "flip", "tocoo_symmetric"}


def graph_block_one_way(source: ParsedFile) -> Iterator[RuleHit]:
    """`adj[:n_users, n_users:] = R` without `adj[n_users:, :n_users] = R.T`."""
    for statement, target, rows, columns in _blocks(source):
        if _cut(rows) == "tail" and _cut(columns) == "tail":
            continue
        if {_cut(rows), _cut(columns)} != {"head", "tail"} or _bound(rows) != _bound(columns):
            continue
        others = [t for s, t, _, _ in _blocks(source) if s is not statement and _name(t) == _name(target)]
        if not others and not _is_turned(source, statement, _name(target)):
            yield source.hit(
                ONE_WAY.code, statement, "the other block of the matrix stays empty: assign the transpose too"
            )


def graph_block_misplaced(source: ParsedFile) -> Iterator[RuleHit]:
    """`adj[:n_users, :n_items] = R`: the columns of items begin after those of users."""
    for statement, target, rows, columns in _blocks(source):
        misplaced = _cut(rows) == "head" and _cut(columns) == "head" and _bound(rows) != _bound(columns)
        if misplaced and _is_square(source, target, rows, columns):
            yield source.hit(
                WRONG.code,
                statement,
                "the block begins at column 0, where users are: items follow after all users",
            )


def _blocks(source: ParsedFile) -> list[tuple[ast.stmt, ast.Subscript, ast.expr, ast.expr]]:
    """Assignments to `matrix[rows, columns]` with two slices."""
    found = []
    for statement in source.within(source.nodes[0], ast.Assign, ast.AugAssign):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        for target in targets:
            if (
                isinstance(target, ast.Subscript)
                and isinstance(target.slice, ast.Tuple)
                and len(target.slice.elts) == 2
            ):
                rows, columns = target.slice.elts
                if isinstance(rows, ast.Slice) and isinstance(columns, ast.Slice):
                    found.append((statement, target, rows, columns))
    return found


def _cut(part: ast.expr) -> str:
    """ "head" of `:n`, "tail" of `n:`, "" of anything else, numbers included."""
    if not isinstance(part, ast.Slice):
        return ""
    bound = part.upper if part.lower is None else part.lower
    if (
        bound is None
        or (part.lower is not None and part.upper is not None)
        or isinstance(bound, ast.Constant | ast.UnaryOp)
    ):
        return ""
    return "head" if part.lower is None else "tail"


def _bound(part: ast.expr) -> str:
    bound = (part.upper if part.lower is None else part.lower) if isinstance(part, ast.Slice) else None
    return ast.dump(bound) if bound is not None else ""


def _name(target: ast.Subscript) -> str:
    return ast.dump(target.value)


def _is_square(source: ParsedFile, target: ast.Subscript, rows: ast.expr, columns: ast.expr) -> bool:
    """Whether the matrix has a row for each of both: it is made of a sum of the two bounds, or indexed by both alike."""
    around = source.function_of(target) or source.nodes[0]
    sides = [part for p in (rows, columns) if isinstance(p, ast.Slice) and (part := p.upper) is not None]
    wanted = sorted(ast.dump(side) for side in sides)
    sums = [
        sorted((ast.dump(part.left), ast.dump(part.right)))
        for part in source.within(around, ast.BinOp)
        if isinstance(part.op, ast.Add)
    ]
    return wanted in sums


def _is_turned(source: ParsedFile, statement: ast.stmt, name: str) -> bool:
    """Whether the function adds the transpose in another way."""
    around = source.function_of(statement) or source.nodes[0]
    turned = [
        p
        for p in source.within(around, ast.Attribute)
        if p.attr in TURNS and ast.dump(p.value) == name.replace("Store", "Load")
    ]
    return bool(turned) or any(_turns(call, name) for call in source.calls_in(around))


def _turns(call: ast.Call, name: str) -> bool:
    """Whether a call may add the transpose; `np.maximum(matrix.sum(1), 1)` is about degrees."""
    if called_name(call) != "maximum":
        return called_name(call) in TURNS
    receiver = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return any(ast.dump(one) == name.replace("Store", "Load") for one in (*receiver, *call.args))


ONE_WAY_RULE = Rule(kind=ONE_WAY, run=graph_block_one_way)
WRONG_RULE = Rule(kind=WRONG, run=graph_block_misplaced)
