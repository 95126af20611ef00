"""Diagnostics and hovers of evolverec.toml."""

import json
from pathlib import Path

from lsprotocol import types

from evolution.base.places import CONFIG_NAME
from evolution.repo.withheld import Copies, known_withheld, withheld_in_words
from server.lsp.config_schema import Key, key_of, schema
from server.lsp.config_text import Place, PlaceKind, place_at
from server.lsp.config_wrong import range_of, wrong_in
from server.lsp.pages import CONFIG
from server.lsp.places import path_of
from server.lsp.positions import characters, columns, lines_of
from server.lsp.session import Session
from server.shown.markdown import escaped
from server.shown.wording import headline

ABOUT_LABELS = (("data", "source"), ("data", "exposed"))  # the keys whose hover says what was withheld


def is_config(uri: str) -> bool:
    """Whether the URI names an evolverec.toml."""
    return uri.rsplit("/", 1)[-1] == CONFIG_NAME


def root_of(uri: str) -> Path | None:
    """The folder that holds the config; None if the URI is not a file's."""
    path = path_of(uri)
    return path.parent if path else None


async def diagnose(session: Session, uri: str) -> list[types.Diagnostic]:
    """The errors in the text of an evolverec.toml as diagnostics, each on the characters that are wrong."""
    text, root = session.text_of(uri), root_of(uri)
    found = await session.background.browse(wrong_in, root, text) if text is not None and root else []
    lines = lines_of(text or "")
    address = None
    if found and root:
        await session.pages.prepare_config(root)
        address = session.pages.address(CONFIG, root)
    return [
        types.Diagnostic(
            range=range_of(lines, wrong.row, wrong.span, session.client.encoding),
            severity=types.DiagnosticSeverity.Error,
            code=CONFIG,
            code_description=types.CodeDescription(href=address) if address else None,
            source="evolverec",
            message=headline(wrong.message),
        )
        for wrong in found
    ]


async def hover(session: Session, params: types.HoverParams) -> types.Hover | None:
    """Answer textDocument/hover in evolverec.toml with what is wrong on the line, where its diagnostic says less, and the
    meaning of the key or section under the cursor.
    """
    uri, row, encoding = params.text_document.uri, params.position.line, session.client.encoding
    lines = lines_of(session.text_of(uri) or "")
    if row >= len(lines):
        return None
    line = lines[row]
    place = place_at(lines, row, characters(line, params.position.character, encoding))
    markdown = session.client.markdown
    root = root_of(uri)
    said = await session.background.browse(_meaning, place, root, markdown=markdown) if place else ""
    found = await session.background.browse(wrong_in, root, "\n".join(lines)) if root else []
    whole = [
        wrong.message for wrong in found if wrong.row == row and headline(wrong.message) != wrong.message
    ]
    said = "\n\n".join(filter(None, [*map(escaped if markdown else str, whole), said]))
    if not said:
        return None
    span = (
        (place.start, place.end) if place else (0, len(line))
    )  # of what is wrong, wherever the cursor is on its line
    start, end = (types.Position(line=row, character=columns(line[:at], encoding)) for at in span)
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
