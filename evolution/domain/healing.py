"""Which patches healed which symptoms, and the lines that they change: what connects a symptom without a cause with a line."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from diagnosis.anchors import make_anchor
from diagnosis.blame import Healing
from diagnosis.findings import Anchor, Role, Site
from evolution.base import serial
from evolution.domain.feedback import Feedback
from evolution.domain.proposal import Patch, Proposal, ProposalState, Verified

CHANGED = "changed"  # in a proposal's details: the lines that it changes, as plain anchors


def changed_lines(patch: Patch, sources: Mapping[str, str]) -> list[Any]:
    """The lines that a patch replaces, as plain documents of anchors. sources: path -> text of the program it is for.

    New files have none, nor has an edit whose lines are not in `sources` exactly once.
    """
    anchors = (_anchor(edit.path, edit.old, sources.get(edit.path, "")) for edit in patch.edits if edit.old)
    return [serial.plain(anchor) for anchor in anchors if anchor is not None]


def _anchor(path: str, old: str, source: str) -> Anchor | None:
    text = "\n" + source.replace("\r\n", "\n") + "\n"
    before, found, after = text.partition(f"\n{old}\n")
    if not found or f"\n{old}\n" in f"\n{after}":
        return None
    start = before.count("\n") + 1
    site = Site(role=Role.ENTRY, path=path, start_line=start, end_line=start + old.count("\n"))
    return make_anchor(site, source)


def with_healings(feedback: Feedback, proposals: Iterable[Proposal]) -> Feedback:
    """The feedback as people are shown it: with the verified patches of its program, the best first, that healed something.

    An evolution is not told, because what it asks must not depend on what was found later.
    """
    healed: dict[str, tuple[Healing, ...]] = {}
    for proposal in proposals:
        if proposal.parent != feedback.program or proposal.verified is Verified.NO:
            continue
        if proposal.state is ProposalState.DISMISSED:
            continue
        anchors = tuple(serial.load(Anchor, plain) for plain in proposal.details.get(CHANGED, ()))
        for code in proposal.fixed:
            healing = Healing(title=proposal.idea.title, anchors=anchors)
            healed[code] = (*healed.get(code, ()), healing)
    return replace(feedback, healed=healed)
