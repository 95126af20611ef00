"""A recommender to start from: `evolverec.newRepo` makes one, `evolverec/choices` says what there is to choose."""

from typing import Any

from evolution.base.errors import UsageError
from evolution.repo.new_repo import first_seed, make_repo
from seeds.loading import DEMO, built_in, described_logs, log_suffixes
from seeds.new import all_seeds
from server.lsp import refresh
from server.lsp.commands import object_of
from server.lsp.places import place_named
from server.lsp.session import Session

Document = dict[str, Any]


async def new_repo(session: Session, *arguments: Any) -> Document:
    """Handle `evolverec.newRepo`: `folder` (a path or URI), `seed` and `data`. None of the new repo's code is run.

    Raises UsageError if the folder cannot be used, or if there is no such seed.
    """
    asked = object_of(arguments)
    named = str(asked.get("folder") or "")
    folder = place_named(named)
    if folder is None:
        raise UsageError(
            f"folder is {named[:200]!r}; expected the path or URI of a folder that is absent or empty"
        )
    seed, data = str(asked.get("seed") or first_seed()), str(asked.get("data") or DEMO)
    made = await session.background.browse(make_repo, seed, folder, data)
    await refresh.find_repos(session)
    return made


async def choices(session: Session, params: Any = None) -> Document:
    """Seeds and data, each with a sentence, the one for somebody without a wish first; what a log may be."""
    return await session.background.browse(_choices)


def _choices() -> Document:
    return {
        "seeds": [
            {"name": seed.name, "title": seed.title, "sentence": seed.sentence} for seed in all_seeds()
        ],
        "data": [{"name": name, "sentence": sentence} for name, sentence in built_in().items()],
        "logs": {"sentence": described_logs(), "suffixes": list(log_suffixes())},
    }
