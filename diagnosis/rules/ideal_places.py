"""How many places the sum of an ideal gain goes over, and whether that is the length of the list that is judged."""

import ast
from collections.abc import Iterator

from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import bindings, origins, parameters, same
from diagnosis.syntax import called_name, dotted

COUNTS = {
    "min",
    "minimum",
    "len",
    "sum",
    "count_nonzero",
    "size",
    "clamp",
    "clip",
    "numel",
    "nnz",
    "count",
    "where",
}


def places_counted(node: ast.AST) -> ast.expr | None:
    """The number of places of `range(k)` or `arange(2, k + 2)`, up to a constant."""
    if not isinstance(node, ast.Call) or called_name(node) not in ("range", "arange") or not node.args:
        return None
    stop = node.args[0] if len(node.args) == 1 else node.args[1]
    while isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add | ast.Sub):
        if isinstance(stop.right, ast.Constant):
            stop = stop.left
        elif isinstance(stop.left, ast.Constant) and isinstance(stop.op, ast.Add):
            stop = stop.right
        else:
            break
    return stop


def is_one_over(node: ast.AST | None, call: ast.Call) -> bool:
    """Whether the expression is 1 divided by something with the logarithm, and nothing else."""
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
        return False
    one = node.left
    plain = isinstance(one, ast.Constant) or (
        isinstance(one, ast.Call) and called_name(one) in ("log", "ones", "float", "log2")
    )
    return plain and any(part is call for part in ast.walk(node.right))


def is_cut(source: ParsedFile, bound: ast.expr) -> bool:
    """Whether the bound is the length of the list that is judged: nothing counts the relevant items, and the same
    expression cuts a list or a top k.
    """
    if not counts_nothing(source, bound):
        return False
    if isinstance(bound, ast.Constant) or is_called_k(bound):
        return True
    return any(same(bound, cut) or _keeps(source, cut, bound) for cut in _cuts(source))


def is_called_k(bound: ast.expr) -> bool:
    """Whether a number is called k, as the length of a list that is judged is."""
    name = dotted(bound).rpartition(".")[2].lower()
    return name in ("k", "topk", "top_k", "n_top", "topn", "top_n", "cutoff") or name.endswith("_k")


def counts_relevant(source: ParsedFile, bound: ast.expr) -> bool:
    """Whether a number of places is that of all relevant items, `len(truth)`, in a function that cuts the judged list alone at k."""
    given = (
        bound.args[0] if isinstance(bound, ast.Call) and called_name(bound) == "len" and bound.args else None
    )
    function = source.function_of(bound)
    if not isinstance(given, ast.Name) or function is None or given.id not in parameters(function):
        return False
    if bindings(source, given.id, bound) or any(
        called_name(c) in ("min", "minimum") for c in source.calls_in(function)
    ):
        return False
    cuts = [part for part in source.within(function, ast.Subscript) if isinstance(part.slice, ast.Slice)]
    cut = {
        dotted(part.value) for part in cuts if part.slice.upper is not None and is_called_k(part.slice.upper)
    }
    tested = [
        side
        for c in source.within(function, ast.Compare)
        if isinstance(c.ops[0], ast.In)
        for side in c.comparators
    ]
    return bool(cut) and given.id not in cut and any(dotted(side) == given.id for side in tested)


def _keeps(source: ParsedFile, cut: ast.expr, bound: ast.expr) -> bool:
    """Whether an object keeps a number under the name by which a list is cut: `self.k = k`."""
    name = dotted(cut) if isinstance(cut, ast.Attribute) else ""
    kept = bindings(source, name, cut) if name.startswith("self.") else []
    return len(kept) == 1 and same(kept[0].value, bound)


def counts_nothing(source: ParsedFile, bound: ast.expr) -> bool:
    parts = [part for step in origins(source, bound) for part in ast.walk(step)]
    return not any(
        (isinstance(part, ast.Call) and called_name(part) in COUNTS)
        or (isinstance(part, ast.Attribute) and part.attr in ("shape", "size"))
        for part in parts
    )


def is_length_of_list(source: ParsedFile, bound: ast.expr) -> bool:
    """Whether a number of places is the length of the very list whose items are looked for among the relevant ones."""
    given = (
        bound.args[0] if isinstance(bound, ast.Call) and called_name(bound) == "len" and bound.args else None
    )
    function = source.function_of(bound)
    if given is None or function is None:
        return False
    for call in source.calls_named("isin", "in1d"):
        if source.function_of(call) is function and call.args and same(call.args[0], given):
            return True
    for loop in source.within(function, ast.For, ast.comprehension):
        over = loop.iter
        if isinstance(over, ast.Call) and called_name(over) == "enumerate" and over.args:
            over = over.args[0]
        outer = source.parents.get(loop)
        made = [outer.elt] if isinstance(outer, ast.ListComp | ast.GeneratorExp) else []
        tests = [*loop.ifs, *made] if isinstance(loop, ast.comprehension) else loop.body
        if same(over, given) and any(
            isinstance(op, ast.In)
            for test in tests
            for part in ast.walk(test)
            if isinstance(part, ast.Compare)
            for op in part.ops
        ):
            return True
    return False


def is_bounded(source: ParsedFile, node: ast.AST, size: ast.expr) -> bool:
    """Whether the node stands in a branch for which the relevant items were compared with k: `if len(relevant) > k:`."""
    return any(
        isinstance(outer, ast.If | ast.IfExp)
        and any(
            any(same(side, size) for side in (compare.left, *compare.comparators))
            and not all(counts_nothing(source, side) for side in (compare.left, *compare.comparators))
            for compare in source.within(outer.test, ast.Compare)
        )
        for outer in source.around(node)
    )


def _cuts(source: ParsedFile) -> Iterator[ast.expr]:
    for part in source.within(source.nodes[0], ast.Slice):
        if part.lower is None and part.upper is not None:
            yield part.upper
    for call in source.calls_named("topk", "argpartition", "top_k", "islice", "nlargest"):
        yield from call.args
        yield from (k.value for k in call.keywords)
