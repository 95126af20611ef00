"""Matching of relative paths against the glob patterns of `evolverec.toml`."""

import re
from collections.abc import Iterable
from functools import cache


def matches(path: str, patterns: Iterable[str]) -> bool:
    """Whether any pattern matches the path. A pattern without "/" is matched against the file's name in any folder, a
    pattern with "/" against the whole relative path; there `*` stays within a folder and `**` crosses folders."""
    return any(_compiled(pattern).fullmatch(path) for pattern in patterns)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    whole = pattern if "/" in pattern else f"**/{pattern}"
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", whole.removeprefix("/"))
    translated = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}
    return re.compile("".join(translated.get(part, re.escape(part)) for part in parts))
