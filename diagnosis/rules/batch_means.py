"""Static rule: a ranking metric that is averaged over batches of unequal size."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Nature, Severity
from diagnosis.rules.evaluating import RANKS, evaluators
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, names_in
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="metric-averaged-over-batches",
    found_by=FoundBy.RULE,
    nature=Nature.ADVICE,
    title="A metric is averaged over batches",
    why="The last batch is smaller and counts as much as the others, so that the figure depends on the size of batches.",
    definition="An evaluation adds the mean of each batch, and divides by the number of batches.",
)

METRICS = ("ndcg", "recall", "hr", "hit", "mrr", "map", "precision", "metric", "auc")


def metric_averaged_over_batches(source: ParsedFile) -> Iterator[RuleHit]:
    """`total += ndcg.mean()` for each batch, and `total / len(loader)` at the end."""
    judging = evaluators(source)
    for function in source.functions:
        if function not in judging or not any(called_name(c) in RANKS for c in source.calls_in(function)):
            continue
        for added in source.within(function, ast.AugAssign):
            loop = next((o for o in source.around(added) if isinstance(o, ast.For)), None)
            name = dotted(added.target)
            is_mean = isinstance(added.op, ast.Add) and _is_mean(source, added.value)
            if loop is not None and name and is_mean and any(word in name.lower() for word in METRICS):
                division = _by_batches(source, function, name, loop)
                if division is not None:
                    yield source.hit(
                        KIND.code,
                        division,
                        "averages the means of batches, of which the last is smaller: average over users",
                        Severity.INFORMATION,
                    )
                    break
        for added in source.calls_named("append"):
            division = _mean_of_means(source, function, added)
            if division is not None:
                yield source.hit(
                    KIND.code,
                    added,
                    "keeps the mean of each batch, of which the last is smaller: keep the figures of users, and average these",
                    Severity.INFORMATION,
                )


def _mean_of_means(source: ParsedFile, function: Function, added: ast.Call) -> ast.Call | None:
    """The mean of a list to which a loop over batches appended the mean of each: `recall.append(hit.mean())`, `np.mean(recall)`."""
    if (
        source.function_of(added) is not function
        or len(added.args) != 1
        or not isinstance(added.func, ast.Attribute)
    ):
        return None
    name = dotted(added.func.value)
    loop = next((o for o in source.around(added) if isinstance(o, ast.For)), None)
    if loop is None or not any(word in name.lower() for word in METRICS) or not _goes_through_batches(loop):
        return None
    if not _is_mean(source, added.args[0]):
        return None
    for call in source.calls_named("mean", "fmean"):
        given = [*call.args, *([call.func.value] if isinstance(call.func, ast.Attribute) else [])]
        inside = [part for one in given for part in ast.walk(one)]
        joined = any(
            isinstance(p, ast.Call) and called_name(p) in ("cat", "concatenate", "hstack") for p in inside
        )
        if (
            source.function_of(call) is function
            and not joined
            and any(dotted(part) == name for part in inside)
        ):
            return call
    return None


def _goes_through_batches(loop: ast.For) -> bool:
    """`range(0, n, size)`, or what is called after a loader or batches."""
    given = loop.iter
    if any("loader" in dotted(part).lower() for part in ast.walk(loop.target)):
        return False  # of several loaders, as of folds
    if isinstance(given, ast.Call) and called_name(given) == "range":
        return len(given.args) == 3
    return any(word in dotted(part).lower() for part in ast.walk(given) for word in ("loader", "batch"))


def _is_mean(source: ParsedFile, value: ast.expr) -> bool:
    """Whether a value is the mean of what was just computed for the batch."""
    while isinstance(value, ast.Call) and called_name(value) in ("item", "float"):
        own = value.func.value if isinstance(value.func, ast.Attribute) else None
        value = own if own is not None else (value.args or [value.func])[0]
    if isinstance(value, ast.Name):
        made = [
            b.value for b in bindings(source, value.id, value) if b.how is How.ASSIGNED and b.position is None
        ]
        return len(made) == 1 and not isinstance(made[0], ast.Name) and _is_mean(source, made[0])
    return isinstance(value, ast.Call) and called_name(value) in ("mean", "nanmean")


def _by_batches(source: ParsedFile, function: Function, name: str, loop: ast.For) -> ast.BinOp | None:
    """The division of the sum by the length of what the loop goes through."""
    whole = {dotted(part) for part in names_in(loop.iter)}
    for part in source.within(function, ast.BinOp):
        divisor = part.right
        is_count = isinstance(divisor, ast.Call) and called_name(divisor) == "len" and len(divisor.args) == 1
        if (
            isinstance(part.op, ast.Div)
            and dotted(part.left) == name
            and is_count
            and dotted(divisor.args[0]) in whole
        ):
            return part
    return None


RULE = Rule(kind=KIND, run=metric_averaged_over_batches)
