"""Which literature sources may be asked, from the `[literature]` table of the user's own `config.toml`; no repo can
change it.

Only the library, which needs no network, is asked unless the user names more.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evolution.base.errors import UsageError
from evolution.base.places import user_config_folder

LIBRARY, ARXIV, SEMANTIC_SCHOLAR, WEB = SOURCES = ("library", "arxiv", "semantic-scholar", "web")
KEYS = ("semantic_scholar_key", "sources")


@dataclass(frozen=True, kw_only=True)
class LiteratureSettings:
    """The user's sources.

    sources: some of SOURCES, in the order in which they are asked.
    semantic_scholar_key: "" sends none.
    """

    sources: tuple[str, ...] = (LIBRARY,)
    semantic_scholar_key: str = field(default="", repr=False)


def literature_settings(table: Mapping[str, Any]) -> LiteratureSettings:
    """Read the `[literature]` table, {} if there is none. Raises UsageError naming the file and what is wrong."""
    for key in table:
        if key not in KEYS:
            _refuse(f"unknown key {key!r} in [literature]; expected one of {', '.join(KEYS)}")
    sources, key = table.get("sources", [LIBRARY]), table.get("semantic_scholar_key", "")
    if not isinstance(sources, list) or any(name not in SOURCES for name in sources):
        _refuse(f"sources in [literature] is {sources!r}; expected a list of {', '.join(SOURCES)}")
    if not isinstance(key, str) or not key.isascii() or not key.isprintable():
        _refuse("semantic_scholar_key in [literature] is no key; copy it again")
    return LiteratureSettings(sources=tuple(dict.fromkeys(sources)), semantic_scholar_key=key.strip())


def _refuse(message: str) -> None:
    raise UsageError(f"{user_config_folder() / 'config.toml'}: {message}")
