"""A repo that is set up for evolverec: `evolverec.init` reads it, runs none of it, and writes what `evolverec init` writes."""

from pathlib import Path
from typing import Any

from evolution.base.errors import UsageError
from server.lsp import refresh
from server.lsp.commands import object_of
from server.lsp.places import place_named
from server.lsp.session import Session

Document = dict[str, Any]


async def init(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.init`: `folder` (a path or URI), and perhaps `data`, `train` and `model` as the command line takes them.

    The answer is the document of `evolverec init`, without its checks, which the diagnostics show. Nothing is asked, no LLM
    either: that is `evolverec.completeAdapter`.
    Raises UsageError if the folder, or what is named, is not there.
    """
    asked = object_of(arguments)
    named = str(asked.get("folder") or "")
    folder = place_named(named)
    if folder is None or not folder.is_dir():
        raise UsageError(f"folder is {named[:200]!r}; expected the path or URI of a folder that exists")
    data, train, model = (str(asked.get(name) or "") for name in ("data", "train", "model"))
    document = await session.background.browse(_init, folder, data, train, model)
    await refresh.find_repos(session)
    return document


def _init(folder: Path, data: str, train: str, model: str) -> Document:
    """The reading of a repo loads its parsers late, so that a server that is not asked for it is light."""
    from evolution.adopting.init import init_repo

    return init_repo(folder, data=data, train=train, model=model)
