"""The jobs `propose` (make and measure patches for the user's version) and `verify` (measure one again)."""

from typing import Any

from evolution.base import serial
from evolution.base.errors import UsageError
from evolution.domain.request import ProposeRequest, VerifyRequest
from evolution.jobs.outcome import Outcome
from evolution.jobs.propose import Proposed, propose_once
from evolution.laboratory.context import JobContext
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.laboratory.laboratory import Laboratory
from evolution.store.documents import propose_document


def propose(context: JobContext, request: ProposeRequest) -> Outcome:
    """Measure at most `request.trials` patches for the files on disk. Raises RepoError, Cancelled."""
    found = propose_once(
        Laboratory(context),
        trials=request.trials,
        allow_cost=request.allow_cost,
        tuned=request.tuned,
        accepted=request.accepted,
    )
    return Outcome(document=proposed_document(found))


def proposed_document(found: Proposed) -> dict[str, Any]:
    """The document of a round of proposals."""
    longer = found.more_training
    more = {**serial.plain(longer), "words": longer.words} if longer is not None else None
    return propose_document(found.proposals, did_not_fit=found.did_not_fit, more_training=more)


def verify(context: JobContext, request: VerifyRequest) -> Outcome:
    """Measure a stored proposal with one further seed of child and parent. Raises UsageError if its id is unknown."""
    proposal = context.store.proposal(request.proposal)
    if proposal is None:
        raise UsageError(f"no single proposal {request.proposal!r}; `evolverec runs` lists them")
    again = CandidateEvaluation(Laboratory(context), allow_cost=request.allow_cost).verify(proposal)
    return Outcome(document=propose_document([again]))
