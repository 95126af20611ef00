"""Static rule: hits among the first k are counted with a place that begins at 0, and `<=`, or at 1, and `<`."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.evaluating import evaluators
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.judging import speaks_of_metrics
from diagnosis.rules.places_from import first_value, number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.syntax import dotted

KIND = FindingKind(
    code="cutoff-off-by-one",
    found_by=FoundBy.RULE,
    title="Hits are counted to the wrong place",
    why="Hits at k + 1, or at k - 1, places are reported as hits at k, which compares with no paper's.",
    definition="A place that counts from 0 is compared with k by `<=`, or one that counts from 1 by `<`.",
    sources=("Krichene and Rendle, KDD 2020",),
)

# Words that people have for the length of a list, and lengths that papers report.
LENGTHS = {"k", "topk", "top_k", "at_k", "cutoff", "top_n", "topn", "kk"}
USUAL = {5, 10, 15, 20, 25, 30, 50, 100, 200}


def cutoff_off_by_one(source: ParsedFile) -> Iterator[RuleHit]:
    """`if rank <= k: hits += 1` where `rank` is the number of items above the target."""
    judging = evaluators(source)
    if not judging or not speaks_of_metrics(source):
        return
    for test in source.within(source.nodes[0], ast.Compare):
        if (
            len(test.ops) != 1
            or source.function_of(test) not in judging
            or not _is_length(test.comparators[0])
        ):
            continue
        first = first_value(source, test.left)
        if first == 0 and isinstance(test.ops[0], ast.LtE):
            yield source.hit(KIND.code, test, "counts k + 1 places, as the place counts from 0: use `<`")
        elif first == 1 and isinstance(test.ops[0], ast.Lt):
            yield source.hit(KIND.code, test, "counts k - 1 places, as the place counts from 1: use `<=`")


def _is_length(node: ast.expr) -> bool:
    """Whether an expression is the length of a list of recommendations, by its name or its value."""
    return dotted(node).rpartition(".")[2].lower() in LENGTHS or number(node) in USUAL


RULE = Rule(kind=KIND, run=cutoff_off_by_one)
