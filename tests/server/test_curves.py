"""The curves of trainings: of one that runs, epoch by epoch, with earlier ones beside it; and of one that is stored."""

import pytest
from pygls.exceptions import JsonRpcException

from evolution.domain.job import EventType
from evolution.domain.trial import EpochRecord
from server.shown.curves import MOST_CURVES, MOST_POINTS, LiveCurves, of_trial, thinned

EDITOR = "visual-studio-code"


def epochs(*values: float) -> tuple[EpochRecord, ...]:
    return tuple(
        EpochRecord(epoch=at, wall_s=0.1, reported={"bce_loss": 1 / at}, metrics={"NDCG@10": value})
        for at, value in enumerate(values, start=1)
    )


def tell(records, job, epoch, value, *, trial="trial0000009", label="your version", objective=None):
    told = {"trial": trial, "label": label, "epochs": 60, "loss": 1 / epoch, "metric": "NDCG@10"}
    records.event(
        job, EventType.EPOCH, f"epoch {epoch}", epoch=epoch, value=value,
        objective=value if objective is None else objective, **told,
    )  # fmt: skip


async def test_a_training_that_runs_is_told_epoch_by_epoch_with_earlier_ones_beside_it(connect, records):
    records.trial("trial0000001", epochs=epochs(0.1, 0.16, 0.15), best_epoch=2)
    records.feedback(records.finding())
    job = records.running_job()
    for epoch, value in ((1, 0.1), (2, 0.189), (3, 0.18)):
        tell(records, job, epoch, value)
    editor = await connect(EDITOR, views=True)
    told = await editor.until(
        "curves", lambda told: told["running"] and len(told["curves"][0]["points"]) == 3
    )
    assert (
        told["words"]
        == "epoch 3/60, loss .333, NDCG@10 .180, best epoch by the objective 2 (.189), 1 since without a better one"
    )
    now, before = told["curves"]
    assert (now["label"], now["when"], now["best"]) == ("your version", "now", 2)
    assert now["points"][1] == {"epoch": 2, "loss": 0.5, "value": 0.189}
    assert (before["trial"], before["best"]) == ("trial0000001", 2) and "ago" in before["when"]
    assert [point["value"] for point in before["points"]] == [0.1, 0.16, 0.15]
    assert (
        told["rule"].startswith("Ends after ")
        and " rankings, 33 % of all epochs and 200 optimizer steps brought no better objective"
        in told["rule"]
    )
    tell(records, job, 4, 0.2)
    told = await editor.until("curves", lambda told: len(told["curves"][0]["points"]) == 4)
    assert told["curves"][0]["best"] == 4
    records.event(
        job, EventType.TRIAL, "ended", trial="trial0000009", status="complete", label="your version"
    )
    told = await editor.until("curves", lambda told: not told["running"])
    assert (told["words"], told["others"]) == ("", 0)
    assert (told["curves"][0]["trial"], told["curves"][0]["when"]) == ("trial0000009", "of the job that runs")
    tell(records, job, 1, 0.1, trial="trial0000010", label="Full softmax loss")
    told = await editor.until("curves", lambda told: told["running"])
    assert (told["curves"][0]["label"], told["others"]) == ("Full softmax loss", 0), "the other has ended"


async def test_without_one_that_runs_the_newest_is_told_and_any_by_its_name(connect, records):
    records.trial("trial0000001", epochs=epochs(0.1, 0.16), best_epoch=2)
    records.feedback(records.finding())
    editor = await connect(EDITOR, views=True)
    told = await editor.ask("curves")
    assert (told["running"], told["words"]) == (False, "")
    assert [one["trial"] for one in told["curves"]] == ["trial0000001"]
    records.trial("trial0000002", epochs=epochs(0.3), best_epoch=1)  # of a candidate, say
    told = await editor.ask("curves", repo=str(records.repo), trial="trial0000002")
    assert [one["trial"] for one in told["curves"]] == ["trial0000002", "trial0000001"]
    assert [one["label"] for one in told["curves"]] == ["trial trial0000002", "your version"]
    with pytest.raises(JsonRpcException, match="no trial 'nothing'"):
        await editor.ask("curves", repo=str(records.repo), trial="nothing")


async def test_before_any_training_there_is_no_curve(connect, repo):
    editor = await connect(EDITOR, views=True)
    assert (await editor.ask("curves"))["curves"] == []


def test_trainings_of_one_job_are_kept_apart_the_newest_first_and_only_so_many():
    live = LiveCurves()
    for trial in range(MOST_CURVES + 2):
        for epoch in (1, 2):
            live.add({"trial": f"t{trial}", "label": "patch", "epoch": epoch, "value": 0.1})
    found = live.newest_first()
    assert [one.trial for one in found[:2]] == [f"t{MOST_CURVES + 1}", f"t{MOST_CURVES}"]
    assert len(found) == MOST_CURVES
    live.add({"trial": found[0].trial, "label": "patch", "epoch": 1, "value": 0.2})
    assert [point.value for point in live.newest_first()[0].points] == [0.2], "it began anew"
    live.add({"trial": "x", "epoch": "2"})
    assert len(live.newest_first()) == MOST_CURVES


def test_the_best_epoch_is_that_of_the_objective_and_the_first_of_equals():
    live = LiveCurves()
    for epoch, value, objective in ((1, 0.3, 0.1), (2, 0.2, 0.4), (3, 0.1, 0.4), (4, None, None)):
        live.add({"trial": "t", "epoch": epoch, "value": value, "objective": objective})
    (curve,) = live.newest_first()
    assert (curve.best, curve.rankings_since_best) == (2, 1)


def test_a_long_training_is_thinned_and_keeps_its_first_last_and_best_epoch(records):
    values = [0.1] * 10_000
    values[4321] = 0.9
    trial = records.trial(epochs=epochs(*values), best_epoch=4322)
    kept = [point.epoch for point in thinned(of_trial(trial))]
    assert len(kept) <= MOST_POINTS + 2
    assert {1, 4322, 10_000} <= set(kept)
