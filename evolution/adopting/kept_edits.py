"""Writes drafted files, and never over what the user has edited: the last line of evolverec.toml tells what was written.

A file that an LLM completed has a mark behind its hash, so that a template, which has the gaps again, does not replace it.
"""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from evolution.adopting.kit import kit_text
from evolution.base.drafts import draft_name
from evolution.base.errors import RepoError
from evolution.base.places import CONFIG_NAME, KIT_NAME
from evolution.repo.files import config_text, read_code

MARK = "# evolverec init wrote: "
COMPLETED = "+llm"  # behind a hash
_MARK = re.compile(rf"^{re.escape(MARK)}(.*)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class WrittenFiles:
    """written: files that are new or were drafted anew. kept: files that the user has edited, which stay as they are.

    completed: files that an LLM has completed and nobody edited since; a template leaves them as they are, too.
    """

    written: tuple[str, ...]
    kept: tuple[str, ...]
    same: tuple[str, ...] = ()
    completed: tuple[str, ...] = ()


def adapter_name(root: Path) -> str:
    """The module of the adapter: one of ours that is there, "adapter" where that name is free, else another."""
    for name in ("adapter", "evolverec_adapter"):
        text = _text(root, f"{name}.py")
        if text is None or "evolverec_kit" in text:
            return name
    return "evolverec_adapter"


def write_drafts(root: Path, adapter: dict[str, str], config: str) -> WrittenFiles:
    """Write evolverec.toml, and an adapter (its path -> its text; {} for none) with the kit beside it.

    Raises RepoError: a file cannot be read or written.
    """
    kit = {KIT_NAME: kit_text()} if adapter else {}
    return _write(root, {**adapter, **kit, CONFIG_NAME: config}, by_llm=frozenset())


def write_completed(root: Path, adapter: dict[str, str], config: str) -> WrittenFiles:
    """Write an adapter and an evolverec.toml that an LLM has completed, as `write_drafts` does; the kit is there already.

    Raises RepoError: a file cannot be read or written.
    """
    told, there = _marks(root), _content(root, CONFIG_NAME)
    changed = {} if there == config else {CONFIG_NAME: config}
    by_llm = frozenset({*adapter, *changed, *(path for path in told if told[path].endswith(COMPLETED))})
    return _write(root, {**adapter, CONFIG_NAME: config}, by_llm=by_llm)


def untouched(root: Path) -> frozenset[str]:
    """The files that stand as they were drafted or completed, without an edit of the user's."""
    told = _marks(root)
    return frozenset(
        path
        for path, mark in told.items()
        if mark.removesuffix(COMPLETED) == _hash(_content(root, path) or "")
    )


def unmarked_config(root: Path) -> str:
    """evolverec.toml without the line that is ours; "" where there is none."""
    return _content(root, CONFIG_NAME) or ""


def _write(root: Path, drafts: dict[str, str], *, by_llm: frozenset[str]) -> WrittenFiles:
    """by_llm: the files whose new text is an LLM's."""
    told, ours = _marks(root), untouched(root)
    written, kept, same, completed = list[str](), list[str](), list[str](), list[str]()
    for path, text in drafts.items():
        there = _content(root, path)
        if there is not None and there == text:
            same.append(path)
        elif there is not None and path not in ours:
            kept.append(path)
        elif there is not None and told[path].endswith(COMPLETED) and path not in by_llm:
            completed.append(path)
        else:
            written.append(path)
    marks = dict(told)
    for path in (*written, *same):
        is_llms = path in by_llm or (path in same and told.get(path, "").endswith(COMPLETED))
        marks[path] = _hash(drafts[path]) + (COMPLETED if is_llms else "")
    line = MARK + " ".join(f"{path}={value}" for path, value in marks.items() if value)
    for path in written:
        if path != CONFIG_NAME:
            _replace(root / path, drafts[path])
    if CONFIG_NAME in (*kept, *completed):
        if written:  # only its last line changes, which is ours
            _replace(root / CONFIG_NAME, (_content(root, CONFIG_NAME) or "") + line + "\n")
    else:
        _replace(root / CONFIG_NAME, drafts[CONFIG_NAME] + line + "\n")
    return WrittenFiles(
        written=tuple(written), kept=tuple(kept), same=tuple(same), completed=tuple(completed)
    )


def _content(root: Path, path: str) -> str | None:
    """The text of a file without the line that is ours; None where there is none."""
    text = _text(root, path)
    return _unmarked(text) if path == CONFIG_NAME and text is not None else text


def _marks(root: Path) -> dict[str, str]:
    """File -> hash of what was last written there."""
    found = _MARK.search(_text(root, CONFIG_NAME) or "")
    pairs = [pair.partition("=") for pair in found.group(1).split()] if found else []
    return {path: value for path, _, value in pairs}


def _unmarked(text: str) -> str:
    return _MARK.sub("", text).rstrip("\n") + "\n" if _MARK.search(text) else text


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]


def _text(root: Path, path: str) -> str | None:
    if path != CONFIG_NAME:
        return read_code(root, path)
    try:
        return config_text(root)
    except FileNotFoundError:
        return None


def _replace(path: Path, text: str) -> None:
    """Write a file whole or not at all. Raises RepoError: the disk or its owner refuses."""
    draft = path.with_name(draft_name())
    try:
        draft.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise RepoError(f"cannot be written: {error.strerror or error}", path=path.name) from None
