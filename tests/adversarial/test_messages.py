"""Candidates that get hold of the wire, or leave behind what nobody can delete: the trial fails, the job goes on."""

import time

import pytest

from evolution.base.deleting import delete_tree
from evolution.base.errors import UsageError
from evolution.base.places import WORKER_LOG
from evolution.domain.trial import FailureReason, TrialStatus
from evolution.trials.interpreter import interpreter_at
from evolution.trials.request import SandboxMode

pytestmark = pytest.mark.process

LINE = "            np.add.at"
BOTH = pytest.mark.parametrize("sandbox", list(SandboxMode))
WIRE = """
import gc, os, signal, time
import numpy as np

FITS = []

def the_wire():
    return next(found for found in gc.get_objects() if type(found).__name__ == "Channel")

def say(line, times=1):
    number = b'{"id": %d, ' % the_wire()._asked
    line = number + line[1:] if line.startswith(b'{"') else line
    os.write(the_wire()._out.fileno(), (line + b"\\n") * times)
"""


def having_the_wire(bench, code):
    """In the second epoch of the training, which is the second call of fit(): the first is traced."""
    return bench.changed(
        ("import numpy as np", WIRE),
        ("        for epoch in", "        FITS.append(1)\n        for epoch in"),
        (LINE, f"            if epoch == 1 and len(FITS) == 2: {code}\n{LINE}"),
    )


@BOTH
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("say(b'[' * 30000 + b']' * 30000)", "nested deeper"),
        (
            """say(b'{"ok": {"reported": {"loss": "abc"}}}')""",
            "expected a number",
        ),
        ("""say(b'{"ok": {"reported": {"loss": null}}}')""", "expected a number"),
        ("""say(b'{"failure": {"kind": "cancelled", "message": "stop it all"}}')""", "stop it all"),
        ("say(b'x' * (20 << 20))", "does not end"),
    ],
)
def test_what_is_written_on_the_wire_fails_the_trial(bench, sandbox, code, words):
    trial = bench.run(having_the_wire(bench, code), sandbox=sandbox)
    assert trial.status is TrialStatus.FAILED
    assert words in trial.failure.message
    assert trial.failure.reason in (FailureReason.CRASH, FailureReason.CONTRACT)


def test_a_worker_that_answers_ahead_and_then_stands_still_ends_at_its_time_limit(bench):
    """It reads nothing any more, so the job's questions fill the pipe; the job must not wait in it for ever."""
    ahead = """say(b'{"ok": {"score_s": 0, "steps": 0, "reported": {"loss": 1}}}', 700)"""
    started = time.monotonic()
    trial = bench.run(
        having_the_wire(bench, f"{ahead}; os.kill(os.getpid(), signal.SIGSTOP)"),
        timeout_s=8.0, max_epochs=100_000, patience=100_000,
    )  # fmt: skip
    assert trial.status is TrialStatus.FAILED
    assert trial.failure.reason in (FailureReason.TIMEOUT, FailureReason.CONTRACT, FailureReason.CRASH)
    assert time.monotonic() - started < 40


DEEP = "import os; here = os.getcwd(); [(os.mkdir('d'), os.chdir('d')) for _ in range(3000)]; os.chdir(here)"


@BOTH
def test_folders_nested_beyond_measure_fail_the_trial_and_are_deleted(bench, sandbox):
    trial = bench.run(
        bench.changed((LINE, f"            if epoch == 1: {DEEP}; import time; time.sleep(5)\n{LINE}")),
        sandbox=sandbox,
    )
    assert trial.status is TrialStatus.FAILED and "nested folders" in trial.failure.message
    assert not (bench.request().folder / "work").exists()


def test_folders_nested_deeper_than_python_deletes_are_deleted(bench, tmp_path):
    """In a trial that is too short for its disk to be looked at meanwhile."""
    trial = bench.run(bench.changed((LINE, f"            if epoch == 2: {DEEP}\n{LINE}")))
    assert trial.status in (TrialStatus.COMPLETE, TrialStatus.FAILED)
    assert not (bench.request().folder / "work").exists()
    (tmp_path / "locked" / "inner").mkdir(parents=True)
    (tmp_path / "locked" / "inner" / "file").touch()
    (tmp_path / "locked").chmod(0o000)
    delete_tree(tmp_path / "locked")
    assert not (tmp_path / "locked").exists()
    delete_tree(tmp_path / "nothing")


def test_prints_without_end_fill_no_disk(bench):
    """They end at the trial's time limit; of the log its beginning and its end are kept."""
    endless = f"            while True: print('x' * 100_000, flush=True)\n{LINE}"
    trial = bench.run(bench.changed((LINE, endless)), timeout_s=6.0)
    assert trial.status is TrialStatus.FAILED
    assert trial.failure.reason is FailureReason.TIMEOUT
    assert (bench.request().folder / WORKER_LOG).stat().st_size < 8 << 20


@pytest.mark.parametrize(
    "text",
    ["x = " + "-" * 100_000 + "1\n", "x = " + "(" * 5_000 + ")" * 5_000 + "\n", "x" + ".x" * 100_000 + "\n"],
)
def test_code_that_is_nested_too_deeply_is_no_python_of_ours(bench, text):
    trial = bench.run(text)
    assert trial.status is TrialStatus.FAILED
    assert trial.failure.reason in (FailureReason.IMPORT, FailureReason.CRASH)


def test_a_line_number_of_a_thousand_digits_is_none(bench):
    text = bench.changed(
        (LINE, f"            raise ValueError('File \"' + __file__ + '\", line ' + '9' * 5000)\n{LINE}")
    )
    for trial in (bench.run(text), bench.smoke(text)):
        assert trial.failure.reason is FailureReason.CRASH and "9999" in trial.failure.message


@pytest.mark.parametrize(
    "printed", ["7", "[]", "{}", '{"version": "x"}', '{"version": [3, 11], "path": 7}', "hello", "\\377"]
)
def test_an_interpreter_that_prints_something_else_is_the_users_to_mend(tmp_path, printed):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\nprintf '{printed}'\n")
    python.chmod(0o755)
    with pytest.raises(UsageError, match="does not run Python"):
        interpreter_at(python)
