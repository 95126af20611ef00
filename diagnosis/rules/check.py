"""Runs all static rules on one file, as the user types."""

from diagnosis.rules import (
    discount,
    dropout,
    grad_at_evaluation,
    ideal_gain,
    random_split,
    resampled,
    sampling,
    seen_ranked,
    selected_on_test,
    shuffle,
    target_first,
    timestamps,
    traffic,
)
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import read_source
from diagnosis.syntax import Hurdle, Unparsed, parse

RULES: tuple[Rule, ...] = (
    shuffle.RULE,
    dropout.RULE,
    traffic.RULE,
    sampling.RULE,
    grad_at_evaluation.RULE,
    selected_on_test.RULE,
    discount.RULE,
    ideal_gain.RULE,
    timestamps.RULE,
    resampled.RULE,
    target_first.RULE,
    random_split.RULE,
    seen_ranked.RULE,
)


def check_source(path: str, text: str) -> list[RuleHit]:
    """All hits in a file, by line; [] for files other than Python, and while the text is not valid Python."""
    source = read_source(path, text) if path.endswith(".py") else None
    if source is None:
        return []
    hits = [hit for rule in RULES for hit in rule.run(source)]
    return sorted(hits, key=lambda hit: (hit.start_line, hit.code))


def unseen_by_rules(text: str) -> str:
    """Why no rule can look at a Python file, in words that can follow its name; "" for one that can be looked at, and for
    one that is not valid Python, which a text is while somebody types.
    """
    fault = parse(text)
    return fault.message if isinstance(fault, Unparsed) and fault.hurdle is not Hurdle.SYNTAX else ""
