"""Static rule: attention that gives most weight to what is least alike."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import amount, operation
from diagnosis.rules.values import bindings, same, words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="attention-turned",
    found_by=FoundBy.RULE,
    title="Attention to what fits least",
    why="The event or interest that is least like what is asked for counts most.",
    definition="The weights of a sum are a softmax of the negative of a product of vectors, which is higher the more alike "
    "they are. Negative distances are no products.",
    roles=(Role.ENCODER,),
    explains=("order-ignored", *WEAK),
)

PRODUCTS = {"matmul", "bmm", "mm", "mv", "dot", "inner", "einsum", "cosine_similarity"}
KEEPS = frozenset(("dropout", "clone", "contiguous", "to", "float", "type_as", "nan_to_num", "detach", "squeeze",
                   "unsqueeze", "transpose", "permute", "view", "reshape", "expand"))  # fmt: skip
ON_THE_WAY = frozenset((*KEEPS, "masked_fill", "masked_fill_", "clamp"))
SUMS = {"matmul", "bmm", "mm", "einsum", "sum"}
# What is added to logits beside their similarity.
BESIDE = ("mask", "bias", "pos", "age", "decay", "time")
# Words of code that turns a similarity round on purpose: losses, samplers, contrasts.
ON_PURPOSE = (
    "loss",
    "neg",
    "sampl",
    "dis",
    "rever",
    "inver",
    "oppos",
    "contrast",
    "hard",
    "unlike",
    "weight_decay",
    "anti",
)
DEEPEST = 6


def attention_turned(source: ParsedFile) -> Iterator[RuleHit]:
    """`torch.softmax(-(q @ k.transpose(-1, -2)), -1) @ v`"""
    repo = source.repo
    taken = repo is not None and any(
        name.lower().endswith(("softmax", "softmin")) for name in source.called_names
    )
    for call in source.calls if taken else ():
        done = operation(repo, source, call) if repo is not None and _may_be(source, call) else None
        if repo is None or done is None or done.name not in ("softmax", "softmin") or not done.values:
            continue
        if _is_on_purpose(source, call) or not _weighs(source, call, 0):
            continue
        whole = Value(file=source, node=call) if done.name == "softmin" else None
        minus = _turns(repo, Value(file=source, node=done.values[0]), whole, 0)
        if minus is not None and not _is_taken_upright(repo, source, call):
            yield minus.file.hit(
                KIND.code, minus.node, "gives most weight to what is least alike: take the minus away"
            )


def _may_be(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call may be a softmax, by its name, or as a module that an attribute holds."""
    name = called_name(call).lower()
    if "softmin" in name or ("softmax" in name and "log" not in name):
        return True
    return isinstance(call.func, ast.Attribute) and any(
        isinstance(b.value, ast.Call) and called_name(b.value) == "Softmax"
        for b in bindings(source, dotted(call.func), call)
    )


