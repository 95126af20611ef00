"""What a training step that is written out does to the scores that it computes, measured on made-up numbers.

The step of a loss that is convex in a score, as squared, logistic, pairwise and hinge losses are, moves each row by the score's derivative
times a push, and the push falls while the score rises. Both can be measured without knowing the loss.
"""

import ast
from dataclasses import dataclass, replace
from enum import Enum
from itertools import pairwise

from diagnosis.rules.source import ParsedFile
from diagnosis.rules.step_run import Move, Point, Ran, run
from diagnosis.rules.step_values import Unknown

SEEDS = range(5)
WIDTH_OF_DIFFERENCE = 1e-5
NEARLY = 1e-3
Vector = tuple[float, ...]


class Push(Enum):
    """How the push on a row goes with the score."""

    FALLS = "falls"
    RISES = "rises"
    UP = "constant, upwards"
    DOWN = "constant, downwards"
    MIXED = "neither"
    ASIDE = "not along the derivative"


@dataclass(frozen=True, kw_only=True)
class Looked:
    """What was measured of a step.

    pushes: score -> row -> how it is pushed. moves: of the first run. grows: rows that a penalty makes longer.
    penalised: whether a penalty moves any.
    aside: row -> the rows (one, or a sum or difference of two) along which it is moved in place of the derivative, in words.
    """

    ran: Ran
    moves: dict[str, Move]
    pushes: dict[str, dict[str, Push]]
    grows: dict[str, Move]
    penalised: bool
    aside: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class _Step:
    """A step that can be run at many points. moves: of the first run."""

    file: ParsedFile
    body: list[ast.stmt]
    vectors: set[str]
    moved: frozenset[str] = frozenset()

    def at(self, seed: int, told: dict[str, Vector] | None = None) -> Ran:
        """One run; see `run`."""
        return run(self.file, self.body, Point(seed=seed, moved=self.moved, told=told or {}), self.vectors)


def look(file: ParsedFile, body: list[ast.stmt]) -> Looked | None:
    """What the statements of a step do to its scores; None where they move no row by a rate, or cannot be followed."""
    step = _Step(file=file, body=body, vectors=set())
    try:
        first = step.at(0)
        if not first.moves or not first.scores:
            return None
        step = replace(step, moved=frozenset(first.moves))
        first = step.at(0)
        if not any(_depends(found) for found in _slopes(step, 0, {}, list(first.moves)).values()):
            return None
        rates = _rates(step, first)
        moved = [row for row in first.moves if rates.get(row)]
        if not moved:
            return None
        every = {name for names in rates.values() for name in names}
        shrinks, grows = _penalties(step, moved, set(first.numbers) - every)
        told = dict.fromkeys(shrinks, (0.0,))
        runs = [step.at(seed, told) for seed in SEEDS]
        slopes = [_slopes(step, seed, told, moved) for seed in SEEDS]
    except Unknown:
        return None
    scores = [s for s in first.scores if all(s in one.scores for one in runs)]
    pushes = {s: _pushes(s, moved, runs, slopes) for s in scores}
    return Looked(
        ran=first,
        moves={row: first.moves[row] for row in moved},
        pushes={s: found for s, found in pushes.items() if found},
        grows={row: first.moves[row] for row in moved if row in grows},
        penalised=bool(shrinks),
        aside={row: words for row in moved if (words := _along(row, runs))},
    )


def _depends(slopes: dict[str, list[float]]) -> bool:
    """Whether a score hangs on any row."""
    return any(abs(d) > 1e-7 for found in slopes.values() for d in found)


def _by(ran: Ran, row: str) -> Vector:
    move = ran.moves.get(row)
    if move is None:
        raise Unknown
    return move.by.places


def _rates(step: _Step, first: Ran) -> dict[str, set[str]]:
    """Row -> the settings that its move is proportional to."""
    found: dict[str, set[str]] = {}
    for name, number in first.numbers.items():
        none = step.at(0, {name: (0.0,)})
        half = step.at(0, {name: (number / 2,)})
        for row, move in first.moves.items():
            if row not in none.moves or row not in half.moves:
                continue
            gone = all(abs(p) < 1e-12 for p in _by(none, row))
            halved = all(abs(2 * h - p) < 1e-9 for h, p in zip(_by(half, row), move.by.places))
            if gone and halved and any(abs(p) > 1e-9 for p in move.by.places):
                found.setdefault(row, set()).add(name)
    return found


