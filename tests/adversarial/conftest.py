"""Every trial of this folder ends within its limit, and leaves nothing behind but what a trial leaves."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from evolution.domain.trial import Trial
from evolution.trials.data import TrialData
from tests.trials import Bench

LONGER_S = 5.0  # than its limit a trial may take to end
BUSY = 3.0  # how much slower a machine may be on which other tests run


@dataclass(frozen=True, kw_only=True)
class HostileBench(Bench):
    """A bench whose trials are held to their end: in time, without processes or working files of theirs."""

    def run(self, *arguments: object, **asked: object) -> Trial:
        limit = float(asked.get("timeout_s", 60.0))  # type: ignore[arg-type]
        started = time.monotonic()
        trial = super().run(*arguments, **asked)  # type: ignore[arg-type]
        took = time.monotonic() - started
        assert took < limit + LONGER_S * BUSY, f"it took {took:.1f} s, its limit is {limit:g} s"
        self.check_nothing_is_left()
        return trial

    def check_nothing_is_left(self) -> None:
        folder = self.request().folder
        assert not (folder / "work").exists(), "working files are left"
        assert workers_in(self.repo) == [], "processes are left"


@pytest.fixture
def bench(tmp_path: Path, micro: TrialData) -> Iterator[HostileBench]:
    repo = tmp_path / "repo"
    repo.mkdir()
    yield HostileBench(repo=repo, data=micro)
    assert workers_in(tmp_path) == []


def workers_in(folder: Path) -> list[int]:
    """Pids of living processes whose command line names the folder, as those of a sandbox and of a worker do."""
    found = []
    for process in psutil.process_iter(["pid", "cmdline", "status"]):
        named = str(folder) in " ".join(process.info["cmdline"] or [])
        if named and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.info["pid"])
    return found
