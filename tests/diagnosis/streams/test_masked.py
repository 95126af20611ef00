"""Masked trainings: what is wrong with their targets and masks is told, in two code shapes; then, how scoring asks."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

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


def right_padded(log: Interactions, whole: bool) -> Epochs:
    """The newest events of each user and zeros behind them; a recurrence, or attention to all events, whose newest one is read."""
    width = 12
    rows = np.zeros((log.n_users, width + 1), np.int64)
    for row in range(log.n_users):
        events = log.history(row + 1)[-width - 1 :]
        rows[row, : len(events)] = events
    table = torch.from_numpy(rows)

    def epochs(step: Callable[[], None]) -> Iterator[Any]:
        torch.manual_seed(0)
        items, gru = nn.Embedding(log.n_items + 1, 8, padding_idx=0), nn.GRU(8, 8, batch_first=True)
        adam = torch.optim.Adam([*items.parameters(), *gru.parameters()], 1e-2)
        while True:
            for part in torch.randperm(len(table)).split(32):
                inputs, targets = table[part, :-1], table[part, 1:]
                read = items(inputs)
                states = gru(read)[0] if whole else torch.softmax(read @ read.transpose(1, 2), -1) @ read
                loss = F.cross_entropy(
                    (states @ items.weight.T).flatten(0, 1), targets.flatten(), ignore_index=0
                )
                adam.zero_grad()
                loss.backward()
                adam.step()
                step()
            yield {}

    return epochs


@pytest.mark.parametrize("whole", [True, False])
def test_an_answer_that_is_read_at_padding_is_told(log: Interactions, whole: bool, tmp_path: Path) -> None:
    seen = watched(log, lambda log, plant: right_padded(log, whole), "", tmp_path)
    asked = asking(log)
    wide = np.concatenate([asked.ids, np.zeros((len(asked.ids), 7), np.int64)], axis=1)
    at_end, at_newest = (replace(asked, ids=wide, read=np.full(len(wide), place)) for place in (11, 4))
    assert set(causes(seen, at_end)) == {"read-at-padding"}
    assert causes(seen, at_newest) == {}
