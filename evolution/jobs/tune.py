"""The job `tune`: settings of the numbers in the configuration are tried, and the best one is offered as a proposal."""

from collections.abc import Sequence
from typing import Any

from evolution.base import serial
from evolution.domain.job import EventType
from evolution.domain.limits import Limits
from evolution.domain.proposal import Proposal, Verified
from evolution.domain.request import TuneRequest
from evolution.jobs.outcome import Outcome
from evolution.laboratory.context import JobContext
from evolution.laboratory.evaluation import CandidateEvaluation, rank
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.more_training import MoreTraining, trained_enough
from evolution.laboratory.observer import code_map
from evolution.laboratory.paired_comparison import Rivals
from evolution.laboratory.tuning import Tuned, space_of, tuned_candidate
from evolution.laboratory.tuning import tune as search
from evolution.store.documents import propose_document
from evolution.tuning.documents import setting_document, space_document

OFFERED = 2  # settings that are trained with further seeds at most: the next best where the best one's gain is not verified


def tune(context: JobContext, request: TuneRequest) -> Outcome:
    """Try settings of the files on disk within the request's limits. Raises RepoError if they cannot be measured, Cancelled."""
    laboratory = Laboratory(context)
    parent = CandidateEvaluation(laboratory).parent()
    laboratory, parent, longer = trained_enough(laboratory, parent)
    if longer is not None:
        context.events.emit(EventType.LOG, longer.words)
    space = space_of(laboratory, parent)
    limits = Limits(trials=request.trials, gpu_s=request.budget_gpu_s)
    tuned, proposals = Tuned(parent=parent, space=space, settings=()), list[Proposal]()
    if longer is None or longer.converged:
        evaluation = CandidateEvaluation(laboratory)
        tuned = search(evaluation, parent, space, limits, seed=request.seed)
        proposals = _offered(evaluation, tuned)
    return Outcome(document=_document(tuned, proposals, longer))


def _offered(evaluation: CandidateEvaluation, tuned: Tuned) -> list[Proposal]:
    """The best settings as proposals, until one is verified: trained with further seeds, as every promising patch is."""
    found: list[Proposal] = []
    feedback = code_map(evaluation.laboratory, tuned.parent)
    rivals = Rivals(trials=tuple(one.trial for one in tuned.settings))
    for setting in tuned.better[:OFFERED]:
        candidate = tuned_candidate(tuned, setting)
        found.append(
            evaluation.settle(tuned.parent, feedback, candidate, setting.trial, patient=True, rivals=rivals)
        )
        if found[-1].verified is not Verified.NO:
            break
    return sorted(found, key=rank)


def _document(tuned: Tuned, proposals: Sequence[Proposal], longer: MoreTraining | None) -> dict[str, Any]:
    more = {**serial.plain(longer), "words": longer.words} if longer is not None else None
    own = tuned.parent.objective
    return {
        **propose_document(proposals, more_training=more),
        "space": space_document(tuned.space),
        "own": {"trial": tuned.parent.id, "objective": own.value if own else None},
        "settings": [
            setting_document(
                tuned.space, one.values, trial=one.trial.id, status=one.trial.status.value,
                objective=one.objective, why=one.why,
            )
            for one in tuned.settings
        ],
    }  # fmt: skip
