"""The proposer without an LLM: recipes are drawn as the strategy says, and carried out on the parent's code."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from evolution.domain.archive import Archive, objective_of
from evolution.domain.edits import Edit
from evolution.domain.proposal import Idea
from evolution.domain.run import Node, NodeStatus
from evolution.laboratory.candidates import (
    JOIN,
    Candidate,
    carry_out,
    joined_idea,
    joint_edits,
    recipe_context,
)
from evolution.laboratory.laboratory import Laboratory
from evolution.proposers.drafting import addressed_by, calls_for, idea_of
from evolution.proposers.normal_form import normal_form
from evolution.proposers.selection import ideas
from evolution.proposers.situation import Attempt, Situation
from evolution.proposers.strategies import Choice
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import DoesNotFit, Recipe, RecipeContext, RecipePatch

UNCALLED = 0.02  # factor for a recipe that nothing triggers
TEMPERATURE = 0.05  # of drawing: a small value follows the weights, a large one draws at random
UNMEASURED = (NodeStatus.VOID, NodeStatus.WAITING)  # of nodes that say nothing of their ideas
LEARNING = 5.0  # how strongly a relative change of the objective changes a recipe's weight

Weigh = Callable[[Recipe, RecipeContext, Archive], float]


class RecipeProposer:
    """Proposes candidates that recipes make."""

    def __init__(self, laboratory: Laboratory, recipes: Sequence[Recipe] = RECIPES) -> None:
        self._laboratory = laboratory
        self._recipes = recipes

    def propose(self, situation: Situation) -> Sequence[Attempt]:
        """Draw recipes, and keep the candidates that differ from every program of the run; drafts must also change
        different lines.
        """
        context = recipe_context(self._laboratory, situation.parent.program, situation.feedback)
        order = self._drawn(situation, context)
        made = [(recipe, draft) for recipe in order if (draft := _draft(recipe, context)) is not None]
        known = {self._form(node.program) for node in situation.archive.nodes if node.program}
        found: list[Attempt] = []
        taken: list[tuple[Recipe, RecipePatch]] = []

        def take(group: Sequence[tuple[Recipe, RecipePatch]]) -> None:
            candidate = self._candidate(situation, context, group)
            if candidate is not None and self._form(candidate.child) not in known:
                known.add(self._form(candidate.child))
                found.append(candidate)
                taken.extend(group)

        for group in _groups(made, situation):
            if len(found) == situation.count:
                break
            if situation.drafts and any(_alike(draft, other) for _, draft in group for _, other in taken):
                continue
            take(group)
            if situation.drafts and len(found) == 2 < situation.count and _called_for(taken, context):
                take(
                    list(taken)
                )  # both recipes at once: they change different lines, and feedback calls for each
        return found

    def _drawn(self, situation: Situation, context: RecipeContext) -> list[Recipe]:
        """Recipes in the order in which they are tried: drawn without replacement, by their weights (Gumbel top-k).

        Recipes that the parent's lineage has, or that were tried on the parent alone, are left out.
        """
        archive, parent = situation.archive, situation.parent
        had = {code for name in ideas(archive, parent) for code in name.split(JOIN)}
        tried = {node.idea.code for node in archive.children(parent.program) if node.idea}
        several = situation.strategy.steps > 1
        left = [r for r in self._recipes if r.code not in had and (several or r.code not in tried)]
        if not left:
            return []
        weigh = _WEIGHTS[situation.strategy.choice]
        weights = np.array([max(weigh(recipe, context, archive), 1e-9) for recipe in left])
        keys = np.log(weights) / TEMPERATURE + situation.rng.gumbel(size=len(left))
        return [left[int(place)] for place in np.argsort(-keys, kind="stable")]

    def _candidate(
        self, situation: Situation, context: RecipeContext, group: Sequence[tuple[Recipe, RecipePatch]]
    ) -> Candidate | None:
        edits = _joined(context.sources, [draft for _, draft in group], self._editable)
        if not edits:
            return None
        idea = _idea_of_group([recipe for recipe, _ in group], context)
        note = " ".join(draft.note for _, draft in group)
        base = situation.parent.program
        made = carry_out(self._laboratory, base, context.sources, idea, edits, note)
        return made if isinstance(made, Candidate) else None

    @property
    def _editable(self) -> tuple[str, ...]:
        return self._laboratory.config.recommender.editable

    def _form(self, program: str) -> str:
        """The program's hash without comments and layout."""
        return normal_form(self._laboratory.programs.sources(program))


