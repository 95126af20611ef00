"""A static rule as a value: what it finds, and how. `diagnosis/rules/check.py` lists them all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from diagnosis.findings import FindingKind
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.source import ParsedFile


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One static rule.

    kind: the kind of its findings.
    run: yields the hits in one file, each with the code of `kind`.
    """

    kind: FindingKind
    run: Callable[[ParsedFile], Iterator[RuleHit]]
