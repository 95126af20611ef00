"""Reads a page as a strict browser would: every tag closed where it should be, every reference pointing somewhere."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "br", "hr", "img", "input", "link"}
INSIDE_TEXT = {"p", "h1", "h2", "h3", "caption", "dt", "th", "figcaption"}
BLOCKS = {"p", "div", "table", "ul", "ol", "dl", "h1", "h2", "h3", "figure", "blockquote", "pre"}


@dataclass
class Page(HTMLParser):
    """links: every href and src. ids, tags, text: as they came. problems: what is not valid, in words."""

    html: str
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self._open: list[str] = []
        self._wanted: list[str] = []
        self.feed(self.html)
        self.close()
        self.problems += [f"<{tag}> is never closed" for tag in self._open]
        self.problems += [f"#{name} is nowhere" for name in self._wanted if name not in self.ids]
        self.problems += [f"id {name} stands twice" for name in set(self.ids) if self.ids.count(name) > 1]

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_startendtag(tag, attrs)
        if tag in BLOCKS and (around := INSIDE_TEXT & set(self._open)) and around != {"th"}:
            self.problems.append(f"<{tag}> stands in {around}")
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            elif name in ("href", "src", "srcset", "data", "action"):
                self.links.append(value or "")
                if value and value.startswith("#"):
                    self._wanted.append(value[1:])
            elif name == "aria-labelledby":
                self._wanted += (value or "").split()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.problems.append(f"</{tag}> closes {self._open[-1:]} on line {self.getpos()[0]}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open or self._open[-1] not in ("style", "title"):
            self.words.append(data)
