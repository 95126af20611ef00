"""The exceptions whose messages users read, as one class tree, with the exit code of the command line.

EvolverecError             base class; the message says what happened, what was expected, what to do
|- UsageError              wrong flags or arguments                                exit 2
|  |- RequestError         an option of a job, with its name
|- RepoError               a fault in the repo: config, entry, data, a failed trial exit 1
|  |- ConfigError          evolverec.toml, with file and line
|  |- DataError            the data source, with file, line, column   (seeds.loading raises its own; wrapped)
|  |- EditError            a patch that does not apply exactly
|  |- NotStored            a replay needs what the store does not have
|- ConsentError            the repo is not trusted yet                             exit 1
|- LlmError                a request to the LLM gave no usable answer              exit 1
|  |- LlmUnavailable       the endpoint was not reached, rejected the request, or was too slow
|  |- LlmRefused           the model declined to answer
|  |- LlmMalformed         the answer does not fit its schema, even after all repair attempts
|  |- BudgetSpent          the exchange could cost more than is left of the budget
|  |- NotRecorded          a replay needs an exchange that was never recorded
|  |- UnsafePrompt         the prompt contained an API key or a path of the user's machine
|- DiskError               the disk is full, or may not be written                exit 1
|- Cancelled               the user stopped the job                                exit 130
"""

import re


class EvolverecError(Exception):
    """Base class of all errors with a message for the user. exit_code: what the command line exits with."""

    exit_code = 1


class UsageError(EvolverecError):
    """A wrong flag, argument, environment variable or user setting."""

    exit_code = 2


class RequestError(UsageError):
    """An option of a job request is invalid. The message is `option` followed by `problem`, the rest of the
    sentence."""

    def __init__(self, option: str, problem: str) -> None:
        self.option, self.problem = option, problem
        super().__init__(f"{option} {problem}")


_PLACE = re.compile(r"(?P<path>[^:\n]+):(?P<line>[1-9]\d{0,8}): ")


class RepoError(EvolverecError):
    """A fault in the user's repo. path is relative to the repo, "" if unknown; line counts from 1, 0 if unknown.

    `said` is the message without the `path:line: ` that `str(error)` begins with.
    """

    def __init__(self, message: str, *, path: str = "", line: int = 0) -> None:
        self.path, self.line, self.said = path, line, message
        place = f"{path}:{line}: " if path and line else f"{path}: " if path else ""
        super().__init__(place + message)

    @classmethod
    def read(cls, text: str) -> "RepoError":
        """The error whose `str` this is; its path and line are known again where it begins with both."""
        place = _PLACE.match(text)
        if place is None:
            return cls(text)
        return cls(text[place.end() :], path=place["path"], line=int(place["line"]))


class ConfigError(RepoError):
    """`evolverec.toml` is missing, is no valid TOML, or has a wrong key or value."""


class DataError(RepoError):
    """The data source of the repo is missing or cannot be parsed."""


class EditError(RepoError):
    """A patch does not apply exactly, or edits a file that it must not edit."""


class NotStored(RepoError):
    """A replay needs a trial, a check or another result that the store does not have."""


class ConsentError(EvolverecError):
    """The user has not consented to running the code of this repo (`--trust`)."""


class LlmError(EvolverecError):
    """Base class of failed exchanges with the LLM.

    Packages that must not import `evolution` get the LLM as a function; they recognise this error by its attribute
    `is_llm_failure`.
    """

    is_llm_failure = True


class LlmUnavailable(LlmError):
    """The endpoint was not reached, rejected the request, or took too long."""


class LlmRefused(LlmError):
    """The model declined to answer."""


class LlmMalformed(LlmError):
    """The answer does not fit its schema, even after all repair attempts."""


class BudgetSpent(LlmError):
    """The exchange was not started, because it could cost more than is left of the budget."""


class NotRecorded(LlmError):
    """A replay needs an exchange that is not among the recorded ones."""


class UnsafePrompt(LlmError):
    """The prompt was not sent, because it contains an API key or a path of the user's machine."""


class DiskError(EvolverecError):
    """The disk is full, or a file or folder of evolverec cannot be written."""


class Cancelled(EvolverecError):
    """The user has cancelled the job; results that were stored before are kept."""

    exit_code = 130
