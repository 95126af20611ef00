"""Diagnostics and hovers of evolverec.toml."""

import json
from pathlib import Path

from lsprotocol import types

from evolution.base.places import CONFIG_NAME
from evolution.repo.withheld import Copies, known_withheld, withheld_in_words
from server.lsp.config_schema import Key, key_of, schema
from server.lsp.config_text import Place, PlaceKind, place_at
from server.lsp.pages import CONFIG
from server.lsp.places import path_of
from server.lsp.positions import characters, code_range, columns, lines_of
from server.lsp.session import Session

ABOUT_LABELS = (("data", "source"), ("data", "exposed"))  # the keys whose hover says what was withheld


def is_config(uri: str) -> bool:
    """Whether the URI names an evolverec.toml."""
    return uri.rsplit("/", 1)[-1] == CONFIG_NAME


def root_of(uri: str) -> Path | None:
    """The folder that holds the config; None if the URI is not a file's."""
    path = path_of(uri)
    return path.parent if path else None


async def diagnose(session: Session, uri: str) -> list[types.Diagnostic]:
    """The errors in the text of an evolverec.toml as diagnostics, one per wrong line."""
    text = session.text_of(uri)
    problems = await session.background.store(check, text) if text is not None else []
    if text is not None and not problems and (folder := root_of(uri)):
        problems = await session.background.browse(named_in_vain, folder, text)
    lines = lines_of(text or "")
    if problems and (root := root_of(uri)):
        await session.pages.prepare_config(root)
        address = session.pages.address(CONFIG, root)
    else:
        address = None
    return [
        types.Diagnostic(
            range=code_range(lines, line - 1, line - 1, session.client.encoding),
            severity=types.DiagnosticSeverity.Error,
            code=CONFIG,
            code_description=types.CodeDescription(href=address) if address else None,
            source="evolverec",
            message=message,
        )
        for line, message in problems
    ]


def check(text: str) -> list[tuple[int, str]]:
    """Errors in a config's text as (line from 1, message). The first call loads pydantic, hence the late import."""
    from evolution.repo.config import config_problems

    return config_problems(text)


def named_in_vain(root: Path, text: str) -> list[tuple[int, str]]:
    """What the config names and no file of the repo has, as (line from 1, message)."""
    from server.shown.config_faults import config_faults

    return [(fault.line, fault.message) for fault in config_faults(root, text)]


async def hover(session: Session, params: types.HoverParams) -> types.Hover | None:
    """Answer textDocument/hover in evolverec.toml with the meaning of the key or section under the cursor."""
    uri, row, encoding = params.text_document.uri, params.position.line, session.client.encoding
    lines = lines_of(session.text_of(uri) or "")
    if row >= len(lines):
        return None
    line = lines[row]
    place = place_at(lines, row, characters(line, params.position.character, encoding))
    markdown = session.client.markdown
    root = root_of(uri)
    said = await session.background.browse(_meaning, place, root, markdown=markdown) if place else ""
    if not place or not said:
        return None
    start, end = (
        types.Position(line=row, character=columns(line[:at], encoding)) for at in (place.start, place.end)
    )
    kind = types.MarkupKind.Markdown if markdown else types.MarkupKind.PlainText
    return types.Hover(
        contents=types.MarkupContent(kind=kind, value=said), range=types.Range(start=start, end=end)
    )


def _meaning(place: Place, root: Path | None, *, markdown: bool) -> str:
    """The text of a hover; "" at a place that is no known key or section."""
    if place.kind is PlaceKind.SECTION:
        keys = schema().get(place.section, {})
        return _about_section(place.section, list(keys.values()), markdown=markdown) if keys else ""
    key = key_of(place.section, place.key)
    if key is None:
        return ""
    told = _about_key(key, markdown=markdown)
    if root and (key.section, key.name) in ABOUT_LABELS:
        told = ("  \n" if markdown else "\n").join(
            (told, *withheld_in_words(Copies(withheld=known_withheld(root))))
        )
    return told


def _about_key(key: Key, *, markdown: bool) -> str:
    name, default = f"{key.section}.{key.name}", key.default or "none: it must be there"
    shown = f"`{key.default}`" if markdown and key.default else default
    values = (
        "" if key.values or not key.examples else f"For example {', '.join(map(json.dumps, key.examples))}."
    )
    parts = [
        f"**{name}**, {key.type}" if markdown else f"{name}, {key.type}",
        key.description,
        values,
        f"Default: {shown}",
    ]
    return ("  \n" if markdown else "\n").join(filter(None, parts))


def _about_section(name: str, keys: list[Key], *, markdown: bool) -> str:
    if not markdown:
        rows = [f"{key.name} ({key.default or 'required'}): {key.description}" for key in keys]
        return "\n".join([f"[{name}]", *rows])
    rows = [
        f"| `{key.name}` | {_cell(key)} | {key.description.replace('|', chr(92) + '|')} |" for key in keys
    ]
    return "\n".join([f"**[{name}]**", "", "| key | default | meaning |", "|---|---|---|", *rows])


def _cell(key: Key) -> str:
    return f"`{key.default}`" if key.default else "required"
