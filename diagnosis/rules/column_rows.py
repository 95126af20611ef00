"""Static rule: a table of item features is filled with the rows beside those that its items have in `item_columns`."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.discount import statement_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.values import How, bindings, owner_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="features-of-the-row-beside",
    found_by=FoundBy.RULE,
    title="Features are taken from the row beside",
    why="Every item is described by the features of the item before or after it.",
    definition="The columns of `item_columns` have the row of item i at i, and row 0 is padding. A loop reads them at `i` and fills a table at `i + 1`, reads them "
    "at `i - 1` for item i, counts their rows from 1, or they lose their first row and get one more at the end.",
    roles=(Role.ENCODER, Role.LOADER),
    explains=("features-misaligned", *WEAK),
)
# What hands a column on, row by row.
ROW_BY_ROW = {
    "list", "array", "asarray", "tolist", "tuple", "fillna", "tensor", "as_tensor", "to_numpy", "astype", "from_numpy", "zip", "map", "nan_to_num", "log1p",
    "log", "digitize", "bucketize", "where", "str", "float", "abs", "to", "long", "searchsorted", "enumerate", "get_indexer", "codes",
}  # fmt: skip
AT_THE_END = {"append", "concatenate", "cat", "hstack"}
DEEPEST = 4


def features_of_the_row_beside(source: ParsedFile) -> Iterator[RuleHit]:
    """`for row in range(n): table[row + 1] = columns.price[row]`; `columns.categories[item - 1]`; `np.append(price[1:], 0)`."""
    repo = repo_of(source)
    if not _knows_columns(repo):
        return
    hits: dict[ast.AST, RuleHit] = {}
    for loop in source.within(source.nodes[0], ast.For):
        for place, text in (*_filled_beside(repo, source, loop), *_counted_beside(repo, source, loop)):
            hits.setdefault(
                statement_of(source, place), source.hit(KIND.code, statement_of(source, place), text)
            )
    for part in source.within(source.nodes[0], ast.Subscript):
        if _is_read_before(repo, source, part):
            place = statement_of(source, part)
            text = "reads the row of the item before: row 0 is padding, item i has row i"
            hits.setdefault(place, source.hit(KIND.code, part if isinstance(place, ast.For) else place, text))
    for node in source.within(source.nodes[0], ast.BinOp, ast.Call):
        if _is_moved_up(repo, source, node):
            place = statement_of(source, node)
            text = "takes the first row away and puts one at the end, so that every item gets the row after its own"
            hits.setdefault(place, source.hit(KIND.code, node, text))
    yield from hits.values()


@once
def _knows_columns(repo: Codebase) -> bool:
    return any(
        part.attr == "item_columns"
        for file in repo.files
        for part in file.within(file.nodes[0], ast.Attribute)
    )


def _is_table(repo: Codebase, source: ParsedFile, node: ast.expr, depth: int = 0) -> bool:
    """Whether a value is `item_columns`, through names and arguments."""
    if isinstance(node, ast.Attribute):
        return node.attr == "item_columns"
    if not isinstance(node, ast.Name) or depth > DEEPEST:
        return False
    if node.id == "item_columns":
        return True
    made = bindings(source, node.id, node)
    if made:
        return all(
            b.how is How.ASSIGNED and b.position is None and _is_table(repo, source, b.value, depth + 1)
            for b in made
        )
    owner = owner_of(source, node.id, node)
    given = repo.given(Defined(file=source, node=owner), node.id) if owner is not None else []
    return any(_is_table(repo, file, value, depth + 1) for file, value in given)


def _is_column(repo: Codebase, source: ParsedFile, node: ast.expr) -> bool:
    """`columns.price`, `columns["price"]`."""
    if isinstance(node, ast.Attribute):
        return _is_table(repo, source, node.value)
    named = (
        isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
    )
    return named and isinstance(node, ast.Subscript) and _is_table(repo, source, node.value)


def _has_its_rows(repo: Codebase, source: ParsedFile, node: ast.expr, depth: int = 0) -> bool:
    """Whether a value has the row of each item where its column has it."""
    if depth > DEEPEST + 2:
        return False
    if _is_column(repo, source, node):
        return True
    if isinstance(node, ast.Name):
        made = bindings(source, node.id, node)
        return bool(made) and all(
            b.how is How.ASSIGNED and b.position is None and _has_its_rows(repo, source, b.value, depth + 1)
            for b in made
        )
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        first = node.generators[0]
        return (
            len(node.generators) == 1 and not first.ifs and _has_its_rows(repo, source, first.iter, depth + 1)
        )
    if isinstance(node, ast.Call) and called_name(node) in ROW_BY_ROW:
        own = (
            node.func.value
            if isinstance(node.func, ast.Attribute) and dotted(node.func.value) not in source.imports
            else None
        )
        given = [part for part in (own, *node.args) if part is not None and not isinstance(part, ast.Starred)]
        return any(_has_its_rows(repo, source, part, depth + 1) for part in given[:2])
    return False


def _filled_beside(repo: Codebase, source: ParsedFile, loop: ast.For) -> Iterator[tuple[ast.expr, str]]:
    """The reads of a column at `row` in a loop that fills tables at `row + 1` or `row - 1`, and none at `row`."""
    if not isinstance(loop.target, ast.Name) or not _counts_from_zero(loop.iter):
        return
    row = loop.target.id
    moves = _stores(source, loop, row)
    if not moves or 0 in moves:
        return
    for part in source.within(loop, ast.Subscript):
        if (
            isinstance(part.ctx, ast.Load)
            and dotted(part.slice) == row
            and _has_its_rows(repo, source, part.value)
        ):
            yield (
                part,
                f"reads row {row} of a column for item {row} + 1: item i has row i, and row 0 is padding",
            )


def _counted_beside(repo: Codebase, source: ParsedFile, loop: ast.For) -> Iterator[tuple[ast.expr, str]]:
    """`for i, c in enumerate(columns.price): table[i - 1] = c`; `for i, c in enumerate(columns.price, 1): table[i] = c`."""
    counted = loop.iter
    if not isinstance(counted, ast.Call) or called_name(counted) != "enumerate" or not counted.args:
        return
    if not isinstance(loop.target, ast.Tuple) or not isinstance(loop.target.elts[0], ast.Name):
        return
    given = counted.args[1] if len(counted.args) > 1 else keyword(counted, "start")
    first = 0 if given is None else number(given)
    if first is None or not _has_its_rows(repo, source, counted.args[0]):
        return
    moves = _stores(source, loop, loop.target.elts[0].id)
    for move, store in moves.items():
        if len(moves) == 1 and first + move != 0:
            yield store, "fills the row beside that of the column: item i has row i, and row 0 is padding"


def _stores(source: ParsedFile, loop: ast.For, row: str) -> dict[int, ast.expr]:
    """By how much the rows that a loop fills are beside its place, and where: 1 for `table[row + 1, k] = c`."""
    found: dict[int, ast.expr] = {}
    for part in source.within(loop, ast.Subscript):
        if not isinstance(part.ctx, ast.Store):
            continue
        index = part.slice.elts[0] if isinstance(part.slice, ast.Tuple) and part.slice.elts else part.slice
        move = _beside(index, row)
        if move is not None:
            found.setdefault(move, part)
    return found


def _beside(index: ast.expr, row: str) -> int | None:
    """0 for `row`, 1 for `row + 1`, -1 for `row - 1`; else None."""
    if isinstance(index, ast.Name):
        return 0 if index.id == row else None
    if not isinstance(index, ast.BinOp) or not isinstance(index.op, ast.Add | ast.Sub):
        return None
    left, right = index.left, index.right
    if isinstance(index.op, ast.Add) and isinstance(left, ast.Constant):
        left, right = right, left
    by = number(right)
    if dotted(left) != row or by not in (1, -1):
        return None
    return by if isinstance(index.op, ast.Add) else -by


def _counts_from_zero(node: ast.expr) -> bool:
    """`range(n)`, `range(0, n)`."""
    if not isinstance(node, ast.Call) or dotted(node.func) != "range":
        return False
    return len(node.args) == 1 or (len(node.args) == 2 and number(node.args[0]) == 0)


def _is_read_before(repo: Codebase, source: ParsedFile, part: ast.Subscript) -> bool:
    """`columns.price[item - 1]` where `item` counts from 1, and is the row of a table or an item itself."""
    index = part.slice
    if (
        not isinstance(part.ctx, ast.Load)
        or not isinstance(index, ast.BinOp)
        or not isinstance(index.left, ast.Name)
    ):
        return False
    name = index.left.id
    if _beside(index, name) != -1 or not _has_its_rows(repo, source, part.value):
        return False
    loops = [b.value for b in bindings(source, name, part) if b.how is How.ITERATED and b.position is None]
    return bool(loops) and all(_counts_from_one(loop) for loop in loops)


def _counts_from_one(node: ast.expr) -> bool:
    """`range(1, n)`"""
    return (
        isinstance(node, ast.Call)
        and dotted(node.func) == "range"
        and len(node.args) == 2
        and number(node.args[0]) == 1
    )


def _is_moved_up(repo: Codebase, source: ParsedFile, node: ast.expr) -> bool:
    """`np.append(f(price[1:]), 0)`, `[c for c in columns.price[1:]] + [0]`."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [node.left, node.right]
    elif isinstance(node, ast.Call) and called_name(node) in AT_THE_END:
        if called_name(node) == "append":
            parts = (
                list(node.args)
                if len(node.args) == 2 and dotted(node.func).startswith(("np.", "numpy."))
                else []
            )
        else:
            parts = (
                list(node.args[0].elts)
                if node.args and isinstance(node.args[0], ast.Tuple | ast.List)
                else []
            )
    return len(parts) == 2 and _is_one(parts[1]) and _lost_its_first(repo, source, parts[0])


