"""ML-1M: the sasrec seed, and the same seed with the full softmax recipe's patch, trained side by side.

Shows that the seed reaches full-ranking NDCG@10 >= .12 on test, and what the patch changes (paired over users).
    python tests/bench/ml1m_softmax.py [--epochs 200] [--patience 10]        about two hours on two cores
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from figures import SHARED_DATA, record

from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.request import CheckRequest
from evolution.laboratory.context import EventLog, JobContext
from evolution.laboratory.laboratory import Laboratory
from evolution.recipes.recipe import Facts, RecipeContext
from evolution.recipes.softmax import FullSoftmax
from evolution.repo.applying import changed_files
from evolution.repo.config import read_config
from evolution.repo.settings import user_settings
from evolution.store.store import Store
from evolution.trials.artifacts import read_per_user
from evolution.trials.bootstrap import paired_interval


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", default=str(SHARED_DATA / "ml-1m"))
    arguments.add_argument("--epochs", type=int, default=200)
    arguments.add_argument("--patience", type=int, default=10)
    arguments.add_argument("--folder", type=Path, default=None, help="where to keep the repos")
    chosen = arguments.parse_args()
    folder = chosen.folder or Path(tempfile.mkdtemp(prefix="ml1m-"))
    repos = {name: folder / name for name in ("seed", "softmax")}
    for repo in repos.values():
        if not repo.exists():
            make_repo(repo, chosen.data, chosen.epochs, chosen.patience)
    patch_softmax(repos["softmax"])
    with ThreadPoolExecutor(max_workers=2) as pool:
        trained = dict(zip(repos, pool.map(lambda repo: evolverec("train", repo), repos.values())))
    tested = {name: evolverec("test", repo, trained[name]["trial"]) for name, repo in repos.items()}
    record("ml1m-softmax", figures(repos, trained, tested))


def make_repo(repo: Path, data: str, epochs: int, patience: int) -> None:
    subprocess.run(
        [sys.executable, "-m", "evolverec_entry", "new", "sasrec", str(repo), "--data", data], check=True
    )
    config = repo / "evolverec.toml"
    text = re.sub(r"max_epochs = \d+", f"max_epochs = {epochs}\ntimeout_s = 20000", config.read_text())
    config.write_text(re.sub(r"patience = \d+", f"patience = {patience}", text))


def patch_softmax(repo: Path) -> None:
    """Apply the recipe's patch, fitted to the code by a traced smoke step, as `propose` does."""
    from diagnosis.roles import find_sites

    job = JobRecord(
        id="bench", kind=JobKind.CHECK, state=JobState.RUNNING, pid=0, pid_started=0.0, created_at=0.0
    )
    scratch = Path(tempfile.mkdtemp(prefix="ml1m-scratch-"))
    with Store.open(repo) as store, (scratch / "events").open("w") as stream:
        context = JobContext(
            repo=repo.resolve(), job=job, request=CheckRequest(), store=store, store_lock=threading.RLock(), config=read_config(repo),
            settings=user_settings(), events=EventLog(stream), scratch=scratch,
        )  # fmt: skip
        laboratory = Laboratory(context)
        program = laboratory.user_program()
        laboratory.smoke(program)
        trace = json.loads(next(scratch.glob("smoke-*/artifacts/trace.json")).read_text())
        training, sources = laboratory.data.training, laboratory.programs.sources(program)
    facts = Facts(n_users=training.n_users, n_items=training.n_items)
    sites = find_sites(trace, sources, training.n_items)
    draft = FullSoftmax().make(RecipeContext(sources=sources, facts=facts, sites=sites, trace=trace))
    for path, text in changed_files(draft.edits, sources.get).items():
        (repo / path).write_text(text)


def evolverec(command: str, repo: Path, *arguments: str) -> dict[str, Any]:
    answer = subprocess.run(
        [sys.executable, "-m", "evolverec_entry", command, str(repo), *arguments, "--trust", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if answer.returncode:
        raise SystemExit(f"{command} {repo} failed: {answer.stderr}\n{answer.stdout}")
    return json.loads(answer.stdout)


def figures(
    repos: Mapping[str, Path], trained: Mapping[str, Any], tested: Mapping[str, Any]
) -> dict[str, Any]:
    per_user = {
        name: read_per_user(repo / ".evolverec" / "trials" / trained[name]["trial"])
        for name, repo in repos.items()
    }
    change = paired_interval(per_user["softmax"]["NDCG@10"], per_user["seed"]["NDCG@10"], 0)
    before, after = (tested[name]["metrics"]["NDCG@10"]["value"] for name in ("seed", "softmax"))
    return {
        "validation": {n: {m: t["metrics"][m] for m in ("NDCG@10", "HR@10")} for n, t in trained.items()},
        "test": {n: {m: t["metrics"][m] for m in ("NDCG@10", "HR@10")} for n, t in tested.items()},
        "validation_change_NDCG@10": {"value": change.value, "low": change.low, "high": change.high},
        "test_gain_NDCG@10": after / before - 1,
        "epochs": {n: {"run": t["epochs"], "best": t["best_epoch"]} for n, t in trained.items()},
        "fit_s_per_epoch": {n: t["cost"]["fit_s"] / t["epochs"] for n, t in trained.items()},
        "wall_s": {n: t["wall_s"] for n, t in trained.items()},
    }


if __name__ == "__main__":
    main()
