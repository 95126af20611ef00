"""Turns the object that an editor sends with a command into a job's request."""

from collections.abc import Mapping
from typing import Any

from evolution.base.errors import UsageError
from evolution.domain.job import JobKind
from evolution.domain.request import EvolveRequest, Request, options_of, parse_request

# Keys of every command that are no options of the job: the repo, and that the user was asked about unsaved files.
OF_THE_COMMAND = ("repo", "onDisk")


def job_request(kind: JobKind, asked: Mapping[str, Any], *, python: str) -> Request:
    """The request of the job that a command starts.

    asked: the command's object; every option of the job in camel case, except `python` and `no_sandbox`
    python: the interpreter from the user's own settings
    Raises UsageError, which spells the option as the editor wrote it.
    """
    if "python" in asked:
        raise UsageError(
            "python is no option of a command; set evolverec.interpreter in your editor's settings"
        )
    if "noSandbox" in asked:
        raise UsageError(
            "noSandbox is no option of a command; where there is no sandbox you are asked, and your yes is remembered"
        )
    options = {name: value for name, value in asked.items() if name not in OF_THE_COMMAND}
    request = parse_request(kind, {**options, "python": python}, spelling=camel_case)
    if isinstance(request, EvolveRequest):
        spelt = {camel_case(name): name for name in options_of(EvolveRequest)}
        request.check_given([spelt[name] for name in options])
    return request


def camel_case(name: str) -> str:
    """`budget_usd` becomes `budgetUsd`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
