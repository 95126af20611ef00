"""Recipe: a softmax over the candidates that a loss scores side by side, the item that was taken in the first column."""

from dataclasses import dataclass

import libcst as cst

from diagnosis.findings import Role
from evolution.recipes.code import (
    RecipeFile,
    argument,
    bare,
    blocks_at,
    call_name,
    functional,
    parse_all,
    torch_name,
)
from evolution.recipes.flow import Scope
from evolution.recipes.loss_rewriting import replace_loss
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch

BCE = "binary_cross_entropy_with_logits"
LABELS = ("zeros_like", "zeros", "new_zeros")


@dataclass(frozen=True, kw_only=True, eq=False)
class ColumnLoss:
    """A loss on scores (B, 1 + K) whose first column is the item that was taken.

    gone: the statement that computes the loss. target: "loss = " or "return ". scores: their name.
    """

    source: RecipeFile
    scope: Scope
    gone: tuple[cst.SimpleStatementLine, ...]
    target: str
    scores: str


@dataclass(frozen=True, kw_only=True)
class CandidateSoftmax:
    """Replaces a loss that judges each candidate, or each pair, alone by a cross-entropy over all of them."""

    code: str = "candidate-softmax"
    title: str = "Train with a softmax over each event's candidates"
    rationale: str = (
        "Judged one by one, easy negatives count as much as the one that is nearly ahead; a softmax over the candidates "
        "gives most of the gradient to those that are ranked too high."
    )
    techniques: tuple[str, ...] = ("pairwise-softmax",)
    triggers: frozenset[str] = frozenset(
        {"ranking-margin", *WEAKER, "overconfidence", "slice-gap", "same-list", "not-converged"}
    )
    promise: float = 0.8

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if no loss sets the first column of scores against the others."""
        loss = _find(context)
        torch, scores = torch_name(loss.source), loss.scores
        lines = [
            "# softmax over the candidates, the item that was taken first: rivals that are near count most"
        ]
        wanted = f"{torch}.zeros(len({scores}), dtype={torch}.long, device={scores}.device)"
        value = f"{functional(loss.source)}.cross_entropy({scores}, {wanted})"
        summary = "Cross-entropy of the item that was taken against those that were drawn beside it, mean over events."
        return replace_loss(
            loss,
            lines,
            value,
            summary=summary,
            note="The same candidates as before, held against each other.",
        )


def _find(context: RecipeContext) -> ColumnLoss:
    sources = parse_all(context)
    for source, block in blocks_at(sources, context.sites_of(Role.LOSS)):
        scope = Scope(source, block)
        for line in scope.lines:
            part = line.body[0] if len(line.body) == 1 else None
            if not source.trains(line):
                continue
            if isinstance(part, cst.Return) and part.value is not None:
                value, target = part.value, "return "
            elif isinstance(part, cst.Assign) and isinstance(part.targets[0].target, cst.Name):
                value, target = part.value, f"{part.targets[0].target.value} = "
            else:
                continue
            scores = _first_against_others(scope, value) or _labelled_first(scope, value, source.line(line))
            if scores:
                return ColumnLoss(source=source, scope=scope, gone=(line,), target=target, scores=scores)
    raise DoesNotFit("no loss on scores whose first column is the item that was taken was found")


def _first_against_others(scope: Scope, value: cst.BaseExpression) -> str:
    """`s` of `softplus(s[:, 1:] - s[:, :1]).mean()` and of `-logsigmoid(s[:, :1] - s[:, 1:]).mean()`; else ""."""
    text = scope.source.code(value).replace(" ", "")
    for call in scope.source.all_of(cst.Call, value):
        if call_name(call) not in ("softplus", "logsigmoid") or not call.args:
            continue
        difference = bare(call.args[0].value)
        if not isinstance(difference, cst.BinaryOperation) or not isinstance(
            difference.operator, cst.Subtract
        ):
            continue
        left, right = bare(difference.left), bare(difference.right)
        if call_name(call) == "logsigmoid":
            left, right = right, left
        sign = "-" if call_name(call) == "logsigmoid" else ""
        code = scope.source.code(call).replace(" ", "")
        whole = {f"{sign}{code}.mean()", f"{sign}torch.mean({code})", f"torch.mean({sign}{code})"}
        name = _columns(left, "1", "")
        if name and name == _columns(right, "", "1") and text in whole:
            return name
    return ""


def _columns(node: cst.BaseExpression, lower: str, upper: str) -> str:
    """`s` for `s[:, lower:upper]` of two axes; "" for anything else."""
    if not isinstance(node, cst.Subscript) or not isinstance(node.value, cst.Name) or len(node.slice) != 2:
        return ""
    first, last = node.slice[0].slice, node.slice[1].slice
    if not isinstance(first, cst.Slice) or first.lower or first.upper or not isinstance(last, cst.Slice):
        return ""
    ends = ["" if end is None else getattr(end, "value", "?") for end in (last.lower, last.upper)]
    return node.value.value if ends in ([lower, upper], ["0", upper] if not lower else []) else ""


def _labelled_first(scope: Scope, value: cst.BaseExpression, line: int) -> str:
    """`s` of a mean BCE of the name `s` whose labels are zeros but for a 1 in the first column; else ""."""
    call = bare(value)
    if not isinstance(call, cst.Call) or call_name(call) != BCE or len(call.args) != 2:
        return ""
    scores, labels = argument(call, "input", 0), argument(call, "target", 1)
    if not isinstance(scores, cst.Name) or not isinstance(labels, cst.Name):
        return ""
    made = scope.before(labels.value, line)
    if made is None or call_name(made.value) not in LABELS:
        return ""
    code = scope.source.code
    set_to = [
        (part.targets[0].target, code(part.value))
        for other in scope.lines
        for part in other.body
        if isinstance(part, cst.Assign)
        and isinstance(part.targets[0].target, cst.Subscript)
        and code(part.targets[0].target.value) == labels.value
    ]
    ones = [code(target).replace(" ", "") for target, value_ in set_to if value_ in ("1", "1.0", "1.")]
    first = f"{labels.value}[:,0]"
    return scores.value if ones == [first] and len(set_to) == 1 else ""
