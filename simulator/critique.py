"""Aggregates single users' remarks into critiques that many users share.

A complaint becomes a critique if more users make it about their pages than make it, by the same rule, about their
real choices. Praise becomes one if more users give it to their pages than to random pages, and no complaint about the
same signal is shared by more users. "More" means that the 95 % Wilson interval (Wilson 1927) of the one share lies
above that of the other, and also above TAIL, the chance that one of a user's own pages leaves its band.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from math import sqrt

from seeds.amounts import percent_within
from simulator.behaviour import Judgement, Remark
from simulator.critiques import Cell, Critique, Fidelity, Quote, Voice
from simulator.messages import MESSAGES
from simulator.viewpoint import TAIL

QUOTES = 2
CELLS = 2  # traits that are told of a critique, most telling first
CELL_USERS = 10  # and of the others: with fewer users a share says nothing
PRAISE = 3  # kinds of praise kept, most shared first; complaints matter more, since they call for action
Z95 = 1.959964


def wilson_interval(count: int, total: int) -> tuple[float, float]:
    """95 % Wilson interval of a share; (0, 1) if `total` is 0."""
    if not total:
        return 0.0, 1.0
    share, z2 = count / total, Z95**2
    middle = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = Z95 * sqrt(share * (1 - share) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return max(0.0, middle - half), min(1.0, middle + half)


def aggregate(
    judgements: Sequence[Judgement],
    *,
    controls: Mapping[str, tuple[int, int]],
    fidelity: Fidelity,
    least_praise: float = TAIL,
    origin: str = "",
) -> tuple[Critique, ...]:
    """Critiques: complaints, then praise, each with the most shared first.

    controls: code -> (count, asked) on control pages; an absent code was never said there
    least_praise: the share that praise must exceed regardless of its control
    origin: part of every id, so that critiques of different kinds of personas get different ids
    """
    voices: dict[str, list[tuple[Judgement, Remark]]] = {}
    for judgement in judgements:
        for remark in judgement.remarks:
            voices.setdefault(remark.opinion.code, []).append((judgement, remark))
    critiques = []
    for code, said in voices.items():
        low, high = wilson_interval(len(said), len(judgements))
        _, by_control = wilson_interval(*controls.get(code, (0, len(judgements))))
        least = least_praise if said[0][1].opinion.positive else TAIL
        if low > max(by_control, least):
            identity = sha256((origin + code).encode()).hexdigest()[:12]
            critique = _critique(identity, said, len(judgements), (low, high), fidelity)
            critiques.append(replace(critique, cells=_cells(judgements, said)))
    critiques.sort(key=lambda critique: (-critique.share, critique.code))
    complaints = [critique for critique in critiques if not critique.positive]
    blamed = {critique.signal: critique.share for critique in reversed(complaints)}
    praise = [c for c in critiques if c.positive and c.share > blamed.get(c.signal, 0.0)]
    return (*complaints, *praise[:PRAISE])


def count_complaints(
    judgements: Sequence[Judgement], *, controls: Mapping[str, tuple[int, int]], asked: int
) -> tuple[Voice, ...]:
    """Every complaint with how many make it, most shared first.

    controls: as in `aggregate`. asked: how many users saw a control page; an absent code was never said there
    """
    voices: dict[str, list[tuple[Judgement, Remark]]] = {}
    for judgement in judgements:
        for remark in judgement.remarks:
            if not remark.opinion.positive:
                voices.setdefault(remark.opinion.code, []).append((judgement, remark))
    counted = [
        Voice(
            code=code,
            signal=said[0][1].opinion.signal,
            count=len(said),
            users=len(judgements),
            control_count=controls.get(code, (0, asked))[0],
            control_users=asked,
            quotes=_typical_quotes(said),
        )
        for code, said in voices.items()
    ]
    return tuple(sorted(counted, key=lambda voice: (-voice.count, voice.code)))


def _critique(
    identity: str,
    said: list[tuple[Judgement, Remark]],
    users: int,
    interval: tuple[float, float],
    fidelity: Fidelity,
) -> Critique:
    low, high = interval
    opinion = said[0][1].opinion
    count = len(said)
    figures = f"{percent_within(count / users, low, high)} of {users} users"
    return Critique(
        id=identity,
        code=opinion.code,
        positive=opinion.positive,
        signal=opinion.signal,
        message=f"{figures}: {MESSAGES[opinion.code]}",
        count=count,
        users=users,
        share=count / users,
        low=low,
        high=high,
        quotes=_typical_quotes(said),
        fidelity=fidelity,
    )


def _cells(judgements: Sequence[Judgement], said: Sequence[tuple[Judgement, Remark]]) -> tuple[Cell, ...]:
    """The traits whose users say it more than all others do, by intervals that lie apart."""
    asked, saying = _by_trait(judgements), _by_trait(judgement for judgement, _ in said)
    found = []
    for trait, users in asked.items():
        others, count = len(judgements) - users, saying[trait]
        if min(users, others) < CELL_USERS:
            continue
        low, high = wilson_interval(count, users)
        rest = len(said) - count
        if low > wilson_interval(rest, others)[1]:
            found.append(
                Cell(trait=trait, count=count, users=users, low=low, high=high, others=rest / others)
            )
    found.sort(key=lambda cell: (cell.others - cell.share, cell.trait))
    return tuple(found[:CELLS])


def _by_trait(judgements: Iterable[Judgement]) -> Counter[str]:
    """How many users have each trait of their personas."""
    return Counter(trait for judgement in judgements for trait in judgement.persona.split(", "))


def _typical_quotes(said: list[tuple[Judgement, Remark]]) -> tuple[Quote, ...]:
    """Quotes of the users closest to the median strength, from different personas if possible."""
    strengths = sorted(remark.opinion.strength for _, remark in said)
    median = strengths[len(strengths) // 2]
    closest = sorted(said, key=lambda voice: (abs(voice[1].opinion.strength - median), voice[0].user))
    first = closest[0]
    others = [voice for voice in closest[1:] if voice[0].persona != first[0].persona] or closest[1:]
    chosen = [first, *others][:QUOTES]
    return tuple(Quote(user=j.user, persona=j.persona, text=remark.text) for j, remark in chosen)
