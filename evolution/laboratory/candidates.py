"""Candidates: applying the edits of an idea to a program makes a child program, which is not measured yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from diagnosis.examination import FOLDER, load_examination
from evolution.base.errors import EditError
from evolution.base.places import trial_folder
from evolution.domain.edits import Edit, apply_edits, make_edits
from evolution.domain.feedback import Feedback
from evolution.domain.proposal import Idea, Patch
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.observer import trace_of
from evolution.recipes.recipe import Facts, RecipeContext

JOIN = "+"  # between the codes of ideas that were carried out together


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A child program and the patch that made it. rounds: a sentence for each round of the LLM coder and debugger."""

    idea: Idea
    patch: Patch
    child: str
    diff: str
    note: str
    rounds: tuple[str, ...] = ()


def recipe_context(laboratory: Laboratory, base: str, feedback: Feedback) -> RecipeContext:
    """The input of recipes: a program's editable files, the roles found in them, and the feedback on its trial."""
    training = laboratory.data.training
    columns = training.item_columns
    return RecipeContext(
        sources=laboratory.programs.sources(base, laboratory.config.recommender.editable),
        facts=Facts(
            n_users=training.n_users,
            n_items=training.n_items,
            has_categories=any(columns.categories),
            steps=_steps(laboratory, feedback),
        ),
        sites=feedback.sites,
        findings=feedback.all_findings(),
        critiques=feedback.simulation.critiques if feedback.simulation else (),
        trace=trace_of(laboratory, feedback.trial),
    )


def _steps(laboratory: Laboratory, feedback: Feedback) -> int:
    """How many steps the trial's training took, if those of an epoch were counted; else 0."""
    with laboratory.context.store_lock:
        trial = laboratory.context.store.trial(feedback.trial)
    seen = load_examination(trial_folder(laboratory.context.repo, feedback.trial) / FOLDER)
    ends = seen.watched.epoch_ends if seen is not None and seen.watched is not None else ()
    return ends[0] * len(trial.epochs) if ends and trial is not None else 0


def carry_out(
    laboratory: Laboratory,
    base: str,
    sources: Mapping[str, str],
    idea: Idea,
    edits: Sequence[Edit],
    note: str,
    *,
    rounds: tuple[str, ...] = (),
) -> Candidate | str:
    """Store the child program; returns the candidate, or the reason (a text) if the edits cannot be applied."""
    try:
        after = apply_edits(sources, edits, editable=laboratory.config.recommender.editable)
    except EditError as error:
        return f"its patch does not apply: {error}"
    changed = {path: text for path, text in after.items() if sources.get(path) != text}
    child = laboratory.programs.with_files(base, changed)
    laboratory.programs.keep(child, idea.title)
    patch = Patch(base=base, edits=tuple(edits))
    diff = laboratory.programs.diff(base, child)
    return Candidate(idea=idea, patch=patch, child=child, diff=diff, note=note, rounds=rounds)


def joint_edits(
    sources: Mapping[str, str], edits: Sequence[Edit], editable: tuple[str, ...]
) -> list[Edit] | None:
    """Merge the edits of several patches into those of one patch; None if they conflict."""
    try:
        after = apply_edits(sources, edits, editable=editable)
    except EditError:
        return None
    return [edit for path, text in after.items() for edit in make_edits(path, sources.get(path, ""), text)]


def rebased(laboratory: Laboratory, candidate: Candidate, root: str, earlier: Sequence[Idea]) -> Candidate:
    """The same child with a patch against `root`, the user's version, instead of against its parent.

    earlier: the ideas by which the parent was made from `root`, oldest first; the patch contains their changes too.
    """
    if candidate.patch.base == root:
        return candidate
    patterns = laboratory.config.recommender.editable
    before, after = (laboratory.programs.sources(tree, patterns) for tree in (root, candidate.child))
    edits = [edit for path, text in after.items() for edit in make_edits(path, before.get(path, ""), text)]
    diff = laboratory.programs.diff(root, candidate.child)
    idea = joined_idea([*earlier, candidate.idea])
    return replace(candidate, idea=idea, patch=Patch(base=root, edits=tuple(edits)), diff=diff)


def joined_idea(ideas: Sequence[Idea]) -> Idea:
    """Merge ideas, given in the order they were applied, into one. Its proposer is the first LLM among them, if any."""
    if len(ideas) == 1:
        return ideas[0]
    return Idea(
        code=JOIN.join(idea.code for idea in ideas),
        title=" + ".join(idea.title for idea in ideas),
        rationale=" ".join(idea.rationale for idea in ideas),
        addresses=tuple(dict.fromkeys(item for idea in ideas for item in idea.addresses)),
        rests_on=tuple(dict.fromkeys(item for idea in ideas for item in idea.rests_on)),
        proposer=next((idea.proposer for idea in ideas if idea.by_llm), ideas[0].proposer),
    )
