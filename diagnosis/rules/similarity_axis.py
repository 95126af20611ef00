"""Static rule: vectors are normalised along another axis than the one their inner products sum over."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.tensor_calls import operation, whole
from diagnosis.rules.values import How, bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="normalised-across-vectors",
    found_by=FoundBy.RULE,
    title="Normalised across vectors",
    why="Their inner products are no cosines: long vectors stay long, and each one hangs on the others of the batch.",
    definition="`F.normalize` over axis 0 of rows of vectors whose inner products (`z @ z.T`, `(a * b).sum(1)`) sum over axis 1.",
    roles=(Role.NORMALIZATION,),
    explains=("batch-companions", *WEAK),
)
TURNS = {"t", "T", "mT"}


def normalised_across_vectors(source: ParsedFile) -> Iterator[RuleHit]:
    """`z = F.normalize(torch.cat([a, b]), dim=0); similarity = z @ z.T`"""
    repo = source.repo
    if repo is None:
        return
    for call in source.calls_named("normalize"):
        done = operation(repo, source, call)
        if done is None or whole(done.option("dim", 2)) != 0:
            continue
        function = source.function_of(call)
        names = _names_of(source, call)
        if isinstance(function, Function) and _multiplies_rows(repo, source, function, call, names):
            yield source.hit(
                KIND.code,
                call,
                "normalises each dimension over the batch, but products sum over dimensions: use dim=-1",
            )


def _names_of(source: ParsedFile, call: ast.Call) -> set[str]:
    statement = source.parents.get(call)
    if isinstance(statement, ast.Tuple):
        statement = source.parents.get(statement)
    if not isinstance(statement, ast.Assign):
        return set()
    target = statement.targets[0]
    if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
        return {dotted(t) for t, v in zip(target.elts, statement.value.elts) if v is call} - {""}
    return {dotted(t) for t in statement.targets} - {""}


def _multiplies_rows(
    repo: Codebase, source: ParsedFile, function: Function, call: ast.Call, names: set[str]
) -> bool:
    """Whether the function takes inner products of the normalised rows: they are turned on the right of a product, or
    products of them are summed over axis 1. A single vector, of which axis 0 is the only one, can be neither."""

    def is_it(node: ast.AST | None) -> bool:
        return node is call or (node is not None and dotted(node) in names and _is_last(source, node, call))

    for right in _right_sides(repo, source, function):
        turned = _turned(right)
        if turned is not None and is_it(turned):
            return True
    for total in source.calls_in(function):
        if called_name(total) != "sum" or not isinstance(total.func, ast.Attribute):
            continue
        axis = keyword(total, "dim") or keyword(total, "axis") or (total.args[0] if total.args else None)
        product = total.func.value
        if (
            whole(axis) == 1
            and isinstance(product, ast.BinOp)
            and isinstance(product.op, ast.Mult)
            and (is_it(product.left) or is_it(product.right))
        ):
            return True
    return False


def _is_last(source: ParsedFile, node: ast.AST, call: ast.Call) -> bool:
    """Whether nothing else is bound to the name."""
    made = bindings(source, dotted(node), node)
    return len([b for b in made if b.how is How.ASSIGNED]) == 1


def _right_sides(repo: Codebase, source: ParsedFile, function: Function) -> Iterator[ast.expr]:
    """What stands on the right of the products of matrices."""
    for node in source.within(function, ast.BinOp):
        if isinstance(node.op, ast.MatMult):
            yield node.right
    for call in source.calls_in(function):
        if called_name(call) in ("matmul", "mm"):
            done = operation(repo, source, call)
            if done is not None and len(done.values) == 2:
                yield done.values[1]


def _turned(node: ast.expr) -> ast.expr | None:
    """`z` of `z.T`, `z.t()`, `z.transpose(0, 1)`; None for what is not turned."""
    if isinstance(node, ast.Attribute) and node.attr in TURNS:
        return node.value
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr == "t":
            return node.func.value
        if node.func.attr in ("transpose", "permute", "swapaxes"):
            axes = {whole(a) for a in node.args}
            return node.func.value if axes in ({0, 1}, {-1, -2}, {-2, -1}) else None
    return None


RULE = Rule(kind=KIND, run=normalised_across_vectors)
