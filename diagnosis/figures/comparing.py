"""Whether printed figures and ours agree, and which protocols bring the printed ones about. Pure.

A protocol explains a group of figures only if it brings all of them about, each within its interval over users.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from diagnosis.figures.printed import Group, Printed
from diagnosis.figures.protocols import Protocol, Scored
from seeds.metrics.intervals import MeanInterval


class Outcome(StrEnum):
    """What comparing a group came to."""

    AGREES = "agrees"
    EXPLAINED = "explained"
    NOT_EXPLAINED = "not explained"
    NOT_COMPARED = "not compared"


@dataclass(frozen=True, kw_only=True)
class Compared:
    """group: as printed. ours: name -> our figure, of those that we have. explained_by: the protocols with the fewest deviations that
    bring all figures about, what the code is seen to do first. epoch: an epoch of ours that does; 0 for none."""

    group: Group
    outcome: Outcome
    ours: Mapping[str, MeanInterval]
    explained_by: tuple[Protocol, ...] = ()
    epoch: int = 0


def compared(
    group: Group, scored: Scored, ours: Mapping[str, MeanInterval], epochs: Mapping[int, Mapping[str, float]]
) -> Compared:
    """ours: name -> figure by our protocol of all questions. epochs: number -> our figures without intervals."""
    figures = [figure for figure in group.figures if figure.k or figure.metric == "MRR"]
    known = {f.name: ours[f.name] if f.name in ours else scored.figure(Protocol(), f) for f in figures}
    if not figures:
        return Compared(group=group, outcome=Outcome.NOT_COMPARED, ours=known)
    if all(_within(figure, known[figure.name]) for figure in figures):
        return Compared(group=group, outcome=Outcome.AGREES, ours=known)
    found = _explaining(figures, scored)
    epoch = _epoch_of(figures, known, epochs)
    outcome = Outcome.EXPLAINED if found or epoch else Outcome.NOT_EXPLAINED
    return Compared(group=group, outcome=outcome, ours=known, explained_by=found, epoch=epoch)


def _explaining(figures: Sequence[Printed], scored: Scored) -> tuple[Protocol, ...]:
    """All that explain with as few deviations as can be: where two do alike, figures alone cannot tell which it was."""
    found: list[Protocol] = []
    for protocol in scored.protocols():
        if not protocol.deviations or not _can_matter(protocol, figures):
            continue
        if found and len(protocol.deviations) > len(found[0].deviations):
            break
        if all(_within(figure, scored.figure(protocol, figure)) for figure in figures):
            found.append(protocol)
    return tuple(found)


def _can_matter(protocol: Protocol, figures: Sequence[Printed]) -> bool:
    """Whether a protocol that weighs ranks otherwise does so for one of these metrics."""
    needed = {"IDEAL_OF_K": "NDCG", "BY_K": "Recall"}.get(protocol.worth.name)
    return needed is None or any(figure.metric == needed for figure in figures)


def _epoch_of(
    figures: Sequence[Printed], ours: Mapping[str, MeanInterval], epochs: Mapping[int, Mapping[str, float]]
) -> int:
    """The last epoch of ours whose figures, with the width of ours, are the printed ones; 0 for none."""
    for number, means in reversed(list(epochs.items())):
        told = [(figure, ours[figure.name], means.get(figure.name)) for figure in figures]
        if all(value is not None and _within(f, _moved(i, value)) for f, i, value in told):
            return number
    return 0


def _moved(interval: MeanInterval, value: float) -> MeanInterval:
    by = value - interval.value
    return MeanInterval(value=value, low=interval.low + by, high=interval.high + by)


def _within(figure: Printed, interval: MeanInterval) -> bool:
    return interval.low - figure.half_unit <= figure.value <= interval.high + figure.half_unit
