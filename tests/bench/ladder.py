"""What the rungs before a full training save, and whether they throw away what is good: 24 changed programs.

    python tests/bench/ladder.py --folder F        about a quarter of an hour of one core

Eight programs are broken, eight clearly worse, eight equal or better than the sasrec seed; which of them are is measured
by training each to its end. The rungs are then replayed on the stored curves with the product's own rule
(`acceptance.behind`), which is a function of a candidate's epochs alone: what a pruned candidate costs is its first
epochs' share of its training, and all that it does besides; on so small a shop that is as much as a third of a trial, so
both are told. `proxy` is the rank correlation of the objective after a few
epochs with the one at the end, over the programs that train.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

sys.path.insert(0, str(Path(__file__).parent))
from figures import record
from laboratory import opened_laboratory
from ml1m_softmax import make_repo

from evolution.domain.objective import Objective, parse_expression
from evolution.domain.trial import Trial, TrialStatus
from evolution.laboratory.acceptance import behind
from evolution.laboratory.laboratory import Laboratory

EPOCHS, PATIENCE = 40, 4
Edit = tuple[str, str, str]
CODE, MODEL, DATA = "recommender.py", "model.py", "batches.py"
NEGATIVE = (
    "        negative_loss = F.binary_cross_entropy_with_logits(negative, torch.zeros_like(negative))\n"
)
SUM = "        return positive_loss + negative_loss\n"
PRESENT = "        positive, negative = positive[present], negative[present]  # (M,)\n"
SOFTMAX = """        logits = hidden[present] @ self.model.item_embedding.weight.T  # (M, n_items + 1)
        logits[:, 0] = -1e9
        return F.cross_entropy(logits, batch.targets[present], label_smoothing={smoothing})
"""
SHARED = """        drawn = torch.randint(1, self.batches.n_items + 1, (64,))
        logits = torch.cat([positive[:, None], hidden[present] @ self.model.item_embedding(drawn).T], dim=1)
        return F.cross_entropy(logits, torch.zeros(len(positive), dtype=torch.long))
