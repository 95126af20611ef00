"""The comments of a draft, which say where each guess was read: they stay on the lines that an LLM took over."""

import ast
import io
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.syntax import parsed


@dataclass(frozen=True, kw_only=True)
class _Line:
    """A line of code. above: the comment lines before it. beside: the comment behind it, with its #."""

    indent: str
    code: str
    above: tuple[str, ...] = ()
    beside: str = ""

    @property
    def is_explained(self) -> bool:
        return bool(self.above or self.beside)


def with_guesses(draft: str, text: str) -> str:
    """`text` with the comments of the same lines of `draft`, where it gives none of its own. Both are valid Python."""
    told = {line.code: line for line in _lines(draft) if line.code and line.is_explained}
    written = list[str]()
    for line in _lines(text):
        before = told.get(line.code)
        taken = line if line.is_explained or before is None else before
        above = [f"{line.indent}{words}" for words in taken.above]
        written += [*above, f"{line.indent}{line.code}{'  ' if taken.beside else ''}{taken.beside}"]
    merged = "\n".join(written) + "\n"
    return merged if _code(merged) == _code(text) else text  # a comment has come into a string


def _code(text: str) -> str:
    tree = parsed(text)
    return ast.dump(tree) if tree is not None else ""


def _lines(text: str) -> Iterator[_Line]:
    """The lines of a file, comments with the line that they are about; comments at the end of the file are a line of their own."""
    beside = _comments(text)
    above = list[str]()
    for number, line in enumerate(text.rstrip("\n").split("\n"), start=1):
        place, words = beside.get(number, (len(line), ""))
        code = line[:place].rstrip() if words else line
        if words and not code:
            above.append(words)
            continue
        bare = code.lstrip()
        yield _Line(indent=code[: len(code) - len(bare)], code=bare, above=tuple(above), beside=words)
        above = []
    for words in above:
        yield _Line(indent="", code=words)


def _comments(text: str) -> dict[int, tuple[int, str]]:
    """Line from 1 -> (column, words) of its comment."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return {
        token.start[0]: (token.start[1], token.string) for token in tokens if token.type == tokenize.COMMENT
    }
