"""Links in evolverec.toml: from the entry to its function, from data.source to the log or its folder."""

import os
from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path

from evolution.base.errors import RepoError
from evolution.repo.files import read_code
from server.lsp.config_file import is_config, root_of
from server.lsp.config_text import scan, strings
from server.lsp.positions import columns, lines_of
from server.lsp.session import Session
from server.lsp.view import find_entry
from server.shown.repo_files import module_file, named_source


async def document_links(session: Session, params: types.DocumentLinkParams) -> list[types.DocumentLink]:
    """Answer textDocument/documentLink in evolverec.toml; [] in any other file."""
    uri = params.text_document.uri
    text = session.text_of(uri) if is_config(uri) else None
    root = root_of(uri)
    if text is None or root is None:
        return []
    lines = lines_of(text)
    found = await session.background.browse(targets, lines, root)
    encoding = session.client.encoding
    return [
        types.DocumentLink(
            range=types.Range(
                start=types.Position(line=row, character=columns(lines[row][:start], encoding)),
                end=types.Position(line=row, character=columns(lines[row][:end], encoding)),
            ),
            target=target,
            tooltip=tooltip if session.client.link_tooltips else None,
        )
        for row, start, end, target, tooltip in found
    ]


def targets(lines: tuple[str, ...], root: Path) -> list[tuple[int, int, int, str, str]]:
    """(line, start, end, URI, tooltip) of every value that names an existing file; columns in characters."""
    found: list[tuple[int, int, int, str, str]] = []
    for row, line in enumerate(scan(lines)):
        for start, end in strings(line)[:1]:
            text = line.text[start:end]
            if (line.section, line.key) == ("recommender", "entry"):
                target = _function(root, text)
            elif (line.section, line.key) == ("data", "source"):
                target = _log(root, text)
            else:
                continue
            if target:
                found.append((row, start, end, *target))
    return found


def _function(root: Path, entry: str) -> tuple[str, str] | None:
    """(URI, tooltip) of the entry's file, with the function's line as `#L12` if the file has the function."""
    module, _, function = entry.partition(":")
    path = module_file(root, module)
    if path is None:
        return None
    try:
        line = find_entry(read_code(root, path) or "", function)
    except RepoError:
        line = None
    place = "" if line is None else f"#L{line + 1}"
    return f"{from_fs_path(str(root / path))}{place}", f"Open {path}"


def _log(root: Path, source: str) -> tuple[str, str] | None:
    path = named_source(root, source)
    uri = from_fs_path(os.path.realpath(path)) if path else None
    return (uri, f"Open {source}") if uri else None
