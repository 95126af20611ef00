"""Patches whose gain survives tuning: the user's version and each patched one are tuned with the same budget, then compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evolution.base.amounts import count, number
from evolution.domain.feedback import Feedback
from evolution.domain.job import EventType
from evolution.domain.limits import Limits
from evolution.domain.proposal import Idea, Proposal
from evolution.domain.trial import Trial, TrialStatus
from evolution.laboratory.candidates import Candidate, rebased
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.laboratory.tuning import space_of, tune
from evolution.laboratory.twins import is_dead
from evolution.tuning.writing import change_words

EACH = 6  # settings that the user's version is tuned with, and each patched version
SEED = 0  # of the searches


@dataclass(frozen=True, kw_only=True)
class _Best:
    """The best setting of a program. candidate: None where that is its own. words: what it changes. tried: how many others were."""

    trial: Trial
    candidate: Candidate | None
    words: str
    tried: int


def race_tuned(
    evaluation: CandidateEvaluation, parent: Trial, feedback: Feedback, candidates: Sequence[Candidate]
) -> list[Proposal]:
    """Measure candidates as `CandidateEvaluation.race` does, but tuned, against the tuned parent. Best first.

    A candidate that fails, is dead code or is pruned as it was made is not tuned.
    """
    laboratory = evaluation.laboratory
    trials = laboratory.each(lambda one: evaluation.train(parent, one), candidates)
    held = _tuned(evaluation, parent)
    _tell(evaluation, "your version", held, parent)
    found: list[Proposal] = []
    for candidate, child in zip(candidates, trials):
        if child.status is not TrialStatus.COMPLETE or is_dead(parent, child):
            found.append(evaluation.settle(parent, feedback, candidate, child))
            continue
        best = _tuned(evaluation, child)
        _tell(evaluation, candidate.idea.title, best, child)
        offered = _offered(evaluation, parent, candidate, best, held)
        found.append(evaluation.settle(held.trial, feedback, offered, best.trial, patient=True))
    return evaluation.chosen(found)


def _tuned(evaluation: CandidateEvaluation, trial: Trial) -> _Best:
    """The best setting of a measured program, its own included."""
    searched = tune(evaluation, trial, space_of(evaluation.laboratory, trial), Limits(trials=EACH), seed=SEED)
    tried = len(searched.settings)
    if not searched.better:
        return _Best(trial=trial, candidate=None, words="its own numbers", tried=tried)
    best = searched.better[0]
    words = change_words(searched.space, best.values)
    return _Best(trial=best.trial, candidate=best.candidate, words=words, tried=tried)


def _offered(
    evaluation: CandidateEvaluation, parent: Trial, candidate: Candidate, best: _Best, held: _Best
) -> Candidate:
    """The patch together with its tuned numbers, as a change of the user's version."""
    idea = _idea(candidate.idea, best, held)
    if best.candidate is None:
        return replace(candidate, idea=idea)
    whole = rebased(evaluation.laboratory, best.candidate, parent.key.program, [candidate.idea])
    return replace(whole, idea=idea, note=candidate.note)


def _idea(idea: Idea, best: _Best, held: _Best) -> Idea:
    budget = (
        f"both tuned, {count(best.tried, 'trial')} each"
        if best.tried == held.tried
        else f"tuned, {count(best.tried, 'trial')} against {held.tried}"
    )
    rationale = (
        f"{idea.rationale} Both sides were tuned before they were compared: your version with {held.words}, "
        f"the patched one with {best.words}."
    )
    return replace(idea, title=f"{idea.title} ({budget})", rationale=rationale)


def _tell(evaluation: CandidateEvaluation, label: str, best: _Best, before: Trial) -> None:
    values = [trial.objective.value if trial.objective else 0.0 for trial in (before, best.trial)]
    words = f"{label}, tuned with {count(best.tried, 'trial')}: objective {number(values[0])} -> {number(values[1])}, {best.words}"
    evaluation.context.events.emit(EventType.LOG, words)
