"""The errors a user can cause or meet, as one tree.

EvolverecError             anything below; the message says what happened, what was expected, what to do
|- UsageError              wrong flags or arguments                                exit 2
|  |- RequestError         an option of a job, with its name
|- RepoError               the repo's fault: config, entry, data, a failed trial   exit 1
|  |- ConfigError          evolverec.toml, with file and line
|  |- DataError            the data source, with file, line, column   (seeds.loading raises its own; wrapped)
|  |- EditError            a patch that does not apply exactly
|  |- NotStored            a replay needs what the store does not have
|- ConsentError            the repo is not trusted yet                             exit 1
|- LlmError                an exchange with the LLM could not be had               exit 1
|  |- LlmUnavailable       no answer: not reached, refused the request, too slow
|  |- LlmRefused           the model declined to answer
|  |- LlmMalformed         answers that do not fit, after every repair
|  |- BudgetSpent          the exchange could cost more than is left
|  |- NotRecorded          a replay needs an exchange that was never recorded
|  |- UnsafePrompt         the prompt would have given away a key or a path
|- DiskError               the disk is full, or may not be written                exit 1
|- Cancelled               the user stopped the job                                exit 130
"""


class EvolverecError(Exception):
    exit_code = 1


class UsageError(EvolverecError):
    exit_code = 2


class RequestError(UsageError):
    """A job was asked for in a way that cannot be done. option: the name of what is wrong; problem: the rest of the
    sentence."""

    def __init__(self, option: str, problem: str) -> None:
        self.option, self.problem = option, problem
        super().__init__(f"{option} {problem}")


class RepoError(EvolverecError):
    """Something in the user's repo. path is relative to the repo; line is 1-based, 0 where unknown. said: the message
    without its place."""

    def __init__(self, message: str, *, path: str = "", line: int = 0) -> None:
        self.path, self.line, self.said = path, line, message
        place = f"{path}:{line}: " if path and line else f"{path}: " if path else ""
        super().__init__(place + message)


class ConfigError(RepoError):
    pass


class DataError(RepoError):
    pass


class EditError(RepoError):
    pass


class NotStored(RepoError):
    pass


class ConsentError(EvolverecError):
    pass


class LlmError(EvolverecError):
    """Whoever was given the LLM as a function, and cannot import this tree, tells it by `is_llm_failure`."""

    is_llm_failure = True


class LlmUnavailable(LlmError):
    pass


class LlmRefused(LlmError):
    pass


class LlmMalformed(LlmError):
    pass


class BudgetSpent(LlmError):
    pass


class NotRecorded(LlmError):
    pass


class UnsafePrompt(LlmError):
    pass


class DiskError(EvolverecError):
    pass


class Cancelled(EvolverecError):
    exit_code = 130
