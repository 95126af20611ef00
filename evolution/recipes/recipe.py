"""The interface of recipes: a change known from the literature that fits itself to the code it finds, or says why not.

A recipe is pure. It reads the program's files, the sites that diagnosis found in them and the feedback on the trial,
and returns a patch; others apply and measure the patch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from diagnosis.findings import Finding, Role, Site
from evolution.domain.edits import Edit
from simulator.critiques import Critique

# Codes of the findings that say that a reference ranker is better than the model.
WEAKER = ("weaker-than-popularity", "weaker-than-markov", "weaker-than-ease")


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Facts about data and training that recipes depend on. steps: of the optimizer in the whole run; 0 if unknown."""

    n_users: int
    n_items: int
    has_categories: bool = False
    steps: int = 0


@dataclass(frozen=True, kw_only=True)
class RecipeContext:
    """One trial as a recipe sees it.

    sources: path -> text of the program's editable Python files.
    sites: the roles found in them; if there are none, recipes search all functions.
    trace: the traced step, {} if there is none.
    """

    sources: Mapping[str, str]
    facts: Facts
    sites: Sequence[Site] = ()
    findings: Sequence[Finding] = ()
    critiques: Sequence[Critique] = ()
    trace: Mapping[str, Any] = field(default_factory=dict)

    def sites_of(self, role: Role) -> list[Site]:
        """The sites of a role that lie in editable files."""
        return [site for site in self.sites if site.role is role and site.path in self.sources]


@dataclass(frozen=True, kw_only=True)
class RecipePatch:
    """What a recipe changes.

    edits: against `RecipeContext.sources`.
    note: one sentence for the user on what was chosen.
    """

    edits: tuple[Edit, ...]
    note: str


class DoesNotFit(Exception):
    """The recipe has no patch for this code; the message is one sentence that says why."""


class Recipe(Protocol):
    """A recipe; each has a file of its own in this folder.

    promise: 0..1, the order in which patches are tried. The softmax family comes first, as its gains are the best
        replicated in the literature.
    triggers: codes of the findings and critiques that call for the recipe.
    techniques: ids in the library of the techniques that the recipe carries out; it is cited by their papers.
    """

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
        """The recipe's patch. Raises DoesNotFit if the code does not have a shape that the recipe understands."""
        ...