def _draft(recipe: Recipe, context: RecipeContext) -> RecipePatch | None:
    try:
        return recipe.make(context)
    except (DoesNotFit, RecursionError):  # the second: an expression with hundreds of terms
        return None


def _groups(
    made: Sequence[tuple[Recipe, RecipePatch]], situation: Situation
) -> list[list[tuple[Recipe, RecipePatch]]]:
    """The recipes of each candidate: one each, or, for strategies with more steps, random sets of up to that many."""
    steps = situation.strategy.steps
    if steps == 1:
        return [[one] for one in made]
    groups = []
    for _ in range(4 * situation.count):
        size = int(situation.rng.integers(1, steps + 1))
        places = situation.rng.permutation(len(made))[:size]
        groups.append([made[int(place)] for place in sorted(places)])
    return groups


def _joined(
    sources: Mapping[str, str], drafts: Sequence[RecipePatch], editable: tuple[str, ...]
) -> list[Edit] | None:
    """The edits of one draft, or of several together; None if those conflict."""
    if len(drafts) == 1:
        return list(drafts[0].edits)
    return joint_edits(sources, [edit for draft in drafts for edit in draft.edits], editable)


def _alike(one: RecipePatch, other: RecipePatch) -> bool:
    """Whether two drafts replace a line in common, so that they are alternatives."""
    mine, theirs = ({(e.path, line) for e in d.edits for line in e.old.split("\n")} for d in (one, other))
    return bool(mine & theirs)


def _called_for(group: Sequence[tuple[Recipe, RecipePatch]], context: RecipeContext) -> bool:
    """Whether feedback calls for every recipe of the group; never for strategies that do not use feedback."""
    return all(addressed_by(recipe, context) for recipe, _ in group)


def _idea_of_group(recipes: Sequence[Recipe], context: RecipeContext) -> Idea:
    ordered = sorted(recipes, key=lambda recipe: recipe.code)
    return joined_idea([idea_of(recipe, addressed_by(recipe, context)) for recipe in ordered])


def _triggered(recipe: Recipe, context: RecipeContext, archive: Archive) -> float:
    """Weight of a recipe = (severity of the findings and critiques that trigger it) x (its prior from the literature)
    x (how the objective moved when it was tried in this run).
    """
    calls = calls_for(recipe, context)
    called = calls / (1.0 + calls) if calls else UNCALLED
    return called * recipe.promise * outcome_factor(recipe.code, archive)


def _promising(recipe: Recipe, context: RecipeContext, archive: Archive) -> float:
    return recipe.promise


def _by_outcome(recipe: Recipe, context: RecipeContext, archive: Archive) -> float:
    return outcome_factor(recipe.code, archive)


def _alike_all(recipe: Recipe, context: RecipeContext, archive: Archive) -> float:
    return 1.0


_WEIGHTS: Mapping[Choice, Weigh] = {
    Choice.TRIGGERED: _triggered,
    Choice.PROMISE: _promising,
    Choice.OUTCOME: _by_outcome,
    Choice.RANDOM: _alike_all,
}


def outcome_factor(code: str, archive: Archive) -> float:
    """How an idea did in this run, as a factor of its weight between e^-2 and e^2.

    It is 1 if the idea was not tried, above 1 if it raised the objective of its parents, below 1 if it lowered the
    objective or failed.
    """
    effects = [
        _relative_change(archive, node)
        for node in archive.nodes
        if node.idea and code in node.idea.code.split(JOIN) and node.status not in UNMEASURED
    ]
    return float(np.exp(np.clip(LEARNING * np.mean(effects), -2.0, 2.0))) if effects else 1.0


def _relative_change(archive: Archive, node: Node) -> float:
    """Relative change of the objective from the parent; -0.2 for a node without an objective."""
    line = archive.lineage(node)
    before = line[1] if len(line) > 1 else archive.root
    if not node.objective or not objective_of(before):
        return -0.2
    return objective_of(node) / objective_of(before) - 1.0
