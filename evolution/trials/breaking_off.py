"""What a training that breaks off in a later epoch tells: which epoch, what is kept, and where the first bad value came from."""

from collections.abc import Callable
from dataclasses import replace

from evolution.base.amounts import count, number
from evolution.domain.trial import Failure, FailureReason
from evolution.trials.failing import TrialFailed
from evolution.trials.session import BadValue, WorkerSession

AGAIN_S = 120.0  # a training that took longer is not repeated in search of its first bad value
_OF_THE_PROGRAM = (FailureReason.CRASH, FailureReason.NOT_FINITE, FailureReason.OUT_OF_MEMORY)


def broken_off(failure: Failure, epoch: int, *, measured: int, max_epochs: int) -> Failure:
    """The failure, with the epoch in which it happened and what is kept of those before. measured: epochs."""
    if failure.reason not in _OF_THE_PROGRAM:
        return failure
    words = f"epoch {epoch}: {failure.message}"
    if measured:
        words += f"; the {count(measured, 'epoch')} before are measured and kept"
    if _ran_out(failure) and measured:
        words += (
            f". The learning rate's schedule ends before training.max_epochs = {max_epochs}: plan it for {max_epochs} epochs, "
            f"or set max_epochs = {measured}"
        )
    return replace(failure, message=words)


def _ran_out(failure: Failure) -> bool:
    """Whether a scheduler of torch's refused a step."""
    frames = [line for line in failure.traceback.splitlines() if line.lstrip().startswith("File ")]
    return bool(frames) and "lr_scheduler.py" in frames[-1]


def with_first_bad_value(
    failure: Failure, session: WorkerSession, *, seed: int, epoch: int, on_stage: Callable[[str], None]
) -> Failure:
    """The failure, on the line that first gave a value that is not finite, where training again shows it. on_stage: told of that."""
    if failure.reason is not FailureReason.NOT_FINITE or session.fit.s > AGAIN_S:
        return failure
    on_stage("looking for what broke the training")
    try:
        bad = session.find_bad_value(seed=seed, epochs=epoch, seconds=2 * AGAIN_S)
    except TrialFailed as again:
        if again.failure.reason is FailureReason.CANCELLED:
            raise
        return failure
    if bad is None:
        return failure
    return replace(failure, message=f"{failure.message}. {_told(bad)}", path=bad.path, line=bad.line)


def _told(bad: BadValue) -> str:
    step = f"step {bad.step} of epoch {bad.epoch}" if bad.step else f"epoch {bad.epoch}"
    words = f"The first value that is not finite came in {step}: {bad.function} gave {bad.value} ({bad.path}:{bad.line})"
    if bad.largest_weight > LARGE:
        words += f"; weights had grown to {number(bad.largest_weight)} by then"
    return words


LARGE = 1e3  # of a weight; models that learn have weights of a few units
