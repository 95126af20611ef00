"""Does what answers keep up with what learns? A recommender trains two epochs and is asked after each.

Of tables that are trained by hand, see also `learned_tables`. Three ways of falling behind are told apart by experiment. A *cache*: a table that an answer made and that stayed while
weights moved; without it an answer is another, and makes it anew. A *copy*: a table that equalled a learning one after
the first epoch and stayed. An *average*: a table that began as a learning one and has hardly followed it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from .carried_state import CONTAINERS, Part, _is_tensor, _Watch
from .recommender import CheckedRecommender
from .snapshots import Snapshot, as_array, is_table, write
from .tracing_frames import Limit, Places

RELATIVE = 1e-3  # of the spread of a row's scores
FOLLOWED = 0.1  # of the way that the learning table went, by the end of the training
NEAR = 0.5  # of the way that the learning table went
WATCHED = 6  # parts whose line is looked for
ANSWERED_S = 10.0  # of looking for a line
Told = dict[str, Any]


class Following:
    """One recommender, followed over two epochs. batch: users (B,) and histories (B, L). epochs: of the whole training."""

    def __init__(self, make: Callable[[], CheckedRecommender], places: Places, batch: Any, epochs: int):
        self._make, self._places, self._batch, self._epochs = make, places, batch, epochs
        self._candidate = make()
        self._before = self._taken(copied=True)
        self._answered()  # a model that was asked before its training may have kept the answer
        if self._candidate.epoch() is None:
            raise EOFError
        self._asked()
        self._first = self._taken(copied=True)
        if self._candidate.epoch() is None:
            raise EOFError
        self.answer = self._asked()
        self._second = self._taken(copied=True)

    def found(self) -> Told | None:
        """{"what": "cache" | "copy" | "average", "name", "share", "path", "line"}, or what `LearnedTables.found` tells.

        share: its way in an epoch relative to the learning one.
        """
        if not any(self._moved(name) for name in self._second.copies):
            return None
        return self._average() or self._kept() or self._learned()

    def _learned(self) -> Told | None:
        """What tables that a repo trains by hand learn, and whether answers read it."""
        from .learned_tables import LearnedTables  # which needs what is here

        tables = LearnedTables(
            self._make, self._places, self._candidate, self._before, self._second, self._batch
        )
        told = tables.found() if tables.by_hand else None
        if told is None or told["what"] != "backwards" or told["share"] == 1.0:
            return told
        parts = [self._second.parts[name] for name in told["name"].split(", ")]
        path, line = _first_change(parts, self._candidate.epoch, self._places) or ("", 0)
        return {**told, "path": path, "line": line}

    def _kept(self) -> Told | None:
        stayed = [name for name in self._second.digests if self._stayed(name)]
        tables = [name for name in stayed if is_table(self._second.parts[name].value)]
        if not tables:
            return None
        held = {name: part for name in stayed if (part := self._held(name)) is not None}
        for part in held.values():
            self._before.put_back(part)
        watched = [held[name] for name in tables if name in held][:WATCHED]
        places = _changes(watched, self._answered, self._places)
        other = self._answered()
        if other is None or not differ(self.answer, other):
            return None
        after = self._taken()
        remade = [name for name in tables if after.digests.get(name, "") not in self._known(name)]
        if remade:
            name = held[remade[0]].name if remade[0] in held else remade[0]
            return _told("cache", name, 0.0, places.get(name))
        copies = [name for name in tables if self._was_learning(name)]
        return _told("copy", copies[0], 0.0, self._copied_at(copies)) if copies else None

    def _held(self, name: str) -> Part | None:
        """What holds a plain value under a key; of a container that is no table's alone nothing."""
        part = self._second.parts[name]
        container = isinstance(part.holder, dict) and isinstance(part.holder.get(part.key), CONTAINERS)
        return None if container else self._second.held(name)

    def _known(self, name: str) -> tuple[str, ...]:
        return ("", self._before.digests.get(name, ""), self._second.digests[name])

    def _stayed(self, name: str) -> bool:
        """Whether the first epoch, or an answer until its end, set it, and the second left it."""
        first = self._first.digests.get(name)
        return first == self._second.digests[name] and first != self._before.digests.get(name)

    def _moved(self, name: str) -> bool:
        """Whether the second epoch changed it."""
        return name in self._first.digests and self._first.digests[name] != self._second.digests[name]

    def _was_learning(self, name: str) -> bool:
        digest = self._first.digests[name]
        twins = (other for other, known in self._first.digests.items() if known == digest)
        return any(self._moved(twin) for twin in twins if twin in self._second.digests)

    def _copied_at(self, names: list[str]) -> tuple[str, int] | None:
        """The line of a first epoch that sets one of them."""
        candidate = self._make()
        taken = Snapshot(candidate.model, self._places)
        watched = [taken.parts[name] for name in names if name in taken.parts][:WATCHED]
        return _first_change(watched, candidate.epoch, self._places)

    def _average(self) -> Told | None:
        """What began as a copy of a learning table and has hardly followed it, where following it changes the answer."""
        slow = {name: pair for name in self._second.copies if (pair := self._behind(name)) is not None}
        if not slow:
            return None
        name, (share, _) = min(slow.items(), key=lambda item: item[1][0])
        if share * self._epochs > FOLLOWED:
            return None
        kept = {other: as_array(self._second.parts[other].value) for other in slow}
        for other, (_, leader) in slow.items():
            write(self._second.parts[other].now(), self._second.copies[leader])
        followed = self._answered()
        for other, array in kept.items():
            write(self._second.parts[other].now(), array)
        if followed is None or not differ(self.answer, followed):
            return None
        parts = [self._second.parts[other] for other in slow][: 4 * WATCHED]
        return _told("average", name, share, _first_change(parts, self._candidate.epoch, self._places))

    def _behind(self, name: str) -> tuple[float, str] | None:
        """(its speed relative to it, a learning table) of a table that is still near to where that one began."""
        now, earlier = self._second.copies[name], self._first.copies.get(name)
        if earlier is None or earlier.shape != now.shape or not self._moved(name):
            return None
        for other, start in self._before.copies.items():
            end, before = self._second.copies.get(other), self._first.copies.get(other)
            if (
                end is None
                or before is None
                or start.shape != now.shape
                or not _learns(self._second.parts[other])
            ):
                continue
            way, speed = _far(end, start), _far(end, before)
            near = NEAR * min(
                way, _far(start, start.mean())
            )  # an optimizer's moments are as far from it as 0 is
            if speed > 0.0 and start.std() > 0.0 and _far(now, start) < near:
                return min(1.0, _far(now, earlier) / speed), other
        return None

    def _taken(self, *, copied: bool = False) -> Snapshot:
        return Snapshot(self._candidate.model, self._places, copied=copied)

    def _asked(self) -> Any:
        with self._candidate.at_rest(0):
            return self._candidate.dense(*self._batch)

    def _answered(self) -> Any:
        """None where it cannot answer."""
        try:
            return self._asked()
        except Exception:  # noqa: BLE001 -- candidate code, put into a state that it was never in
            return None


