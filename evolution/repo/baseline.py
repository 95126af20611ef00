"""`evolverec.baseline.toml`: known findings that a team accepts, each with a reason; for editors, terminals and CI alike.

    [[accepted]]
    code = "popularity-bias"
    path = "model.py"                       # may be left out: wherever it stands
    reason = "The first page is meant to show best sellers."

It is a file of the repo that is shared by git, unlike a dismissal, which is one person's and ends when the code changes.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from diagnosis.findings import Anchor
from evolution.base.errors import ConfigError, UsageError
from evolution.base.kept import write_whole
from evolution.base.places import BASELINE_NAME
from evolution.domain.feedback import Feedback
from evolution.repo.files import read_code
from seeds.reading import is_plain, parse_toml

KEYS = ("code", "path", "reason")
HEAD = "# Findings that are known and accepted. Each needs a reason; evolverec and CI do not count them.\n"
_ENTRY = re.compile(r"^[ \t]*\[\[[ \t]*accepted[ \t]*\]\]", re.MULTILINE)
_CODE = re.compile(r"[a-z0-9][a-z0-9_/-]*")


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """code: of the finding or complaint. path: relative to the repo; "" for wherever it stands."""

    code: str
    reason: str
    path: str = ""

    def covers(self, code: str, anchors: Iterable[Anchor]) -> bool:
        """Whether it is about a finding with this code that stands there."""
        return code == self.code and (not self.path or any(one.path == self.path for one in anchors))


def read_baseline(repo: Path) -> tuple[Accepted, ...]:
    """The entries of a repo's baseline; () where it has none. Raises ConfigError with file, line and what was expected."""
    text = read_code(repo, BASELINE_NAME)
    return parse_baseline(text) if text is not None else ()


def parse_baseline(text: str) -> tuple[Accepted, ...]:
    """The entries in the text of a baseline. Raises ConfigError."""
    try:
        told = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        raise _wrong(
            f"is not valid TOML: {error}", int(found[1]) if found else text.count("\n") + 1
        ) from None
    entries = told.pop("accepted", [])
    if told or not isinstance(entries, list) or not all(isinstance(one, dict) for one in entries):
        other = ", ".join(sorted(told)) or "an `accepted` that is no list of tables"
        raise _wrong(f"has {other}", 1)
    starts = [text.count("\n", 0, found.start()) + 1 for found in _ENTRY.finditer(text)]
    lines = starts if len(starts) == len(entries) else [1] * len(entries)
    return tuple(_entry(entry, line) for entry, line in zip(entries, lines))


def _entry(entry: dict[str, object], line: int) -> Accepted:
    unknown = sorted(set(entry) - set(KEYS))
    if unknown:
        raise _wrong(f"accepted.{unknown[0]}: unknown key", line)
    for key in ("code", "reason"):
        value = entry.get(key)
        if not isinstance(value, str) or not value.strip():
            raise _wrong(f"accepted.{key}: missing, or no text", line)
    path = entry.get("path", "")
    if not isinstance(path, str):
        raise _wrong("accepted.path: no text", line)
    return Accepted(code=str(entry["code"]), reason=str(entry["reason"]), path=path)


def _wrong(what: str, line: int) -> ConfigError:
    expected = 'expected tables [[accepted]] with code = "...", reason = "..." and perhaps path = "..."'
    return ConfigError(f"{what}; {expected}", path=BASELINE_NAME, line=line)


def accepted_in(entries: Iterable[Accepted], feedback: Feedback) -> dict[str, str]:
    """Id -> reason of the findings and complaints of a feedback that are accepted."""
    known = list(entries)
    told: list[tuple[str, str, Iterable[Anchor]]] = [
        (one.id, one.code, one.anchors) for one in feedback.all_findings()
    ]
    for simulation in feedback.simulations:
        for critique in simulation.critiques:
            told.append((critique.id, critique.code, feedback.critique_anchors.get(critique.id, ())))
    return {
        name: entry.reason for name, code, anchors in told for entry in known if entry.covers(code, anchors)
    }


def accept(repo: Path, entry: Accepted) -> bool:
    """Add an entry to the repo's baseline, which is made where there is none. Returns whether it was not there already.

    Raises UsageError: no reason, a code that none can be, or a path of no file. ConfigError: the file is wrong; it is left as it is.
    """
    if not entry.reason.strip():
        raise UsageError(
            "a finding is accepted for a reason; expected a sentence that tells the next reader why"
        )
    if not _CODE.fullmatch(entry.code):
        raise UsageError(f"{entry.code[:80]!r} is no code of a finding, such as popularity-bias")
    entry = replace(entry, path=_relative(repo, entry.path))
    known = read_baseline(repo)
    if any((one.code, one.path) == (entry.code, entry.path) for one in known):
        return False
    text = read_code(repo, BASELINE_NAME) or HEAD
    lines = ["[[accepted]]", f"code = {_quoted(entry.code)}"]
    lines += [f"path = {_quoted(entry.path)}"] if entry.path else []
    lines += [f"reason = {_quoted(entry.reason)}"]
    write_whole(repo / BASELINE_NAME, text.rstrip("\n") + "\n\n" + "\n".join(lines) + "\n")
    return True


def _relative(repo: Path, path: str) -> str:
    """A path as anchors have it, so that an entry cannot be about nothing. Raises UsageError."""
    if not path:
        return ""
    try:
        found = (repo / path).resolve().relative_to(repo.resolve()).as_posix()
    except (ValueError, OSError):  # outside, or no path that a file can have
        found = ""
    if not found or not is_plain(repo / found):
        raise UsageError(
            f"there is no file {path[:200]!r} in {repo}; expected one of the repo, such as model.py"
        )
    return found


def _quoted(text: str) -> str:
    """As a basic string of TOML, on one line."""
    plain = " ".join(text.split())
    quoted = plain.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else "?" for char in quoted) + '"'
