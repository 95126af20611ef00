"""What measurements and causes say of a complaint of simulated users: whether they bear it out, and what brings it about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from diagnosis.findings import Anchor, Finding, Measurement, Nature
from diagnosis.symptoms import VERIFIES

MOST = 3  # of each sort that are told


@dataclass(frozen=True, kw_only=True)
class Said:
    """relation: "explained by", "borne out by" or "contradicted by". anchor: the first line of what explains it, if it has one."""

    relation: str
    code: str
    message: str
    anchor: Anchor | None = None

    @property
    def line(self) -> str:
        """ "explained by order-ignored (model.py:12): ..." """
        place = f" ({self.anchor.path}:{self.anchor.start_line})" if self.anchor else ""
        return f"{self.relation} {self.code}{place}: {self.message}"


@dataclass(frozen=True, kw_only=True)
class Backing:
    """causes: findings that bring the complaint about, the worst first. supports, contradicts: measurements of what it is
    about, which are not healthy and which are.
    """

    causes: tuple[Finding, ...] = ()
    supports: tuple[Measurement, ...] = ()
    contradicts: tuple[Measurement, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.causes or self.supports or self.contradicts)

    @property
    def anchors(self) -> tuple[Anchor, ...]:
        """The lines of the first cause that stands on any."""
        return next((cause.anchors for cause in self.causes if cause.anchors), ())

    def told(self) -> list[Said]:
        """What is said of the complaint, causes first, MOST of each sort."""
        causes = [
            Said(
                relation="explained by",
                code=one.code,
                message=one.message,
                anchor=next(iter(one.anchors), None),
            )
            for one in self.causes[:MOST]
        ]
        measured = [
            Said(relation=relation, code=one.code, message=one.message)
            for relation, group in (("borne out by", self.supports), ("contradicted by", self.contradicts))
            for one in group[:MOST]
        ]
        return causes + measured


def backing_of(code: str, findings: Sequence[Finding], measurements: Iterable[Measurement]) -> Backing:
    """What bears on the complaint `code`, such as "overused-popularity"; nothing for praise, which no measurement is about.

    A finding brings it about if its kind names it, or names what a measurement found that bears it out. findings: worst first.
    """
    about = [one for one in measurements if code in _complaints(one)]
    supports = [one for one in about if one.healthy is False]
    shown = {code, *(name for one in supports for name in (one.code, *_complaints(one)))}
    causes = [
        finding
        for finding in findings
        if finding.kind.nature is Nature.CAUSE and not shown.isdisjoint(finding.kind.explains)
    ]
    return Backing(
        causes=tuple(causes),
        supports=tuple(supports),
        contradicts=tuple(one for one in about if one.healthy is True),
    )


def _complaints(measured: Measurement) -> tuple[str, ...]:
    """What a measurement is about; of an evolved probe it is what the probe was written for."""
    complaint = str(measured.details.get("complaint", ""))
    return VERIFIES.get(measured.code, (complaint,) if complaint else ())
