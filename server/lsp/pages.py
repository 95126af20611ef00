"""What each diagnostic's code means, as a page that its link opens.

Where the client shows documents of the server's, `evolverec-docs:/CODE.md?ROOT` is one; elsewhere the page is a file
in the user's cache folder.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from diagnosis.catalogue import CATALOGUE, CONTRACT
from evolution.base.places import pages_folder
from server.lsp.config_schema import schema
from server.lsp.handshake import DOCS_SCHEME
from server.lsp.notes import Note
from server.lsp.repo import Repo
from server.lsp.wording import measured

if TYPE_CHECKING:
    from server.lsp.session import Session

CONFIG = "config"
FADES = (
    "It stands on the lines that cause it, and fades when they change: what was measured is then no longer what is there. "
    "Measure again with `Train` and `Diagnose`, hide it with `Dismiss`."
)


def page(code: str, note: Note | None) -> str:
    """Markdown. note: one of this code, where the repo has one. "" for a code that nothing is known of."""
    if code == CONFIG:
        return _config_page()
    known = CATALOGUE.get(code) or CONTRACT.get(code)
    if known is None and note is None:
        return ""
    title = known.title if known else code.replace("-", " ").capitalize()
    why = known.why if known else (note.why if note else "")
    definition = known.definition if known else (note.definition if note else "")
    parts = [f"# {title}", f"`{code}`", why]
    if definition:
        parts.append(f"**How it is measured.** {definition}")
    if known:
        roles = ", ".join(role.value.replace("_", " ") for role in known.roles)
        parts.append(
            f"**Where it stands.** On the first of these that the code has: {roles}; else on the entry."
        )
    if note and note.value is not None:
        parts.append(f"**Here.** {note.sentence} {measured(note)}.")
    if note and note.self_reported:
        parts.append(
            "Self-reported: measured beside the model's own code, so it informs but verifies nothing."
        )
    return "\n\n".join([*parts, FADES]) + "\n"


def _config_page() -> str:
    parts = ["# evolverec.toml", "What a repo says of itself. A key that is wrong is an error on its line."]
    for section, keys in schema().items():
        rows = [
            f"| `{key.name}` | {key.type} | {_default(key.default)} | {key.description} |"
            for key in keys.values()
        ]
        parts += [
            f"## {section}",
            "\n".join(["| key | type | default | meaning |", "|---|---|---|---|", *rows]),
        ]
    return "\n\n".join(parts) + "\n"


def _default(text: str) -> str:
    return f"`{text}`" if text else "required"


class Pages:
    """The pages of one session. Files are written once, before the first link to them is sent."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._files: dict[tuple[str, Path], str] = {}

    def address(self, code: str, root: Path) -> str | None:
        """None where the client shows no links, or the page could not be written."""
        client = self._session.client
        if not client.code_descriptions:
            return None
        if client.content_documents:
            return f"{DOCS_SCHEME}:/{quote(code)}.md?{quote(str(root))}"
        return self._files.get((code, root))

    async def prepare(self, root: Path, notes: Iterable[tuple[str, Note | None]]) -> None:
        """So that `address` has one for each of these codes."""
        client = self._session.client
        if not client.code_descriptions or client.content_documents:
            return
        missing = [(code, note) for code, note in notes if (code, root) not in self._files]
        if missing:
            self._files |= await self._session.background.browse(_write, root, missing)


def _write(root: Path, wanted: list[tuple[str, Note | None]]) -> dict[tuple[str, Path], str]:
    """(code, root) -> URI of its page. A page of a code that only this repo has is kept apart from others'."""
    found: dict[tuple[str, Path], str] = {}
    for code, note in wanted:
        general = code == CONFIG or code in CATALOGUE or code in CONTRACT
        text = page(code, None if general else note)
        own = "" if general else hashlib.sha256(str(root).encode()).hexdigest()[:12]
        path = pages_folder() / own / f"{code}.md"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        except OSError:  # no home to write to: no link
            continue
        found[code, root] = path.as_uri()
    return found


async def content(session: "Session", uri: str) -> str:
    """The page of an `evolverec-docs:` address. Raises UsageError where it is of no repo."""
    address = urlsplit(uri)
    code = unquote(address.path).lstrip("/").removesuffix(".md")
    repo = await session.named_repo(unquote(address.query))
    return (
        await session.background.browse(page, code, note_of(repo, code)) or f"Nothing is known of {code}.\n"
    )


def note_of(repo: Repo, code: str) -> Note | None:
    return next((note for note in repo.knowledge.notes if note.code == code), None)
