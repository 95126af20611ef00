"""Static rule: the scores of an attention are multiplied by the root of the width that they are divided by."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.tensor_calls import amount
from diagnosis.rules.values import How, bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="attention-scaled-up",
    found_by=FoundBy.RULE,
    title="Attention is scaled the wrong way",
    why="The scores are so large that each place attends to one event alone, and the softmax passes no gradient to the others.",
    definition="Products of queries and keys are multiplied by the square root of their width, or divided by its inverse, before a softmax.",
    roles=(Role.ENCODER,),
    explains=WEAK,
    sources=("Vaswani et al., 2017, section 3.2.1",),
)
PRODUCTS = {"matmul", "bmm", "einsum", "baddbmm"}
WIDTHS = ("dim", "size", "shape", "width", "d_k", "dk", "hidden", "head", "d_model", "emb", "channels", "d")


def attention_scaled_up(source: ParsedFile) -> Iterator[RuleHit]:
    """`softmax(q @ k.transpose(-2, -1) * math.sqrt(d))`"""
    for node in source.within(source.nodes[0], ast.BinOp):
        function = source.function_of(node)
        if not isinstance(node.op, ast.Mult | ast.Div) or not isinstance(function, Function):
            continue
        sides = [(node.left, node.right)] + (
            [(node.right, node.left)] if isinstance(node.op, ast.Mult) else []
        )
        power = 0.5 if isinstance(node.op, ast.Mult) else -0.5
        if any(_is_product(source, one) and _root(source, other, 0) == power for one, other in sides):
            names = {called_name(call) for call in source.calls_in(function)}
            softened = {"softmax", "Softmax", "masked_softmax"} & names
            if softened and not {"normalize", "norm", "l2_normalize"} & names:
                yield source.hit(
                    KIND.code,
                    node,
                    "multiplies the scores by the root of the width, by which attention divides them",
                )


def _is_product(source: ParsedFile, node: ast.expr, depth: int = 0) -> bool:
    """Whether a value is a product with something turned: `q @ k.transpose(-2, -1)`, `torch.matmul(q, k.mT)`."""
    if isinstance(node, ast.Name) and depth < 2:
        made = [b for b in bindings(source, node.id, node) if b.how is How.ASSIGNED]
        return len(made) == 1 and made[0].position is None and _is_product(source, made[0].value, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return _is_turned(node.right)
    if not isinstance(node, ast.Call) or called_name(node) not in PRODUCTS or not node.args:
        return False
    return called_name(node) == "einsum" or _is_turned(node.args[-1])


def _is_turned(node: ast.expr) -> bool:
    if isinstance(node, ast.Attribute):
        return node.attr in ("T", "mT")
    return isinstance(node, ast.Call) and called_name(node) in ("transpose", "permute", "t", "swapaxes")


def _root(source: ParsedFile, node: ast.expr, depth: int) -> float | None:
    """.5 for the square root of a width, -.5 for its inverse, None for all else."""
    if isinstance(node, ast.Name | ast.Attribute) and depth < 2:
        made = [
            b for b in bindings(source, dotted(node), node) if b.how is How.ASSIGNED and b.position is None
        ]
        return _root(source, made[0].value, depth + 1) if len(made) == 1 else None
    if isinstance(node, ast.Call) and called_name(node) == "sqrt":
        inner = node.args[0] if node.args else node
        if isinstance(inner, ast.Call) and called_name(inner) in ("float", "tensor") and inner.args:
            inner = inner.args[0]
        return 0.5 if _is_width(inner) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow) and _is_width(node.left):
        power = amount(node.right)
        return power if power in (0.5, -0.5) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div) and number(node.left) == 1:
        inner = _root(source, node.right, depth)
        return -inner if inner is not None else None
    return None


def _is_width(node: ast.expr) -> bool:
    """Whether a number is a width by its name: `q.size(-1)`, `self.head_dim`."""
    if isinstance(node, ast.Subscript):
        node = node.value
    if isinstance(node, ast.BinOp):
        return (
            isinstance(node.op, ast.FloorDiv | ast.Div) and number(node.left) is None and _is_width(node.left)
        )
    last = called_name(node) if isinstance(node, ast.Call) else dotted(node).rpartition(".")[2]
    return any(piece in WIDTHS for piece in last.lower().split("_")) or last.lower() in WIDTHS


RULE = Rule(kind=KIND, run=attention_scaled_up)
