"""A loader that drops a large part of its rows says so itself, however its rows are told apart."""

from types import SimpleNamespace
from typing import cast

import pytest

from diagnosis.evidence import Evidence
from diagnosis.probes import batches

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(
    ("rows", "size", "drops_last", "trained", "dropped"),
    [
        (300, 160, True, True, 140 / 300),
        (4605, 2400, True, True, 2205 / 4605),
        (300, 160, False, True, None),
        (300, 160, True, False, None),
        (300, 32, True, True, None),  # 12 rows of 300 are too few to speak of
        (0, 160, True, True, None),  # a stream, whose rows are not known
        (96, 32, True, True, None),
    ],
)
def test_what_a_loader_drops(rows, size, drops_last, trained, dropped):
    loader = {
        "path": "data.py", "line": 7, "phase": "train", "sampler": "RandomSampler", "batch_size": size,
        "rows": rows, "drops_last": drops_last, "trained": trained,
    }  # fmt: skip
    evidence = SimpleNamespace(artifacts=SimpleNamespace(trace={"loaders": [loader]}), watched=None)
    found = batches.PROBE.run(cast(Evidence, evidence))
    assert [one.value for one in found] == ([] if dropped is None else [dropped])
    assert [(one.healthy, one.places[0].line) for one in found] == ([] if dropped is None else [(False, 7)])
