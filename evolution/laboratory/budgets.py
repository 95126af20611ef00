"""Under which terms a child was compared with its parent: equal optimizer steps, equal epochs, equal time, or neither."""

from collections.abc import Sequence
from dataclasses import dataclass

from evolution.base.amounts import count
from evolution.domain.trial import EpochRecord, Trial
from evolution.trials.enough import has_converged

STILL_IMPROVING = "Your version was still improving when its training ended, so longer training may bring as much: raise training.max_epochs."


def steps_of(epochs: Sequence[EpochRecord]) -> int:
    """Optimizer steps of these epochs together; 0 where they are not known of each."""
    return sum(epoch.steps for epoch in epochs) if all(epoch.steps for epoch in epochs) else 0


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Under which a child was compared with its parent."""

    short: str  # behind a figure: "equal steps"
    words: str  # in a sentence or two, with the counts


def compared_at(parent: Trial, child: Trial) -> Terms:
    """The terms of a comparison. The best epoch of a child counts, as what is trained after it changes nothing."""
    terms = _terms(parent, child)
    if has_converged(parent):
        return terms
    return Terms(short=f"{terms.short}, not converged", words=f"{terms.words} {STILL_IMPROVING}")


def _terms(parent: Trial, child: Trial) -> Terms:
    best = [epoch for epoch in child.epochs if epoch.epoch <= child.best_epoch]
    had, took = steps_of(parent.epochs), steps_of(best)
    known = had > 0 and took > 0
    if known and took <= had:
        words = (
            f"Compared at equal steps: {took:,} optimizer steps, within the {had:,} that your version had."
        )
        return Terms(short="equal steps", words=words)
    if not known and len(best) <= len(parent.epochs):
        words = (
            f"Compared at equal epochs: {len(best)}, within the {len(parent.epochs)} that your version had."
        )
        return Terms(short="equal epochs", words=words)
    more = f"{took:,} optimizer steps" if known else count(len(best), "epoch")
    more += f" against {had:,}" if known else f" against {len(parent.epochs)}"
    if _fit_s(child) * len(best) / max(1, len(child.epochs)) <= _fit_s(parent):
        return Terms(short="equal time", words=f"Compared in equal time of training ({more}).")
    words = f"Compared after each had stopped improving; this patch took {more} of your version."
    return Terms(short="longer training", words=words)


def _fit_s(trial: Trial) -> float:
    """Seconds of training: of the processor on CPU, as other trials run beside; elapsed ones on GPU."""
    return trial.cost.fit_cpu_s if trial.key.device.startswith("cpu") else trial.cost.fit_s
