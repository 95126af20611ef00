"""`evolverec.newRepo`: write a new recommender repo into a folder that is absent or empty."""

from pathlib import Path
from typing import Any

from evolution.base.errors import UsageError
from evolution.repo.new_repo import DEMO_DATA, SEED, make_repo
from server.lsp import refresh
from server.lsp.commands import object_of
from server.lsp.session import Session, path_of

Document = dict[str, Any]


async def new_repo(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.newRepo`: `folder` (a path or URI), `seed` and `data`. None of the new repo's code is run.

    Raises UsageError if the folder cannot be used, or if there is no such seed.
    """
    asked = object_of(arguments)
    named = str(asked.get("folder") or "")
    folder = path_of(named) or Path(named)
    if not named or not folder.is_absolute():
        raise UsageError(f"folder is {named!r}; expected the path or URI of a folder that is absent or empty")
    seed, data = str(asked.get("seed") or SEED), str(asked.get("data") or DEMO_DATA)
    made = await session.background.browse(make_repo, seed, folder, data)
    await refresh.find_repos(session)
    return made
