"""`evolverec/curves`: loss and metric of each epoch, of the training that runs or ran last, with earlier ones beside it."""

import time
from pathlib import Path
from typing import Any

from evolution.base import serial
from evolution.base.amounts import number, percent
from evolution.base.errors import ConfigError, UsageError
from evolution.domain.limits import LEAST_STEPS, RECENT
from evolution.domain.trial import Trial
from server.lsp.panels.asking import Document, repo_asked_for, text
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.shown.curves import YOURS, Curve, of_trial, overlaid, thinned
from server.shown.news import SHOWN_METRIC
from server.shown.wording import ago, duration, epoch_of

MOST_EARLIER = 4


async def curves(session: Session, params: Any = None) -> Document:
    """Answer `evolverec/curves`. `trial` asks for that one in place of the newest. Raises UsageError: it is not stored."""
    repo = await repo_asked_for(session, params)
    rule = await session.background.survey(_stop_rule, repo.root)
    wanted = text(params, "trial")
    of_jobs = [] if wanted else _of_jobs(session, repo)
    running = [curve for curve in of_jobs if curve.running]
    shown, data, most = [], "", MOST_EARLIER
    if wanted:
        first, label = await session.background.store(_stored, repo, wanted)
        shown, data = [(of_trial(first, label), _when(first))], first.key.data
    elif running:
        shown = [(running[0], "now")]
    elif of_jobs:
        shown = [(of_jobs[0], "of the job that runs")]  # which measures it, or makes the next one
    else:
        most += 1
    trials = overlaid(repo.knowledge.trials, [curve.trial for curve, _ in shown], most, data)
    earlier = [(of_trial(one), _when(one)) for one in trials]
    document = {
        "repo": str(repo.root),
        "metric": SHOWN_METRIC,
        "running": bool(running),
        "rule": rule,
        "words": _words(running[0]) if running else "",
        "others": max(0, len(running) - 1),
        "curves": [_document(curve, when) for curve, when in (*shown, *earlier)],
    }
    return serial.finite(document)


def _stored(repo: Repo, wanted: str) -> tuple[Trial, str]:
    """A trial, and of what it is, in words. Runs on the store thread. Raises UsageError."""
    store = repo.existing_store()
    found = store.trial(wanted) if store else None
    if store is None or found is None:
        raise UsageError(f"no trial {wanted[:100]!r}; the Runs view and `evolverec runs` list them")
    if any(one.id == found.id for one in repo.knowledge.trials):
        return found, YOURS
    ideas = (node.idea for run in store.runs() for node in run.nodes if node.trial == found.id and node.idea)
    return found, next((idea.title for idea in ideas), f"trial {found.id}")


def _of_jobs(session: Session, repo: Repo) -> list[Curve]:
    """The curves of the jobs that run, also of trainings that have ended; those of the newest job first."""
    jobs = [job.id for job in repo.knowledge.running]
    return [curve for job in jobs if job in session.curves for curve in session.curves[job].newest_first()]


def _when(trial: Trial) -> str:
    return ago(time.time() - trial.ended_at)


def _document(curve: Curve, when: str) -> Document:
    return {
        "trial": curve.trial,
        "label": curve.label,
        "when": when,
        "best": curve.best,
        "points": [
            {"epoch": point.epoch, "loss": point.loss, "value": point.value} for point in thinned(curve)
        ],
    }


def _words(curve: Curve) -> str:
    """`epoch 19/60, loss .412, NDCG@10 .184, best epoch by the objective 14 (.179)`, without interval, as all of a training that
    runs. The best epoch need not have the highest NDCG@10."""
    last = curve.points[-1]
    best = next((point.value for point in curve.points if point.epoch == curve.best), None)
    parts = [
        epoch_of(last.epoch, curve.epochs),
        f"loss {number(last.loss)}" if last.loss is not None else "",
        f"{SHOWN_METRIC} {number(last.value)}" if last.value is not None else "",
        f"best epoch by the objective {curve.best:,} ({number(best)})" if best is not None else "",
        f"{curve.rankings_since_best} since without a better one" if curve.rankings_since_best else "",
    ]
    return ", ".join(filter(None, parts))


def _stop_rule(root: Path) -> str:
    """When a training ends, by evolverec.toml, in a sentence; "" where that cannot be read, which its own lines say."""
    from evolution.repo.config import (
        read_config,  # takes a moment to load, which no server waits for at its start
    )

    try:
        training = read_config(root).training
    except (ConfigError, OSError):
        return ""
    return (
        f"Ends after {training.max_epochs:,} epochs, or once the last {training.patience:,} rankings, {percent(RECENT)} of all epochs and "
        f"{LEAST_STEPS:,} optimizer steps brought no better objective and neither curve moves any more; later while the model ranks "
        f"about as well as popularity does and its loss falls. No epoch begins that would pass {duration(training.timeout_s)}."
    )
