"""What is wrong in the text of an evolverec.toml, with the characters that are: in itself, or as no file has what it names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from server.lsp.config_text import key_span, scan, strings, value_span
from server.lsp.positions import code_range, columns, lines_of


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """row: from 0. span: start and end of the wrong characters; None for the whole line.

    offers: what may be meant, the likeliest first, and the characters that each would replace; None where a value is no text.
    is_key: the name of a key is wrong, not its value. missing: the file and the function that are to be made. is_log: the log
    is not there.
    """

    row: int
    message: str
    span: tuple[int, int] | None
    offers: tuple[str, ...] = ()
    replaced: tuple[int, int] | None = None
    is_key: bool = False
    missing: tuple[str, str] | None = None
    is_log: bool = False


def wrong_in(root: Path, text: str) -> list[Wrong]:
    """Everything that is wrong, in itself first. The first call loads pydantic, hence the late imports."""
    from evolution.repo.config import Part, config_errors
    from server.shown.config_faults import config_faults

    lines = lines_of(text)
    scanned = scan(lines)
    found: list[Wrong] = []
    for problem in config_errors(text):
        row = min(problem.line, len(lines)) - 1
        line = scanned[row]
        if problem.part is Part.KEY:
            span = replaced = key_span(line, problem.key)
        else:
            span = value_span(line) if problem.part is Part.VALUE else None
            replaced = next(iter(strings(line)), None)
        found.append(
            Wrong(
                row=row, message=problem.message, span=span, offers=problem.offers, replaced=replaced,
                is_key=problem.part is Part.KEY,
            )
        )  # fmt: skip
    for fault in config_faults(root, text):
        line = scanned[fault.line - 1]
        found.append(
            Wrong(
                row=fault.line - 1, message=fault.message, span=value_span(line), offers=fault.offers,
                replaced=next(iter(strings(line)), None), missing=fault.missing, is_log=fault.key == ("data", "source"),
            )
        )  # fmt: skip
    return found


def range_of(lines: Sequence[str], row: int, span: tuple[int, int] | None, encoding: str) -> types.Range:
    """The range of characters of a line; of None that of the whole line."""
    if span is None:
        return code_range(tuple(lines), row, row, encoding)
    start, end = (columns(lines[row][:at], encoding) for at in span)
    return types.Range(
        start=types.Position(line=row, character=start), end=types.Position(line=row, character=end)
    )
