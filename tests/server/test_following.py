"""Every kind of job that a terminal can start while an editor is open is one that the editor can follow, in short words."""

import re
from typing import Any

import pytest

from evolution.domain.job import Event, EventType, JobKind
from evolution.jobs.improve import STAGES
from server.lsp.progress import JobProgress, advance


@pytest.mark.parametrize("kind", list(JobKind))
def test_a_job_of_any_kind_has_words_for_its_progress(kind: JobKind):
    assert str(JobProgress(kind=kind, fraction=0.5)).endswith(" 50 %")


def told(kind: JobKind, *events: Event) -> str:
    """What a job's progress says after these events."""
    progress = JobProgress(kind=kind)
    for event in events:
        progress = advance(progress, event)
    return str(progress)


def event(kind: EventType, message: str = "", **data: Any) -> Event:
    return Event(t=0.0, type=kind, message=message, data=data)


def epoch(number: int, value: float, **data: Any) -> Event:
    return event(EventType.EPOCH, epoch=number, epochs=9, metric="NDCG@10", value=value, **data)


def test_a_training_tells_its_best_epoch_and_the_longest_that_it_may_take():
    worse = (epoch(1, 0.1), epoch(2, 0.3), epoch(3, 0.2, left_s=240.0))
    assert (
        told(JobKind.TRAIN, *worse)
        == "training 33 %: epoch 3/9, NDCG@10 .200, highest .300 at epoch 2, at most 4 min left"
    )
    assert "highest" not in told(JobKind.TRAIN, *worse, epoch(1, 0.2))  # of another training


def test_long_counts_of_epochs_have_their_comma():
    long = event(EventType.EPOCH, epoch=1200, epochs=100_000)
    assert told(JobKind.TRAIN, long) == "training 1 %: epoch 1,200/100,000"


def test_patches_are_counted_and_their_stages_told_without_their_titles():
    step = event(
        EventType.PROGRESS, "patch 2 of 4, best +12 %", step="patch 2 of 4, best +12 %", fraction=0.25
    )
    stage = event(EventType.PROGRESS, "Full softmax: training", label="Full softmax")
    assert told(JobKind.PROPOSE, step) == "trying patches 25 %: patch 2 of 4, best +12 %"
    assert told(JobKind.PROPOSE, step, stage).endswith("best +12 %, training")
    trained = epoch(6, 0.2, label="Full softmax, seed 1")
    assert told(JobKind.PROPOSE, step, trained).endswith("best +12 %, seed 1, epoch 6/9")


def test_the_share_moves_with_the_epochs_of_all_seeds_of_a_patch_and_never_back():
    def trained(number: int, trial: str) -> Event:
        return epoch(number, 0.2, label="Full softmax", trial=trial)

    events = [event(EventType.PROGRESS, step="patch 2 of 4", fraction=0.25, each=0.25)]
    shares = []
    for more in (trained(3, "a"), trained(9, "a"), trained(3, "b"), trained(9, "b"), trained(1, "c")):
        events.append(more)
        shares.append(re.search(r"(\d+) %", told(JobKind.PROPOSE, *events))[1])
    assert shares == ["29", "38", "40", "44", "44"]
    events.append(event(EventType.PROGRESS, step="patch 3 of 4", fraction=0.5, each=0.25))
    assert "50 %" in told(JobKind.PROPOSE, *events)
    later = event(EventType.PROGRESS, step="patch 1 of 2", span=(0.5, 1.0), fraction=0.0, each=0.5)
    assert "62 %" in told(JobKind.IMPROVE, later, trained(9, "a"))


def test_what_a_job_does_is_said_once():
    assert told(JobKind.SIMULATE, event(EventType.PROGRESS, "asking 200 users")) == "asking 200 users"
    assert (
        told(JobKind.TRAIN, event(EventType.PROGRESS, "your version: training", label="your version"))
        == "training"
    )
    assert (
        told(JobKind.TRAIN, event(EventType.PROGRESS, "smoke test", fraction=0.1))
        == "training 10 %: smoke test"
    )


def test_the_stages_of_improve_are_one_progress_that_never_goes_back():
    def begins(stage: str) -> Event:
        return event(EventType.PROGRESS, stage, fraction=0.0, span=list(STAGES[stage]))

    train = (begins("training"), epoch(3, 0.2), epoch(9, 0.3))
    assert told(JobKind.IMPROVE, *train[:2]) == "improving 5 %: epoch 3/9, NDCG@10 .200"
    asked = (*train, begins("diagnosing"), begins("asking users"))
    assert told(JobKind.IMPROVE, *asked) == "improving 20 %: asking users"
    patch = event(EventType.PROGRESS, "patch 2 of 4", step="patch 2 of 4", fraction=0.5)
    tried = (*asked, begins("trying patches"), patch, epoch(1, 0.1))
    assert told(JobKind.IMPROVE, *tried) == "improving 62 %: patch 2 of 4, epoch 1/9"


def test_words_with_a_colon_are_told_whole_and_what_belongs_in_the_log_is_not():
    reading = event(EventType.PROGRESS, "reading clicks.csv: 40 %")
    sentence = event(EventType.LOG, "a long sentence")
    assert told(JobKind.TRAIN, reading, sentence) == "training: reading clicks.csv: 40 %"


def test_a_job_that_has_used_its_budget_is_not_said_to_be_done():
    node = event(EventType.NODE, share=1.0, step="24 of 24 trials, best .216")
    assert told(JobKind.EVOLVE, node) == "evolving 99 %: 24 of 24 trials, best .216"
