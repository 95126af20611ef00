"""Ids that reach tables as Python's lists or numpy's arrays are held against the log as tensors are."""

from collections.abc import Callable
from pathlib import Path

import pytest

from diagnosis.findings import Measurement
from diagnosis.probes import batches, item_ids, negatives, target_coverage, targets
from diagnosis.streams.log import Log
from diagnosis.streams.reading import read_streams
from diagnosis.streams.ways import way_to_loss
from seeds.interactions import Interactions
from tests.diagnosis.streams import listed_loops
from tests.diagnosis.streams.listed_loops import arrays, listed
from tests.diagnosis.streams.logs import make_log
from tests.diagnosis.streams.recorder import Epochs, record

pytestmark = [pytest.mark.trains, pytest.mark.slow]

Shape = Callable[[Interactions, str], Epochs]
SOURCE = Path(str(listed_loops.__file__)).read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def log() -> Interactions:
    return make_log()


def unhealthy(log: Interactions, shape: Shape, plant: str, folder: Path) -> dict[str, Measurement]:
    watched = record(log, lambda: shape(log, plant), folder)
    seen = read_streams(Log(log), watched, way_to_loss(watched.trace))
    assert seen is not None and seen.users
    probes = (targets, target_coverage, negatives, batches, item_ids)
    return {m.code: m for probe in probes for m in probe.judged(seen) if m.healthy is False}


@pytest.mark.parametrize("shape", [listed, arrays])
def test_a_healthy_sampler_in_python_is_silent(log: Interactions, shape: Shape, tmp_path: Path) -> None:
    assert unhealthy(log, shape, "", tmp_path) == {}


@pytest.mark.parametrize("shape", [listed, arrays])
@pytest.mark.parametrize(
    ("plant", "code"),
    [("users-uniform", "users-drawn-uniformly"), ("negatives-own", "negatives-hit-positives")],
)
def test_what_a_sampler_in_python_does_is_seen(
    log: Interactions, shape: Shape, plant: str, code: str, tmp_path: Path
) -> None:
    found = unhealthy(log, shape, plant, tmp_path)
    assert set(found) == {code}
    lines = [SOURCE[place.line - 1] for place in found[code].places]
    assert any("as_given(users)" in line or "as_given(bads)" in line for line in lines)
