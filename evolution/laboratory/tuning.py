"""Tunes the numbers of a program: settings are drawn, each is trained as a candidate, and the best one is a candidate like any other.

A search is a function of the program, the seed and the stored trials. One that is started again finds its trials in the store and
goes on; a larger budget continues a smaller one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from evolution.base.amounts import count, number
from evolution.domain.edits import make_edits
from evolution.domain.job import EventType
from evolution.domain.limits import Limits
from evolution.domain.proposal import TUNER, Idea
from evolution.domain.trial import Trial, TrialStatus
from evolution.laboratory.candidates import Candidate, carry_out
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.observer import trace_of
from evolution.laboratory.paired_comparison import broken_guardrails
from evolution.laboratory.twins import is_dead
from evolution.tuning.sampler import Tried, suggest
from evolution.tuning.space import FILES, Space, Values, find_space
from evolution.tuning.writing import change_words, with_values

CODE = "tune"
TOGETHER = (
    2  # settings that are drawn at once, whatever the machine, so that a search does not depend on its cores
)
NAMED = 3  # numbers that a title names
RESTS_ON = ("Optuna, 1907.10902", "TPE, NeurIPS 2011")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting that was trained. objective: None where it was not trained to the end. why: why it cannot be offered, "" else."""

    values: Values
    candidate: Candidate
    trial: Trial
    objective: float | None
    why: str


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """A search that has ended. settings: in the order in which they were drawn, without the program's own."""

    parent: Trial
    space: Space
    settings: tuple[Setting, ...]

    @property
    def better(self) -> list[Setting]:
        """The settings that can be offered and reached a higher objective than the program's own, the best first."""
        own = self.parent.objective.value if self.parent.objective else 0.0
        found = [
            one for one in self.settings if not one.why and one.objective is not None and one.objective > own
        ]
        return sorted(found, key=lambda one: -(one.objective or 0.0))


def space_of(laboratory: Laboratory, parent: Trial) -> Space:
    """The numbers of a measured program that may be tuned."""
    recommender = laboratory.config.recommender
    return find_space(
        laboratory.programs.sources(parent.key.program, FILES),
        entry=recommender.entry,
        editable=recommender.editable,
        executed=trace_of(laboratory, parent.id).get("executed"),
    )


def tune(evaluation: CandidateEvaluation, parent: Trial, space: Space, limits: Limits, *, seed: int) -> Tuned:
    """Try settings of a program until a limit is reached; its own setting is known from `parent`.

    limits: `trials` and `gpu_s`; a trial from the store is charged like a new one. Raises Cancelled.
    """
    search = _Search(evaluation, parent, space)
    while space.dimensions and (wanted := _left(limits, search.settings)):
        if not search.go_on(min(TOGETHER, wanted), seed=seed):
            break  # the space has no setting left
        search.tell(limits)
    return Tuned(parent=parent, space=space, settings=tuple(search.settings))


def tuned_candidate(tuned: Tuned, setting: Setting) -> Candidate:
    """The candidate of a setting, with the idea as it is offered."""
    return replace(setting.candidate, idea=idea_of(tuned.space, setting.values, tried=len(tuned.settings)))


def idea_of(space: Space, values: Values, *, tried: int) -> Idea:
    """A setting as an idea. tried: how many settings were trained in all, 0 if that is not known yet."""
    moved = sum(value != own for value, own in zip(values, space.values))
    numbers = count(len(space.dimensions), "number")
    searched = f"the best of {count(tried, 'setting')}" if tried else "a setting"
    return Idea(
        code=CODE,
        title=f"Tune {count(moved, 'number')}: {change_words(space, values, most=NAMED)}",
        rationale=f"This is {searched} of {numbers} of the configuration, drawn by TPE. All that changes: {change_words(space, values)}.",
        addresses=(),
        rests_on=RESTS_ON,
        proposer=TUNER,
    )


def candidate_of(
    laboratory: Laboratory, base: str, sources: Mapping[str, str], space: Space, values: Values
) -> Candidate | str:
    """The program with a setting, or the reason why its edits cannot be applied. sources: the files of `base` with numbers."""
    changed = with_values(sources, space, values)
    edits = [edit for path, text in changed.items() for edit in make_edits(path, sources[path], text)]
    return carry_out(laboratory, base, sources, idea_of(space, values, tried=0), edits, "")


