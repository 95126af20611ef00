"""Static rule: a ranking metric that is averaged over batches of unequal size."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Nature, Severity
from diagnosis.rules.evaluating import RANKS, evaluators
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, names_in, origins, words_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="metric-averaged-over-batches",
    found_by=FoundBy.RULE,
    nature=Nature.ADVICE,
    title="A metric is averaged over batches",
    why="The last batch is smaller and counts as much as the others, so that the figure depends on the size of batches.",
    definition="An evaluation adds the mean of each batch, and divides by the number of batches.",
)

MOST_STEPS = 6  # expressions that made what is averaged
METRICS = ("ndcg", "recall", "hr", "hit", "mrr", "map", "precision", "metric", "auc")


def metric_averaged_over_batches(source: ParsedFile) -> Iterator[RuleHit]:
    """`total += ndcg.mean()` for each batch, and `total / len(loader)` at the end."""
    judging = evaluators(source)
    for function in source.functions:
        if function not in judging:
            continue
        for added in source.within(function, ast.AugAssign):
            loop = next((o for o in source.around(added) if isinstance(o, ast.For)), None)
            name = dotted(added.target)
            is_mean = isinstance(added.op, ast.Add) and _is_mean(source, added.value)
            if loop is not None and name and is_mean and _is_of_hits(source, name, added.value):
                division = _by_batches(source, function, name, loop)
                if division is not None:
                    yield source.hit(
                        KIND.code,
                        division,
                        "averages the means of batches, of which the last is smaller: average over users",
                        Severity.INFORMATION,
                    )
                    break
        for added in source.calls_named("append", "update", "add"):
            division = _mean_of_means(source, function, added)
            if division is not None:
                yield source.hit(
                    KIND.code,
                    added,
                    "keeps the mean of each batch, of which the last is smaller: keep the figures of users, and average these",
                    Severity.INFORMATION,
                )


def _is_of_hits(source: ParsedFile, name: str, value: ast.expr) -> bool:
    """Whether a mean is of a ranking metric: by what it is added to, or as what it was made of compares the best items, or says so."""
    steps = [step for count, step in enumerate(origins(source, value)) if count < MOST_STEPS]
    words = [name, *(word for step in steps[:2] for word in words_of(step))]
    if any(word in one.lower() for one in words for word in METRICS):
        return True
    ranked = any(called_name(call) in RANKS for step in steps for call in source.within(step, ast.Call))
    return ranked and any(source.within(step, ast.Compare) for step in steps)


def _key_of(node: ast.expr) -> str:
    """The name of a table of lists, `results` of `results["hr"].append(...)`; "" for all others."""
    return dotted(node.value) if isinstance(node, ast.Subscript) else ""


def _is_sum_by_length(division: ast.BinOp, name: str) -> bool:
    """`sum(values) / len(values)`"""
    sides = (division.left, division.right)
    return all(
        isinstance(side, ast.Call) and called_name(side) == word and [dotted(a) for a in side.args] == [name]
        for side, word in zip(sides, ("sum", "len"))
    )


def _counts_calls(source: ParsedFile, name: str) -> bool:
    """Whether a meter of the file counts each update as one: `self.sum += value; self.count += 1`, or `+= n` of a default 1."""
    for method in source.functions:
        if method.name != name or not isinstance(source.parents.get(method), ast.ClassDef):
            continue
        added = source.within(method, ast.AugAssign)
        ones = {a.arg for a, d in zip(method.args.args[::-1], method.args.defaults[::-1]) if number(d) == 1}
        counted = any(number(one.value) == 1 or dotted(one.value) in ones for one in added)
        if counted and len(added) > 1:
            return True
    return False


def _all_averaged(source: ParsedFile, function: Function, name: str) -> bool:
    """`{key: np.mean(values) for key, values in results.items()}`"""
    for made in source.within(function, ast.DictComp):
        over = made.generators[0].iter
        if (
            isinstance(over, ast.Call)
            and called_name(over) == "items"
            and isinstance(over.func, ast.Attribute)
        ):
            calls = {called_name(call) for call in source.calls_in(made.value)}
            if dotted(over.func.value) == name and "mean" in calls and not calls & {"cat", "concatenate"}:
                return True
    return False


def _mean_of_means(source: ParsedFile, function: Function, added: ast.Call) -> ast.expr | None:
    """The mean of a list to which a loop over batches appended the mean of each: `recall.append(hit.mean())`, `np.mean(recall)`."""
    if (
        source.function_of(added) is not function
        or len(added.args) != 1
        or not isinstance(added.func, ast.Attribute)
    ):
        return None
    name = dotted(added.func.value)
    loops = [o for o in source.around(added) if isinstance(o, ast.For)]
    table = name or _key_of(added.func.value)
    if not _is_mean(source, added.args[0]) or not any(map(_goes_through_batches, loops)):
        return None
    if not _is_of_hits(source, table, added.args[0]):
        return None
    if called_name(added) != "append":
        return added if _counts_calls(source, called_name(added)) else None
    for division in source.within(function, ast.BinOp):
        if isinstance(division.op, ast.Div) and _is_sum_by_length(division, name):
            return division
    if isinstance(added.func.value, ast.Subscript) and _all_averaged(source, function, table):
        return added
    for call in source.calls_named("mean", "fmean", "average"):
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
    words = [piece for part in ast.walk(given) for piece in dotted(part).lower().replace(".", "_").split("_")]
    return any("loader" in w or "batch" in w or w in ("dl", "iterator") for w in words)


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
