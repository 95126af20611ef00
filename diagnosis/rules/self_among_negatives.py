"""Static rule: in a contrastive loss each vector is compared with itself, too, which is its best match."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import REARRANGES, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.tensor_calls import operation
from diagnosis.rules.values import same
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="self-among-negatives",
    found_by=FoundBy.RULE,
    title="Compared with itself",
    why="A vector's likeness to itself is the largest there is: it stands in the denominator of every example, and hides the others.",
    definition="A softmax or logsumexp of the products of vectors with all vectors of the same tensor, in a function that hides no diagonal.",
    roles=(Role.LOSS,),
    explains=WEAK,
)
SOFT = {"cross_entropy", "log_softmax", "logsumexp"}
TURNED = {"T", "mT"}
TURNS = {"t", "transpose", "permute", "swapaxes"}
PRODUCTS = {"matmul", "mm"}
HIDES = ("diag", "eye", "mask", "triu", "tril", "fill", "where", "isinf", "inf")
THROUGH = frozenset((*REARRANGES, "clamp"))


def self_among_negatives(source: ParsedFile) -> Iterator[RuleHit]:
    """`z = torch.cat([a, b]); F.cross_entropy(z @ z.T / tau, partner)`"""
    repo = source.repo
    products = [*source.within(source.nodes[0], ast.BinOp), *source.calls_named(*PRODUCTS)] if repo else []
    squaring = {source.function_of(node) for node in products if _of_itself(source, node)} - {None}
    for call in source.calls if squaring else ():  # what a call does takes long to find out
        function = source.function_of(call)
        done = operation(repo, source, call) if function in squaring else None
        if repo is None or done is None or done.name not in SOFT or not done.values or function is None:
            continue
        if _hides(source, function):
            continue
        for product in _products(repo, source, done.values[0]):
            if source.function_of(product) is function:
                yield source.hit(
                    KIND.code,
                    product,
                    "compares each vector with itself, too: hide the diagonal before the softmax",
                )


def _products(repo: Codebase, source: ParsedFile, node: ast.expr) -> Iterator[ast.expr]:
    """The products of a tensor with itself that a value was made of, scaled or not."""
    for end in endings(repo, source, node, THROUGH):
        inner = end.node
        while isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Div | ast.Mult):
            inner = inner.left
        for value in [end] if inner is end.node else endings(repo, end.file, inner, THROUGH, end.calls):
            if value.file is source and _of_itself(source, value.node):
                yield value.node


def _of_itself(source: ParsedFile, node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        pair = (node.left, node.right)
    elif isinstance(node, ast.Call) and called_name(node) in PRODUCTS and node.args:
        own = node.func.value if isinstance(node.func, ast.Attribute) else None
        of_torch = own is not None and source.full_name(node).startswith("torch.")
        pair = (*node.args, *([] if of_torch or own is None else [own]))[:2]
    else:
        return False
    names = [_turned(part) for part in pair]
    return len(names) == 2 and names[0] != "" and names[0] == names[1]


def _turned(node: ast.expr) -> str:
    """The name of a tensor, transposed or not."""
    if isinstance(node, ast.Attribute) and node.attr in TURNED:
        node = node.value
    elif isinstance(node, ast.Call) and called_name(node) in TURNS and isinstance(node.func, ast.Attribute):
        node = node.func.value
    return dotted(node)


def _hides(source: ParsedFile, function: Function) -> bool:
    """Whether anything in the function speaks of a diagonal or a mask, or writes to cells of one place twice: `logits[i, i] = -9`."""
    for statement in source.within(function, ast.Assign):
        for target in statement.targets:
            place = target.slice if isinstance(target, ast.Subscript) else None
            if isinstance(place, ast.Tuple) and len(place.elts) == 2 and same(*place.elts):
                return True
    words = [node.id for node in source.within(function, ast.Name)]
    words += [node.attr for node in source.within(function, ast.Attribute)]
    return any(hide in word.lower() for word in words for hide in HIDES)


RULE = Rule(kind=KIND, run=self_among_negatives)
