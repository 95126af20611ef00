"""What each kind of job does, in a few lines: the method is elsewhere, here is the order."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from evolution.base.errors import Cancelled, RepoError, UsageError
from evolution.domain.job import JobKind, JobState
from evolution.domain.trial import FailureReason, Trial, TrialStatus
from evolution.jobs.propose import Proposer
from evolution.laboratory.assay import Assay
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory, complete
from evolution.laboratory.observer import feedback_of
from evolution.llm.estimate import LLM_USERS
from evolution.store.documents import diagnose_document, propose_document, simulate_document, train_document

YOURS = "your version"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """document: what the command prints. A trial that failed is an outcome with exit_code 1, not an exception."""

    document: dict[str, Any]
    state: JobState = JobState.DONE
    error: str = ""
    exit_code: int = 0


def train(context: JobContext) -> Outcome:
    """A stored complete trial is shown again; one that failed is run again, for the reason may be gone."""
    laboratory = Laboratory(context)
    trial = laboratory.trial(laboratory.user_program(), seed=_seed(context), label=YOURS, accept=complete)
    if trial.failure is not None:
        message = f"{trial.failure.reason}: {trial.failure.message}"
        return Outcome(document=train_document(trial), state=JobState.FAILED, error=message, exit_code=1)
    return Outcome(document=train_document(trial))


def check(context: JobContext) -> Outcome:
    """The cheap rungs alone; what they find are problems of the repo, not of the job."""
    laboratory = Laboratory(context)
    trial = laboratory.smoke(laboratory.user_program())
    if trial.failure is not None and trial.failure.reason is FailureReason.CANCELLED:
        raise Cancelled("cancelled")
    problems = [
        {"path": "", "line": 0, "severity": c.severity, "message": f"{c.code}: {c.message}"}
        for c in trial.contract
        if c.passed is False
    ]
    if trial.failure is not None and trial.failure.reason is not FailureReason.CONTRACT:
        failure = trial.failure
        message = f"{failure.reason}: {failure.message}"
        problems.append({"path": failure.path, "line": failure.line, "severity": "error", "message": message})
    passed = [f"contract: {c.code}" for c in trial.contract if c.passed]
    return Outcome(document={"problems": problems, "passed": passed})


def diagnose(context: JobContext) -> Outcome:
    laboratory = Laboratory(context)
    trial = _trained(laboratory)
    feedback = feedback_of(laboratory, trial)
    return Outcome(document=diagnose_document(trial, feedback, _dismissed(context)))


def simulate(context: JobContext) -> Outcome:
    """Statistical personas, and where the user has an LLM endpoint also some that it plays."""
    laboratory = Laboratory(context)
    trial = _trained(laboratory)
    feedback = feedback_of(laboratory, trial, users=int(context.params.get("users") or 200))
    played = context.params.get("llm_users")
    settings, users = context.settings.llm, LLM_USERS if played is None else int(played)
    if settings is not None and users:
        from evolution.laboratory.interviewer import opened_interviewer
        from evolution.llm.budget import Limits

        limits = Limits(usd=context.params.get("budget_usd"))
        with opened_interviewer(context, settings, users=users, limits=limits) as interviewer:
            feedback = feedback_of(laboratory, trial, users=feedback.users_asked, interviewer=interviewer)
    return Outcome(document=simulate_document(feedback, _dismissed(context)))


def propose(context: JobContext) -> Outcome:
    found = Proposer(Laboratory(context)).run(trials=int(context.params.get("trials") or 12))
    return Outcome(document=propose_document(found.proposals, did_not_fit=found.did_not_fit))


def verify(context: JobContext) -> Outcome:
    """One stored proposal once more, with one further seed of child and parent."""
    wanted = str(context.params.get("proposal") or "")
    proposal = context.store.proposal(wanted)
    if proposal is None:
        raise UsageError(f"no single proposal {wanted!r}; `evolverec runs` lists them")
    again = Assay(Laboratory(context)).verify(proposal)
    return Outcome(document=propose_document([again]))


def test(context: JobContext) -> Outcome:
    """The test events, read once in a fresh process; each reading is logged."""
    laboratory = Laboratory(context)
    trial = _chosen(context, laboratory)
    reading = laboratory.read_test(trial)
    measured = replace(trial, metrics=reading.metrics, objective=reading.objective, failure=reading.failure)
    document = train_document(measured, split="test")
    if reading.failure is not None:
        message = f"{reading.failure.reason}: {reading.failure.message}"
        document["status"] = TrialStatus.FAILED.value
        return Outcome(document=document, state=JobState.FAILED, error=message, exit_code=1)
    context.store.log_test_read(
        trial.id, {"metrics": document["metrics"], "objective": document["objective"]}
    )
    document["test_reads"] = len(context.store.test_reads(trial.id))
    return Outcome(document=document)


def evolve(context: JobContext) -> Outcome:
    from evolution.jobs.evolve import evolve_document

    return Outcome(document=evolve_document(context))


def compare(context: JobContext) -> Outcome:
    from evolution.jobs.evolve import compare_strategies

    return Outcome(document=compare_strategies(context))


WORK: Mapping[JobKind, Callable[[JobContext], Outcome]] = {
    JobKind.TRAIN: train,
    JobKind.CHECK: check,
    JobKind.DIAGNOSE: diagnose,
    JobKind.SIMULATE: simulate,
    JobKind.PROPOSE: propose,
    JobKind.VERIFY: verify,
    JobKind.TEST: test,
    JobKind.EVOLVE: evolve,
    JobKind.COMPARE: compare,
}


def _seed(context: JobContext) -> int:
    seed = context.params.get("seed")
    return context.config.training.seed if seed is None else int(seed)


def _trained(laboratory: Laboratory) -> Trial:
    """The user's version, trained now or before. Raises RepoError where it failed.

    One that failed is run again, as `train` does: what killed it may be gone.
    """
    trial = laboratory.trial(
        laboratory.user_program(), seed=_seed(laboratory.context), label=YOURS, accept=complete
    )
    if trial.failure is not None:
        failure = trial.failure
        raise RepoError(
            f"the trial failed ({failure.reason}): {failure.message}", path=failure.path, line=failure.line
        )
    return trial


def _chosen(context: JobContext, laboratory: Laboratory) -> Trial:
    """The trial named in the parameters, else the newest complete one of the files on disk, of the configured
    seed where there is one.

    Raises UsageError where there is none.
    """
    wanted = str(context.params.get("trial") or "")
    if wanted:
        trial = context.store.trial(wanted)
        if trial is None:
            raise UsageError(f"no single trial {wanted!r}; `evolverec runs` lists them")
    else:
        stored = context.store.trials(laboratory.user_program())
        trials = [trial for trial in stored if trial.status is TrialStatus.COMPLETE]
        if not trials:
            raise UsageError(
                "no complete trial of the files on disk; run `evolverec train` first, or name a trial"
            )
        yours = [trial for trial in trials if trial.key.seed == context.config.training.seed]
        trial = (yours or trials)[0]  # propose leaves newer ones of further seeds
    if trial.status is not TrialStatus.COMPLETE:
        raise UsageError(f"trial {trial.id} is {trial.status}; only complete trials are read on test events")
    return trial


def _dismissed(context: JobContext) -> set[str]:
    return context.store.dismissed()
