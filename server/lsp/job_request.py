"""From the object that an editor sends with a command to the request of a job."""

from collections.abc import Mapping
from typing import Any

from evolution.base.errors import UsageError
from evolution.domain.job import JobKind
from evolution.domain.request import Request, parse_request

# Keys of every command: which repo it is for; the client has asked already what is to become of unsaved text.
OF_THE_COMMAND = ("repo", "onDisk")


def job_request(kind: JobKind, asked: Mapping[str, Any], *, python: str) -> Request:
    """The job that a command asks for. asked: every option of the job in camel case, but `python`.

    python: the interpreter that the user's own settings name. Raises UsageError, with the option as the editor wrote it.
    """
    if "python" in asked:
        raise UsageError(
            "python is no option of a command; set evolverec.interpreter in your editor's settings"
        )
    options = {name: value for name, value in asked.items() if name not in OF_THE_COMMAND}
    return parse_request(kind, {**options, "python": python}, spelling=camel_case)


def camel_case(name: str) -> str:
    """`budget_usd` -> `budgetUsd`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
