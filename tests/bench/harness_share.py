"""ML-1M with the sasrec seed: what an epoch costs, what ranking all users costs, and what the harness adds.

    python tests/bench/harness_share.py [--epochs 2] [--device cpu]        about two minutes on two idle cores

`harness_share` is of a whole trial of so few epochs; `harness_share_of_an_epoch` is what a long training tends to.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from figures import ROOT, SHARED_DATA, record

from diagnosis.evidence import load_artifacts
from evolution.domain.trial import Trial
from evolution.repo.config import Config, DataSection, read_config
from evolution.trials.data import prepare
from evolution.trials.identity import trial_key
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.run import run_trial

SASREC = ROOT / "seeds" / "repos" / "sasrec"
THREADS = 2


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--data", default=str(SHARED_DATA / "ml-1m"))
    arguments.add_argument("--epochs", type=int, default=2)
    arguments.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="harness-share-") as folder:
        trial = measured(Path(folder), chosen.data, chosen.epochs, chosen.device)
        if trial.failure is not None:
            sys.exit(f"{trial.failure.reason}: {trial.failure.message}\n{trial.failure.traceback}")
        artifacts = Path(folder) / ".evolverec" / "trials" / "harness-share" / "artifacts"
        inside_s = load_artifacts(artifacts).reported["score_s"]  # as the worker says: the seed is honest
    record(f"harness-{chosen.device}", figures(trial, chosen.device, inside_s))


def measured(repo: Path, source: str, epochs: int, device: str, threads: int = 0) -> Trial:
    threads = threads or THREADS
    seed_config = read_config(SASREC)
    config = Config(
        recommender=seed_config.recommender,
        data=DataSection(source=source),
        training=seed_config.training.model_copy(update={"max_epochs": epochs}),
    )
    data = prepare(config, repo)
    assert len(data.training.users) and len(data.validation.users)  # read before the clock starts
    name = f"cpu/{threads}" if device == "cpu" else device
    key = trial_key(config, program="0" * 40, data=data.fingerprint, seed=0, device=name)
    request = TrialRequest(
        id="harness-share",
        key=key,
        repo=repo,
        checkout=SASREC,
        folder=repo / ".evolverec" / "trials" / "harness-share",
        config=config,
        data=data,
        python=Path(sys.executable),
    )
    return run_trial(request, Supervision(on_stage=lambda stage: print(stage, file=sys.stderr)))


def figures(trial: Trial, device: str, inside_s: float) -> dict[str, Any]:
    cost, epochs = trial.cost, len(trial.epochs)
    in_epochs_s = sum(epoch.wall_s for epoch in trial.epochs)
    ranking_s = in_epochs_s - cost.fit_s
    rankings = (
        epochs + 1 / 6
    )  # two samples of 1,000 of 6,040 users, untrained and trained, are scored besides
    score_s, harness_s = inside_s / rankings, cost.harness_s + cost.score_s - inside_s
    return {
        "data": "ml-1m",
        "device": device,
        "threads": THREADS if device == "cpu" else 1,
        "epochs": epochs,
        "wall_s": round(trial.wall_s, 2),
        "epoch_s": round(cost.fit_s / epochs, 2),
        "ranking_all_users_s": round(ranking_s / epochs, 2),
        "ranking_all_users_in_the_model_s": round(score_s, 2),
        "harness_s": round(harness_s, 2),
        "harness_share": round(harness_s / trial.wall_s, 4),
        "harness_share_of_an_epoch": round(max(0.0, ranking_s / epochs - score_s) * epochs / in_epochs_s, 4),
        "peak_memory_mb": round(cost.peak_memory_bytes / 1e6),
        "validation_NDCG@10": round(trial.metrics["NDCG@10"].value, 4),
        "sandbox": trial.note["sandbox"],
    }


if __name__ == "__main__":
    main()
