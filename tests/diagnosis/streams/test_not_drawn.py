"""Views of histories and neighbours of items stand beside positives, and are not taken for negatives; what is drawn still is."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from diagnosis.probes import item_ids, negatives, targets
from diagnosis.streams.log import Log
from diagnosis.streams.reading import Read, read_streams
from diagnosis.streams.ways import way_to_loss
from seeds.interactions import Interactions
from tests.diagnosis.streams.beside_loops import contrastive_classes, contrastive_pairs, neighbours
from tests.diagnosis.streams.logs import make_log
from tests.diagnosis.streams.recorder import Epochs, record

pytestmark = pytest.mark.trains


def watched(loop: Callable[[Interactions], Epochs], folder: Path) -> Read:
    log = make_log()
    seen = record(log, lambda: loop(log), folder)
    return read_streams(Log(log), seen, way_to_loss(seen.trace))


def unhealthy(seen: Read) -> set[str]:
    found = [*negatives.judged(seen), *targets.judged(seen), *item_ids.judged(seen)]
    return {one.code for one in found if one.healthy is False}


@pytest.mark.parametrize(
    ("loop", "drawn"),
    [(contrastive_classes, 0), (contrastive_pairs, 1), (neighbours, 1)],
)
def test_what_stands_beside_positives_by_design_is_no_negative(loop, drawn: int, tmp_path: Path) -> None:
    seen = watched(loop, tmp_path)
    assert unhealthy(seen) == set()
    assert seen.positives and len(seen.negatives) == drawn


def test_an_item_among_its_own_neighbours_makes_no_negatives_of_them(tmp_path: Path) -> None:
    seen = watched(partial(neighbours, own=True), tmp_path)
    assert unhealthy(seen) == set()
    assert all(near.view.stream.place == seen.negatives[0].view.stream.place for near in seen.negatives)


@pytest.mark.parametrize(
    ("loop", "code"),
    [
        (partial(contrastive_pairs, own=True), "negatives-hit-positives"),
        (partial(neighbours, drawn_once=True), "negatives-repeated"),
    ],
)
def test_negatives_beside_them_are_judged_as_ever(loop, code: str, tmp_path: Path) -> None:
    assert unhealthy(watched(loop, tmp_path)) == {code}
