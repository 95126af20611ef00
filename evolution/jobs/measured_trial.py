"""Which stored trial a job means that needs a trained model and trains none."""

from evolution.base.errors import UsageError
from evolution.domain.trial import Trial, TrialStatus
from evolution.laboratory.context import JobContext
from evolution.laboratory.laboratory import Laboratory


def measured_trial(context: JobContext, laboratory: Laboratory, wanted: str) -> Trial:
    """The complete trial with this id, "" for the newest of the files on disk. Raises UsageError: there is none."""
    return _named(context, wanted) if wanted else _newest(context, laboratory)


def _named(context: JobContext, wanted: str) -> Trial:
    """The trial with this id. Raises UsageError if there is none, or it is not complete."""
    trial = context.store.trial(wanted)
    if trial is None:
        raise UsageError(f"no single trial {wanted!r}; `evolverec runs` lists them")
    if trial.status is not TrialStatus.COMPLETE:
        raise UsageError(f"trial {trial.id} is {trial.status}; only a complete trial has left a model")
    return trial


def _newest(context: JobContext, laboratory: Laboratory) -> Trial:
    """The newest complete trial of the files on disk, preferably of the configured seed (`propose` trains further
    seeds later). Raises UsageError if there is none."""
    stored = context.store.trials(laboratory.user_program())
    trials = [trial for trial in stored if trial.status is TrialStatus.COMPLETE]
    if not trials:
        raise UsageError(
            "no complete trial of the files on disk; run `evolverec train` first, or name a trial"
        )
    configured = [trial for trial in trials if trial.key.seed == context.config.training.seed]
    return (configured or trials)[0]
