"""The offer to ask the user's LLM about a finding, with its likely cost."""

from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from evolution.base.amounts import roughly
from evolution.base.errors import UsageError
from evolution.domain.request import ExplainRequest
from evolution.llm.estimate import explaining
from evolution.repo.settings import user_llm
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.shown.repo_files import code_files


async def offer(session: Session, repo: Repo) -> str:
    """`ask MODEL, about 9,000 tokens ($0.02)`; "" where no LLM is set, or its settings are wrong, which the doctor says."""
    return await session.background.browse(_offer, repo.root, repo.disk_changes)


def _offer(root: Path, disk_changes: int) -> str:
    try:
        settings = user_llm()
    except UsageError:
        return ""
    if settings is None:
        return ""
    model = settings.model_of(ExplainRequest.role)
    cost = explaining(settings, source_bytes=_size(root, disk_changes))
    return f"ask {model}, about {roughly(cost.tokens, cost.usd if model in settings.prices else None)}"


@lru_cache(maxsize=16)
def _size(root: Path, disk_changes: int) -> int:
    """Bytes of the repo's code. disk_changes: rises when a file has changed."""
    size = 0
    for path in code_files(root):
        with suppress(OSError):  # a link to nothing, or gone since it was listed
            size += (root / path).stat().st_size
    return size
