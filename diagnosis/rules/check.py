"""Runs all static rules on one file, as the user types."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from diagnosis.rules import (
    discount,
    dropout,
    grad_at_evaluation,
    ideal_gain,
    lost_updates,
    one_by_one,
    random_split,
    resampled,
    reseeded,
    sampling,
    seen_ranked,
    selected_on_test,
    shuffle,
    state_by_reference,
    target_first,
    timestamps,
    traffic,
)
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, read_source
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
    reseeded.RULE,
    lost_updates.RULE,
    state_by_reference.RULE,
    one_by_one.RULE,
)

LONGEST_OTHER = 100_000  # characters of a file that is only looked into


def check_source(path: str, text: str, others: Mapping[str, str] | None = None) -> list[RuleHit]:
    """All hits in a file, by line; [] for files other than Python, and while the text is not valid Python.

    others: path -> text of the other files of the repo, which calls and classes are followed into.
    """
    source = read_source(path, text) if path.endswith(".py") else None
    if source is None:
        return []
    around = [
        _read(other, words)
        for other, words in (others or {}).items()
        if other != path and _small(other, words)
    ]
    return _hits(source, Codebase(files=(source, *(file for file in around if file is not None))))


def check_sources(sources: Mapping[str, str]) -> list[RuleHit]:
    """All hits in the files of a repo, which is one whole, by file and line. sources: path -> text."""
    read = [read_source(path, text) for path, text in sources.items() if path.endswith(".py")]
    files = tuple(file for file in read if file is not None)
    repo = Codebase(files=files)
    return [hit for file in files for hit in _hits(file, repo)]


def _hits(source: ParsedFile, repo: Codebase) -> list[RuleHit]:
    placed = replace(source, repo=repo)
    hits = [hit for rule in RULES for hit in rule.run(placed)]
    return sorted(hits, key=lambda hit: (hit.start_line, hit.code))


def _small(path: str, text: str) -> bool:
    return path.endswith(".py") and len(text) <= LONGEST_OTHER


@lru_cache(maxsize=64)  # the other files stay as they are while one is edited
def _read(path: str, text: str) -> ParsedFile | None:
    return read_source(path, text)


def unseen_by_rules(text: str) -> str:
    """Why no rule can look at a Python file, in words that can follow its name; "" for one that can be looked at, and for
    one that is not valid Python, which a text is while somebody types.
    """
    fault = parse(text)
    return fault.message if isinstance(fault, Unparsed) and fault.hurdle is not Hurdle.SYNTAX else ""
