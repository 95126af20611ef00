"""Makes the feedback on a complete trial: measurements, findings with code anchors, critiques of simulated users."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from diagnosis.anchors import make_anchor
from diagnosis.findings import Anchor, Finding, Role
from diagnosis.judge import findings
from diagnosis.roles import find_sites
from diagnosis.rules.check import check_sources
from diagnosis.rules.findings import of_what_ran, on_device, rule_findings
from evolution.base.amounts import count
from evolution.base.errors import Cancelled, RepoError
from evolution.base.places import trial_folder
from evolution.base.versions import version_of
from evolution.domain.feedback import Feedback
from evolution.domain.job import EventType
from evolution.domain.trial import Trial, TrialStatus
from evolution.laboratory.laboratory import Laboratory
from seeds.reading import RECORD_BYTES, parse_json, read_text
from simulator.critiques import Critique, Simulation
from simulator.shown import Shown, as_shown, kept

if TYPE_CHECKING:
    from evolution.llm.asking import Ask

CRITIQUE_ANCHORS = 2
_OBSERVER = (
    "diagnosis",
    "simulator",
    "seeds/amounts.py",
    "seeds/references",
    "seeds/metrics",
    "evolution/analyst",
    "evolution/coevolution",
    "evolution/laboratory/observer.py",
    "evolution/trials/asking_trained.py",
    "evolution/trials/examining.py",
    "evolution/worker",
)


def feedback_of(
    laboratory: Laboratory,
    trial: Trial,
    *,
    users: int = 0,
    interviewer: "Interviewer | None" = None,
    charged: bool = False,
    examined: bool = False,
) -> Feedback:
    """The feedback on a complete trial, from the store as far as it is there.

    With users > 0 it has critiques of that many statistical personas, with an interviewer also of LLM-played users.
    examined: the program's training is watched and its trained model asked, which takes up to a minute more.
    What the user's own probes said is not in it: a run of evolution must not hang on files beside the program.
    charged: interviews are repeated even if stored (from recorded exchanges), so that a repeated run is charged the
    same. Raises RepoError if the trial is not complete, Cancelled.
    """
    with laboratory.context.store_lock:
        feedback = laboratory.context.store.feedback(trial.id)
    if (
        feedback is None
        or feedback.made_by != observer_version()
        or (examined and not feedback.examined and not laboratory.replays)
    ):
        feedback = diagnose(laboratory, trial, examined=examined)
        _put(laboratory, feedback)
    if users and (
        feedback.simulation is None
        or feedback.simulation.users != min(users, len(laboratory.data.validation))
    ):
        feedback = ask_users(laboratory, feedback, users)
        _put(laboratory, feedback)
    if interviewer is not None and (charged or not interviewer.has_done(feedback.interviews)):
        before, feedback = feedback, interview_users(laboratory, feedback, interviewer)
        if not interviewer.has_done(before.interviews):
            _put(laboratory, feedback)
    return replace(feedback, own=(), own_findings=(), own_key="")


def _put(laboratory: Laboratory, feedback: Feedback) -> None:
    context = laboratory.context
    with context.store_lock:
        context.store.put_feedback(feedback)
    said = count(len(feedback.all_findings()), "finding")
    if feedback.simulation is not None:
        critiques = count(len(feedback.simulation.critiques), "critique")
        said += f", {critiques} by {count(feedback.simulation.users, 'simulated user')}"
    context.events.emit(EventType.FEEDBACK, said, trial=feedback.trial)


def diagnose(laboratory: Laboratory, trial: Trial, *, examined: bool = False) -> Feedback:
    """The feedback without users. examined: see `feedback_of`.

    Raises RepoError where the trial has not ended well, AnalysisError where what it left cannot be measured."""
    from evolution.trials.analysis import analyse, sensible
    from evolution.trials.asking_trained import merged

    if trial.status is not TrialStatus.COMPLETE:
        reason = f": {trial.failure.message}" if trial.failure else ""
        raise RepoError(f"trial {trial.id} is {trial.status}{reason}; a diagnosis needs a complete one")
    context = laboratory.context
    context.events.emit(EventType.PROGRESS, "measuring", trial=trial.id, fraction=None, left_s=None)
    folder = trial_folder(context.repo, trial.id)
    asked = laboratory.examine(trial) if examined else ()
    measurements = analyse(folder, laboratory.data, seed=trial.key.seed, cancelled=context.cancelled)
    sources = laboratory.programs.sources(trial.key.program)
    with sensible(f"the code of trial {trial.id}, or its trace,"):
        sites = find_sites(trace_of(laboratory, trial.id), sources, laboratory.data.training.n_items)
        checks = merged(trial.contract, asked)
        found = findings(measurements, checks, sites, sources) + found_in_code(laboratory, trial)
    return Feedback(
        trial=trial.id,
        program=trial.key.program,
        created_at=time.time(),
        made_by=observer_version(),
        measurements=tuple(measurements),
        findings=tuple(found),
        sites=tuple(sites),
        examined=examined,
        asked=tuple(asked),
    )


def found_in_code(laboratory: Laboratory, trial: Trial) -> list[Finding]:
    """The findings of the rules in a trial's program, without those in files of which its training ran no line."""
    sources = laboratory.programs.sources(trial.key.program)
    hits = on_device(check_sources(sources), laboratory.config.training.device)
    return rule_findings(of_what_ran(hits, dict(trial.note.get("executed", {}))), sources)


