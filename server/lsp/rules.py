"""Static rules on files that are too long to parse in the server's process, and on those that a later Python may read.

The parser holds Python's global lock for 30 ms per 1,000 lines, during which no request is answered. So a long file
is checked in a process of its own once typing pauses; until then, the earlier hits are moved along with their lines.
That process also asks the interpreter that runs the repo about text that is no Python of ours: it may be of a later one.
"""

import asyncio
import contextlib
import json
import sys
from dataclasses import dataclass, replace

from diagnosis.anchors import Fate, relocate
from diagnosis.linemap import moved_lines
from diagnosis.rules.findings import rule_findings
from diagnosis.rules.hits import RuleHit
from evolution.base.places import ENTRY
from server.lsp.positions import lines_of
from server.shown.notes import Note

LONG = 20_000  # characters, some 500 lines
TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Live:
    """The text that the static rules last checked, and the notes for their hits. unseen: why they could not, "" else."""

    text: str
    notes: tuple[Note, ...]
    unseen: str = ""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the rules said of one text. unseen: why they could not look at it, in words that can follow the file's name.
    is_later: the interpreter that runs the repo was asked, and is later than ours.
    """

    hits: tuple[RuleHit, ...] = ()
    unseen: str = ""
    is_later: bool = False


def moved(live: Live, text: str) -> list[Note]:
    """The notes at their lines' current places; notes whose lines have changed are left out until the next check."""
    if text == live.text or not live.notes:
        return list(live.notes)
    found: list[Note] = []
    moves = moved_lines(lines_of(live.text), lines_of(text))
    for note in live.notes:
        anchor = note.anchors[0]
        now = relocate(anchor, moves)
        if now.fate in (Fate.EXACT, Fate.MOVED):
            anchor = replace(anchor, start_line=now.start_line, end_line=now.end_line)
            found.append(replace(note, finding=replace(note.finding, anchors=(anchor,))))
    return found


async def judge(path: str, text: str, python: str = "") -> Judged:
    """The rules' hits, found in another process, which a hostile text may end.

    python: the interpreter that may be asked about text that is no Python of ours, "" for none
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(ENTRY),
        "check-rules",
        path,
        python,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        said, _ = await asyncio.wait_for(
            process.communicate(text.encode("utf-8", "surrogatepass")), TIMEOUT_S
        )
        answer = json.loads(said)
        hits = tuple(RuleHit(**hit) for hit in answer["hits"])
        return Judged(hits=hits, unseen=str(answer["unseen"]), is_later=answer["is_later"])
    except (TimeoutError, ValueError, OSError) as error:
        print(
            f"evolverec: no static rules for {path}, their process did not answer: {error!r}", file=sys.stderr
        )
        return Judged(unseen=_ended(process.returncode))
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _ended(status: int | None) -> str:
    if status is None:
        return f"keeps them busy for more than {TIMEOUT_S:g} s"
    return f"ended the process that parses it (status {status}); it may be nested too deeply"


def live_of(path: str, text: str, judged: Judged) -> Live:
    """The hits as notes anchored in the text."""
    findings = rule_findings(judged.hits, {path: text})
    notes = tuple(Note(finding=finding, live=True) for finding in findings)
    return Live(text=text, notes=notes, unseen=judged.unseen)