"""


def setting(name: str, before: str, after: str) -> Edit:
    return (CODE, f"{name} = {before}\n", f"{name} = {after}\n")


RATE = ("learning_rate: float", "1e-3")
STEP = "                self.optimizer.step()\n"
BROKEN: Mapping[str, Edit] = {
    "syntax": (CODE, "    def loss(self, batch: Batch) -> Tensor:\n", "    def loss(self, batch: Batch -> Tensor:\n"),
    "import": (MODEL, "from torch import Tensor, nn\n", "from torch import Tensor, nn\nfrom torch.nn import Attention\n"),
    "attribute": (CODE, "self.model.train()", "self.network.train()"),
    "shape of scores": (MODEL, "newest @ self.item_embedding.weight.T", "newest @ self.item_embedding.weight[1:].T"),
    "shape in attention": (MODEL, "nn.Linear(dim, 3 * dim)", "nn.Linear(dim, 2 * dim)"),
    "no gradient": (CODE, "                loss = self.loss(batch)\n", "                loss = self.loss(batch).detach()\n"),
    "not finite": (CODE, SUM, "        return (positive_loss + negative_loss) / (present.sum() - present.sum())\n"),
    "random scores": (MODEL, "return newest @ self", "return torch.randn(len(newest), 1) + 0 * newest @ self"),
}  # fmt: skip
WORSE: Mapping[str, Edit] = {
    "rate too low": setting(*RATE, "1e-6"),
    "rate too high": setting(*RATE, "1.0"),
    "dropout of nearly all": setting("dropout: float", "0.2", "0.95"),
    "width of two": setting("dim: int", "50", "2"),
    "targets of other users": (CODE, "self.model.item_embedding(batch.targets)", "self.model.item_embedding(batch.targets.flip(0))"),
    "loss upside down": (CODE, SUM, "        return -(positive_loss + negative_loss)\n"),
    "negatives are targets": (
        CODE,
        "self.model.item_embedding(batch.negatives)",
        "self.model.item_embedding(batch.targets)",
    ),
    "weights decay away": (CODE, "betas=(0.9, 0.98), fused=True", "betas=(0.9, 0.98), weight_decay=1.0"),
}  # fmt: skip
BETTER: Mapping[str, Edit] = {
    "rate 2e-3": setting(*RATE, "2e-3"),
    "rate 3e-3": setting(*RATE, "3e-3"),
    "dropout .1": setting("dropout: float", "0.2", "0.1"),
    "width 64": setting("dim: int", "50", "64"),
    "full softmax": (CODE, PRESENT, PRESENT + SOFTMAX.format(smoothing=0.0)),
    "softmax, smoothed": (CODE, PRESENT, PRESENT + SOFTMAX.format(smoothing=0.1)),
    "shared negatives": (CODE, PRESENT, PRESENT + SHARED),
    "clipped": (CODE, STEP, "                torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)\n" + STEP),
}  # fmt: skip
CLASSES = {"broken": BROKEN, "worse": WORSE, "equal or better": BETTER}
PROXIES = (3, 5, 8, 12)


def main() -> None:
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--folder", type=Path, required=True, help="where the repo is kept")
    repo = arguments.parse_args().folder / "ladder"
    if not repo.exists():
        make_repo(repo, "shop-micro", EPOCHS, PATIENCE)
    with opened_laboratory(repo) as laboratory:
        program = laboratory.user_program()
        parent = laboratory.trial(program, seed=0, label="parent")
        trained = {
            (kind, name): laboratory.trial(_child(laboratory, program, edit), seed=0, label=name)
            for kind, edits in CLASSES.items()
            for name, edit in edits.items()
        }
        record("ladder", figures(parent, trained, parse_expression(laboratory.config.objective.expression)))


def _child(laboratory: Laboratory, program: str, edit: Edit) -> str:
    path, old, new = edit
    text = laboratory.programs.sources(program)[path]
    assert text.count(old) == 1, (path, old, text.count(old))
    return laboratory.programs.with_files(program, {path: text.replace(old, new)})


def figures(parent: Trial, trained: Mapping[tuple[str, str], Trial], objective: Objective) -> dict[str, Any]:
    rows = [_row(parent, kind, name, trial, objective) for (kind, name), trial in trained.items()]
    # A program that cannot be trained counts as one that could: that is what it costs where nothing stops it early.
    shares = {}
    for name in ("training", "all"):
        whole = _seconds(parent, len(parent.epochs))[name]
        every = sum(whole if row["failure"] else row["seconds"][name] for row in rows)
        good = sum(row["seconds"][name] for row in rows if row["class"] == "equal or better")
        spent = sum(row["spent_s"][name] for row in rows)
        shares[name] = {"share": round(spent / every, 3), "of_it_the_good_ones": round(good / every, 3)}
    pruned = [row["name"] for row in rows if row["pruned_at"]]
    worth = [row for row in rows if row["objective"] is not None and row["objective"] >= _low(parent)]
    return {
        "data": "shop-micro",
        "epochs": EPOCHS,
        "parent": {"objective": _value(parent), "low": _low(parent), "epochs": len(parent.epochs)},
        "cost_against_training_all": shares,
        "pruned": pruned,
        "pruned_though_within_or_above_the_parents_interval": [r["name"] for r in worth if r["pruned_at"]],
        "proxy": {str(n): _agreement(trained.values(), n, objective) for n in PROXIES},
        "programs": rows,
    }


def _row(parent: Trial, kind: str, name: str, trial: Trial, objective: Objective) -> dict[str, Any]:
    prune = behind(parent, objective)
    seen = range(1, len(trial.epochs) + 1)
    at = next((n for n in seen if prune(trial.epochs[:n])), 0) if trial.status is TrialStatus.COMPLETE else 0
    return {
        "class": kind,
        "name": name,
        "failure": str(trial.failure.reason) if trial.failure else None,
        "objective": _value(trial),
        "epochs": len(trial.epochs),
        "pruned_at": at,
        "seconds": _seconds(trial, len(trial.epochs)),
        "spent_s": _seconds(trial, at or len(trial.epochs)),
    }


def _seconds(trial: Trial, epochs: int) -> dict[str, float]:
    """Of the processor. training: fit and ranking of so many epochs; all: with imports and what else a trial does once."""
    share = epochs / max(1, len(trial.epochs))
    training = share * (trial.cost.fit_cpu_s + trial.cost.score_cpu_s)
    return {"training": round(training, 2), "all": round(training + trial.cost.other_cpu_s, 2)}


def _value(trial: Trial) -> float | None:
    return trial.objective.value if trial.objective else None


def _low(trial: Trial) -> float:
    assert trial.objective is not None and trial.objective.low is not None
    return trial.objective.low


def _agreement(trials: Sequence[Trial] | Any, epochs: int, objective: Objective) -> float:
    """Spearman's rank correlation of the best objective of the first epochs with that of all."""
    whole = [trial for trial in trials if trial.objective is not None and len(trial.epochs) >= epochs]
    early = [
        max(objective.of_means(epoch.metrics) for epoch in trial.epochs[:epochs] if epoch.metrics)
        for trial in whole
    ]
    late = [trial.objective.value for trial in whole if trial.objective]
    return round(float(np.corrcoef(rankdata(early), rankdata(late))[0, 1]), 3)


if __name__ == "__main__":
    main()