def code_map(laboratory: Laboratory, trial: Trial) -> Feedback:
    """Where the parts of the program are, and nothing said of it: for strategies that are told no more.

    Raises AnalysisError where the trace cannot be read.
    """
    from evolution.trials.analysis import sensible

    sources = laboratory.programs.sources(trial.key.program)
    with sensible(f"the code of trial {trial.id}, or its trace,"):
        sites = find_sites(trace_of(laboratory, trial.id), sources, laboratory.data.training.n_items)
    return Feedback(
        trial=trial.id, program=trial.key.program, created_at=trial.created_at, sites=tuple(sites)
    )


def observer_version() -> str:
    """A hash of the code that makes feedback; stored feedback with another hash is made again."""
    return version_of(*_OBSERVER)


def ask_users(laboratory: Laboratory, feedback: Feedback, users: int) -> Feedback:
    """The feedback with the critiques that `users` statistical personas make of their top items.

    Raises AnalysisError where what the trial left makes no sense.
    """
    from diagnosis.evidence import load_artifacts
    from evolution.trials.analysis import sensible
    from simulator.simulate import simulate

    context = laboratory.context
    asking = f"asking {count(users, 'user')}"
    context.events.emit(EventType.PROGRESS, asking, trial=feedback.trial, fraction=None, left_s=None)
    data, shown = laboratory.data, list[Shown]()
    with sensible(f"what trial {feedback.trial} left"):
        artifacts = load_artifacts(trial_folder(context.repo, feedback.trial) / "artifacts")
        simulation = simulate(
            training=data.training,
            questions=data.validation,
            top_items=artifacts.top.items,
            n_users=users,
            seed=laboratory.config.training.seed,
            witness=lambda page, judgement: shown.append(as_shown(page, judgement)),
        )
    _keep(laboratory, feedback.trial, simulation, shown)
    sources = laboratory.programs.sources(feedback.program)
    anchors = {c.id: critique_anchors(c, feedback, sources) for c in simulation.critiques}
    joined = {**feedback.critique_anchors, **anchors}
    return replace(feedback, simulation=simulation, critique_anchors=joined, created_at=time.time())


@dataclass(frozen=True, kw_only=True)
class Interviewer:
    """An LLM that plays users: `ask` sends a prompt to `model`, with at most `concurrency` exchanges at once."""

    ask: "Ask"
    model: str
    users: int
    concurrency: int

    def has_done(self, simulation: Simulation | None) -> bool:
        """Whether a simulation has this model and number of users; False if more than a third of the interviews failed."""
        if simulation is None or simulation.failed > self.users / 3:
            return False
        return simulation.model == self.model and simulation.asked == self.users


def interview_users(laboratory: Laboratory, feedback: Feedback, interviewer: Interviewer) -> Feedback:
    """The feedback with the critiques of LLM-played users. Raises Cancelled."""
    from diagnosis.evidence import load_artifacts
    from simulator.asking import AskingStopped
    from simulator.interviews import simulate_with_llm

    context = laboratory.context
    words = f"asking {interviewer.users} users played by {interviewer.model}"
    context.events.emit(EventType.PROGRESS, words, trial=feedback.trial, fraction=None, left_s=None)
    artifacts = load_artifacts(trial_folder(context.repo, feedback.trial) / "artifacts")
    data, shown = laboratory.data, list[Shown]()
    try:
        interviews = simulate_with_llm(
            training=data.training,
            questions=data.validation,
            top_items=artifacts.top.items,
            ask=interviewer.ask,
            model=interviewer.model,
            n_users=interviewer.users,
            seed=laboratory.config.training.seed,
            concurrency=interviewer.concurrency,
            cancelled=context.cancelled,
            witness=lambda page, judgement: shown.append(as_shown(page, judgement)),
        )
    except AskingStopped:
        raise Cancelled("cancelled") from None
    _keep(laboratory, feedback.trial, interviews, shown)
    sources = laboratory.programs.sources(feedback.program)
    anchors = {c.id: critique_anchors(c, feedback, sources) for c in interviews.critiques}
    joined = {**feedback.critique_anchors, **anchors}
    return replace(feedback, interviews=interviews, critique_anchors=joined)


def _keep(laboratory: Laboratory, trial: str, simulation: Simulation, shown: Sequence[Shown]) -> None:
    """Store each user's page and answer, except in a replay, which writes nothing."""
    context = laboratory.context
    if laboratory.replays:
        return
    with context.store_lock:
        context.store.put_personas(trial, simulation.kind, kept(shown))


def critique_anchors(
    critique: Critique, feedback: Feedback, sources: Mapping[str, str]
) -> tuple[Anchor, ...]:
    """The lines of a cause that brings the critique about; without one, where the model is built: users know no line of code."""
    if anchors := feedback.backing(critique).anchors:
        return anchors[:CRITIQUE_ANCHORS]
    entry = [site for site in feedback.sites if site.role is Role.ENTRY and site.path in sources]
    return tuple(make_anchor(site, sources[site.path]) for site in entry[:CRITIQUE_ANCHORS])


def trace_of(laboratory: Laboratory, trial: str) -> dict[str, Any]:
    """The stored trace of one training step of a trial; {} if there is none."""
    path = trial_folder(laboratory.context.repo, trial) / "artifacts" / "trace.json"
    try:
        return dict(parse_json(read_text(path, most=RECORD_BYTES, inside=path.parent)))
    except (OSError, ValueError, TypeError):
        return {}