def _penalties(step: _Step, moved: list[str], names: set[str]) -> tuple[set[str], set[str]]:
    """The weights of penalties: settings that do no more than move rows along themselves; and the rows that they lengthen."""
    weights: set[str] = set()
    grows: set[str] = set()
    for name in names:
        shares: dict[str, list[float]] = {row: [] for row in moved}
        is_penalty = True
        for seed in list(SEEDS)[:3]:
            with_it = step.at(seed)
            without = step.at(seed, {name: (0.0,)})
            for row in moved:
                held = with_it.rows[row].places
                change = [a - b for a, b in zip(_by(with_it, row), _by(without, row))]
                share = _share(change, held)
                if share is None:
                    is_penalty = False
                else:
                    shares[row].append(share)
        if not is_penalty:
            continue
        steady = all(max(s) - min(s) < NEARLY * max(map(abs, s), default=0) + 1e-12 for s in shares.values())
        if steady and any(abs(s[0]) > 1e-9 for s in shares.values()):
            weights.add(name)
            grows |= {row for row, s in shares.items() if s[0] > 1e-9}
    return weights, grows


def _share(change: list[float], along: Vector) -> float | None:
    """By which factor of another vector a vector is made; None if it has another direction."""
    length = sum(a * a for a in along)
    if length < 1e-12:
        return None
    share = sum(c * a for c, a in zip(change, along)) / length
    rest = sum((c - share * a) ** 2 for c, a in zip(change, along))
    return share if rest <= NEARLY**2 * max(sum(c * c for c in change), 1e-18) else None


def _slopes(
    step: _Step, seed: int, told: dict[str, Vector], moved: list[str]
) -> dict[str, dict[str, list[float]]]:
    """Score -> row -> the derivative of the score by the places of the row, at one point."""
    found: dict[str, dict[str, list[float]]] = {}
    for row in moved:
        held = Point(seed=seed, moved=step.moved).row(row, 2 if row in step.vectors else 1)
        for place in range(len(held)):
            ends = []
            for side in (WIDTH_OF_DIFFERENCE, -WIDTH_OF_DIFFERENCE):
                places = tuple(p + side * (n == place) for n, p in enumerate(held))
                ends.append(step.at(seed, {**told, row: places}).scores)
            for score in ends[0].keys() & ends[1].keys():
                high, low = ends[0][score].places[0], ends[1][score].places[0]
                found.setdefault(score, {}).setdefault(row, []).append(
                    (high - low) / (2 * WIDTH_OF_DIFFERENCE)
                )
    return found


def _pushes(
    score: str, moved: list[str], runs: list[Ran], slopes: list[dict[str, dict[str, list[float]]]]
) -> dict[str, Push]:
    """Row -> how it is pushed, of the moved rows that a score hangs on."""
    found: dict[str, Push] = {}
    for row in moved:
        shares: list[tuple[float, float]] = []
        aside = False
        for ran, slope in zip(runs, slopes):
            derivative = tuple(slope.get(score, {}).get(row, []))
            if row not in ran.moves or len(derivative) != len(_by(ran, row)):
                break
            if all(abs(d) < 1e-7 for d in derivative) or all(abs(b) < 1e-12 for b in _by(ran, row)):
                break
            share = _share(list(_by(ran, row)), derivative)
            aside |= share is None
            shares.append((ran.scores[score].places[0], share or 0.0))
        else:
            found[row] = Push.ASIDE if aside else _push(sorted(shares))
    return found


def _push(shares: list[tuple[float, float]]) -> Push:
    pushes = [push for _, push in shares]
    size = max(map(abs, pushes))
    if max(pushes) - min(pushes) < NEARLY * size:
        return Push.UP if pushes[0] > 0 else Push.DOWN
    steps = [(b - a) / size for a, b in pairwise(pushes)]
    if all(step < NEARLY for step in steps):
        return Push.FALLS
    return Push.RISES if all(step > -NEARLY for step in steps) else Push.MIXED


def _along(row: str, runs: list[Ran]) -> str:
    """The row, or the sum or difference of two, along which a row is moved in all runs; "" if there is none."""
    width = len(_by(runs[0], row)) if row in runs[0].moves else 0
    if width < 2:
        return ""
    names = [n for n, v in runs[0].rows.items() if len(v.places) == width]
    sums = [(a, b, sign) for n, a in enumerate(names) for b in names[n + 1 :] for sign in (1, -1)]
    for made in [(name, "", 1) for name in names] + sums:
        if all(_is_along(ran, row, *made) for ran in runs):
            one, other, sign = made
            return one if not other else f"{one} {'+' if sign > 0 else '-'} {other}"
    return ""


def _is_along(ran: Ran, row: str, one: str, other: str, sign: int) -> bool:
    if row not in ran.moves or one not in ran.rows or (other and other not in ran.rows):
        return False
    first = ran.rows[one].places
    second = ran.rows[other].places if other else (0.0,) * len(first)
    return _share(list(_by(ran, row)), tuple(a + sign * b for a, b in zip(first, second))) is not None
