"""SIGKILLs at random moments of `train`, `propose` and `evolve`: nothing paid for is lost, nothing is left behind.

Each life is a fresh copy of a small repo, on which one command is killed a few times and then done to its end. After every
kill the store still has all that it had, and at the end the figures are those of a life without kills, no exchange that was
on record was asked for again, no process, scratch folder, draft or lock is left, and no file is damaged.

python tests/bench/kills.py [--kills 200] [--seed 0]        about half an hour on two cores
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from figures import record

from evolution.domain.job import JobKind, JobRecord
from evolution.domain.run import decisions
from evolution.domain.trial import TrialStatus
from evolution.jobs import control
from evolution.jobs.alive import is_alive
from evolution.proposers.planning.replies import AXES
from evolution.store.store import Store
from evolution.trials.artifacts import are_intact
from tests.evolution.jobs.conftest import SHELF, Bench, git
from tests.llm.scripted import Request, ScriptedLlm, by_prompt

GONE_S = 20.0  # within which everything that a killed process started is gone, on a busy machine
SHARES = {JobKind.TRAIN: 0.3, JobKind.PROPOSE: 0.3, JobKind.EVOLVE: 0.4}
KILLS_OF_A_LIFE = 6  # at most
PARAMS: Mapping[JobKind, Mapping[str, Any]] = {
    JobKind.TRAIN: {},
    JobKind.PROPOSE: {"trials": 3},
    JobKind.EVOLVE: {"strategy": "greedy", "proposer": "llm", "trials": 4},
}
# job: its process alone. group: its whole process group. worker: a worker, whose job goes on to its end or is killed later.
VICTIMS: Mapping[JobKind, tuple[str, ...]] = dict.fromkeys(PARAMS, ("job", "job", "group", "worker"))
ADDED = "events-{count}"
COUNTS = (30, 36, 48, 60, 72, 96)  # events of an epoch, in the patches that the scripted model writes


def colleague(request: Request) -> Any:
    """Plans for more events of an epoch each time, and writes that patch."""
    return by_prompt(
        {
            "plan-queries": {"queries": [{"text": "more events in an epoch"}]},
            "plan-report": planned,
            "plan-reflect": lambda asked: {
                "verdict": "It stands.", "ideas": [],
                "chosen": asked.text.rpartition("Chosen: ")[2].split()[0],
            },
            "code": coded,
            "code-reflect": {"faults": [], "verdict": "fine", "edits": [], "patch": ""},
            "debug": {"cause": "None.", "edits": [], "patch": ""},
        }
    )(request)  # fmt: skip


def planned(request: Request) -> dict[str, Any]:
    fresh = [count for count in COUNTS if ADDED.format(count=count) not in request.text] or [COUNTS[-1]]
    scores = dict.fromkeys(AXES, 6)
    idea = {
        "code": ADDED.format(count=fresh[0]), "title": f"See {fresh[0]} events", "change": f"Set it to {fresh[0]}.",
        "why": "Few events are seen.", "addresses": [], "sources": [], "scores": scores, "con": "None.",
    }  # fmt: skip
    few = ["Few events are seen."] * 3
    return {"insights": few, "directions": few, "ideas": [idea], "chosen": idea["code"]}


def coded(request: Request) -> dict[str, Any]:
    count = next(count for count in COUNTS if f"See {count} events" in request.text)
    line = next(line for line in request.text.split("\n") if "EVENTS_PER_EPOCH = " in line)
    old = line[line.index("EVENTS_PER_EPOCH") :].rstrip()
    edit = {"path": "shelf.py", "old": old, "new": f"EVENTS_PER_EPOCH = {count}"}
    return {"approach": "As planned.", "edits": [edit], "patch": ""}


@dataclass(kw_only=True)
class Tally:
    """What the table tells. faults: one sentence for each thing that must not be."""

    kills: Counter[str] = field(default_factory=Counter)
    at: Counter[str] = field(default_factory=Counter)
    lives: int = 0
    too_late: int = 0
    trials_kept: int = 0
    exchanges_kept: int = 0
    faults: list[str] = field(default_factory=list)

    def expect(self, holds: bool, fault: str) -> None:
        if not holds:
            self.faults.append(fault)
            print(f"FAULT: {fault}", flush=True)


def known(bench: Bench) -> dict[str, Any]:
    """All that was measured or paid for, by kind and id."""
    with Store.open(bench.repo) as store:
        ended = {t.id: t for t in store.trials() if t.status in (TrialStatus.COMPLETE, TrialStatus.PRUNED)}
        proposals = {p.id: p.child for p in store.proposals()}
    return {"trial": ended, "exchange": exchanges(bench.repo), "proposal": proposals}


def exchanges(repo: Path) -> dict[str, str]:
    """Key -> record of every exchange that has an answer."""
    with sqlite3.connect(f"file:{repo / '.evolverec' / 'store.sqlite'}?mode=ro", uri=True) as db:
        rows = db.execute("select key, record from exchanges").fetchall()
    return {key: record for key, record in rows if not json.loads(record).get("failure")}


def outcome(bench: Bench, kind: JobKind) -> Any:
    """What a life comes to: figures of all trials, and what was decided."""
    with Store.open(bench.repo) as store:
        trials = {
            t.id: (t.status.value, {name: m.value for name, m in t.metrics.items()}) for t in store.trials()
        }
        proposals = sorted((p.idea.title, p.verified.value, p.child) for p in store.proposals())
        runs = [decided(run) for run in store.runs()] if kind is JobKind.EVOLVE else []
    return json.loads(json.dumps([trials, proposals, runs]))


def decided(run: Any) -> list[dict[str, Any]]:
    """Without the seconds, which are measured anew."""
    return [{name: value for name, value in node.items() if name != "spent"} for node in decisions(run)]


def made(place: Path) -> Bench:
    shutil.copytree(SHELF, place, ignore=shutil.ignore_patterns("__pycache__"))
    git(place, "init", "-q")
    git(place, "add", "-A")
    git(place, "commit", "-q", "-m", "one")
    return Bench(repo=place)


def strike(bench: Bench, job: JobRecord, victim: str, chance: random.Random) -> None:
    family = [process for process in bench.processes() if process.pid != job.pid]
    if victim == "worker" and family:
        with suppress(psutil.Error):
            family[-1].kill()
        if chance.random() < 0.5:
            bench.finish(job, 300.0)
            return
        time.sleep(chance.uniform(0.0, 1.0))
    if victim == "group":
        with suppress(ProcessLookupError):
            os.killpg(job.pid, signal.SIGKILL)
    with suppress(ProcessLookupError):
        os.kill(job.pid, signal.SIGKILL)


def wait_for_nobody(bench: Bench, job: JobRecord, tally: Tally) -> None:
    end = time.monotonic() + GONE_S
    while (left := bench.processes()) or is_alive(bench.repo, bench.record(job)):
        if time.monotonic() > end:
            tally.expect(
                False, f"{job.id}: left {GONE_S:.0f} s after its kill: {[p.cmdline() for p in left]}"
            )
            return
        time.sleep(0.05)


def left_behind(repo: Path) -> list[str]:
    """Temporary files and folders of nobody, after the next start has looked."""
    store = repo / ".evolverec"
    patterns = (
        "jobs/*/scratch",
        "trials/*/work",
        "**/.draft-*",
        "**/.gone-*",
        "**/.*.json.*",
        "programs.git/**/*.lock",
        "programs.git/**/tmp_*",
    )
    return [str(path.relative_to(store)) for pattern in patterns for path in store.glob(pattern)]


def damaged(repo: Path) -> list[str]:
    store = repo / ".evolverec"
    with sqlite3.connect(store / "store.sqlite") as db:
        found = [] if db.execute("pragma integrity_check").fetchone()[0] == "ok" else ["store.sqlite"]
    command = ["git", "-C", str(store / "programs.git"), "fsck", "--full", "--no-dangling"]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    found += [f"programs.git: {checked.stdout}{checked.stderr}"] if checked.returncode else []
    with Store.open(repo) as opened:
        complete = [t.id for t in opened.trials() if t.status is TrialStatus.COMPLETE]
    found += [f"trials/{name}" for name in complete if not are_intact(store / "trials" / name)]
    return found + [str(path) for path in store.glob("store.damaged-*")]


def live(
    place: Path,
    kind: JobKind,
    chance: random.Random,
    whole_s: float,
    expected: Any,
    server: ScriptedLlm,
    tally: Tally,
) -> int:
    """One life; returns how many kills hit."""
    bench, hits = made(place), 0
    tally.lives += 1
    for _ in range(KILLS_OF_A_LIFE):
        victim = chance.choice(VICTIMS[kind])
        job = start(bench, kind, resume=hits > 0)
        time.sleep(chance.uniform(0.0, whole_s))
        before, events = known(bench), bench.events(job)
        if not is_alive(bench.repo, bench.record(job)):
            tally.too_late += 1
            break
        strike(bench, job, victim, chance)
        wait_for_nobody(bench, job, tally)
        hits += 1
        tally.kills[f"{kind} {victim}"] += 1
        tally.at[f"{kind}: after {events[-1].type if events else 'nothing'}"] += 1
        tally.expect(control.reconcile(bench.repo) == [], f"{job.id}: counts as running after its kill")
        after = known(bench)
        for name in before:
            gone = [key for key, value in before[name].items() if after[name].get(key) != value]
            tally.expect(not gone, f"{job.id}: lost {name} {gone} by a kill of the {victim}")
        tally.trials_kept += len(before["trial"])
        tally.exchanges_kept += len(before["exchange"])
        tally.expect(not left_behind(bench.repo), f"{job.id}: left {left_behind(bench.repo)}")
    before, seen = known(bench), len(server.requests)
    ended = bench.finish(start(bench, kind, resume=hits > 0), 300.0)
    tally.expect(ended.state == "done", f"{ended.id}: {ended.error}")
    again = {digest(r) for r in server.requests[seen:]} & recorded_digests(before["exchange"])
    tally.expect(not again, f"{ended.id}: {len(again)} exchanges on record were asked again")
    tally.expect(
        before["trial"].items() <= known(bench)["trial"].items(), f"{ended.id}: a trial was done again"
    )
    tally.expect(outcome(bench, kind) == expected, f"{place.name}: ended otherwise than a life without kills")
    tally.expect(not left_behind(bench.repo), f"{place.name}: left {left_behind(bench.repo)}")
    tally.expect(not damaged(bench.repo), f"{place.name}: damaged {damaged(bench.repo)}")
    return hits


def start(bench: Bench, kind: JobKind, *, resume: bool) -> JobRecord:
    """The command, or for a run the one that goes on with it, where it is known already."""
    with Store.open(bench.repo) as store:
        known_run = kind is JobKind.EVOLVE and resume and bool(store.runs())
    return bench.start(kind, **({"resume": "newest"} if known_run else PARAMS[kind]))


def digest(request: Request) -> str:
    return hashed(request.body["messages"])


def recorded_digests(recorded: Mapping[str, str]) -> set[str]:
    return {hashed(json.loads(text)["messages"]) for text in recorded.values()}


def hashed(messages: Any) -> str:
    said = [[message["role"], message["content"]] for message in messages]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()


@contextmanager
def grounds() -> Iterator[tuple[Path, ScriptedLlm]]:
    """A folder with a configuration of its own, and the endpoint that every job uses."""
    place, server = Path(tempfile.mkdtemp(prefix="kills-")), ScriptedLlm(colleague)
    os.environ |= {
        "EVOLVEREC_CONFIG_HOME": str(place / "config"),
        "XDG_CACHE_HOME": str(place / "cache"),
        **server.environment(),
    }
    try:
        yield place, server
    finally:
        server.close()
        shutil.rmtree(place, ignore_errors=True)


def reference(place: Path, kind: JobKind) -> tuple[Any, float]:
    """What a life without kills comes to, and how long its command takes."""
    bench = made(place / f"{kind}-whole")
    started = time.monotonic()
    ended = bench.run(kind, **PARAMS[kind])
    if ended.state != "done":
        raise SystemExit(f"{kind} does not even end without kills: {ended.error}")
    return outcome(bench, kind), time.monotonic() - started


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--kills", type=int, default=200)
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    tally, started, lengths = Tally(), time.monotonic(), {}
    with grounds() as (place, server):
        for number, (kind, share) in enumerate(SHARES.items()):
            expected, whole_s = reference(place, kind)
            lengths[kind.value] = round(whole_s, 1)
            chance, left = random.Random(chosen.seed * 10 + number), round(chosen.kills * share)
            while left > 0:
                folder = place / f"{kind}-{tally.lives}"
                left -= live(folder, kind, chance, whole_s, expected, server, tally)
                shutil.rmtree(folder)
                print(f"{kind}: {left} kills to go, {len(tally.faults)} faults", flush=True)
    record("kills", table(tally, chosen.seed, lengths, time.monotonic() - started))
    raise SystemExit(1 if tally.faults else 0)


def table(tally: Tally, seed: int, lengths: Mapping[str, float], wall_s: float) -> dict[str, Any]:
    return {
        "seed": seed,
        "kills": sum(tally.kills.values()),
        "kills_by_victim": dict(sorted(tally.kills.items())),
        "kills_by_moment": dict(sorted(tally.at.items())),
        "lives": tally.lives,
        "moments_after_the_end": tally.too_late,
        "seconds_without_kills": lengths,
        "trials_there_before_a_kill_and_after": tally.trials_kept,
        "exchanges_there_before_a_kill_and_after": tally.exchanges_kept,
        "faults": tally.faults,
        "wall_s": round(wall_s),
    }


if __name__ == "__main__":
    main()
