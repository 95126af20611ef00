"""Static rule: a divergence that is summed over its dimensions, beside a likelihood that is a mean over all entries."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.constants import numbers_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.losses import losses
from diagnosis.rules.made_from import REARRANGES, Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import Operation, amount, operation
from diagnosis.symptoms import NARROW, WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="terms-reduced-unlike",
    found_by=FoundBy.RULE,
    title="One term is a mean, the other a sum",
    why="The likelihood is as many times too small as there are items, so that the divergence decides and all users look alike.",
    definition="A loss adds the mean over all entries of a reconstruction to a divergence of a Gaussian that is summed over its "
    "dimensions, with a weight of at least 0.05.",
    roles=(Role.LOSS,),
    explains=("penalty-outweighs", "input-ignored", *NARROW, *WEAK),
)
# Losses of single entries, whose mean goes over users and items unless a reduction is given.
OF_ENTRIES = {"binary_cross_entropy", "binary_cross_entropy_with_logits", "mse_loss"}
CURVED = {"exp", "exp_"}
SQUARED = {"pow", "square"}
LEAST_WEIGHT = 0.05
DEEPEST = 6
THROUGH = frozenset((*REARRANGES, "clamp"))


def terms_reduced_unlike(source: ParsedFile) -> Iterator[RuleHit]:
    """`F.binary_cross_entropy(out, x) - 0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())`"""
    repo = source.repo
    if repo is None or all(file.called_names.isdisjoint(CURVED) for file in repo.files):
        return
    for loss in losses(source):
        found = list(_terms(repo, Value(file=source, node=loss), 1.0, 0))
        summed = [weight for term, weight in found if _is_summed_divergence(repo, term)]
        if not summed or any(weight is None or weight < LEAST_WEIGHT for weight in summed):
            continue
        for term, _ in found:
            if _is_mean_of_entries(repo, term):
                yield term.file.hit(
                    KIND.code,
                    term.node,
                    "is a mean over users and items, beside a divergence that is a sum: sum over items before the mean",
                )


def _terms(
    repo: Codebase, value: Value, weight: float | None, depth: int
) -> Iterator[tuple[Value, float | None]]:
    """What a loss is the sum of, reductions kept, with its largest weight; None where that is not known."""
    for end in endings(repo, value.file, value.node, THROUGH, value.calls):
        node = end.node
        while isinstance(node, ast.UnaryOp):
            node = node.operand
        inner = _part(end, node)
        if not isinstance(node, ast.BinOp) or depth > DEEPEST:
            yield inner, weight
        elif isinstance(node.op, ast.Add | ast.Sub):
            for part in (node.left, node.right):
                yield from _terms(repo, _part(end, part), weight, depth + 1)
        elif isinstance(node.op, ast.Mult):
            sides = ((node.left, node.right), (node.right, node.left))
            factor, rest = next(
                ((a, b) for a, b in sides if _weight(repo, _part(end, a)) is not None), (None, None)
            )
            if rest is None:
                rest = node.right if isinstance(node.left, ast.Name) else node.left
                yield from _terms(repo, _part(end, rest), None, depth + 1)
            elif factor is not None:
                size = _weight(repo, _part(end, factor))
                whole = None if weight is None or size is None else weight * size
                yield from _terms(repo, _part(end, rest), whole, depth + 1)
        else:
            yield inner, weight


def _part(value: Value, node: ast.expr) -> Value:
    return Value(file=value.file, node=node, calls=value.calls)


def _weight(repo: Codebase, value: Value) -> float | None:
    """The largest number that a factor may be: of `min(cap, step / total)` the cap."""
    plain = amount(value.node)
    if plain is not None:
        return abs(plain)
    for end in endings(repo, value.file, value.node, frozenset(), value.calls):
        if isinstance(end.node, ast.Call) and called_name(end.node) == "min":
            caps = [max(found) for one in end.node.args if (found := numbers_of(repo, end.file, one))]
            return min(caps) if caps else None
    found = numbers_of(repo, value.file, value.node)
    return max(map(abs, found)) if found else None


def _is_summed_divergence(repo: Codebase, term: Value) -> bool:
    """`(1 + logvar - mu ** 2 - logvar.exp()).sum(1).mean()`, and the same as a plain sum."""
    done = operation(repo, term.file, term.node) if isinstance(term.node, ast.Call) else None
    if done is not None and done.name == "mean" and done.values and not _has_dim(done):
        inner = done.values[0]
        done = operation(repo, term.file, inner) if isinstance(inner, ast.Call) else None
    return (
        done is not None
        and done.name == "sum"
        and bool(done.values)
        and _is_divergence(term.file, done.values[0])
    )


def _is_divergence(file: ParsedFile, node: ast.expr) -> bool:
    calls = {called_name(call) for call in file.calls_in(node)}
    squares = bool(calls & SQUARED) or any(isinstance(p.op, ast.Pow) for p in file.within(node, ast.BinOp))
    return bool(calls & CURVED) and squares


def _is_mean_of_entries(repo: Codebase, term: Value) -> bool:
    """`F.mse_loss(out, x)`, or `(F.log_softmax(out, 1) * x).mean()`."""
    done = operation(repo, term.file, term.node) if isinstance(term.node, ast.Call) else None
    if done is None:
        return False
    if done.name in OF_ENTRIES:
        given = next((k.value for k in done.options.keywords if k.arg == "reduction"), None)
        others = any(k.arg in ("size_average", "reduce", None) for k in done.options.keywords)
        return not others and (given is None or getattr(given, "value", "") == "mean")
    if done.name != "mean" or not done.values or _has_dim(done):
        return False
    inner = done.values[0]
    return (
        isinstance(inner, ast.BinOp)
        and isinstance(inner.op, ast.Mult)
        and any(called_name(call) in ("log_softmax", "logsigmoid") for call in term.file.calls_in(inner))
        and not any(called_name(call) == "sum" for call in term.file.calls_in(inner))
    )


def _has_dim(done: Operation) -> bool:
    return len(done.values) > 1 or any(k.arg in ("dim", "axis") for k in done.call.keywords)


RULE = Rule(kind=KIND, run=terms_reduced_unlike, crosses=True)
