"""The proposer that needs no LLM: recipes, drawn as the strategy says, carried out on the parent's code."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from diagnosis.findings import Severity
from evolution.domain.archive import Archive, objective_of
from evolution.domain.edits import Edit
from evolution.domain.proposal import Idea
from evolution.domain.run import Node
from evolution.laboratory.candidates import (
    JOIN,
    Candidate,
    carry_out,
    joined_idea,
    joint_edits,
    recipe_context,
)
from evolution.laboratory.laboratory import Laboratory
from evolution.proposers.drafting import addressed_by, idea_of
from evolution.proposers.normal_form import normal_form
from evolution.proposers.selection import ideas
from evolution.proposers.situation import Attempt, Situation
from evolution.proposers.strategies import Choice
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import DoesNotFit, Recipe, RecipeContext, RecipePatch

SEVERITY = {Severity.ERROR: 3.0, Severity.WARNING: 2.0, Severity.INFORMATION: 0.5}
VOICES = 2.0  # weight of a critique that every user shares
UNCALLED = 0.02  # of the weight that a recipe would have if something called for it
TEMPERATURE = 0.05  # of drawing: small values follow the weights, large ones chance
LEARNING = 5.0  # how much a relative change of the objective says for or against doing the same again

Weigh = Callable[[Recipe, RecipeContext, Archive], float]


class RecipeProposer:
    def __init__(self, laboratory: Laboratory, recipes: Sequence[Recipe] = RECIPES) -> None:
        self._laboratory = laboratory
        self._recipes = recipes

    def propose(self, situation: Situation) -> Sequence[Attempt]:
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
                take(list(taken))  # both at once: different code, and each wanted
        return found

    def _drawn(self, situation: Situation, context: RecipeContext) -> list[Recipe]:
        """Recipes that this lineage has not had and this parent has not tried alone, in the order they are tried."""
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
        return normal_form(self._laboratory.programs.sources(program))


def _draft(recipe: Recipe, context: RecipeContext) -> RecipePatch | None:
    try:
        return recipe.make(context)
    except DoesNotFit:
        return None


def _groups(
    made: Sequence[tuple[Recipe, RecipePatch]], situation: Situation
) -> list[list[tuple[Recipe, RecipePatch]]]:
    """One recipe each; with more steps, sets of up to so many, their sizes drawn."""
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
    """The edits of one draft as they are; of several together, None where they get in each other's way."""
    if len(drafts) == 1:
        return list(drafts[0].edits)
    return joint_edits(sources, [edit for draft in drafts for edit in draft.edits], editable)


def _alike(one: RecipePatch, other: RecipePatch) -> bool:
    """Whether two drafts replace a line in common: then they are two answers to one question."""
    mine, theirs = ({(e.path, line) for e in d.edits for line in e.old.split("\n")} for d in (one, other))
    return bool(mine & theirs)


def _called_for(group: Sequence[tuple[Recipe, RecipePatch]], context: RecipeContext) -> bool:
    """Whether feedback calls for each. A strategy that is told nothing of findings and complaints cannot know."""
    return all(addressed_by(recipe, context) for recipe, _ in group)


def _idea_of_group(recipes: Sequence[Recipe], context: RecipeContext) -> Idea:
    ordered = sorted(recipes, key=lambda recipe: recipe.code)
    return joined_idea([idea_of(recipe, addressed_by(recipe, context)) for recipe in ordered])


# -- how recipes are weighed


def _triggered(recipe: Recipe, context: RecipeContext, archive: Archive) -> float:
    """What calls for it, times what the literature and this run say of it."""
    calls = sum(SEVERITY[f.severity] for f in context.findings if f.code in recipe.triggers)
    calls += sum(
        VOICES * critique.share
        for critique in context.critiques
        if critique.code in recipe.triggers and not critique.positive
    )
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
    """1 where an idea was never tried in the run; above where it raised the objective of its parents, below where
    it lowered it or came to nothing. Between e^-2 and e^2."""
    effects = [
        _relative_change(archive, node)
        for node in archive.nodes
        if node.idea and code in node.idea.code.split(JOIN)
    ]
    return float(np.exp(np.clip(LEARNING * np.mean(effects), -2.0, 2.0))) if effects else 1.0


def _relative_change(archive: Archive, node: Node) -> float:
    line = archive.lineage(node)
    before = line[1] if len(line) > 1 else archive.root
    if not node.objective or not objective_of(before):
        return -0.2  # came to nothing
    return objective_of(node) / objective_of(before) - 1.0
