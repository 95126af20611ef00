"""Chooses the lines that a finding stands on, and its id.

A cause stands where it was seen at work, else on the part of the code that its kind names. A symptom accuses no line: it
stands on the entry, until `diagnosis/blame.py` finds what connects it with one.
"""

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from diagnosis.anchors import make_anchor
from diagnosis.deciding.decide import decided
from diagnosis.findings import Anchor, CodePlace, FindingKind, Nature, Role, Site
from diagnosis.syntax import statement_range

MAX_ANCHORS = 3
LONG = 4  # lines; of a longer statement, a table of settings or so, a finding stands on its own line alone


def place(
    kind: FindingKind,
    sites: Sequence[Site],
    sources: Mapping[str, str],
    seen: Sequence[CodePlace] = (),
    details: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Anchor, ...]:
    """Anchors for a finding of this kind, at most MAX_ANCHORS.

    They are the statements of `seen`, the lines that the measurement itself points at, after those that decide what they
    hold (`diagnosis/deciding`); else, for a cause, the sites of
    the first of the kind's roles that the repo has; else `def build`, else the first line of the first file.

    sources: path -> text of the measured program. details: of the measurement, where there is one.
    """
    known = decided(kind.code, [spot for spot in seen if spot.path in sources], sources, details)
    pointed = [_anchor_at(spot, kind, sources[spot.path]) for spot in known]
    if pointed:
        return tuple(dict.fromkeys(pointed))[:MAX_ANCHORS]
    roles = kind.roles if kind.nature is Nature.CAUSE else ()
    for role in (*roles, Role.ENTRY):
        there = [site for site in sites if site.role is role and site.path in sources]
        if there:
            return tuple(make_anchor(site, sources[site.path]) for site in there[:MAX_ANCHORS])
    path = min(sources, key=lambda name: (not name.endswith(".py"), name))
    top = Site(role=Role.ENTRY, path=path, start_line=1, end_line=1)
    return (make_anchor(top, sources[path]),)


def _anchor_at(spot: CodePlace, kind: FindingKind, source: str) -> Anchor:
    start, end = statement_range(source, spot.line)
    if end - start >= LONG:
        start = end = spot.line
    role = kind.roles[0] if kind.roles else Role.ENTRY
    return make_anchor(Site(role=role, path=spot.path, start_line=start, end_line=end), source)


def finding_id(code: str, anchor: Anchor) -> str:
    """12 hex digits that stay the same while the anchored text does, wherever in its file it moves."""
    return hashlib.sha256(
        f"{code}\0{anchor.path}\0{anchor.text}".encode("utf-8", "surrogatepass")
    ).hexdigest()[:12]
