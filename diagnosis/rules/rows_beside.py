"""Static rule: arrays that belong together are read by different rows."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.discount import statement_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, owner_of, same
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="rows-of-the-first",
    found_by=FoundBy.RULE,
    title="Every batch gets the first rows",
    why="The values of the first examples stand beside those of a batch of others, and all the rest are never read.",
    definition="Of the parts of one batch some are read by its rows, `x[rows]`, and one from its beginning, `w[: len(rows)]`, though it "
    "holds a value for each example as they do.",
    roles=(Role.LOADER,),
    explains=("target-misplaced", *WEAK),
)

# Makers of arrays whose rows are all alike, count them, or are drawn: any rows of them are as good as others.
ALIKE = {
    "zeros", "ones", "full", "arange", "eye", "empty", "zeros_like", "ones_like", "full_like", "range", "linspace", "rand", "randn",
    "randint", "random", "normal", "uniform", "integers", "choice", "choices", "permutation", "randperm", "multinomial", "shuffle",
    "new_zeros", "new_ones", "new_full", "new_empty", "randint_like", "rand_like", "randn_like", "tri", "triu", "tril", "repeat", "tile",
}  # fmt: skip
ROWS_FROM = (
    "perm",
    "order",
    "index",
    "indices",
    "idx",
    "rows",
    "ids",
    "sel",
    "pick",
    "batch",
    "chunk",
    "part",
)
SPREADS = {"split", "chunk", "array_split", "permutation", "randperm", "randint", "integers", "choice", "argsort", "nonzero", "sample",
           "flatnonzero", "where", "arange", "as_tensor", "tensor", "array", "asarray", "from_numpy", "LongTensor"}  # fmt: skip


def rows_of_the_first(source: ParsedFile) -> Iterator[RuleHit]:
    """`yield self.history[rows], self.target[rows], self.weight[: len(rows)]`"""
    for cut in source.within(source.nodes[0], ast.Subscript):
        rows = _counted(source, cut) if isinstance(cut.ctx, ast.Load) else None
        if rows is None or not dotted(cut.value):
            continue
        beside = [part for part in _parts_beside(source, cut) if part is not cut]
        read = [part for part in beside if same(_first(part.slice), rows) and dotted(part.value)]
        if not read or not _are_rows(source, rows):
            continue
        if any(_belong_together(source, cut.value, part.value) for part in read):
            text = dotted(rows) or "the rows"
            yield source.hit(
                KIND.code,
                statement_of(source, cut),
                f"{dotted(cut.value)} is read from its beginning, the other parts by {text}: index it by {text}",
            )


def _counted(source: ParsedFile, cut: ast.Subscript) -> ast.expr | None:
    """The rows of which a part is as long: of `w[: len(rows)]`, `w[: rows.shape[0]]`, `w[0 : rows.size(0)]`; else None."""
    index = _first(cut.slice)
    if not isinstance(index, ast.Slice) or index.step is not None:
        return None
    if index.lower is not None and number(index.lower) != 0:
        return None
    end = index.upper
    if isinstance(end, ast.Name):
        found = bindings(source, end.id, end)
        end = found[0].value if len(found) == 1 and found[0].position is None else end
    return _length_of(end)


def _length_of(node: ast.expr | None) -> ast.expr | None:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len" and node.args:
        return _row_index(node.args[0])
    if isinstance(node, ast.Call) and called_name(node) in ("size", "numel") and not node.keywords:
        own = node.func.value if isinstance(node.func, ast.Attribute) else None
        first = not node.args or number(node.args[0]) == 0
        return _row_index(own) if own is not None and first else None
    if isinstance(node, ast.Subscript) and number(node.slice) == 0:
        shape = node.value
        return _row_index(shape.value) if isinstance(shape, ast.Attribute) and shape.attr == "shape" else None
    return None


def _row_index(node: ast.expr) -> ast.expr | None:
    """`rows`, also of `len(x[rows])`."""
    if isinstance(node, ast.Subscript) and not isinstance(node.slice, ast.Slice):
        node = node.slice
    return node if isinstance(node, ast.Name | ast.Attribute) else None


def _first(index: ast.expr) -> ast.expr:
    return index.elts[0] if isinstance(index, ast.Tuple) and index.elts else index


def _parts_beside(source: ParsedFile, cut: ast.Subscript) -> list[ast.Subscript]:
    """The elements of the same tuple, list, dictionary or call, unwrapped: `torch.tensor(x[rows])` is `x[rows]`."""
    inner: ast.AST = cut
    for outer in source.around(cut):
        elements: list[ast.expr] = []
        if isinstance(outer, ast.Tuple | ast.List):
            elements = outer.elts
        elif isinstance(outer, ast.Dict):
            elements = outer.values
        elif isinstance(outer, ast.Call):
            elements = [*outer.args, *(k.value for k in outer.keywords)]
        elif isinstance(outer, ast.stmt | ast.Subscript | ast.Compare | ast.comprehension):
            return []
        if len(elements) > 1 and isinstance(inner, ast.expr | ast.keyword):
            return [part for one in elements for part in [_bare(one)] if part is not None]
        inner = outer
    return []


def _bare(node: ast.expr) -> ast.Subscript | None:
    while isinstance(node, ast.Call):
        method = isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, ast.Name)
        if method and isinstance(node.func, ast.Attribute):
            node = node.func.value
        elif node.args:
            node = node.args[0]
        else:
            return None
    return node if isinstance(node, ast.Subscript) else None


def _are_rows(source: ParsedFile, rows: ast.expr) -> bool:
    """Whether an index holds numbers of examples: drawn, permuted or taken from an order; not a mask of the whole."""
    found = bindings(source, dotted(rows), rows)
    for binding in found:
        if any(isinstance(part, ast.Compare) for part in ast.walk(binding.value)):
            return False
        calls = [part for part in ast.walk(binding.value) if isinstance(part, ast.Call)]
        if any(called_name(call) in SPREADS for call in calls):
            return True
    last = dotted(rows).rpartition(".")[2].lower()
    return any(word in last for word in ROWS_FROM)


def _belong_together(source: ParsedFile, one: ast.expr, other: ast.expr) -> bool:
    """Whether two arrays come from one place, so that their rows are the same examples, and the first's are not all alike."""
    if same(one, other) or _is_alike(source, one):
        return False
    first, second = dotted(one), dotted(other)
    if "." in first or "." in second:
        head, _, name = first.rpartition(".")
        same_owner = head == second.rpartition(".")[0]
        return same_owner and not _sounds_alike(name) and _is_made_of_data(source, one)
    made = [bindings(source, name, node) for name, node in ((first, one), (second, other))]
    owners = [owner_of(source, name, node) for name, node in ((first, one), (second, other))]
    given = owners[0] is not None and owners[0] is owners[1]
    both = bool(made[0]) and bool(made[1])
    return (given or both) and not _sounds_alike(first)


def _sounds_alike(name: str) -> bool:
    """Whether an array is called after what is the same in all rows, or drawn for each."""
    pieces = {piece.rstrip("s") for piece in name.lower().split("_")}
    return bool(
        pieces
        & {"one", "zero", "arange", "position", "pos", "pad", "buffer", "noise", "dummy", "eye", "neg", "negative", "template", "out",
           "mask", "range", "pool", "queue", "memory", "counter"}
    )  # fmt: skip


def _is_made_of_data(source: ParsedFile, node: ast.expr) -> bool:
    """Whether an attribute is set in the file to what is read, gathered or given."""
    return any(b.how is How.ASSIGNED for b in bindings(source, dotted(node), node))


def _is_alike(source: ParsedFile, node: ast.expr) -> bool:
    """Whether an array was made of constants, counted, or drawn."""
    for binding in bindings(source, dotted(node), node):
        if any(isinstance(p, ast.Call) and called_name(p) in ALIKE for p in ast.walk(binding.value)):
            return True
    changed = source.function_of(node)
    return isinstance(changed, Function) and any(
        called_name(call) == "shuffle" and call.args and same(call.args[0], node)
        for call in source.calls_in(changed)
    )


RULE = Rule(kind=KIND, run=rows_of_the_first)
