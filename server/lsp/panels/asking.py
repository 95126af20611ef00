"""Reads the parameters of the views' requests, among them the repo."""

from collections.abc import Mapping
from typing import Any

from evolution.base.errors import UsageError
from server.lsp.repo import Repo
from server.lsp.session import Session

Document = dict[str, Any]


def text(params: Any, name: str) -> str:
    """The parameter, "" if it is absent. Raises UsageError if it is no string."""
    given = params if isinstance(params, Mapping) else {}
    value = given.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError(f"{name} is {value!r}; expected a text such as a path or a URI")
    return value


async def repo_asked_for(session: Session, params: Any) -> Repo:
    """The repo named by the parameter `repo`, or the one last worked in. Raises UsageError if there is none."""
    await session.looked_around.wait()
    return await session.named_repo(text(params, "repo"))
