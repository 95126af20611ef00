"""Static rule: labels that are smoothed so far that next to nothing is left of them."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.constants import numbers_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.symptoms import NARROW, UNLEARNED, WEAK
from diagnosis.syntax import dotted
from seeds.amounts import short

KIND = FindingKind(
    code="labels-too-smooth",
    found_by=FoundBy.RULE,
    title="Label smoothing takes nearly all",
    why="Each item is nearly as right as the one that was chosen, so that the loss hardly asks for it.",
    definition="`label_smoothing` of a cross-entropy, or a share that labels are mixed with the uniform distribution by, is above one half.",
    roles=(Role.LOSS,),
    explains=(*UNLEARNED, *NARROW, *WEAK),
)
MOST = 0.5
USUAL = ".1 is usual"


def labels_too_smooth(source: ParsedFile) -> Iterator[RuleHit]:
    """`F.cross_entropy(logits, target, label_smoothing=0.95)`; `onehot * (1 - eps) + eps / n` with eps = .9."""
    repo = source.repo
    if repo is None:
        return
    for call in source.calls_named("cross_entropy", "CrossEntropyLoss", "LabelSmoothingCrossEntropy"):
        numbers = numbers_of(repo, source, keyword(call, "label_smoothing"))
        if numbers and MOST < min(numbers) <= 1:
            yield source.hit(KIND.code, call, _said(min(numbers)))
    for total in source.within(source.nodes[0], ast.BinOp):
        share = _mixed(total)
        numbers = numbers_of(repo, source, share) if share is not None else frozenset[float]()
        if numbers and MOST < min(numbers) < 1:
            yield source.hit(KIND.code, total, _said(min(numbers)))


def _said(share: float) -> str:
    return f"smooths labels by {short(share)}, which leaves {short(1 - share)} for the label: {USUAL}"


def _mixed(total: ast.BinOp) -> ast.expr | None:
    """`eps` of `(1 - eps) * onehot + eps / n_classes`."""
    if not isinstance(total.op, ast.Add):
        return None
    for kept, spread in ((total.left, total.right), (total.right, total.left)):
        if not (isinstance(kept, ast.BinOp) and isinstance(kept.op, ast.Mult)):
            continue
        if not (isinstance(spread, ast.BinOp) and isinstance(spread.op, ast.Div)):
            continue
        share = dotted(spread.left)
        for factor in (kept.left, kept.right):
            rest = isinstance(factor, ast.BinOp) and isinstance(factor.op, ast.Sub)
            if share and rest and isinstance(factor, ast.BinOp) and dotted(factor.right) == share:
                return spread.left
    return None


RULE = Rule(kind=KIND, run=labels_too_smooth)