def followed(make: Callable[[], CheckedRecommender], places: Places, batch: Any, epochs: int) -> Told | None:
    """What answers and does not keep up with what learns, see `Following.found`; None where nothing is found."""
    try:
        return Following(make, places, batch, epochs).found()
    except EOFError:
        return None  # the training ends with its first epoch


def differ(one: Any, other: Any) -> bool:
    """Whether any row of scores differs by more than rounding."""
    spread = one[:, 1:].std(axis=1)
    return bool((np.abs(one - other)[:, 1:].max(axis=1) > RELATIVE * spread).any())


def _far(one: Any, other: Any) -> float:
    return float(np.linalg.norm(one - other))


def _learns(part: Part) -> bool:
    return bool(_is_tensor(part.value) and part.value.requires_grad and part.value.is_leaf)


def _first_change(parts: list[Part], epoch: Callable[[], Any], places: Places) -> tuple[str, int] | None:
    """The first line of an epoch that changes one of them."""
    return next(iter(_changes(parts, epoch, places).values()), None) if parts else None


def _changes(parts: list[Part], action: Callable[[], Any], places: Places) -> dict[str, tuple[str, int]]:
    """name -> the line of an action that first changes the part. Breaking it off may have left gradients switched off."""
    torch: Any = sys.modules.get("torch")
    recording = torch.is_grad_enabled() if torch is not None else False
    watch = _Watch(parts, places, Limit(ANSWERED_S))
    try:
        watch.run(action)
    finally:
        if torch is not None:
            torch.set_grad_enabled(recording)
    return watch.at


def _told(what: str, name: str, share: float, place: tuple[str, int] | None) -> Told:
    path, line = place or ("", 0)
    return {"what": what, "name": name, "share": share, "path": path, "line": line}