def _is_on_purpose(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the function, class or name around tells of a loss, of negatives or of what is unlike."""
    words = []
    for outer in source.around(call):
        if isinstance(outer, ast.FunctionDef | ast.ClassDef):
            words.append(outer.name)
        elif isinstance(outer, ast.Assign):
            words += [word for target in outer.targets for word in words_of(target)]
    return any(part in word.lower() for word in words for part in ON_PURPOSE)


def _weighs(source: ParsedFile, node: ast.expr, depth: int) -> bool:
    """Whether the weights are multiplied with something and summed."""
    outer = source.parents.get(node)
    if depth > DEEPEST or outer is None:
        return False
    if isinstance(outer, ast.BinOp):
        if isinstance(outer.op, ast.MatMult):
            return True
        return isinstance(outer.op, ast.Mult) and _is_summed(source, outer)
    if isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Name):
        name, around = outer.targets[0].id, source.function_of(outer) or source.nodes[0]
        return any(
            _weighs(source, use, depth + 1)
            for use in source.within(around, ast.Name)
            if use.id == name
            and isinstance(use.ctx, ast.Load)
            and source.places[use] > source.places[outer] + 1
        )
    if isinstance(outer, ast.Call) and node in outer.args:
        if called_name(outer) in SUMS:
            return True
        return called_name(outer).startswith(("drop", "attn_drop")) and _weighs(source, outer, depth + 1)
    if isinstance(outer, ast.Attribute):
        method = source.parents.get(outer)
        if isinstance(method, ast.Call) and method.func is outer:
            return (outer.attr in SUMS - {"sum"}) or (
                outer.attr in KEEPS and _weighs(source, method, depth + 1)
            )
    return isinstance(outer, ast.Subscript) and outer.value is node and _weighs(source, outer, depth + 1)


def _is_summed(source: ParsedFile, product: ast.BinOp) -> bool:
    """`(weights * values).sum(1)`, `torch.sum(weights * values, 1)`, or the same of a name for the product."""
    outer = source.parents.get(product)
    if isinstance(outer, ast.Assign) and isinstance(outer.targets[0], ast.Name):
        name, around = outer.targets[0].id, source.function_of(outer) or source.nodes[0]
        return any(
            isinstance(up := source.parents.get(use), ast.Attribute | ast.Call) and _sums(source, up)
            for use in source.within(around, ast.Name)
            if use.id == name and isinstance(use.ctx, ast.Load)
        )
    return isinstance(outer, ast.Attribute | ast.Call) and _sums(source, outer)


def _sums(source: ParsedFile, outer: ast.Attribute | ast.Call) -> bool:
    call = source.parents.get(outer) if isinstance(outer, ast.Attribute) else outer
    return isinstance(call, ast.Call) and called_name(call) == "sum"


def _turns(repo: Codebase, value: Value, minus: Value | None, depth: int) -> Value | None:
    """The place at which the sign of a product of vectors is turned, an odd number of times; None for all else."""
    if depth > DEEPEST:
        return None
    found: list[Value | None] = []
    for end in endings(repo, value.file, value.node, ON_THE_WAY, value.calls):
        inner, turned = _unsigned(end.node)
        if inner is None:
            found.append(minus if _is_product(repo, end) else None)
            continue
        here = minus
        if turned:
            here = None if minus is not None else Value(file=end.file, node=end.node, calls=end.calls)
        found += [
            _turns(repo, Value(file=end.file, node=part, calls=end.calls), here, depth + 1) for part in inner
        ]
    known = [place for place in found if place is not None]
    return known[0] if known and len(known) == len(found) else None


def _unsigned(node: ast.expr) -> tuple[list[ast.expr] | None, bool]:
    """(the part of an expression that its sign, factor or mask stands beside, whether the sign is turned)."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        return [node.operand], isinstance(node.op, ast.USub)
    if isinstance(node, ast.Call) and called_name(node) in ("neg", "negative"):
        own = node.func.value if isinstance(node.func, ast.Attribute) and not node.args else None
        return ([own] if own is not None else list(node.args[:1])), True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        if (sign := _factor(node.right)) is not None:
            return [node.left], sign < 0
        if isinstance(node.op, ast.Mult) and (sign := _factor(node.left)) is not None:
            return [node.right], sign < 0
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        for logits, other in ((node.left, node.right), (node.right, node.left)):
            words = [word.lower() for word in words_of(other)]
            if words and all(any(part in word for part in BESIDE) or word == "self" for word in words):
                return [logits], False
    return None, False


def _factor(node: ast.expr) -> int | None:
    """The sign with which a plain factor is written: a number, a name or an attribute, or a root of one; None for all else."""
    number = amount(node)
    if number is not None:
        return -1 if number < 0 else 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _factor(node.operand)
        named = isinstance(node.operand, ast.Name | ast.Attribute)
        return -inner if inner is not None else -1 if named else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return 1 if abs(amount(node.right) or 0) == 0.5 else _factor(node.left)
    if isinstance(node, ast.Call) and called_name(node) in ("sqrt", "float"):
        return 1
    scalar = dotted(node).rpartition(".")[2].lower()
    words = (
        "scale",
        "temp",
        "tau",
        "sharp",
        "beta",
        "gamma",
        "alpha",
        "factor",
        "norm",
        "dim",
        "eps",
        "kappa",
    )
    return 1 if any(word in scalar for word in words) else None


def _is_product(repo: Codebase, end: Value) -> bool:
    """Whether an expression multiplies vectors with others, none of which is a difference."""
    node = end.node
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        return _are_apart(repo, end, node.left, node.right)
    done = operation(repo, end.file, node) if isinstance(node, ast.Call) else None
    if done is None:
        return False
    if done.name in PRODUCTS:
        vectors = [v for v in done.values if not isinstance(v, ast.Constant)]
        return len(vectors) >= 2 and _are_apart(repo, end, vectors[0], vectors[1])
    inner = done.values[0] if done.name == "sum" and done.values else None
    for made in endings(repo, end.file, inner, KEEPS, end.calls) if inner is not None else ():
        product = made.node
        if not isinstance(product, ast.BinOp) or not isinstance(product.op, ast.Mult):
            return False
        if any(_factor(side) is not None for side in (product.left, product.right)):
            return False
        if not _are_apart(repo, made, product.left, product.right):
            return False
    return inner is not None


def _are_apart(repo: Codebase, end: Value, left: ast.expr, right: ast.expr) -> bool:
    """Whether two factors are not the same difference, whose product is a distance."""
    if same(left, right):
        return False
    return not any(
        isinstance(made.node, ast.BinOp) and isinstance(made.node.op, ast.Sub)
        for side in (left, right)
        for made in endings(repo, end.file, side, KEEPS, end.calls)
    )


def _is_taken_upright(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    """Whether the function also takes a softmax that turns nothing, as a contrast of the near and the far."""
    function = source.function_of(call)
    others = (
        [c for c in source.calls_in(function) if c is not call and _may_be(source, c)] if function else []
    )
    done = [operation(repo, source, other) for other in others]
    return any(
        one is not None
        and one.name == "softmax"
        and one.values
        and _turns(repo, Value(file=source, node=one.values[0]), None, 0) is None
        for one in done
    )


RULE = Rule(kind=KIND, run=attention_turned)
