"""The jobs `propose` and `verify`: patches for the user's version, made and measured, or one measured once more."""

from evolution.base.errors import UsageError
from evolution.domain.request import ProposeRequest, VerifyRequest
from evolution.jobs.outcome import Outcome
from evolution.jobs.propose import propose_once
from evolution.laboratory.context import JobContext
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.laboratory.laboratory import Laboratory
from evolution.store.documents import propose_document


def propose(context: JobContext, request: ProposeRequest) -> Outcome:
    found = propose_once(Laboratory(context), trials=request.trials)
    return Outcome(document=propose_document(found.proposals, did_not_fit=found.did_not_fit))


def verify(context: JobContext, request: VerifyRequest) -> Outcome:
    """One stored proposal once more, with one further seed of child and parent."""
    proposal = context.store.proposal(request.proposal)
    if proposal is None:
        raise UsageError(f"no single proposal {request.proposal!r}; `evolverec runs` lists them")
    again = CandidateEvaluation(Laboratory(context)).verify(proposal)
    return Outcome(document=propose_document([again]))
