"""The test questions: read once by a fresh process, which has learned nothing from them."""

import pytest

from evolution.domain.trial import FailureReason
from evolution.trials.frozen import read_test
from evolution.trials.request import Supervision

pytestmark = pytest.mark.process

SCORE = "return self.table[histories[:, -1]]"


def test_a_frozen_state_answers_the_test_questions(bench):
    trial = bench.run()
    reading = read_test(bench.request(), trial, Supervision())
    assert reading.failure is None
    assert reading.metrics["NDCG@10"].low < reading.metrics["NDCG@10"].value
    assert reading.metrics["NDCG@10"].value != trial.metrics["NDCG@10"].value
    assert len(reading.per_user["objective"]) == len(bench.data.test)


def test_a_repo_without_state_is_trained_again_and_answers_the_same(bench):
    with_state = read_test(bench.request(), bench.run(max_epochs=1), Supervision())
    trial = bench.run(bench.changed(("def state_dict", "def no_state")), max_epochs=1)
    without = read_test(bench.request(), trial, Supervision())
    assert without.failure is None
    assert without.metrics == with_state.metrics


@pytest.mark.parametrize("damage", [b"", b"other bytes"])
def test_a_damaged_state_is_not_believed_and_the_model_is_trained_again(bench, damage):
    trial = bench.run(max_epochs=1)
    whole = read_test(bench.request(), trial, Supervision())
    (bench.request().folder / "state.bin").write_bytes(damage)
    stages = []
    again = read_test(bench.request(), trial, Supervision(on_stage=stages.append))
    assert again.failure is None and again.metrics == whole.metrics
    assert "training again: the saved state is damaged" in stages


def test_the_test_questions_are_not_there_while_anything_is_learned(bench):
    searching = bench.changed(
        ("def state_dict", "def no_state"),
        (
            "            np.add.at",
            "            import os; print('SEES', [f for t in ('/evolverec', '.') for _, d, n in os.walk(t) for f in d + n])\n            np.add.at",
        ),
    )
    trial = bench.run(searching, max_epochs=1)
    (bench.request().folder / "worker.log").unlink()
    read_test(bench.request(), trial, Supervision())
    log = (bench.request().folder / "worker.log").read_text()
    assert "SEES" in log
    assert "'test'" not in log


def test_a_failure_while_answering_is_in_the_reading(bench):
    trial = bench.run()
    bench.write(bench.changed((SCORE, "raise RuntimeError('not today')")))
    reading = read_test(bench.request(), trial, Supervision())
    assert reading.failure.reason is FailureReason.CRASH
    assert not reading.metrics


@pytest.mark.parametrize("text", ["", "import no_such_module"])
def test_a_program_that_no_longer_imports_is_in_the_reading(bench, text):
    trial = bench.run()
    bench.write(text)
    assert read_test(bench.request(), trial, Supervision()).failure.reason is FailureReason.IMPORT
