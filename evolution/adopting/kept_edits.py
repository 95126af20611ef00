"""Writes drafted files, and never over what the user has edited: the last line of evolverec.toml tells what was written."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from evolution.adopting.kit import kit_text
from evolution.base.drafts import draft_name
from evolution.base.errors import RepoError
from evolution.base.places import CONFIG_NAME
from evolution.repo.files import config_text, read_code

MARK = "# evolverec init wrote: "
_MARK = re.compile(rf"^{re.escape(MARK)}(.*)$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class WrittenFiles:
    """written: files that are new or were drafted anew. kept: files that the user has edited, which stay as they are."""

    written: tuple[str, ...]
    kept: tuple[str, ...]
    same: tuple[str, ...] = ()


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
    kit = {"evolverec_kit.py": kit_text()} if adapter else {}
    drafts = {**adapter, **kit, CONFIG_NAME: config}
    told = _marks(root)
    written, kept, same = list[str](), list[str](), list[str]()
    for path, text in drafts.items():
        there = _text(root, path)
        content = there if path != CONFIG_NAME or there is None else _unmarked(there)
        if there is not None and content == text:
            same.append(path)
        elif there is not None and told.get(path) != _hash(content or ""):
            kept.append(path)
        else:
            written.append(path)
    hashes = {path: _hash(drafts[path]) if path not in kept else told.get(path, "") for path in drafts}
    line = MARK + " ".join(f"{path}={value}" for path, value in hashes.items() if value)
    for path in written:
        if path != CONFIG_NAME:
            _replace(root / path, drafts[path])
    if CONFIG_NAME in kept:
        if written:  # only its last line changes, which is ours
            _replace(root / CONFIG_NAME, _unmarked(_text(root, CONFIG_NAME) or "") + line + "\n")
    else:
        _replace(root / CONFIG_NAME, config + line + "\n")
    return WrittenFiles(written=tuple(written), kept=tuple(kept), same=tuple(same))


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
