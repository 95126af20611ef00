"""A static rule as a value: what it finds, and how. `diagnosis/rules/check.py` lists them all."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from diagnosis.findings import FindingKind
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.source import ParsedFile


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One static rule.

    kind: the kind of its findings. beside: kinds of milder ones that the same look yields.
    run: yields the hits in one file, each with the code of one of these.
    crosses: what is written in one file may be a fault of another: hits may lie in other files of the repo.
    """

    kind: FindingKind
    run: Callable[[ParsedFile], Iterator[RuleHit]]
    crosses: bool = False
    beside: tuple[FindingKind, ...] = ()

    @property
    def kinds(self) -> tuple[FindingKind, ...]:
        """The kinds of all hits that it may yield."""
        return (self.kind, *self.beside)
