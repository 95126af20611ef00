"""Candidates that print, fork, die or hold on: each ends with its right reason, and nothing survives."""

import subprocess
import sys
import time
import uuid

import pytest

from evolution.domain.trial import FailureReason, TrialStatus
from evolution.trials.failing import TrialFailed
from evolution.trials.process import Launch, WorkerProcess
from evolution.trials.request import SandboxMode, WorkerLimits

pytestmark = pytest.mark.process

LINE = "            np.add.at"
BOTH = pytest.mark.parametrize("sandbox", list(SandboxMode))


def doing(bench, code):
    return bench.changed((LINE, f"            {code}\n{LINE}"))


def test_printing_to_stdout_does_not_disturb_the_wire(bench):
    loud = "print('{\"ok\": {}}', flush=True); import os, sys; os.write(1, b'noise\\n'); sys.__stdout__.write('more')"
    trial = bench.run(doing(bench, loud))
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert len(trial.epochs) == 3


def test_reading_stdin_ends_at_once(bench):
    trial = bench.run(doing(bench, "import sys; assert sys.stdin.read() == ''"))
    assert trial.status is TrialStatus.COMPLETE, trial.failure


@BOTH
def test_a_child_that_ignores_sigterm_and_leaves_its_session_does_not_survive(bench, survivors, sandbox):
    mark = f"mark-{uuid.uuid4().hex}"
    child = "import signal, time, os; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.setsid(); os.fork(); time.sleep(600)"
    trial = bench.run(
        doing(
            bench, f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {child!r}, {mark!r}])"
        ),
        sandbox=sandbox,
    )
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert survivors(mark) == []


@BOTH
@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os._exit(3)", "exited with status 3"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGABRT)", "SIGABRT"),
    ],
)
def test_a_worker_that_dies_is_a_crash(bench, sandbox, code, words):
    trial = bench.run(doing(bench, f"if epoch == 1: {code}"), sandbox=sandbox)
    assert trial.status is TrialStatus.FAILED
    assert trial.failure.reason is FailureReason.CRASH
    assert words in trial.failure.message
    if "SEGV" in words:
        assert trial.failure.path == "model.py"
        assert code in (bench.repo / "model.py").read_text().splitlines()[trial.failure.line - 1]


def test_a_worker_dies_with_the_process_that_started_it(bench, survivors):
    """SIGKILL to the job: no word can be said any more, and still nothing is left."""
    mark = f"mark-{uuid.uuid4().hex}"
    bench.write(
        doing(
            bench,
            f"import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)', {mark!r}])",
        )
    )
    job = subprocess.Popen([sys.executable, "-c", JOB, str(bench.repo)])
    try:
        wait_until(lambda: survivors(mark) != [])
    finally:
        job.kill()
        job.wait()
    wait_until(lambda: survivors(mark) == [])


def wait_until(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


JOB = """
import sys
from pathlib import Path
from evolution.repo.config import Config, DataSection, RecommenderSection
from evolution.trials.data import prepare
from evolution.trials.identity import trial_key
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.run import run_trial

repo = Path(sys.argv[1])
config = Config(recommender=RecommenderSection(entry="model:build"), data=DataSection(source="shop-micro"))
data = prepare(config, repo)
key = trial_key(config, program="0" * 40, data=data.fingerprint, seed=0, device="cpu/1")
run_trial(
    TrialRequest(id="t", key=key, repo=repo, checkout=repo, folder=repo / ".evolverec/trials/t", config=config,
                 data=data, python=Path(sys.executable)),
    Supervision(),
)
"""


def test_too_many_processes_end_the_trial(bench, survivors):
    mark = f"mark-{uuid.uuid4().hex}"
    code = f"many = [subprocess.Popen(['sh', '-c', 'sleep 60; true', {mark!r}]) for _ in range(600)]; time.sleep(30)"
    trial = bench.run(doing(bench, f"if epoch == 1: import subprocess, time; {code}"))
    assert trial.status is TrialStatus.FAILED
    assert trial.failure.reason is FailureReason.CRASH
    assert "processes" in trial.failure.message
    assert survivors(mark) == []


def test_filling_the_disk_ends_the_process(tmp_path):
    writer = "import time; open('big', 'wb').write(bytes(4 << 20)); time.sleep(60)"
    launch = Launch(
        command=[sys.executable, "-c", writer],
        environment={},
        cwd=tmp_path,
        log=tmp_path / "log",
        writable=[tmp_path],
        confined=False,
        token=uuid.uuid4().hex,
    )
    limits = WorkerLimits(timeout_s=30.0, memory_bytes=1 << 30, disk_bytes=1 << 20)
    with WorkerProcess(launch, limits, lambda: False) as process, pytest.raises(TrialFailed, match="disk"):
        process.ask("anything")
