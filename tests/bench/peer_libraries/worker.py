"""One library in a process of its own. Run with the library's interpreter, in an empty folder, which it may fill.

    python -m peer_libraries.worker train JOB.json      writes validation.npy, test.npy and trained.json
    python -m peer_libraries.worker pace JOB.json       trains and ranks for as long as stdin asks, an answer a line

Stdout carries the answers alone: what a library prints goes to stderr.
"""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from . import with_evolverec
from .handover import Handed, answers, ndcg, read_split
from .limit import Limit
from .training import Stopping, train


def main() -> None:
    channel = _channel()
    command, job = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    import torch

    torch.set_num_threads(job["threads"])
    handed = read_split(Path(job["handed"]))
    recommender = _built(job, handed.training)
    {"train": _train, "pace": _pace}[command](job, handed, recommender, channel)


def _channel() -> TextIO:
    """The stdout that the caller reads; from now on descriptor 1 is stderr."""
    kept = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return kept


def _built(job: dict[str, Any], training: Any) -> Any:
    """A contender: ours with its changes, a peer's with all settings of the seed and the changes."""
    library, model, changes = job["library"], job["model"], job["changes"]
    if library == "evolverec":
        return with_evolverec.Recommender(model, training, changes, job["number"])
    settings = {**with_evolverec.settings(job["seed"]), **changes}
    if "n_steps" in settings:  # the seeds on graphs set the number of steps, and the size of a batch follows
        settings["batch_size"] = max(
            settings["smallest_batch"], -(-len(training.users) // settings["n_steps"])
        )
    if library == "rectools":
        from . import with_rectools as peer
    else:
        from . import with_recbole as peer
    return peer.Recommender(model, training, settings, job["number"])


def _train(job: dict[str, Any], handed: Handed, recommender: Any, channel: TextIO) -> None:
    def scores(questions: Any) -> Any:
        return answers(recommender, questions, handed.training.n_items, max_history=job["max_history"])

    def validate() -> float:
        return float(ndcg(scores(handed.validation), handed.validation).mean())

    stopping = Stopping(patience=job["patience"], max_epochs=job["max_epochs"])
    trained = train(recommender, validate, stopping, lambda line: print(line, file=channel))
    np.save("validation.npy", scores(handed.validation))
    np.save("test.npy", scores(handed.test))
    Path("trained.json").write_text(json.dumps(asdict(trained)), encoding="utf-8")


def _pace(job: dict[str, Any], handed: Handed, recommender: Any, channel: TextIO) -> None:
    limits: list[Limit] = []

    def limited(batches: Any, count: Any) -> Limit:
        limits.append(Limit(batches, count, 1.0))
        return limits[-1]

    recommender.read_by(limited)
    epochs = iter(recommender.fit())
    next(epochs)  # warms up
    print(json.dumps({"first_batch_s": limits[0].first_at - job["begun"]}), file=channel)
    for line in sys.stdin:
        word, _, amount = line.strip().partition(" ")
        if word == "rank":
            print(json.dumps(_ranked(handed, recommender)), file=channel)
            continue
        limits[0].seconds = float(amount)
        begun = time.perf_counter()
        next(epochs)
        pace = {**asdict(limits[0].pace), "with_start_s": time.perf_counter() - begun}
        print(json.dumps(pace), file=channel)


def _ranked(handed: Handed, recommender: Any) -> dict[str, float]:
    """Seconds to score all test questions, and to rank what was scored; of a library's own ranking, both together."""
    questions = handed.test
    begun = time.perf_counter()
    if hasattr(recommender, "rank"):
        recommender.rank(questions.users, 10)
        return {"scored_and_ranked_s": time.perf_counter() - begun}
    scores = answers(recommender, questions, handed.training.n_items, max_history=50)
    scored = time.perf_counter()
    ndcg(scores, questions)
    return {"scored_s": scored - begun, "ranked_s": time.perf_counter() - scored}


if __name__ == "__main__":
    main()
