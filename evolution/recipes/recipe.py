"""What a recipe is: a change known from the literature that fits itself to the code it finds, or says why not.

A recipe is pure. It reads the program's files, the places that diagnosis found in them and what was said of the
trial; it writes nothing. Measuring what it drafted is left to others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from diagnosis.findings import Finding, Role, Site
from evolution.domain.edits import Edit
from simulator.critiques import Critique

# Codes of the findings that a reference ranker is better.
WEAKER = ("weaker-than-popularity", "weaker-than-markov", "weaker-than-ease")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known of the training data."""

    n_users: int
    n_items: int
    has_categories: bool = False


@dataclass(frozen=True, kw_only=True)
class RecipeContext:
    """One trial as a recipe sees it.

    sources: path -> text of the program's editable Python files. sites: the roles found in them; where none is
    given, recipes search all functions. trace: the traced step, {} where there is none.
    """

    sources: Mapping[str, str]
    facts: Facts
    sites: Sequence[Site] = ()
    findings: Sequence[Finding] = ()
    critiques: Sequence[Critique] = ()
    trace: Mapping[str, Any] = field(default_factory=dict)

    def sites_of(self, role: Role) -> list[Site]:
        return [site for site in self.sites if site.role is role and site.path in self.sources]


@dataclass(frozen=True, kw_only=True)
class RecipePatch:
    """Edits against `RecipeContext.sources`. note: one sentence on what was chosen, for the user."""

    edits: tuple[Edit, ...]
    note: str


class DoesNotFit(Exception):
    """The recipe has no patch for this code; the message is one sentence that says why."""


class Recipe(Protocol):
    """One file of this folder each. promise: 0..1, the order in which drafts are tried; the softmax family, whose
    gains are the best replicated in the literature, comes first. triggers: codes of findings and critiques. techniques: ids in the library, of what the recipe carries
    out; its citations are theirs."""

    @property
    def code(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def rationale(self) -> str: ...
    @property
    def techniques(self) -> tuple[str, ...]: ...
    @property
    def triggers(self) -> frozenset[str]: ...
    @property
    def promise(self) -> float: ...
    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit where the code is not of a shape that the recipe understands."""
        ...
