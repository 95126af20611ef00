"""How a trial fails: one exception that carries the reason, raised wherever a worker is to blame."""

from cattrs.errors import BaseValidationError

from evolution.domain.trial import Failure, FailureReason

# What Python raises where a value is not what it was taken for. Errors of the disk, of the user and of a job that is
# cancelled are none of these.
FAULTS_OF_DATA = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
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
