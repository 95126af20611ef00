"""SIGKILL to worker, job and language server at random moments of train, propose and evolve: nothing measured is lost or
measured twice, nothing is left behind, and what is the user's is as it was."""

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

import evolverec_entry
from evolution.domain.job import JobKind, JobState
from evolution.domain.trial import TrialStatus
from evolution.jobs import control
from evolution.jobs.alive import is_alive
from evolution.laboratory.leases import lease, trial_lock
from evolution.store.store import Store
from tests.bench import kills

pytestmark = pytest.mark.training
GONE_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Kill the victim `delay_s` after the job has written `events` events."""

    victim: str
    events: int
    delay_s: float


def moments(seed: int, victims: str, latest_event: int) -> list[Moment]:
    chance = random.Random(seed)
    return [
        Moment(victim=victim, events=chance.randint(0, latest_event), delay_s=chance.uniform(0.0, 0.4))
        for victim in victims.split()
    ]


OF_TRAIN = moments(1, "job worker job server job worker job server", 8)
OF_PROPOSE = moments(2, "job job worker job server job job worker job server job job", 24)
assert len(OF_TRAIN) + len(OF_PROPOSE) == 20


class Server:
    """Our language server as a process, spoken to over its pipes."""

    def __init__(self, process: subprocess.Popen[bytes], repo: Path) -> None:
        self.process, self.repo, self._last = process, repo, 0
        options = {"trusted": True}
        folders = [{"uri": repo.as_uri(), "name": "repo"}]
        self.ask(
            "initialize",
            processId=None,
            rootUri=None,
            capabilities={},
            workspaceFolders=folders,
            initializationOptions=options,
        )
        self._send({"jsonrpc": "2.0", "method": "initialized", "params": {}})

    def command(self, name: str) -> dict:
        arguments = [{"repo": str(self.repo)}]
        return self.ask("workspace/executeCommand", command=f"evolverec.{name}", arguments=arguments)

    def ask(self, method: str, **params) -> dict:
        self._last += 1
        self._send({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        while True:
            message = self._read()
            if message.get("id") == self._last and "method" not in message:
                assert "error" not in message, message
                return message["result"]

    def _send(self, message: dict) -> None:
        body = json.dumps(message).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _read(self) -> dict:
        length = 0
        while line := self.process.stdout.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        return json.loads(self.process.stdout.read(length))


@contextmanager
def server_of(repo: Path) -> Iterator[Server]:
    command = [sys.executable, str(Path(evolverec_entry.__file__)), "lsp"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as process:
        try:
            yield Server(process, repo)
        finally:
            process.kill()


def proposals(bench) -> set[str]:
    with Store.open(bench.repo) as store:
        return {proposal.id for proposal in store.proposals()}


def finished(trials: dict) -> dict:
    return {name: trial for name, trial in trials.items() if trial.status is not TrialStatus.RUNNING}


def lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:  # it ended between the two questions
        return False


def wait_for_nobody(processes: list[psutil.Process], bench) -> None:
    end = time.monotonic() + GONE_S
    while left := [process for process in {*processes, *bench.processes()} if lives(process)]:
        assert time.monotonic() < end, f"still there {GONE_S} s after the kill: {[p.cmdline() for p in left]}"
        time.sleep(0.05)


def assert_nothing_left(bench) -> None:
    store = bench.repo / ".evolverec"
    assert not list(store.glob("jobs/*/scratch")) and not list(store.glob("trials/*/work"))
    for lock in store.glob("trials/*.lock"):
        with trial_lock(bench.repo, lock.stem) as free:
            assert free, lock
    for slot in range(2):
        with lease("cpu", slot + 1, cancelled=lambda: True, waiting=lambda: None):
            pass
    assert not list((store / "programs.git").rglob("*.lock"))


def kill_job(bench, kind: JobKind, moment: Moment) -> None:
    job = bench.start(kind)
    bench.wait_for_events(job, moment.events)
    time.sleep(moment.delay_s)
    family = bench.processes()
    before, proposed = finished(bench.trials()), proposals(bench)
    if is_alive(bench.repo, bench.record(job)):
        psutil.Process(job.pid).kill()
    wait_for_nobody(family, bench)
    ended = bench.record(job).state.ended  # it may have been faster than the kill
    assert control.reconcile(bench.repo) == []
    assert ended or bench.record(job).state is JobState.LOST
    assert before.items() <= bench.trials().items() and proposed <= proposals(bench)
    assert finished(bench.trials()) == bench.trials()


def kill_worker(bench, kind: JobKind, moment: Moment) -> None:
    """The job lives on, and has a last word whose reason is the kill; a candidate's kill is that candidate's end."""
    job = bench.start(kind)
    bench.wait_for_events(job, max(3, moment.events))
    time.sleep(moment.delay_s)
    before = finished(bench.trials())
    workers = [p for p in bench.processes() if p.pid != job.pid]
    for worker in workers[-1:]:
        if worker.is_running():
            worker.send_signal(signal.SIGKILL)
    ended = bench.finish(job)
    assert ended.state in (JobState.DONE, JobState.FAILED), ended.error
    if ended.state is JobState.FAILED:
        said = (
            "SIGKILL",
            "exited",
            "closed",
            "status -9",
        )  # the last: the first process of all looks at the interpreter
        assert any(words in ended.error for words in said), ended.error
    wait_for_nobody(workers, bench)
    assert before.items() <= bench.trials().items()


def kill_server(bench, kind: JobKind, moment: Moment) -> None:
    with server_of(bench.repo) as server:
        job_id = server.command(kind.value)["job"]
        job = next(j for j in control.reconcile(bench.repo) if j.id == job_id)
        bench.wait_for_events(job, moment.events)
        time.sleep(moment.delay_s)
        server.process.kill()
    assert is_alive(bench.repo, bench.record(job)) or bench.record(job).state is JobState.DONE
    with server_of(bench.repo) as server:  # takes up a job that runs, shows what is known once it has ended
        assert bench.finish(job).state is JobState.DONE, bench.record(job).error
        shown = lambda: "NDCG@10" in server.command("status")["repos"][0]["summary"]  # noqa: E731
        wait_until(shown, 10.0, "the next server does not show the figure")


def wait_until(what: Callable[[], bool], timeout_s: float, else_say: str) -> None:
    end = time.monotonic() + timeout_s
    while not what():
        assert time.monotonic() < end, else_say
        time.sleep(0.1)


KILLS = {"job": kill_job, "worker": kill_worker, "server": kill_server}


def assert_completes(bench, kind: JobKind) -> None:
    """Started again the job ends well, and every trial that was finished is the same record as before."""
    complete = {n: t for n, t in bench.trials().items() if t.status is TrialStatus.COMPLETE}
    ended = bench.run(kind)
    assert ended.state is JobState.DONE, ended.error
    assert complete.items() <= bench.trials().items()
    assert_nothing_left(bench)


def test_train_survives_a_kill_of_anybody_at_any_moment(bench):
    for moment in OF_TRAIN:
        bench.edit("notes.txt", "not committed", "not committed, again")  # a version that nothing is known of
        before, status = bench.of_the_user(), bench.status()
        KILLS[moment.victim](bench, JobKind.TRAIN, moment)
        assert_completes(bench, JobKind.TRAIN)
        assert (bench.of_the_user(), bench.status()) == (before, status), moment
    assert len(bench.trials()) == len(OF_TRAIN)


def test_propose_survives_a_kill_of_anybody_at_any_moment(bench):
    for number, moment in enumerate(OF_PROPOSE):
        if number % 4 == 0:  # a version that nothing is known of
            bench.edit("notes.txt", "not committed", "not committed, again")
        before, status = bench.of_the_user(), bench.status()
        KILLS[moment.victim](bench, JobKind.PROPOSE, moment)
        if moment.victim == "worker" or number % 4 == 3:
            assert_completes(bench, JobKind.TRAIN)  # where it was your own version whose worker was killed
            assert_completes(bench, JobKind.PROPOSE)
        assert (bench.of_the_user(), bench.status()) == (before, status), moment


def test_a_run_with_an_llm_survives_kills_and_pays_nothing_twice(tmp_path, scripted_llm, monkeypatch):
    """A life of the bench `tests/bench/kills.py`, which has 200 such kills."""
    scripted_llm.script = kills.colleague
    for name, value in scripted_llm.environment().items():
        monkeypatch.setenv(name, value)
    expected, whole_s = kills.reference(tmp_path, JobKind.EVOLVE)
    tally = kills.Tally()
    chance = random.Random(3)
    early_s = 0.5 * whole_s  # so that the first kill is not too late, however the machine's load has changed
    hits = kills.live(tmp_path / "life", JobKind.EVOLVE, chance, early_s, expected, scripted_llm, tally)
    assert hits and tally.faults == []
