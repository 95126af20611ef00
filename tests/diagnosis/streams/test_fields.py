"""Click models on fields: the item before is read, and only the candidate is aimed at, in one table or in one for each field."""

from functools import partial
from pathlib import Path

import pytest

from diagnosis.probes import item_ids, target_coverage, targets
from diagnosis.streams.log import Log
from diagnosis.streams.reading import Read, read_streams
from diagnosis.streams.ways import way_to_loss
from tests.diagnosis.streams.field_loops import a_table_each, one_table
from tests.diagnosis.streams.logs import make_log
from tests.diagnosis.streams.recorder import record

pytestmark = pytest.mark.trains


def watched(loop, folder: Path) -> Read:
    log = make_log()
    seen = record(log, lambda: loop(log), folder)
    return read_streams(Log(log), seen, way_to_loss(seen.trace))


def unhealthy(seen: Read) -> set[str]:
    found = [*item_ids.judged(seen), *targets.judged(seen), *target_coverage.judged(seen)]
    return {one.code for one in found if one.healthy is False}


@pytest.mark.parametrize("loop", [one_table, a_table_each])
def test_the_item_before_is_read_and_the_candidate_is_aimed_at(loop, tmp_path: Path) -> None:
    seen = watched(loop, tmp_path)
    assert unhealthy(seen) == set() and seen.turned is None
    assert seen.inputs is not None and len(seen.positives) == len(seen.negatives) == 1
    assert seen.positives[0].relation is not None and seen.positives[0].relation.by == 1


@pytest.mark.parametrize("loop", [one_table, a_table_each])
@pytest.mark.parametrize(
    ("plant", "code"), [("target-is-input", "target-is-input"), ("newest-never", "newest-never-target")]
)
def test_what_is_wrong_with_the_candidate_is_named(loop, plant: str, code: str, tmp_path: Path) -> None:
    assert unhealthy(watched(partial(loop, plant=plant), tmp_path)) == {code}


@pytest.mark.parametrize("loop", [one_table, a_table_each])
def test_labels_that_call_own_events_wrong_are_known_and_blame_no_target(loop, tmp_path: Path) -> None:
    seen = watched(partial(loop, plant="labels-turned"), tmp_path)
    assert seen.turned is not None and seen.turned.stream.kind == "label"
    assert not [one for one in targets.judged(seen) if one.healthy is False]


def test_users_and_items_without_blocks_of_their_own_share_rows(tmp_path: Path) -> None:
    assert unhealthy(watched(partial(one_table, plant="fields-overlap"), tmp_path)) == {"users-share-rows"}
