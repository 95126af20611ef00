"""One file of a repo as it is in the editor, with the notes on its lines. Pure."""

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from diagnosis.syntax import Hurdle, Unparsed, parse, parsed
from diagnosis.user_probes.findings import fault_finding
from diagnosis.user_probes.reading import read_user_probe
from evolution.repo.user_probes import is_user_probe
from server.lsp.marks import PlacedNote, mark, placer_of
from server.lsp.positions import lines_of
from server.lsp.rules import LONG, Live, moved
from server.shown.edited import Read, is_edited
from server.shown.knowledge import Knowledge
from server.shown.notes import Note

Others = tuple[tuple[str, str], ...]  # (relative path, text) of the other files of a repo
MOST_BESIDE = 40_000  # characters of the other files, some 1,000 lines
DEF = re.compile(r"(?:async[ \t]+)?def[ \t]+")


@dataclass(frozen=True, kw_only=True)
class FileView:
    """The state of one file that the LSP features answer from.

    path: relative to the repo
    version: the version of the buffer, None for a file that is not open
    entry_line: the line (from 0) of the entry function, None if another file holds it
    edited: some file of the measured program has changed since, so its figures belong to an earlier version
    unseen: why no static rule has looked at the text, "" if they have, or if it is not valid Python of any version
    """

    path: str
    version: int | None
    text: str
    lines: tuple[str, ...]
    marks: tuple[PlacedNote, ...]
    entry_line: int | None
    edited: bool
    unseen: str = ""


def look(
    knowledge: Knowledge, path: str, version: int | None, read: Read, live: Live | None = None
) -> FileView:
    """Compute a file's view.

    live: the static rules' last hits, for a file that is too long to check now
    """
    text = read(path) or ""
    entry_line = find_entry(text, knowledge.entry.function) if path == knowledge.entry.path else None
    others = beside(knowledge.program_files, path, read)
    typed = [*rule_notes(path, text, live, others), *probe_notes(path, text)]
    known = {*knowledge.dismissed, *(note.id for note in knowledge.notes)}
    shown = [note for note in typed if note.id not in known and not knowledge.is_void(note)]
    placer = placer_of(text)
    marks = [
        found
        for note in (*knowledge.notes, *shown)
        if (found := mark(note, path, placer, entry_line, knowledge.sources)) is not None
    ]
    return FileView(
        path=path,
        version=version,
        text=text,
        lines=lines_of(text),
        marks=tuple(sorted(marks, key=lambda found: (found.start, found.note.code))),
        entry_line=entry_line,
        edited=is_edited(knowledge.program_files, read, knowledge.sources),
        unseen=unseen(path, text, live),
    )


def rule_notes(path: str, text: str, live: Live | None, others: Others | None = None) -> Sequence[Note]:
    """The static rules' notes on the text; for a long text, those in `live`, moved to their lines' current places.

    others: the other files of the repo, where they are at hand
    """
    if len(text) > LONG:
        return moved(live, text) if live else ()
    return check_rules(path, text, others)


@lru_cache(maxsize=8)
def probe_notes(path: str, text: str) -> tuple[Note, ...]:
    """What is wrong with the text of a probe that the user writes; () for other files."""
    if not is_user_probe(path, text):
        return ()
    probe = read_user_probe(path, text)
    return tuple(Note(finding=fault_finding(probe, fault), live=True) for fault in probe.faults)


def beside(program_files: Mapping[str, str], path: str, read: Read) -> Others | None:
    """The other Python files of a measured program, as the user sees them; None before there is one, and where they are
    too long to be looked into at every keystroke.
    """
    paths = sorted(other for other in program_files if other.endswith(".py") and other != path)
    texts = tuple((other, text) for other in paths if (text := read(other)) is not None)
    small = sum(len(text) for _, text in texts) <= MOST_BESIDE
    return texts if program_files and small else None


@lru_cache(maxsize=128)  # keeps the other files of a repo while one of them is edited
def check_rules(path: str, text: str, others: Others | None = None) -> tuple[Note, ...]:
    """Run the static rules on the text; () for text that does not parse. others: as in `rule_notes`."""
    from diagnosis.rules.check import check_source
    from diagnosis.rules.findings import rule_findings

    if not path.endswith(".py"):
        return ()
    hits = check_source(path, text, None if others is None else dict(others))
    return tuple(Note(finding=finding, live=True) for finding in rule_findings(hits, {path: text}))


def unseen(path: str, text: str, live: Live | None) -> str:
    """Why no static rule has looked at the text; "" if they have, or if it is not valid Python of any version."""
    if not path.endswith(".py"):
        return ""
    if len(text) > LONG or is_broken(text):
        return live.unseen if live else ""
    return _unseen(text)


@lru_cache(maxsize=128)
def is_broken(text: str) -> bool:
    """Whether a text that is short enough to parse here is no Python of our own version."""
    fault = parse(text)
    return isinstance(fault, Unparsed) and fault.hurdle is Hurdle.SYNTAX


@lru_cache(maxsize=128)
def _unseen(text: str) -> str:
    from diagnosis.rules.check import unseen_by_rules

    return unseen_by_rules(text)


def find_entry(text: str, function: str) -> int | None:
    """The line (from 0) of `def function`, found by a regular expression; the file is
    parsed only if several lines match.
    """
    if not function:
        return None
    named = (found.start() for found in re.finditer(rf"{re.escape(function)}\b", text))
    by_look = [at for at in named if DEF.fullmatch(text, text.rfind("\n", 0, at) + 1, at)]
    lines = [text.count("\n", 0, at) for at in by_look]
    if len(lines) < 2:
        return lines[0] if lines else None
    tree = parsed(text)
    if tree is None:
        return lines[0]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return node.lineno - 1
    return None
