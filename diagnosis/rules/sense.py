"""Whether a value is better the higher it is, or the lower: read from the operations that made it, and from the number to
which its author sets what must come last.
"""

import ast

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.made_from import REARRANGES, Value, endings
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import amount, operation
from diagnosis.syntax import dotted

DEEPEST = 6  # operations that one question passes
ENDLESS = 1e4  # scores that are set to more than this, or to less than its negative, are put last or first on purpose
# Similarities, and logits.
HIGHER = {
    "matmul",
    "mm",
    "bmm",
    "mv",
    "dot",
    "inner",
    "einsum",
    "linear",
    "cosine_similarity",
    "baddbmm",
    "addmm",
}
LOWER = {"cdist", "pairwise_distance", "norm", "vector_norm", "mse_loss"}
# Operations that keep the order of their first input.
RISING = frozenset(
    (*REARRANGES, "sigmoid", "softmax", "log_softmax", "logsigmoid", "exp", "tanh", "log", "sqrt", "detach", "numpy",
     "masked_fill", "masked_fill_", "asarray", "array", "tensor", "as_tensor", "from_numpy", "item", "tolist", "astype",
     "half", "bfloat16", "clamp", "nan_to_num", "copy", "list", "mean")
)  # fmt: skip


def sense(repo: Codebase, file: ParsedFile, node: ast.expr) -> int:
    """1 where more is better, -1 where less is, 0 where that cannot be told."""
    return _of(repo, Value(file=file, node=node), 0)


def put_last(file: ParsedFile, node: ast.expr) -> int:
    """The sense that a mask shows: 1 where some elements of a named value are set to -inf, -1 for +inf, else 0."""
    name = dotted(node)
    around = file.function_of(node) or file.nodes[0]
    found = set()
    for statement in file.within(around, ast.Assign) if name else ():
        number = amount(statement.value)
        stores = any(isinstance(t, ast.Subscript) and dotted(t.value) == name for t in statement.targets)
        if stores and number is not None and abs(number) >= ENDLESS:
            found.add(-1 if number > 0 else 1)
    return found.pop() if len(found) == 1 else 0


def _of(repo: Codebase, value: Value, depth: int) -> int:
    if depth > DEEPEST:
        return 0
    ends = endings(repo, value.file, value.node, RISING, value.calls)
    found = {_made(repo, end, depth + 1) for end in ends}
    if found == {0} or not found:
        return put_last(value.file, value.node)
    return found.pop() if len(found) == 1 else 0


def _made(repo: Codebase, end: Value, depth: int) -> int:
    node = end.node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_inner(repo, end, node.operand, depth)
    if isinstance(node, ast.BinOp):
        return _reckoned(repo, end, node, depth)
    done = operation(repo, end.file, node) if isinstance(node, ast.Call) else None
    if done is None:
        return 0
    if done.name in HIGHER:
        return 1
    if done.name in LOWER:
        return -1
    if done.name in ("neg", "negative") and done.values:
        return -_inner(repo, end, done.values[0], depth)
    if done.name in ("pow", "square") and done.values:
        # what cannot be negative keeps its order, as a distance does
        inner = _inner(repo, end, done.values[0], depth)
        return (1 if _is_reciprocal(node) else -1) if inner == -1 else 0
    if done.name == "where" and len(done.values) == 3:
        senses = {_inner(repo, end, part, depth) for part in done.values[1:]} - {0}
        return senses.pop() if len(senses) == 1 else 0
    if done.name == "sum" and done.values:
        return _summed(done.values[0])
    return 0


def _is_reciprocal(node: ast.AST) -> bool:
    """Whether a power is one below 0, by which what is far becomes small: `distance.pow(-1)`."""
    given = [*node.args[-1:], *(k.value for k in node.keywords)] if isinstance(node, ast.Call) else []
    return any((told := amount(value)) is not None and told < 0 for value in given)


def _inner(repo: Codebase, end: Value, node: ast.expr, depth: int) -> int:
    return _of(repo, Value(file=end.file, node=node, calls=end.calls), depth)


def _reckoned(repo: Codebase, end: Value, node: ast.BinOp, depth: int) -> int:
    if isinstance(node.op, ast.MatMult):
        return 1
    left = _inner(repo, end, node.left, depth)
    right = _inner(repo, end, node.right, depth)
    if isinstance(node.op, ast.Add):
        return left or right if left * right >= 0 else 0
    if isinstance(node.op, ast.Sub):
        return left or -right if left * right <= 0 else 0
    if isinstance(node.op, ast.Mult | ast.Div):
        number = amount(node.right)
        turned = number is None and isinstance(node.op, ast.Div)  # `1 / distance`
        number, base = (amount(node.left), -right if turned else right) if number is None else (number, left)
        return 0 if number is None else base if number > 0 else -base
    return 0


def _summed(node: ast.expr) -> int:
    """Of `(u * v).sum(-1)`, a product; of `((u - v) ** 2).sum(-1)`, a distance."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        return 1 if amount(node.left) is None and amount(node.right) is None else 0
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return -1 if isinstance(node.left, ast.BinOp) and isinstance(node.left.op, ast.Sub) else 0
    return 0
