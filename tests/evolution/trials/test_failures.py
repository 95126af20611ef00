"""Every way for a program to fail is a result with its reason, and the line where there is one."""

import time

import pytest

from evolution.domain.trial import FailureReason, TrialStatus
from evolution.trials.process import place_in
from evolution.trials.request import Supervision

pytestmark = pytest.mark.process

KIT = "evolverec_kit.py"
SCORE = "return self.table[histories[:, -1]]"
LINE = "            np.add.at"


def failure_of(trial, reason):
    assert trial.status is TrialStatus.FAILED, trial
    assert trial.failure.reason is reason, trial.failure
    return trial.failure


def line_of(bench, text):
    lines = (bench.repo / "model.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_a_missing_module_fails_as_import_on_its_line(bench):
    failure = failure_of(bench.run("import os\nimport no_such_module\n"), FailureReason.IMPORT)
    assert (failure.path, failure.line) == ("model.py", 2)
    assert "no_such_module" in failure.message


def test_a_missing_entry_names_the_function_that_was_expected(bench):
    failure = failure_of(bench.run("x = 1\n"), FailureReason.IMPORT)
    assert "no function build" in failure.message


def test_an_exception_in_fit_is_a_crash_on_its_line(bench):
    trial = bench.run(
        bench.changed((LINE, "            if epoch == 1: raise ValueError('broken here')\n" + LINE))
    )
    failure = failure_of(trial, FailureReason.CRASH)
    assert (failure.path, failure.line) == ("model.py", line_of(bench, "broken here"))
    assert "ValueError: broken here" in failure.message
    assert "broken here" in failure.traceback
    assert len(trial.epochs) == 1


def test_sys_exit_is_a_crash_and_not_an_end(bench):
    failure = failure_of(
        bench.run(bench.changed((LINE, "            raise SystemExit(0)\n" + LINE))), FailureReason.CRASH
    )
    assert "SystemExit" in failure.message


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        ("return self.table[histories[:, -1], 1:]", "expected (32, "),
        ("return [1.0]", "returned a list"),
        ("return self.table[histories[:, -1]] > 0", "type bool"),
    ],
)
def test_scores_of_wrong_shape_or_type_break_the_contract(bench, scores, words):
    failure = failure_of(bench.run(bench.changed((SCORE, scores))), FailureReason.CONTRACT)
    assert words in failure.message


def test_a_recommender_without_score_breaks_the_contract(bench):
    failure = failure_of(bench.run(bench.changed(("def score", "def rate"))), FailureReason.CONTRACT)
    assert "without score()" in failure.message


def test_a_fit_that_yields_nothing_breaks_the_contract(bench):
    failure = failure_of(bench.run(bench.changed(("range(3)", "range(0)"))), FailureReason.CONTRACT)
    assert "without yielding" in failure.message


def test_a_fit_that_yields_no_mapping_breaks_the_contract(bench):
    failure = failure_of(
        bench.run(bench.changed(('{"loss": 1.0 / (epoch + 1)}', "0.5"))), FailureReason.CONTRACT
    )
    assert "mapping of floats" in failure.message


def test_nan_scores_fail_as_not_finite(bench):
    after_training = bench.changed((LINE, "            self.table[3, 7] = np.nan\n" + LINE))
    failure_of(bench.run(after_training), FailureReason.NOT_FINITE)


def test_a_nan_loss_fails_as_not_finite_and_is_named(bench):
    told: list[str] = []
    failure = failure_of(
        bench.run(
            bench.changed(("1.0 / (epoch + 1)", "float('nan')")),
            supervision=Supervision(on_stage=told.append),
        ),
        FailureReason.NOT_FINITE,
    )
    assert "loss" in failure.message and told[-1] == "looking for what broke the training"


def test_an_endless_epoch_ends_at_the_time_limit(bench):
    started = time.monotonic()
    trial = bench.run(bench.changed((LINE, "            while epoch == 1: pass\n" + LINE)), timeout_s=6.0)
    failure_of(trial, FailureReason.TIMEOUT)
    assert time.monotonic() - started < 20
    assert len(trial.epochs) == 1


def test_a_memory_hog_ends_at_the_memory_limit(bench):
    hog = bench.changed((LINE, "            hoard = [np.ones(1 << 22) for _ in range(1000)]\n" + LINE))
    failure = failure_of(bench.run(hog, memory_gb=0.3), FailureReason.OUT_OF_MEMORY)
    assert "0.30 GiB" in failure.message


def test_a_memory_error_is_out_of_memory(bench):
    failure_of(
        bench.run(bench.changed((LINE, "            np.ones(1 << 45)\n" + LINE))), FailureReason.OUT_OF_MEMORY
    )


def test_cancelling_ends_a_trial_at_once(bench):
    told: dict[str, float] = {}
    trial = bench.run(
        bench.changed((LINE, "            import time; time.sleep(30)\n" + LINE)),
        supervision=Supervision(
            cancelled=lambda: "training" in told,
            on_stage=lambda stage: told.update({stage: time.monotonic()}),
        ),
    )
    failure_of(trial, FailureReason.CANCELLED)
    assert time.monotonic() - told["training"] < 10
    assert not any("broke" in stage for stage in told)  # nothing did


def test_a_broken_file_that_the_entry_does_not_import_is_left_alone(bench):
    bench.write("print 'python 2'\n", "scripts/old.py")
    assert bench.run().status is TrialStatus.COMPLETE


def test_a_syntax_error_behind_a_relative_import_is_found(bench):
    bench.write("", "package/__init__.py")
    bench.write("from . import inner\n", "package/outer.py")
    bench.write("\ndef broken(:\n", "package/inner.py")
    failure = failure_of(bench.run("from package.outer import x\n"), FailureReason.IMPORT)
    assert (failure.path, failure.line) == ("package/inner.py", 2)


def test_a_model_that_scores_only_once_it_is_fit_is_measured_and_checked_afterwards(bench):
    trial = bench.run(
        bench.changed(
            ("self.table = np", "self.unfit = np"), (LINE, "            self.table = self.unfit\n" + LINE)
        )
    )
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    checks = {check.code: check.passed for check in trial.contract}
    assert checks["score-shape"] is True
    assert checks["newest-kept"] is True


def test_what_an_earlier_run_left_is_not_of_this_one(bench):
    bench.run()
    bench.run(bench.changed((LINE, "            raise ValueError('no')\n" + LINE)))
    folder = bench.request().folder
    assert not (folder / "state.bin").exists()
    assert not (folder / "artifacts" / "top_items.npy").exists()


def test_the_kit_that_an_adapter_calls_through_is_not_at_fault_for_what_it_calls():
    said = "".join(
        f'  File "/program/{path}", line {line}, in call\n' for path, line in (("engine.py", 34), (KIT, 603))
    )
    assert place_in(said, "/program") == [("engine.py", 34)]
    assert place_in(said.partition("\n")[2], "/program") == [(KIT, 603)]
    assert place_in("no line", "/program") == [("", 0)]
