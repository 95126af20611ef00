"""Connects symptoms with what brings them about, and puts what is told in order.

A symptom moves to a line only where an experiment connects the two: a patch that was seen to heal it. What a cause explains
is told below it and stays on the entry, because a cause that is wrong should accuse its line once and not once for each
outcome. Without a cause it stays there with the causes that were checked and are healthy. A cause that follows from another
stands on the line of that one: by itself it would accuse a line that is innocent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from diagnosis.findings import Anchor, Finding, FindingKind, FoundBy, Nature, Severity
from diagnosis.placing import MAX_ANCHORS

_SEVERITIES = tuple(Severity)  # worst first
_NATURES = tuple(Nature)  # causes before symptoms before advice


@dataclass(frozen=True, kw_only=True)
class Healing:
    """A patch that was seen to heal something: its title, and the lines that it changes in the measured program."""

    title: str
    anchors: tuple[Anchor, ...]


@dataclass(frozen=True, kw_only=True)
class Group:
    """A finding, and those that it brings about, which are told with it."""

    head: Finding
    members: tuple[Finding, ...] = ()


def connected(
    findings: Iterable[Finding], healed: Mapping[str, Sequence[Healing]] | None = None
) -> list[Finding]:
    """The findings in the order in which they are told, symptoms after what brings them about.

    healed: code -> the patches that healed it. A symptom that is explained becomes information, and the head of its group
    as severe as the worst in it, so that each group counts once.
    """
    ranked = worst_first(findings)
    tied = [replace(finding, explained_by=_explainers(finding, ranked)) for finding in ranked]
    told = [_settled(group, healed or {}) for group in groups(tied)]
    told.sort(key=lambda group: _rank(group.head))
    return [finding for group in told for finding in (group.head, *group.members)]


def groups(findings: Iterable[Finding]) -> list[Group]:
    """Findings with those that they bring about, the worst group first; causes before symptoms before advice.

    Of several causes of one symptom the first has it. What brings a finding about need not be among `findings`, because
    it may have been dismissed: then the finding is the head of a group.
    """
    found = worst_first(findings)
    by_id = {finding.id: finding for finding in reversed(found)}
    root = {name: _root(finding, by_id) for name, finding in by_id.items()}
    members: dict[str, list[Finding]] = {}
    for finding in found:
        if root[finding.id] != finding.id:
            members.setdefault(root[finding.id], []).append(finding)
    heads = (finding for finding in found if root[finding.id] == finding.id)
    return [Group(head=head, members=tuple(members.pop(head.id, ()))) for head in heads]


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sorted by severity, errors first, then what leads; of one severity causes before symptoms before advice."""
    return sorted(findings, key=_rank)


def explains(kind: FindingKind, other: FindingKind) -> bool:
    """Whether one kind brings about the other: it names its code, or a complaint that the other bears out."""
    return kind.code != other.code and not {other.code, *other.verifies}.isdisjoint(kind.explains)


def ruled_out(kind: FindingKind, kinds: Iterable[FindingKind], healthy: frozenset[str]) -> tuple[str, ...]:
    """Codes of the causes that would explain a symptom, and that were checked and found `healthy`."""
    causes = (one for one in kinds if one.nature is Nature.CAUSE and explains(one, kind))
    return tuple(cause.code for cause in causes if cause.code in healthy)


def _rank(finding: Finding) -> tuple[bool, bool, int, int]:
    return (
        finding.severity is not Severity.ERROR,
        not finding.kind.leads,
        _SEVERITIES.index(finding.severity),
        _NATURES.index(finding.kind.nature),
    )


def _explainers(finding: Finding, others: Sequence[Finding]) -> tuple[str, ...]:
    """Ids of what brings the finding about: causes, or for a symptom without a cause the symptoms it always comes with.

    Advice explains nothing and needs no explanation; two that explain each other explain neither.
    """
    if finding.kind.nature is Nature.ADVICE:
        return ()
    able = [
        other
        for other in others
        if explains(other.kind, finding.kind) and not explains(finding.kind, other.kind)
    ]
    causes = tuple(other.id for other in able if other.kind.nature is Nature.CAUSE)
    if causes or finding.kind.nature is Nature.CAUSE:
        return causes
    return tuple(other.id for other in able if other.kind.nature is Nature.SYMPTOM)


def _root(finding: Finding, by_id: Mapping[str, Finding]) -> str:
    """Id of the finding at the top of the chain of explanations; its own id if the chain is a ring."""
    at, passed = finding, {finding.id}
    while above := next((name for name in at.explained_by if name in by_id), ""):
        if above in passed:
            return finding.id
        passed.add(above)
        at = by_id[above]
    return at.id


def _settled(group: Group, healed: Mapping[str, Sequence[Healing]]) -> Group:
    """The group with its severities, and its symptoms on the lines of the patch that healed its head."""
    worst = min((f.severity for f in (group.head, *group.members)), key=_SEVERITIES.index)
    head = _healed(replace(group.head, severity=worst), healed)
    return Group(head=head, members=tuple(_below(member, head) for member in group.members))


def _below(member: Finding, head: Finding) -> Finding:
    if member.kind.nature is Nature.CAUSE:
        return _beside(member, head)
    anchors = head.anchors if head.healed_by and member.kind.nature is Nature.SYMPTOM else member.anchors
    return replace(member, severity=Severity.INFORMATION, anchors=anchors, ruled_out=())


def _beside(member: Finding, head: Finding) -> Finding:
    """A cause that only follows from the head of its group: on the head's first line, with its own lines behind.

    What a rule sees in the code stays where it is.
    """
    if member.kind.found_by is FoundBy.RULE or not explains(head.kind, member.kind):
        return member
    ahead = head.anchors if head.kind.found_by is FoundBy.RULE else head.anchors[:1]
    by_line = {(one.path, one.start_line): one for one in reversed((*ahead, *member.anchors))}
    kept = dict.fromkeys((one.path, one.start_line) for one in (*ahead, *member.anchors))
    return replace(member, anchors=tuple(by_line[place] for place in kept)[:MAX_ANCHORS])


def _healed(finding: Finding, healed: Mapping[str, Sequence[Healing]]) -> Finding:
    """The finding on the lines of the patch that healed it; a cause keeps its own."""
    healings = healed.get(finding.code, ())
    if finding.kind.nature is Nature.CAUSE or not healings:
        return finding
    titles = tuple(healing.title for healing in healings)
    # What stands on a line of its own was seen there; a symptom is at home nowhere until a patch shows where.
    elsewhere = healings[0].anchors if finding.kind.nature is Nature.SYMPTOM else ()
    return replace(finding, healed_by=titles, anchors=elsewhere or finding.anchors)
