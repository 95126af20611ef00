"""Static rule: an evaluation asks the model with whole sequences, whose last event is what it looks for."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.evaluating import evaluators
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="asked-with-the-target",
    found_by=FoundBy.RULE,
    title="The model is asked with the target",
    why="It is shown the event that it shall find, so that the figures say nothing of what it does for users.",
    definition="An evaluation cuts the last event off its sequences, looks for that event in the lists, and gives the model the sequences "
    "that were not cut.",
)
ASKS = ("predict", "score", "rank", "recommend", "forward", "model", "net", "encode")


def asked_with_the_target(source: ParsedFile) -> Iterator[RuleHit]:
    """`past = [s[:-1] for s in part]; scores = model.predict(part)`, then `top[row] == s[-1]`."""
    judging = evaluators(source)
    for function in source.functions:
        if function not in judging:
            continue
        whole = _cut_elsewhere(source, function)
        for call in source.calls_in(function):
            name = called_name(call).lower()
            given = {a.id for a in call.args if isinstance(a, ast.Name)} & whole
            if given and any(word in name for word in ASKS):
                yield source.hit(
                    KIND.code,
                    call,
                    "asks with whole sequences, the last event of which is looked for: ask with those that were cut",
                )


def _cut_elsewhere(source: ParsedFile, function: Function) -> set[str]:
    """Names of the lists of sequences that lose their last event in a list of its own, and whose last event is compared."""
    cut = set()
    for made in source.within(function, ast.ListComp):
        first = made.generators[0]
        part = made.elt
        if (
            isinstance(first.iter, ast.Name)
            and isinstance(part, ast.Subscript)
            and isinstance(part.slice, ast.Slice)
            and part.slice.lower is None
            and part.slice.upper is not None
            and number(part.slice.upper) == -1
            and dotted(part.value) == dotted(first.target) != ""
        ):
            cut.add(first.iter.id)
    return {name for name in cut if _last_is_compared(source, function, name)}


def _last_is_compared(source: ParsedFile, function: Function, name: str) -> bool:
    for compared in source.within(function, ast.Compare):
        for part in source.within(compared, ast.Subscript):
            if number(part.slice) != -1 or not isinstance(part.value, ast.Name):
                continue
            for binding in bindings(source, part.value.id, part):
                words = {n.id for n in ast.walk(binding.value) if isinstance(n, ast.Name)}
                if binding.how is How.ITERATED and name in words:
                    return True
    return False


RULE = Rule(kind=KIND, run=asked_with_the_target)
