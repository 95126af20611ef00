"""How a trial fails: one exception that carries the reason, raised wherever a worker is to blame."""

import contextlib
import errno
import traceback
from collections.abc import Iterator
from pathlib import Path

from cattrs.errors import BaseValidationError

from evolution.base.disks import SHORT_WRITE
from evolution.domain.trial import Failure, FailureReason
from evolution.trials.wire import clean_text

# What Python raises where a value is not what it was taken for, or is too large or too deep. Errors of the disk, of the
# user and of a job that is cancelled are none of these.
FAULTS_OF_DATA = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    StopIteration,
    SyntaxError,
    TypeError,
    ValueError,
    BaseValidationError,
)


class TrialFailed(Exception):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def failed(reason: FailureReason, message: str, traceback: str = "") -> TrialFailed:
    return TrialFailed(Failure(reason=reason, message=message, traceback=traceback))


def broken_contract(message: str) -> TrialFailed:
    return failed(FailureReason.CONTRACT, message)


# A full disk, a broken one, too many open files: whichever candidate meets it, it is not its doing.
_OF_THE_MACHINE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EIO,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
)
_FORBIDDEN = (errno.EACCES, errno.EPERM)
LONGEST_TRACEBACK = 20_000


@contextlib.contextmanager
def guarded(work: Path) -> Iterator[None]:
    """The guard around a trial: what it stumbles over inside is a failed trial, and never the end of the job.

    work: the folder that the worker can write. Raises TrialFailed also for a fault that data of the worker's may have
    caused: its traceback, which is how we learn of a bug of our own, goes to the job's log and into the failure. What is
    the machine's, the user's or a cancelled job's goes on as it is.
    """
    try:
        yield
    except FAULTS_OF_DATA as fault:
        raise _stumbled(fault) from fault
    except OSError as fault:
        if is_of_the_machine(fault, work):
            raise
        raise _stumbled(fault) from fault


def is_of_the_machine(fault: OSError, work: Path) -> bool:
    """Whether no candidate can be blamed: what the worker did to the files in `work` is its own doing."""
    if fault.errno in _FORBIDDEN:
        return work not in Path(str(fault.filename or "/")).parents
    return fault.errno in _OF_THE_MACHINE or SHORT_WRITE.fullmatch(str(fault)) is not None


def _stumbled(fault: BaseException) -> TrialFailed:
    traceback.print_exc()
    words = f"evolverec could not go on with what the worker did ({type(fault).__name__}: {fault!s:.200})"
    told = traceback.format_exc()[-LONGEST_TRACEBACK:]
    return failed(FailureReason.CRASH, clean_text(words), clean_text(told))
