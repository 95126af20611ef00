"""Combines verified gains that touch different code: the next step that needs no new idea, and no token."""

from evolution.base.errors import EditError
from evolution.domain.archive import Archive, objective_of
from evolution.domain.edits import apply_edits, make_edits
from evolution.domain.proposal import Verified
from evolution.domain.run import Node
from evolution.laboratory.candidates import JOIN, Candidate, carry_out, joined_idea
from evolution.laboratory.laboratory import Laboratory
from evolution.proposers.selection import ideas

NOTE = "combines verified gains of this run"


def open_combinations(archive: Archive) -> list[tuple[Node, Node]]:
    """(a verified gain, another one whose ideas were not tried on it), the best pairs first."""
    gains = [node for node in archive.complete if node.verified is Verified.GAIN and node.idea is not None]
    gains.sort(key=lambda node: (-objective_of(node), node.order))
    return [(one, other) for one in gains for other in gains if _is_new(archive, one, other)]


def _is_new(archive: Archive, one: Node, other: Node) -> bool:
    """Whether `other` adds ideas to `one`, and no program of the run has the ideas of both."""
    own, more = set(ideas(archive, one)), set(ideas(archive, other))
    if more <= own or own <= more:
        return False
    made = [set(_codes(archive, node)) for node in archive.nodes if node.idea is not None]
    return not any(own | more <= codes for codes in made)


def _codes(archive: Archive, node: Node) -> list[str]:
    return [code for joined in ideas(archive, node) for code in (joined, *joined.split(JOIN))]


def combination(laboratory: Laboratory, archive: Archive, parent: Node) -> Candidate | None:
    """The parent, a verified gain, with the changes of another one on top; None where none fits its code."""
    for one, other in open_combinations(archive):
        made = _joined(laboratory, archive, one, other) if one.program == parent.program else None
        if made is not None:
            return made
    return None


def _joined(laboratory: Laboratory, archive: Archive, one: Node, other: Node) -> Candidate | None:
    patterns = laboratory.config.recommender.editable
    root, own, more = (
        laboratory.programs.sources(node.program, patterns) for node in (archive.root, one, other)
    )
    changes = [
        edit for side in (own, more) for path, text in side.items()
        for edit in make_edits(path, root.get(path, ""), text)
    ]  # fmt: skip
    try:
        both = apply_edits(root, changes, editable=patterns)
    except EditError:  # they touch the same code
        return None
    edits = [edit for path, text in both.items() for edit in make_edits(path, own.get(path, ""), text)]
    line = [node.idea for node in reversed(archive.lineage(other)) if node.idea is not None]
    made = carry_out(laboratory, one.program, own, joined_idea(line), edits, NOTE)
    return made if isinstance(made, Candidate) else None