class _Search:
    """What one search has tried."""

    def __init__(self, evaluation: CandidateEvaluation, parent: Trial, space: Space) -> None:
        self.evaluation, self.parent, self.space = evaluation, parent, space
        self.laboratory = evaluation.laboratory
        self.sources = self.laboratory.programs.sources(parent.key.program, FILES)
        self.settings: list[Setting] = []

    def go_on(self, wanted: int, *, seed: int) -> bool:
        """Draw and train further settings; False where there are none."""
        drawn = suggest(self.space, self._tried(), count=wanted, seed=seed)
        base = self.parent.key.program
        made = [
            (values, candidate_of(self.laboratory, base, self.sources, self.space, values))
            for values in drawn
        ]
        fit = [(values, candidate) for values, candidate in made if isinstance(candidate, Candidate)]
        trials = self.laboratory.each(lambda one: self.evaluation.train(self.parent, one[1]), fit)
        self.settings += [
            self._judged(values, candidate, trial) for (values, candidate), trial in zip(fit, trials)
        ]
        return bool(fit)

    def _judged(self, values: Values, candidate: Candidate, trial: Trial) -> Setting:
        done = trial.status is TrialStatus.COMPLETE and trial.objective is not None
        return Setting(
            values=values,
            candidate=candidate,
            trial=trial,
            objective=trial.objective.value if done and trial.objective else None,
            why=self._why_not(trial),
        )

    def _why_not(self, trial: Trial) -> str:
        if trial.failure is not None:
            return f"{trial.failure.reason}: {trial.failure.message.splitlines()[0]}"
        if is_dead(self.parent, trial):
            return "it changes nothing that is trained or scored"
        if trial.status is not TrialStatus.COMPLETE:
            return f"pruned after {count(len(trial.epochs), 'epoch')}"
        return "; ".join(
            broken_guardrails(self.laboratory.config.objective.guardrails, [(self.parent, trial)])
        )

    def _tried(self) -> list[Tried]:
        """The program's own setting, then the others. One that cannot be offered is known as far as it got, and not as the best."""
        own = self.parent.objective.value if self.parent.objective else 0.0
        worst = min([own, *(one.objective for one in self.settings if one.objective is not None)])
        return [
            Tried(values=self.space.values, objective=own),
            *(Tried(values=one.values, objective=self._reached(one, worst)) for one in self.settings),
        ]

    def _reached(self, setting: Setting, worst: float) -> float:
        if setting.objective is not None:
            return min(setting.objective, worst) if setting.why else setting.objective
        objective = self.evaluation.objective
        if objective.of_sessions:  # which epochs do not tell
            return worst
        ranked = [objective.of_means(epoch.metrics) for epoch in setting.trial.epochs if epoch.metrics]
        return min(max(ranked, default=worst), worst)

    def tell(self, limits: Limits) -> None:
        """Emit how far the search is."""
        best = max(
            (one.objective for one in self.settings if one.objective is not None and not one.why),
            default=None,
        )
        own = self.parent.objective.value if self.parent.objective else 0.0
        words = (
            f"tuning: {len(self.settings)}"
            + (f" of {limits.trials}" if limits.trials else "")
            + " settings tried"
        )
        words += (
            f", best objective {number(best)} (yours {number(own)}, no interval yet)"
            if best is not None
            else ""
        )
        self.laboratory.context.events.emit(
            EventType.PROGRESS, words, trial="", fraction=_share(limits, self.settings), left_s=None
        )


def _seconds(settings: Sequence[Setting]) -> float:
    return sum(one.trial.cost.program_s for one in settings)


def _left(limits: Limits, settings: Sequence[Setting]) -> int:
    """How many more settings the limits allow."""
    if limits.gpu_s is not None and _seconds(settings) >= limits.gpu_s:
        return 0
    return TOGETHER if limits.trials is None else max(0, limits.trials - len(settings))


def _share(limits: Limits, settings: Sequence[Setting]) -> float:
    shares = [len(settings) / limits.trials if limits.trials else 0.0]
    shares.append(_seconds(settings) / limits.gpu_s if limits.gpu_s else 0.0)
    return min(1.0, max(shares))
