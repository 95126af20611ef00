"""A small numpy repo under git, jobs started on it, and what of them still lives on this machine.

What the fixtures cost: `bench` is three calls of git, a tenth of a second. A job that a test starts is a process with workers,
seconds, so such a test has the mark `process` or `training`.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from evolution.domain.job import Event, EventType, JobKind, JobRecord
from evolution.domain.request import parse_request
from evolution.domain.trial import Trial
from evolution.jobs import control
from evolution.jobs.alive import is_alive
from evolution.store.store import Store

SHELF = Path(__file__).parent / "repos" / "shelf"


def git(repo: Path, *words: str) -> str:
    identity = ("-c", "user.name=U", "-c", "user.email=u@example.org")
    command = ["git", "--no-optional-locks", *identity, *words]
    return subprocess.run(command, cwd=repo, check=True, capture_output=True, text=True).stdout


def wait_until(what: Callable[[], Any], timeout_s: float, else_say: str) -> Any:
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError(else_say)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A repo and the verbs that tests of its jobs need."""

    repo: Path

    def start(self, kind: JobKind = JobKind.TRAIN, **params: Any) -> JobRecord:
        return control.start(self.repo, parse_request(kind, params), trusted=True)

    def record(self, job: JobRecord) -> JobRecord:
        with Store.open(self.repo) as store:
            found = store.job(job.id)
        assert found is not None
        return found

    def events(self, job: JobRecord) -> list[Event]:
        return control.read_events(self.repo, job.id, 0)[0]

    def wait_for_events(self, job: JobRecord, count: int, timeout_s: float = 60.0) -> None:
        """Returns also where the job ends with fewer."""

        def reached() -> bool:
            events = self.events(job)
            return len(events) >= count or any(e.type is EventType.FINISHED for e in events)

        wait_until(reached, timeout_s, f"{job.id} wrote no {count} events")

    def finish(self, job: JobRecord, timeout_s: float = 120.0) -> JobRecord:
        wait_until(lambda: self.record(job).state.ended, timeout_s, f"{job.id} did not end")
        wait_until(lambda: not is_alive(self.repo, self.record(job)), 20.0, f"{job.id} stays")
        return self.record(job)

    def run(self, kind: JobKind = JobKind.TRAIN, **params: Any) -> JobRecord:
        return self.finish(self.start(kind, **params))

    def processes(self) -> list[psutil.Process]:
        """Whatever runs for this repo: started with its path, or below something that was."""
        found: set[psutil.Process] = set()
        for process in psutil.process_iter():
            try:
                if str(self.repo) in " ".join(process.cmdline()) and process.status() != psutil.STATUS_ZOMBIE:
                    found |= {process, *process.children(recursive=True)}
            except psutil.Error:
                continue
        return sorted(found, key=lambda process: process.pid)

    def trials(self) -> dict[str, Trial]:
        with Store.open(self.repo) as store:
            return {trial.id: trial for trial in store.trials()}

    def edit(self, path: str, old: str, new: str) -> None:
        text = (self.repo / path).read_text()
        assert old in text
        (self.repo / path).write_text(text.replace(old, new))

    def of_the_user(self) -> dict[str, bytes]:
        """All that is the user's: every file of the work tree and of its git."""
        return {
            path.relative_to(self.repo).as_posix(): path.read_bytes()
            for path in sorted(self.repo.rglob("*"))
            if path.is_file() and ".evolverec" not in path.parts
        }

    def status(self) -> str:
        return git(self.repo, "status", "--porcelain", "--ignored=no")


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    repo = tmp_path / "shelf repo"
    shutil.copytree(SHELF, repo, ignore=shutil.ignore_patterns("__pycache__"))
    git(repo, "init", "-q")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "one")
    (repo / "notes.txt").write_text("not committed\n")
    found = Bench(repo=repo)
    yield found
    for process in found.processes():
        process.kill()
