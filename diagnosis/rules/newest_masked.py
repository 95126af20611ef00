"""Static rule: a mask of attention that leaves the newest event out."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.mask_sense import PADDING
from diagnosis.rules.masks import Shape, mask_of
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.tensor_calls import operation
from diagnosis.rules.values import How, bindings, parameters
from diagnosis.symptoms import UNORDERED, WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="newest-event-masked",
    found_by=FoundBy.RULE,
    title="The newest event is masked",
    why="What the user did last says most about what comes next, and the attention never reads it.",
    definition="A mask of the history, made of its ids, is switched off in its last column before attention, in a function that is given the "
    "target or the candidates apart, so that no target stands there.",
    roles=(Role.CAUSAL_MASK, Role.ENCODER),
    explains=("newest-kept", "history-holes", *UNORDERED, *WEAK),
)

ATTENDS = ("attn", "attention", "encoder", "pool", "transformer", "router", "interest", "attend")
CANDIDATES = {"target", "targets", "item", "items", "candidate", "candidates", "pos", "positive", "positives", "query", "queries", "neg",
              "negative", "negatives", "next", "ad", "poi", "products"}  # fmt: skip
MASKED_TOKEN = ("mask_token", "mask_id", "mask_idx", "mask_index", "cloze", "token_mask")
SOFTMAXES = {"softmax", "exp", "scaled_dot_product_attention"}


def newest_masked(source: ParsedFile) -> Iterator[RuleHit]:
    """`mask = history > 0`, `mask[:, -1] = False`, `self.attention(x, mask)`"""
    repo = source.repo
    for statement in source.within(source.nodes[0], ast.Assign) if repo is not None else ():
        target = statement.targets[0]
        if repo is None or not isinstance(target, ast.Subscript) or not _is_last_column(target.slice):
            continue
        function = source.function_of(statement)
        if function is None or not isinstance(target.value, ast.Name):
            continue
        off = _switched(statement.value)
        if off is None or not _blocks(repo, source, target.value, on=not off):
            continue
        if not repo.is_module(repo.class_around(source, statement)) or _holds_a_target(source, statement):
            continue
        if _has_candidates(source, function, target.value) and _attends(
            repo, source, function, statement, target.value.id
        ):
            yield source.hit(
                KIND.code,
                statement,
                "hides the newest event from the attention: no target stands in that place",
            )


def _is_last_column(index: ast.expr) -> bool:
    """`[:, -1]`, `[..., -1]`"""
    if not isinstance(index, ast.Tuple) or len(index.elts) < 2 or number(index.elts[-1]) != -1:
        return False
    return all(
        (isinstance(p, ast.Slice) and p.lower is None and p.upper is None)
        or (isinstance(p, ast.Constant) and p.value is ...)
        for p in index.elts[:-1]
    )


def _switched(value: ast.expr) -> bool | None:
    """Whether a mask is switched off: True for False and 0; None for values of no mask."""
    if (
        isinstance(value, ast.Constant)
        and isinstance(value.value, bool | int | float)
        and value.value in (0, 1)
    ):
        return not value.value
    return None


def _blocks(repo: Codebase, source: ParsedFile, name: ast.Name, *, on: bool) -> bool:
    """Whether a mask, set like this, hides an event: one of events that is false, or one of padding that is true."""
    made = [b.value for b in bindings(source, name.id, name) if b.how is How.ASSIGNED]
    masks = {mask.shape if (mask := mask_of(repo, source, value)) is not None else None for value in made}
    return masks == {Shape.PADDING if on else Shape.EVENTS}


def _holds_a_target(source: ParsedFile, node: ast.AST) -> bool:
    """Whether the class knows a token that stands for what is to be predicted, which may be in the last place."""
    owner = next((outer for outer in source.around(node) if isinstance(outer, ast.ClassDef)), None)
    named = source.within(owner, ast.Name, ast.Attribute) if owner is not None else []
    names = [n.id if isinstance(n, ast.Name) else n.attr for n in named]
    return any(word in name.lower() for name in names for word in MASKED_TOKEN)


def _has_candidates(source: ParsedFile, function: Function, mask: ast.Name) -> bool:
    """Whether the function is given the candidates beside the history whose mask it is."""
    made = [b.value for b in bindings(source, mask.id, mask)]
    history = {part.id for value in made for part in ast.walk(value) if isinstance(part, ast.Name)}
    others = [name for name in parameters(function) if name not in history and name != "self"]
    return any(piece in CANDIDATES for name in others for piece in name.lower().split("_"))


def _attends(
    repo: Codebase, source: ParsedFile, function: Function, statement: ast.Assign, mask: str
) -> bool:
    """Whether attention is given the mask after the statement: a layer, a function with a softmax, or a fill before one."""
    after = [call for call in source.calls_in(function) if source.places[call] > source.places[statement]]
    for call in after:
        words = [k.arg for k in call.keywords if _names(k.value, mask)]
        if any(word in PADDING for word in words):
            return True
        if not words and not any(_names(given, mask) for given in call.args):
            continue
        if any(word in called_name(call).lower() for word in ATTENDS):
            return True
        if called_name(call) in ("masked_fill", "masked_fill_", "where"):
            return any(called_name(c) in SOFTMAXES for c in after)
        reached = repo.callee(source, call)
        if reached is not None and _has_softmax(repo, reached):
            return True
    return False


def _names(node: ast.expr, name: str) -> bool:
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))


def _has_softmax(repo: Codebase, function: Defined) -> bool:
    done = (operation(repo, function.file, call) for call in function.file.calls_in(function.node))
    return any(one is not None and one.name in SOFTMAXES for one in done)


RULE = Rule(kind=KIND, run=newest_masked)
