"""Watched trainings: each planted defect is named on a line that makes it, in more than one code shape; healthy ones are not."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diagnosis.catalogue import kind_of
from diagnosis.findings import Measurement, Nature
from diagnosis.probes import (
    batches,
    events_doubled,
    graph_edges,
    histories_unordered,
    item_ids,
    negatives,
    target_coverage,
    targets,
)
from diagnosis.streams.left_out import without
from diagnosis.streams.log import Log
from diagnosis.streams.reading import Read, read_streams
from diagnosis.streams.ways import read_together, way_to_loss
from seeds.interactions import Interactions
from tests.diagnosis.streams import click_loops, lane_loops, loops, turned_loops
from tests.diagnosis.streams.logs import make_log
from tests.diagnosis.streams.recorder import record

LOOPS = (loops, click_loops, turned_loops, lane_loops)
SOURCE = {
    path.name: path.read_text(encoding="utf-8").splitlines()
    for path in (Path(str(m.__file__)) for m in LOOPS)
}
PROBES = (
    targets,
    target_coverage,
    negatives,
    batches,
    item_ids,
    graph_edges,
    histories_unordered,
    events_doubled,
)
# torch warns once of sparse tensors that it does not check
pytestmark = pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning")

HEALTHY = (
    "sasrec",
    "windows",
    "time_first",
    "sasrec:negatives-any",
    "sasrec:hits-emptied",
    "sasrec:negatives-of-a-row",
    "sasrec:negatives-of-a-batch",
    "bpr:negatives-any",
    "softmax",
    "bpr",
    "ncf",
    "bert4rec",
    "bert4rec:zero-left-out",
    "last_item",
    "last_item:packed",
    "shared_pool",
    "newest_apart",
    "newest_apart:joined",
    "two_tower",
    "fpmc",
    "fpmc:grouped",
    "item2vec",
    "lightgcn",
    "one_table",
    "lightgcn:self-loops",
    "one_table:self-loops",
    "repeated_users",
    "repeated_users:held-out",
    "lightgcn:thinned",
    "one_table:thinned",
    "lightgcn:thinned-hard",
    "one_table:thinned-hard",
    "clicks",
    "signs",
    "across",
    "by_place",
    "packed",
    "two_ends",
    "lanes",
    "lane_rows",
)
PLANTED = {
    "target-is-input": (
        ("windows:target-in-window", ""),
        ("sasrec:target-is-input", "source, target"),
        ("softmax:target-is-input", "targets = block[:, :-1]"),
        ("bert4rec:target-is-input", "block"),
        ("last_item:target-is-input", "rows.append("),
        ("clicks:target-is-input", ""),
        ("signs:target-is-input", ""),
    ),
    "target-misplaced": (
        ("time_first:two-later", ""),
        ("across:two-later", ""),
        ("by_place:two-later", ""),
        ("two_ends:cut-apart", "row[1:][:width]"),
        ("sasrec:two-later", "history[:-2], history[2:]"),
        ("sasrec:earlier", "history[1:], history[:-1]"),
        ("sasrec:reversed", "history"),
        ("softmax:two-later", "block[:, 2:]"),
        ("softmax:earlier", "block[:, 1:], block[:, :-1]"),
        ("softmax:reversed", "block[:, 1:]"),
        ("last_item:reversed", "classes[part]"),
        ("lanes:exchanged", "as_tensor"),
        ("lane_rows:exchanged", "as_tensor"),
    ),
    "history-out-of-order": (
        ("sasrec:by-id", "np.sort(history)"),
        ("sasrec:unsorted", "source, target"),
        ("softmax:by-id", "block"),
        ("last_item:by-id", ""),
        ("windows:by-id", ""),
    ),
    "target-of-another": (
        ("sasrec:other-user", "targets.roll(1, 0)"),
        ("sasrec:target-random", "from_numpy"),
        ("softmax:other-user", "targets[torch.randperm(len(targets))]"),
        ("softmax:target-random", "torch.randint(1, n + 1, targets.shape)"),
        ("bpr:other-user", "good[torch.randperm(len(good))]"),
        ("bpr:target-random", "cat"),
        ("two_tower:other-user", "good.roll(3)"),
        ("clicks:tiled", ""),
        ("across:other-user", "torch.randperm"),
        ("by_place:other-user", "good.roll(1, 1)"),
    ),
    "last-position-never-masked": (("bert4rec:last-never", "block"),),
    "newest-never-target": (
        ("sasrec:newest-cut", "history = history[:-1]"),
        ("repeated_users:newest-cut", "users[~held_out]"),
        ("softmax:newest-cut", "block"),
        ("bpr:newest-cut", "order[~torch.isin(order, newest)]"),
    ),
    "events-never-targets": (
        ("sasrec:oldest-kept", "history"),
        ("sasrec:only-newest", "history"),
        ("sasrec:users-cut", "history"),
        ("softmax:oldest-kept", "block"),
        ("softmax:only-newest", "block"),
        ("softmax:users-cut", "block"),
        ("bpr:users-cut", "order[users[order] < log.n_users // 2]"),
        ("last_item:only-newest", "from_numpy"),
    ),
    "users-drawn-uniformly": (("bpr:users-uniform", "torch.rand(len(users))"),),
    "negatives-hit-positives": (
        ("sasrec:negatives-own", "rng.choice(history, size)"),
        ("bpr:negatives-own", "multinomial"),
        ("sasrec:negatives-of-the-next", "rng.integers"),
        ("bpr:negatives-beside", "torch.randint"),
    ),
    "events-doubled": (("sasrec:doubled", ""), ("windows:doubled", "")),
    "negatives-out-of-range": (
        ("windows:negatives-low", ""),
        ("sasrec:negatives-low", "rng.integers"),
        ("sasrec:negatives-off-by-one", "rng.integers"),
        ("sasrec:negatives-zero", "rng.integers"),
        ("bpr:negatives-low", "torch.randint(low, high"),
        ("bpr:negatives-off-by-one", "torch.randint(low, high"),
        ("ncf:negatives-low", "data[part]"),
        ("shared_pool:low", "from_numpy(np.where(met"),
        ("clicks:negatives-common", ""),
        ("signs:negatives-common", ""),
        ("lanes:negatives-low", "torch.randint"),
    ),
    "negatives-repeated": (
        ("sasrec:negatives-one-a-row", "rng.integers"),
        ("repeated_users:negatives-one-a-row", "bad[:, :1].expand"),
        ("sasrec:negatives-one-a-batch", "rng.integers"),
        ("sasrec:negatives-fixed", "rng.integers"),
        ("bpr:negatives-one-a-batch", "cat"),
        ("bpr:negatives-fixed", "torch.randint(low, high"),
        ("ncf:negatives-fixed", "data[part]"),
        ("clicks:negatives-fixed", ""),
        ("signs:negatives-fixed", ""),
    ),
    "batches-in-one-order": (
        ("sasrec:no-shuffle", "from_numpy"),
        ("softmax:no-shuffle", "torch.arange(len(table))"),
        ("bpr:no-shuffle", "torch.arange(len(users))"),
        ("ncf:no-shuffle", "torch.arange(len(data))"),
        ("last_item:no-shuffle", "torch.arange(len(inputs))"),
        ("lanes:no-shuffle", "as_tensor"),
        ("lane_rows:no-shuffle", "as_tensor"),
        ("last_item:shortest-first", "order"),
    ),
    "last-batch-dropped": (("sasrec:drop-last", ""), ("bpr:drop-last", ""), ("two_tower:drop-last", "")),
    "ids-shifted": (("softmax:off-by-one", "targets - 1"),),
    "padding-is-an-item": (("bert4rec:from-zero", ""), ("softmax:from-zero", "")),
    "padding-is-a-target": (("softmax:padding", "F.cross_entropy"),),
    "graph-wrong-block": (
        ("lightgcn:wrong-block", ""),
        ("lightgcn:one-node-off", ""),
        ("one_table:wrong-block", ""),
    ),
    "graph-edges-missing": (
        ("lightgcn:edges-missing", ""),
        ("one_table:edges-missing", ""),
        ("lightgcn:edges-missing-thinned", ""),
        ("one_table:edges-missing-thinned", ""),
    ),
    "graph-edges-unknown": (("lightgcn:edges-unknown", ""), ("one_table:edges-unknown", "")),
    "graph-one-way": (
        ("lightgcn:one-way", ""),
        ("one_table:one-way", ""),
        ("lightgcn:one-way-thinned", ""),
        ("one_table:one-way-thinned", ""),
    ),
    "graph-not-normalised": (
        ("lightgcn:plain", ""),
        ("one_table:plain", ""),
        ("lightgcn:roots", ""),
        ("one_table:roots", ""),
    ),
}
BESIDE = {"graph-edges-unknown": {"graph-edges-missing"}}  # edges that lead elsewhere are missing as well
LARGE = {"sasrec:drop-last": 150, "bpr:drop-last": 600, "two_tower:drop-last": 600}


@pytest.fixture(scope="module")
def log() -> Interactions:
    return make_log()


def read(log: Interactions, name: str, folder: Path, **options: Any) -> Read:
    loop, _, plant = name.partition(":")
    if name in LARGE:
        options["batch"] = LARGE[name]
    make = next(getattr(module, loop) for module in LOOPS if hasattr(module, loop))
    seen = record(log, lambda: make(log, plant, **options), folder)
    return read_streams(Log(log), seen, way_to_loss(seen.trace), read_together(seen.trace))


def unhealthy(seen: Read) -> dict[str, Measurement]:
    """By code, without advice."""
    found = [m for probe in PROBES for m in probe.judged(seen) if m.healthy is False]
    return {m.code: m for m in found if kind_of(m.code).nature is not Nature.ADVICE}


@pytest.mark.slow
@pytest.mark.parametrize("name", HEALTHY)
def test_a_healthy_training_is_silent(log: Interactions, name: str, tmp_path: Path) -> None:
    seen = read(log, name, tmp_path)
    assert {code: m.message for code, m in unhealthy(seen).items()} == {}
    # pairs of neighbours without users, and targets that no look-up shows: nothing is known, so nothing is said
    if name.partition(":")[0] not in ("item2vec", "newest_apart"):
        assert [m for probe in PROBES for m in probe.judged(seen)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "name", "line"),
    [(code, name, line) for code, cases in PLANTED.items() for name, line in cases],
    ids=lambda value: str(value)[:40],
)
def test_a_planted_defect_is_named_on_its_line(
    log: Interactions, code: str, name: str, line: str, tmp_path: Path
) -> None:
    found = unhealthy(read(log, name, tmp_path))
    assert code in found
    assert set(found) - {code} <= BESIDE.get(code, set())
    places = found[code].places
    assert places and all(place.path in SOURCE for place in places)
    assert any(line in SOURCE[place.path][place.line - 1] for place in places)


@pytest.mark.parametrize(("loop", "width"), [("sasrec", 6), ("bert4rec", 8)])
def test_a_window_as_wide_as_what_is_ever_asked_leaves_nothing_out(
    log: Interactions, loop: str, width: int, tmp_path: Path
) -> None:
    seen = record(log, lambda: getattr(loops, loop)(log, "", width), tmp_path)
    for max_history, found in ((width, False), (40, True)):
        watched = replace(seen, max_history=max_history)
        codes = unhealthy(read_streams(Log(log), watched, way_to_loss(seen.trace)))
        assert ("events-never-targets" in codes) == found


@pytest.mark.parametrize(
    ("loop", "plant", "found"),
    [("windows", "whole", False), ("last_item", "whole", False), ("last_item", "late", True)],
)
def test_events_that_fill_a_whole_window_are_no_targets_by_design(
    log: Interactions, loop: str, plant: str, found: bool, tmp_path: Path
) -> None:
    codes = unhealthy(read(log, f"{loop}:{plant}", tmp_path, width=3))
    assert ("events-never-targets" in codes) == found


@pytest.mark.parametrize("loop", ["sasrec", "last_item", "lanes"])
def test_items_that_a_repo_leaves_out_make_no_holes_in_histories(
    log: Interactions, loop: str, tmp_path: Path
) -> None:
    whole = Log(log)
    rare = whole.counts < 20
    fewer = without(whole, rare).training
    make = getattr(lane_loops if loop == "lanes" else loops, loop)
    seen = record(log, lambda: make(fewer), tmp_path)
    told = read_streams(whole, seen, way_to_loss(seen.trace), read_together(seen.trace))
    assert told.left_out is not None and (told.left_out[1:] == rare[1:]).all()
    assert unhealthy(told) == {}
