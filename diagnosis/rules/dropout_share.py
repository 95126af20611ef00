"""Static rule: a dropout that drops nearly everything, as where a share to keep was meant."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.constants import numbers_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.symptoms import WEAK
from diagnosis.syntax import dotted
from seeds.amounts import percent

KIND = FindingKind(
    code="dropout-drops-most",
    found_by=FoundBy.RULE,
    title="Dropout drops nearly everything",
    why="PyTorch's rate is the share that is dropped; Theano's and TensorFlow 1's `keep_prob` was the share that is kept.",
    definition="A dropout of PyTorch with a constant rate of at least 0.8 and below 1, or one that is given what its author calls a "
    "share to keep.",
    roles=(Role.DROPOUT,),
    explains=("not-learning", *WEAK),
    sources=("pytorch.org/docs/stable/generated/torch.nn.Dropout.html",),
)
HALF = 0.5
MOST = 0.8  # published recommenders drop at most seven tenths
LAYERS = {f"torch.nn.{name}" for name in ("Dropout", "Dropout1d", "Dropout2d", "Dropout3d", "AlphaDropout")}
FUNCTIONS = {"torch.nn.functional.dropout", "torch.dropout"}


def dropout_drops_most(source: ParsedFile) -> Iterator[RuleHit]:
    """`nn.Dropout(0.9)`, `F.dropout(x, 0.9)` and `nn.Dropout(keep_prob)`."""
    for call in source.calls:
        name = source.full_name(call)
        place = 0 if name in LAYERS else 1 if name in FUNCTIONS else None
        if place is None:
            continue
        rate = call.args[place] if len(call.args) > place else keyword(call, "p")
        if rate is not None and _is_to_keep(source, rate):
            said = dotted(rate).rpartition(".")[2] or "a share to keep"
            yield source.hit(KIND.code, call, f"drops the share that {said} says to keep: pass 1 - {said}")
        if (
            isinstance(rate, ast.Constant)
            and isinstance(rate.value, float | int)
            and MOST <= float(rate.value) < 1
        ):
            kept = round(1 - float(rate.value), 6)
            yield source.hit(
                KIND.code,
                call,
                f"drops {percent(rate.value)}: if `{rate.value:g}` is the share to keep, pass `{kept:g}`",
            )


def _is_to_keep(source: ParsedFile, rate: ast.expr) -> bool:
    """Whether a rate is what its author calls a share to keep, and is not half, where both are one."""
    name = dotted(rate).rpartition(".")[2]
    if isinstance(rate, ast.Subscript) and isinstance(rate.slice, ast.Constant):
        name = str(rate.slice.value)
    if not {"keep", "kept", "retain"} & set(name.lower().split("_")):
        return False
    numbers = numbers_of(source.repo, source, rate) if source.repo else frozenset[float]()
    return not numbers or bool(numbers - {HALF, 0.0, 1.0})


RULE = Rule(kind=KIND, run=dropout_drops_most)
