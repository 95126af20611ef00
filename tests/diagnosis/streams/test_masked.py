"""Masked trainings: what is wrong with their targets and masks is told, in two code shapes; then, how scoring asks."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from diagnosis.findings import CodePlace
from diagnosis.probes import histories_unordered, item_ids, masked_serving, targets
from diagnosis.probes.masked_serving import Asked
from diagnosis.streams.log import Log
from diagnosis.streams.reading import Read, read_streams
from diagnosis.streams.ways import way_to_loss
from seeds.interactions import Interactions
from tests.diagnosis.streams.logs import make_log
from tests.diagnosis.streams.masked_loops import packed, with_holes
from tests.diagnosis.streams.recorder import Epochs, record

pytestmark = pytest.mark.trains

SHAPES = (with_holes, packed)
Shape = Callable[[Interactions, str], Epochs]


@pytest.fixture(scope="module")
def log() -> Interactions:
    return make_log()


def watched(log: Interactions, shape: Shape, plant: str, folder: Path) -> Read:
    seen = record(log, lambda: shape(log, plant), folder)
    return read_streams(Log(log), seen, way_to_loss(seen.trace))


def causes(seen: Read, asked: Asked | None = None) -> dict[str, str]:
    """Code -> message of all that is unhealthy."""
    found = [
        *targets.judged(seen), *item_ids.judged(seen), *histories_unordered.judged(seen), *masked_serving.judged(seen, asked),
    ]  # fmt: skip
    return {one.code: one.message for one in found if one.healthy is False}


def asking(log: Interactions, *, mask: int = 0, read: int = -1, turned: bool = False) -> Asked:
    """Ten histories as scoring looks them up; mask: the id behind them, 0 for none."""
    histories = np.array(
        [log.history(u)[-5:] for u in range(1, log.n_users + 1) if len(log.history(u)) > 4][:10]
    )
    ids = histories[:, ::-1] if turned else histories
    if mask:
        ids = np.concatenate([ids, np.full((len(ids), 1), mask)], axis=1)
    return Asked(
        ids=ids,
        histories=histories,
        read=np.full(len(ids), read % ids.shape[1]),
        looked_up=(CodePlace(path="serve.py", line=3),),
        read_at=(CodePlace(path="serve.py", line=4),),
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("plant", ["", "corrupted"])
def test_a_healthy_masked_training_is_silent_and_its_scoring_too(
    log: Interactions, shape: Shape, plant: str, tmp_path: Path
) -> None:
    seen = watched(log, shape, plant, tmp_path)
    assert causes(seen, asking(log, mask=log.n_items + 1)) == {}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(
    ("plant", "code"),
    [
        ("labels-everywhere", "target-is-input"),
        ("labels-after", "target-is-input"),
        ("padding-chosen", "padding-is-a-target"),
        ("mask-is-an-item", "mask-is-an-item"),
        ("by-id", "history-out-of-order"),
    ],
)
def test_what_a_masked_training_does_wrong_is_told(
    log: Interactions, shape: Shape, plant: str, code: str, tmp_path: Path
) -> None:
    assert set(causes(watched(log, shape, plant, tmp_path))) == {code}


@pytest.mark.parametrize("shape", SHAPES)
def test_scoring_without_the_mask_or_beside_it_is_told(
    log: Interactions, shape: Shape, tmp_path: Path
) -> None:
    seen = watched(log, shape, "", tmp_path)
    assert set(causes(seen, asking(log))) == {"mask-not-asked"}
    assert set(causes(seen, asking(log, mask=log.n_items + 1, read=-2))) == {"read-beside-mask"}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("plant", "turned"), [("newest-first", False), ("", True)])
def test_directions_that_differ_are_told_and_two_turned_ones_are_not(
    log: Interactions, shape: Shape, plant: str, turned: bool, tmp_path: Path
) -> None:
    seen = watched(log, shape, plant, tmp_path)
    mask = log.n_items + 1
    assert set(causes(seen, asking(log, mask=mask, turned=turned))) == {"history-turned-round"}
    assert causes(seen, asking(log, mask=mask, turned=not turned)) == {}
