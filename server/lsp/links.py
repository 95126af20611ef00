"""Links in evolverec.toml: the entry leads to its function, data.source to the log or its folder."""

from pathlib import Path

from lsprotocol import types
from pygls.uris import from_fs_path

from server.lsp.config_file import is_config, root_of
from server.lsp.config_text import scan, strings
from server.lsp.positions import columns, lines_of
from server.lsp.session import Session
from server.lsp.view import find_entry
from server.shown.repo_files import module_file, named_source


async def document_links(session: Session, params: types.DocumentLinkParams) -> list[types.DocumentLink]:
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
    """(line, start, end, URI, tooltip) of every text that leads to something there is; columns in characters."""
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
    """With the line as editors read it from a link, `#L12`; the file alone where the function is not in it."""
    module, _, function = entry.partition(":")
    path = module_file(root, module)
    if path is None:
        return None
    text = (root / path).read_text(encoding="utf-8", errors="replace")
    line = find_entry(text, function)
    place = "" if line is None else f"#L{line + 1}"
    return f"{from_fs_path(str(root / path))}{place}", f"Open {path}"


def _log(root: Path, source: str) -> tuple[str, str] | None:
    path = named_source(root, source)
    uri = from_fs_path(str(path.resolve())) if path else None
    return (uri, f"Open {source}") if uri else None
