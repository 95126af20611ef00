"""The errors of `seeds`, as one tree.

SeedsError        anything below; the message says what happened, what was expected, what to do next
|- DataError      a data source that cannot be read, with file, line and column
|- SplitError     a split that this log cannot be divided by
|- NewRepoError   a seed repo that cannot be written
"""


class SeedsError(Exception):
    """Base of every error raised on purpose by `seeds`."""


class SourceError(SeedsError):
    """A broken data source: "file:line: column X: expected ..., found .... Next step."

    line is 1-based, 0 where the file as a whole is meant; column is the header's name, "" for the whole line.
    """

    def __init__(
        self, *, path: str, expected: str, found: str, next_step: str, line: int = 0, column: str = ""
    ) -> None:
        self.path, self.line, self.column = path, line, column
        place = f"{path}:{line}" if line else path
        where = f"column {column}: " if column else ""
        super().__init__(f"{place}: {where}expected {expected}, found {found}. {next_step}")


class SplitError(SeedsError):
    """This log cannot be divided as asked."""


class NewRepoError(SeedsError):
    """The repo could not be written or committed."""
