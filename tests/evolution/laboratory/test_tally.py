"""How far a race of patches is, as its events tell."""

import io
import json
from typing import Any

from evolution.domain.proposal import Effect, Verified
from evolution.laboratory.context import EventLog
from evolution.laboratory.tally import Tally


class Measured:
    """What a tally reads of a proposal."""

    def __init__(self, after: float, verified: Verified) -> None:
        self.effect = Effect(metric="objective", before=0.2, after=after, low=0.0, high=0.1)
        self.verified = verified


def test_each_patch_is_counted_and_only_verified_gains_are_the_best() -> None:
    stream = io.StringIO()
    outcomes: Any = iter([Measured(0.3, Verified.NO), Measured(0.224, Verified.GAIN)])
    candidates: Any = ["a", "b"]
    work = Tally(EventLog(stream), len(candidates)).counted(lambda _: next(outcomes))
    for candidate in candidates:
        work(candidate)
    events = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(event["message"], event["data"]["fraction"]) for event in events] == [
        ("patch 1 of 2", 0.0),
        ("patch 2 of 2", 0.5),
        ("patch 2 of 2, best +12 %", 1.0),
    ]
    assert [event["data"]["step"] for event in events] == [event["message"] for event in events]