def _is_one(node: ast.expr) -> bool:
    """A single constant entry: `[0]`, `0`, `[("", "")]`, `torch.zeros(1)`."""
    if isinstance(node, ast.List) and len(node.elts) == 1:
        inner = node.elts[0]
        return isinstance(inner, ast.Constant | ast.UnaryOp) or (
            isinstance(inner, ast.Tuple) and all(isinstance(e, ast.Constant) for e in inner.elts)
        )
    if isinstance(node, ast.Call):
        return called_name(node) in ("zeros", "ones") and bool(node.args) and number(node.args[0]) == 1
    return isinstance(node, ast.Constant)


def _lost_its_first(repo: Codebase, source: ParsedFile, node: ast.expr, depth: int = 0) -> bool:
    """`price[1:]`, or anything that is made of it row by row."""
    if depth > DEEPEST:
        return False
    if isinstance(node, ast.Subscript):
        cut = isinstance(node.slice, ast.Slice) and number(node.slice.lower) == 1 and node.slice.upper is None
        return cut and _has_its_rows(repo, source, node.value)
    if isinstance(node, ast.ListComp | ast.GeneratorExp):
        return len(node.generators) == 1 and _lost_its_first(repo, source, node.generators[0].iter, depth + 1)
    if isinstance(node, ast.Name):
        made = bindings(source, node.id, node)
        return (
            len(made) == 1
            and made[0].how is How.ASSIGNED
            and _lost_its_first(repo, source, made[0].value, depth + 1)
        )
    if isinstance(node, ast.Call) and called_name(node) in ROW_BY_ROW:
        return any(_lost_its_first(repo, source, part, depth + 1) for part in node.args)
    return False


RULE = Rule(kind=KIND, run=features_of_the_row_beside)
