"""Trains the user's version further where it had not converged, before any patch is held against it.

What a patch brings cannot be told from what more epochs would have brought, as long as the version it changes still improves.
"""

from dataclasses import dataclass

from evolution.base.amounts import count, number
from evolution.domain.job import EventType
from evolution.domain.objective import parse_expression
from evolution.domain.proposal import Effect
from evolution.domain.trial import Trial
from evolution.laboratory.budgets import steps_of
from evolution.laboratory.laboratory import Laboratory, complete
from evolution.laboratory.paired_comparison import objective_effect
from evolution.trials.enough import Ended, ended_by, has_converged

LONGER = 4  # times as many epochs, in each of ROUNDS
ROUNDS = 2


@dataclass(frozen=True, kw_only=True)
class MoreTraining:
    """What training the user's version further brought.

    setting: the line of `[training]` in evolverec.toml that trains as long. epochs, steps: of the configured training
    (steps 0 if unknown). effect: on the objective; None where no epoch could be added. converged: whether it is enough.
    """

    setting: str
    epochs: int
    steps: int
    effect: Effect | None
    converged: bool

    @property
    def words(self) -> str:
        """What to do first, and why, in a sentence or two."""
        trained = count(self.epochs, "epoch") + (f" ({self.steps:,} optimizer steps)" if self.steps else "")
        told = f"Train longer first: {self.setting}. Your version was still improving after {trained}"
        if self.effect is not None:
            told += f"; trained on, its objective went from {number(self.effect.before)} to {number(self.effect.after)}"
        if self.converged:
            return f"{told}. Patches are held against your version trained that long"
        return f"{told}. It is not trained enough yet for any patch to be held against it"


def trained_enough(laboratory: Laboratory, parent: Trial) -> tuple[Laboratory, Trial, MoreTraining | None]:
    """The parent's trial once it has converged, the laboratory that trains so long, and what that took; None: nothing.

    Who allows as many rankings without improvement as there are epochs has fixed the length of a training: patches are then
    held against that, and their terms say that the version still improved. So has a program that ends by itself, by a number of
    epochs or a patience of its own. Raises Cancelled.
    """
    first, configured = parent, laboratory.config.training
    if has_converged(parent) or configured.patience >= configured.max_epochs:
        return laboratory, parent, None
    if ended_by(parent) == Ended.FIT:
        return laboratory, _as_it_ends(laboratory, parent), None
    for _ in range(ROUNDS):
        if has_converged(parent) or ended_by(parent) != Ended.MAX_EPOCHS:
            break
        longer = laboratory.training_for(LONGER * laboratory.config.training.max_epochs)
        words = (
            f"your version was still improving after {count(len(parent.epochs), 'epoch')}; it is trained on"
        )
        laboratory.context.events.emit(EventType.LOG, words)
        label = f"your version, up to {longer.config.training.max_epochs} epochs"
        trial = longer.trial(parent.key.program, seed=parent.key.seed, label=label, accept=complete)
        if not complete(trial):  # such as a script that ends, or fails, after epochs of its own number
            words = "your version cannot be trained on; patches are held against it as it is configured"
            laboratory.context.events.emit(EventType.LOG, words)
            if parent is first:
                return laboratory, parent, None
            break
        if len(trial.epochs) <= len(parent.epochs) and parent is first:
            return laboratory, _as_it_ends(laboratory, parent), None
        laboratory, parent = longer, trial
    return laboratory, parent, _told(laboratory, first, parent, configured.timeout_s)


def _as_it_ends(laboratory: Laboratory, parent: Trial) -> Trial:
    """The parent, after the user was told that its program ends by itself."""
    ends = f"your version ends by itself after {count(len(parent.epochs), 'epoch')}, though it was still improving"
    laboratory.context.events.emit(EventType.LOG, f"{ends}; patches are held against it as it is")
    return parent


def _told(laboratory: Laboratory, first: Trial, last: Trial, timeout_s: float) -> MoreTraining:
    converged = has_converged(last) or ended_by(last) == Ended.FIT
    out_of_time = not converged and ended_by(last) == Ended.TIME
    epochs = laboratory.config.training.max_epochs * (1 if converged else LONGER)
    setting = f"timeout_s = {LONGER * timeout_s:g}" if out_of_time else f"max_epochs = {epochs}"
    objective = parse_expression(laboratory.config.objective.expression)
    pairs = [(first, last)]
    return MoreTraining(
        setting=setting,
        epochs=len(first.epochs),
        steps=steps_of(first.epochs),
        effect=objective_effect(laboratory.context.repo, objective, pairs) if last.id != first.id else None,
        converged=converged,
    )
