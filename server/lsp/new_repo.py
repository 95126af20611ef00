"""`evolverec.newRepo`: a recommender to start from, in a folder that is absent or empty."""

from pathlib import Path
from typing import Any

from evolution.base.errors import UsageError
from evolution.repo.new_repo import DEMO_DATA, SEED, make_repo
from server.lsp import refresh
from server.lsp.commands import object_of
from server.lsp.session import Session, path_of

Document = dict[str, Any]


async def new_repo(session: Session, *arguments: Any) -> Document:
    """`folder`: path or URI; `seed`; `data`. Nothing of the new repo runs yet. Raises UsageError."""
    asked = object_of(arguments)
    named = str(asked.get("folder") or "")
    folder = path_of(named) or Path(named)
    if not named or not folder.is_absolute():
        raise UsageError(f"folder is {named!r}; expected the path or URI of a folder that is absent or empty")
    seed, data = str(asked.get("seed") or SEED), str(asked.get("data") or DEMO_DATA)
    made = await session.background.browse(make_repo, seed, folder, data)
    await refresh.find_repos(session)
    return made
