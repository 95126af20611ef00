"""Static rule: masks that let through what they should block, and masks that block nothing."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import endings
from diagnosis.rules.masks import Mask, Shape, mask_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import Operation, amount, operation
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="mask-misread",
    found_by=FoundBy.RULE,
    title="A mask the wrong way round",
    why="Attention then reads padding or the future, and not the events that it should.",
    definition="A mask whose true places are the opposite of what the function takes: `key_padding_mask` and a boolean "
    "`attn_mask` of nn.MultiheadAttention are true where nothing is read, that of scaled_dot_product_attention where "
    "something is, and `masked_fill` before a softmax fills the places that are not read with a large negative number.",
    roles=(Role.CAUSAL_MASK,),
    explains=("more-padding", "future-visible", *WEAK),
)
PADDING = {"key_padding_mask", "src_key_padding_mask", "tgt_key_padding_mask", "memory_key_padding_mask"}
BLOCKS = {"attn_mask", "src_mask", "tgt_mask", "mask"}
ATTENTION = ("torch.nn.MultiheadAttention", "torch.nn.Transformer")
BIG = 30.0  # logits of attention are smaller
KEEPS = frozenset(("dropout", "clone", "contiguous", "to", "float", "type_as"))


def mask_sense(source: ParsedFile) -> Iterator[RuleHit]:
    """Masks given to attention layers of torch, and masks that are filled in before a softmax."""
    repo = source.repo
    if repo is None:
        return
    for call in source.calls:
        for word in call.keywords:
            if word.arg in PADDING:
                yield from _judge(repo, source, word.value, blocks=True)
        done = operation(repo, source, call)
        if done is None:
            continue
        if done.name.startswith(ATTENTION):
            for word in call.keywords:
                if word.arg in BLOCKS:
                    yield from _judge(repo, source, word.value, blocks=True)
        elif done.name == "scaled_dot_product_attention":
            given = done.option("attn_mask", 3)
            if given is not None:
                yield from _judge(repo, source, given, blocks=False)
        elif done.name == "softmax" and done.values and _is_attention(source, call):
            yield from _filled(repo, source, done.values[0])


def _judge(repo: Codebase, source: ParsedFile, node: ast.expr, *, blocks: bool) -> Iterator[RuleHit]:
    """blocks: the mask is true where nothing is read."""
    mask = mask_of(repo, source, node)
    message = _fault(mask if blocks or mask is None else mask.inverted()) if mask else ""
    if message:
        yield source.hit(KIND.code, node, message)


def _fault(mask: Mask) -> str:
    """What is wrong with a mask of blocked places; "" for nothing."""
    if mask.shape is Shape.EVENTS:
        return "blocks the events and leaves the padding: the mask is the wrong way round"
    if mask.shape is Shape.LOWER:
        return "blocks the past and leaves the future: the mask is the wrong way round"
    if mask.shape is Shape.UPPER and mask.diagonal > 1:
        return f"leaves {mask.diagonal - 1} of the future visible: block from diagonal 1 on"
    return ""


def _is_attention(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the function of the softmax also multiplies and sums, as attention and pooling do."""
    function = source.function_of(call) or source.nodes[0]
    products = any(called_name(c) in ("matmul", "bmm", "einsum") for c in source.within(function, ast.Call))
    return (
        products
        or any(isinstance(b.op, ast.MatMult) for b in source.within(function, ast.BinOp))
        or any(called_name(c) == "sum" for c in source.within(function, ast.Call))
    )


def _filled(repo: Codebase, source: ParsedFile, logits: ast.expr, depth: int = 0) -> Iterator[RuleHit]:
    """The masks filled into what a softmax is taken of."""
    if depth > 3:
        return
    for done in [*_in_place(repo, source, logits), *_ends(repo, source, logits)]:
        if done.name in ("masked_fill", "masked_fill_") and len(done.values) > 2:
            value = amount(done.values[2])
            mask = mask_of(repo, source, done.values[1])
            if value is not None and value > -BIG:
                yield source.hit(
                    KIND.code, done.call, f"fills {value:g} before a softmax, which blocks nothing: fill -inf"
                )
            elif value is not None and mask is not None and (message := _fault(mask)):
                yield source.hit(KIND.code, done.call, message)
            yield from _filled(repo, source, done.values[0], depth + 1)
        elif done.name == "where" and len(done.values) == 3:
            mask, value = mask_of(repo, source, done.values[0]), amount(done.values[2])
            if (
                value is not None
                and value < -BIG
                and mask is not None
                and (message := _fault(mask.inverted()))
            ):
                yield source.hit(KIND.code, done.call, message)


def _ends(repo: Codebase, source: ParsedFile, logits: ast.expr) -> list[Operation]:
    found = []
    for end in endings(repo, source, logits, KEEPS):
        if end.file.path != source.path or not isinstance(end.node, ast.Call):
            continue
        if (done := operation(repo, end.file, end.node)) is not None:
            found.append(done)
    return found


def _in_place(repo: Codebase, source: ParsedFile, logits: ast.expr) -> list[Operation]:
    """`logits.masked_fill_(mask, value)` as a statement above the softmax."""
    name, function = dotted(logits), source.function_of(logits)
    found = []
    for call in source.within(function, ast.Call) if name and function else []:
        done = operation(repo, source, call) if called_name(call) == "masked_fill_" else None
        above = done is not None and source.places[call] < source.places[logits]
        if done is not None and above and done.values and dotted(done.values[0]) == name:
            found.append(done)
    return found


RULE = Rule(kind=KIND, run=mask_sense)
