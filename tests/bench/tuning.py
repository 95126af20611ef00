"""What `evolverec tune` brings at 12 trials: seeds on the micro shop, and on ML-100k where it lies in ../shared/data.

The objective before and after, on validation as the proposal tells it, and on test (which no search has seen) with the paired
difference over users, pooled over the seeds that verified it. A seed whose best setting is not verified keeps its numbers.
    python tests/bench/tuning.py [--seeds sasrec,gru4rec] [--data shop-micro] [--trials 12] [--folder DIR]
About ten minutes for a seed on the micro shop, an hour on ML-100k, on two cores; a second call goes on where the first one was
stopped (--folder), and figures of other seeds and data stay in the file.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from figures import RESULTS, SHARED_DATA, record
from ml1m_softmax import evolverec

from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.objective import parse_expression
from evolution.domain.request import TestRequest
from evolution.domain.trial import Trial, TrialStatus
from evolution.laboratory.context import EventLog, JobContext
from evolution.laboratory.laboratory import Laboratory
from evolution.repo.config import read_config
from evolution.repo.settings import user_settings
from evolution.store.store import Store
from evolution.trials.bootstrap import pooled_paired_interval

NAME = "tuning"


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--seeds", default="sasrec,gru4rec")
    arguments.add_argument("--data", default="shop-micro")
    arguments.add_argument("--trials", type=int, default=12)
    arguments.add_argument("--epochs", type=int, default=60)
    arguments.add_argument("--folder", type=Path, default=None, help="where to keep the repos")
    chosen = arguments.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="tuning-"))
    source = SHARED_DATA / chosen.data
    for seed in chosen.seeds.split(","):
        repo = folder / f"{seed}-{chosen.data}"
        if not repo.exists():
            data = str(source) if source.exists() else chosen.data
            make_repo(repo, seed, data, chosen.epochs)
        found = evolverec("tune", repo, "--trials", str(chosen.trials))
        keep(f"{seed} on {chosen.data}", figures(repo, found))


def make_repo(repo: Path, seed: str, data: str, epochs: int) -> None:
    command = [sys.executable, "-m", "evolverec_entry", "new", seed, str(repo), "--data", data]
    subprocess.run(command, check=True)
    config = repo / "evolverec.toml"
    config.write_text(re.sub(r"max_epochs = \d+", f"max_epochs = {epochs}", config.read_text()))


def keep(name: str, row: dict[str, Any]) -> None:
    """Put one row into the file, beside those that it has."""
    path = RESULTS / f"{NAME}.json"
    rows = json.loads(path.read_text())["rows"] if path.exists() else {}
    record(NAME, {"rows": {**rows, name: row}})


def figures(repo: Path, found: dict[str, Any]) -> dict[str, Any]:
    best = found["proposals"][0] if found["proposals"] else None
    statuses = [one["status"] for one in found["settings"]]
    return {
        "numbers": {one["name"]: one["range"]["words"] for one in found["space"]["tuned"]},
        "settings": {
            "tried": len(statuses),
            "complete": statuses.count("complete"),
            "pruned": statuses.count("pruned"),
            "failed": statuses.count("failed"),
            "objectives": [one["objective"] for one in found["settings"]],
        },
        "own_objective": found["own"]["objective"],
        "proposal": {
            name: best[name] for name in ("title", "verified", "why_not", "effect", "compared", "trials")
        }
        if best
        else None,
        "test": tested(repo, best["trials"]) if best else None,
    }


def tested(repo: Path, trials: list[str]) -> dict[str, Any]:
    """The objective of parent and child on the test events, with the paired difference over users, pooled over seeds."""
    config = read_config(repo)
    objective = parse_expression(config.objective.expression)
    job = JobRecord(id="bench", kind=JobKind.TEST, state=JobState.RUNNING, created_at=0.0)
    with Store.open(repo) as store, tempfile.TemporaryDirectory() as scratch:
        with (Path(scratch) / "events").open("w", encoding="utf-8") as events:
            context = JobContext(
                repo=repo, job=job, request=TestRequest(), store=store, store_lock=threading.RLock(),
                config=config, settings=user_settings(), events=EventLog(events), scratch=Path(scratch),
            )  # fmt: skip
            laboratory = Laboratory(context)
            children = [trial for name in trials if (trial := store.trial(name)) is not None]
            pairs = [(parent, child) for child in children if (parent := _parent(store, laboratory, child))]
            values = [
                [objective.per_user(laboratory.read_test(trial).per_user) for trial in pair] for pair in pairs
            ]
    before, after = [pair[0] for pair in values], [pair[1] for pair in values]
    difference = pooled_paired_interval(after, before, seed=0)
    return {
        "before": sum(one.mean() for one in before) / len(before),
        "after": sum(one.mean() for one in after) / len(after),
        "low": difference.low,
        "high": difference.high,
        "seeds": len(pairs),
    }


def _parent(store: Store, laboratory: Laboratory, child: Trial) -> Trial | None:
    """The complete trial of the user's version on the child's terms."""
    program = laboratory.programs.snapshot().tree
    wanted = replace(child.key, program=program)
    there = (trial for trial in store.trials(program) if trial.key == wanted)
    return next((trial for trial in there if trial.status is TrialStatus.COMPLETE), None)


if __name__ == "__main__":
    main()
