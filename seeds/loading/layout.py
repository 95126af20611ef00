"""How the rows of a table lie in its file: recognised from the name and the first lines, or known from the data set."""

import codecs
import re
from dataclasses import dataclass
from enum import Enum, auto

from seeds.errors import SourceError
from seeds.loading.members import Member, first_bytes
from seeds.loading.options import Options

UTF_8 = ("utf-8",)
OLD = ("utf-8", "latin-1")  # of files from before UTF-8, which some people have converted since
DELIMITED = {".csv": ",", ".tsv": "\t", ".tab": "\t"}
JSON_LINES = (".jsonl", ".ndjson")
PARQUET = (".parquet", ".pq")
SUFFIXES = (*DELIMITED, *JSON_LINES, *PARQUET)
_SEPARATORS = ("\t", "::", ",", ";", "|", " ")
LONGEST_SEPARATOR = 8


class Kind(Enum):
    """What a row is written as."""

    DELIMITED = auto()
    JSON = auto()
    LITERAL = auto()  # a Python dict, as some old data sets print it
    PARQUET = auto()


@dataclass(frozen=True, kw_only=True)
class Layout:
    """separator, quoted: of delimited rows. names: the columns of a file without a header, () where there is one."""

    kind: Kind
    separator: str = ","
    quoted: bool = True
    names: tuple[str, ...] = ()
    encodings: tuple[str, ...] = UTF_8


def is_table(name: str) -> bool:
    """Whether a file of this name, without ".gz", is a table whose layout can be recognised."""
    return name.lower().endswith(SUFFIXES)


def layout_of(member: Member, options: Options) -> Layout:
    """The layout of a table by its suffix, and by its first line where the suffix does not say what separates fields."""
    name = member.name.lower()
    if name.endswith(PARQUET):
        return Layout(kind=Kind.PARQUET)
    encodings = (_encoding(options.encoding, member),) if options.encoding else UTF_8
    if name.endswith(JSON_LINES):
        return Layout(kind=Kind.JSON, encodings=encodings)
    separator = options.separator or _separator(member, name)
    if not 0 < len(separator.encode()) <= LONGEST_SEPARATOR or "\n" in separator:
        raise SourceError(
            path=member.shown,
            expected=f"a separator of 1 to {LONGEST_SEPARATOR} characters",
            found=repr(separator),
            next_step="Correct data.separator.",
        )
    return Layout(kind=Kind.DELIMITED, separator=separator, quoted=separator != "\t", encodings=encodings)


def _encoding(name: str, member: Member) -> str:
    """The name, where it is an encoding whose line ends are single bytes. Raises SourceError."""
    try:
        if "a\n".encode(name) == b"a\n" and codecs.lookup(name):
            return name
        found = f"{name!r}, which takes several bytes for a letter; convert the file"
    except (LookupError, ValueError):
        found = f"{name!r}, which Python does not know"
    raise SourceError(
        path=member.shown,
        expected="an encoding such as latin-1 or cp1252",
        found=found,
        next_step="Correct data.encoding.",
    )


def _separator(member: Member, name: str) -> str:
    """The usual one of the suffix where the first line has it, else the first of the others that it has."""
    usual = next((found for suffix, found in DELIMITED.items() if name.endswith(suffix)), ",")
    line = re.split(rb"[\r\n]", first_bytes(member).removeprefix(b"\xef\xbb\xbf"), maxsplit=1)[0].decode(
        "latin-1"
    )
    return next((known for known in (usual, *_SEPARATORS) if known in line), usual)
