"""The errors a user can cause or meet, as one tree.

EvolverecError             anything below; the message says what happened, what was expected, what to do
|- UsageError              wrong flags or arguments                                exit 2
|- RepoError               the repo's fault: config, entry, data, a failed trial   exit 1
|  |- ConfigError          evolverec.toml, with file and line
|  |- DataError            the data source, with file, line, column   (seeds.loading raises its own; wrapped)
|  |- EditError            a patch that does not apply exactly
|- ConsentError            the repo is not trusted yet                             exit 1
|- Cancelled               the user stopped the job                                exit 130
"""


class EvolverecError(Exception):
    exit_code = 1


class UsageError(EvolverecError):
    exit_code = 2


class RepoError(EvolverecError):
    """Something in the user's repo. path is relative to the repo; line is 1-based, 0 where unknown."""

    def __init__(self, message: str, *, path: str = "", line: int = 0) -> None:
        self.path, self.line = path, line
        place = f"{path}:{line}: " if path and line else f"{path}: " if path else ""
        super().__init__(place + message)


class ConfigError(RepoError):
    pass


class DataError(RepoError):
    pass


class EditError(RepoError):
    pass


class ConsentError(EvolverecError):
    pass


class Cancelled(EvolverecError):
    exit_code = 130
