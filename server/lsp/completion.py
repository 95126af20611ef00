"""textDocument/completion for evolverec.toml, also while its text is not valid TOML. Other files get none."""

from pathlib import Path

from lsprotocol import types

from server.lsp.config_file import is_config, root_of
from server.lsp.config_offers import Offer, offers
from server.lsp.config_text import PlaceKind, place_at, scan
from server.lsp.positions import characters, columns, lines_of
from server.lsp.session import Session

KINDS = {
    "section": types.CompletionItemKind.Module,
    "key": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.EnumMember,
    "function": types.CompletionItemKind.Function,
    "file": types.CompletionItemKind.File,
    "metric": types.CompletionItemKind.Constant,
}


async def completion(session: Session, params: types.CompletionParams) -> types.CompletionList | None:
    """Answer textDocument/completion in evolverec.toml with sections, keys or values; None in any other file."""
    uri = params.text_document.uri
    text = session.text_of(uri) if is_config(uri) else None
    root = root_of(uri)
    if text is None or root is None:
        return None
    encoding, row = session.client.encoding, params.position.line
    lines = lines_of(text)
    column = characters(lines[row], params.position.character, encoding) if row < len(lines) else 0
    found = await session.background.browse(offered, lines, row, column, root)
    items = [_item(offer, rank, lines[row], row, encoding) for rank, offer in enumerate(found)]
    # Which paths are offered depends on the folder typed so far, so the client must ask again.
    return types.CompletionList(is_incomplete=any(offer.kind == "file" for offer in found), items=items)


def offered(lines: tuple[str, ...], row: int, column: int, root: Path) -> list[Offer]:
    """Completions at a place of the text. Sections and keys that the text already has elsewhere are left out.

    row, column: from 0, the column in characters
    root: the repo's folder, whose files are offered as values
    """
    place = place_at(lines, row, column)
    if place is None:
        return []
    scanned = scan(lines)
    others = scanned[:row] + scanned[row + 1 :]
    if place.kind is PlaceKind.SECTION:
        taken = {line.section for line in others if line.header}
    else:
        taken = {line.key for line in others if line.section == place.section and line.name}
    return offers(place, root, frozenset(taken), lines[row])


def _item(offer: Offer, rank: int, line: str, row: int, encoding: str) -> types.CompletionItem:
    start, end = (
        types.Position(line=row, character=columns(line[:at], encoding)) for at in (offer.start, offer.end)
    )
    return types.CompletionItem(
        label=offer.label,
        kind=KINDS[offer.kind],
        detail=offer.detail or None,
        documentation=offer.documentation or None,
        sort_text=f"{rank:04}",
        filter_text=offer.text if offer.text.startswith(('"', "[")) else offer.label,
        text_edit=types.TextEdit(range=types.Range(start=start, end=end), new_text=offer.text),
    )
