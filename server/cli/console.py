"""The terminal that commands print to, with styles; `output.say` is for text without.

What is printed quotes others: candidates' exceptions, item titles, file names, an LLM. Both doors make it plain text, and
whoever puts others' words into rich's markup escapes them (`rich.markup.escape`).
"""

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from evolution.base.plain_text import plain_text


class PlainConsole(Console):
    """A rich console whose text holds no control characters: those of styles and bars are rich's own, and no text."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """See `Console.render`."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else plain_text(text), style, control)


def console(*, stderr: bool = False) -> Console:
    """A console that does not wrap lines, so that source lines and paths stay whole."""
    return PlainConsole(highlight=False, soft_wrap=True, emoji=False, stderr=stderr)
