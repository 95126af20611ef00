"""A passage: the text of one source on one paper or page. Text from the network is untrusted, and is cleaned here.

This module imports nothing heavy, because the store keeps passages and the language server loads the store.
"""

import re
import unicodedata
from dataclasses import dataclass

LONGEST_TITLE = 300
LONGEST_TEXT = 1500
LONGEST_URL = 500
_ARXIV = re.compile(r"(?<!\d)(\d{4}\.\d{4,5})(v\d+)?(?!\d)")


@dataclass(frozen=True, kw_only=True)
class Passage:
    """What one source says of one paper or page.

    source: "library", "arxiv", "semantic-scholar" or "web".
    year: 0 if unknown.
    identifier: arXiv id or DOI, "" if there is none.
    score: how well it fits, above 0; comparable within one answer only.
    """

    source: str
    title: str
    year: int
    identifier: str
    url: str
    text: str
    score: float

    @property
    def citation(self) -> str:
        """The citation that ideas carry: "Self-Attentive Sequential Recommendation, 2018, 1808.09781"."""
        parts = (self.title, str(self.year) if self.year else "", self.identifier or self.url)
        return ", ".join(part for part in parts if part)


def passage_of(
    *, source: str, title: str, year: int | None, identifier: str, url: str, text: str, score: float
) -> Passage:
    """A passage of text from the network: cut to length, without control characters, and with a web address or none."""
    return Passage(
        source=source,
        title=clean(title, LONGEST_TITLE),
        year=year if year is not None and 1900 <= year <= 2100 else 0,
        identifier=clean(identifier, LONGEST_URL),
        url=safe_url(url),
        text=clean(text, LONGEST_TEXT),
        score=score,
    )


def clean(text: str, longest: int) -> str:
    """The text on one line without control and format characters (Unicode Cc, Cf, Cs, Co, Cn), cut with an ellipsis."""
    kept = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text[: 20 * longest])
    visible = "".join(c for c in kept if unicodedata.category(c)[0] != "C")
    line = " ".join(visible.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def safe_url(url: str) -> str:
    """The address if it is a plain http or https one, else ""."""
    plain = url.strip()
    fine = plain.startswith(("https://", "http://")) and len(plain) <= LONGEST_URL
    return (
        plain
        if fine and plain.isascii() and plain.isprintable() and not re.search(r"[\s<>\"'`]", plain)
        else ""
    )


def arxiv_id(text: str) -> str:
    """The arXiv id in an address or a citation, without its version; "" if there is none."""
    match = _ARXIV.search(text)
    return match.group(1) if match else ""


def same_paper(passage: Passage) -> str:
    """A key that passages on one paper share, whatever their source: the letters and digits of the title."""
    return re.sub(r"[\W_]+", "", passage.title.casefold()) or passage.identifier or passage.url
