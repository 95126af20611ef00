"""The diagnosis tool evolves with the model: what users complain of, and nothing measures, gets a probe.

Authors are an LLM where there is one, and templates. Every probe passes the same admission. Each decision is stored
before the next step, under what it was decided on, so that a run that is done again decides the same.
"""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.findings import Finding, Measurement
from diagnosis.judge import findings
from evolution.base.errors import NotStored
from evolution.base.places import trial_folder
from evolution.coevolution.experiment import is_broken, measure_evolved
from evolution.coevolution.probe_runner import ProbeBench
from evolution.coevolution.search import Author, Search
from evolution.coevolution.unmeasured import unmeasured
from evolution.domain.archive import Archive
from evolution.domain.feedback import Feedback
from evolution.domain.job import EventType
from evolution.domain.probe import ProbeRecord, ProbeState
from evolution.domain.trial import Trial
from evolution.laboratory.laboratory import Laboratory
from evolution.trials.analysis import AnalysisError
from evolution.trials.sandbox import NO_SANDBOX_WARNING, sandbox_problem

COMPLAINTS = 2  # complaints that are worked on after one generation
ARCHIVE = 4  # further trials that a candidate is measured on


class CoEvolving:
    """The probes of one run. author None: templates only. specs: those that count from now on; a run starts with
    what the user has accepted into the repo."""

    def __init__(
        self, laboratory: Laboratory, author: Author | None, accepted: Sequence[ProbeSpec] = ()
    ) -> None:
        self.laboratory, self.author = laboratory, author
        self.specs: list[ProbeSpec] = list(accepted)
        self.bench = ProbeBench(data=laboratory.data, cancelled=laboratory.context.cancelled)
        self._tried: set[tuple[str, str]] = set()  # (complaint, trial)

    def extended(self, feedback: Feedback, trial: Trial) -> Feedback:
        """The feedback with what the run's probes measure, and their findings on their lines. What was not
        measured yet is, and is stored with the trial's feedback. Raises Cancelled, NotStored."""
        missing = [spec for spec in self.specs if spec.id not in feedback.evolved]
        if missing:
            feedback = self._measured(feedback, trial, missing)
        own = [found for spec in self.specs for found in feedback.evolved[spec.id]]
        wrong = [found for spec in self.specs for found in feedback.evolved_findings.get(spec.id, ())]
        return replace(
            feedback,
            measurements=(*feedback.measurements, *own),
            findings=(*feedback.findings, *wrong),
        )

    def after_generation(self, archive: Archive, generation: int) -> tuple[str, ...]:
        """Ids of the probes that were admitted now. They are tried on the best program, and on the user's own."""
        admitted: list[str] = []
        for node in dict.fromkeys((archive.best.trial, archive.root.trial)):
            try:
                self._search(node, archive, admitted)
            except (
                AnalysisError
            ) as error:  # by what a candidate left; the run goes on without a probe from it
                self.say(f"no probe is tried on trial {node}: {error}")
        return tuple(admitted)

    def _search(self, node: str, archive: Archive, admitted: list[str]) -> None:
        """Adds the ids of probes that are admitted for complaints about one trial."""
        trial, feedback = self._stored(node)
        feedback = self.extended(feedback, trial)
        self._retire(feedback)
        complaints = [c for c in unmeasured(feedback, self.specs) if (c.code, node) not in self._tried]
        others = [n.trial for n in archive.complete if n.trial != node]
        work = Search(self, trial, feedback, others[-ARCHIVE:])
        for complaint in complaints[: COMPLAINTS - len(admitted)]:
            self._tried.add((complaint.code, node))
            admitted += work.probe_for(complaint)

    def _measured(self, feedback: Feedback, trial: Trial, specs: Sequence[ProbeSpec]) -> Feedback:
        """From the store where it is there: the caller's feedback may be older than what is known by now."""
        context = self.laboratory.context
        folder = trial_folder(context.repo, trial.id)
        stored = self._stored(trial.id)[1]
        missing = [spec for spec in specs if spec.id not in stored.evolved]
        if missing:
            self.may_run("what an evolved probe measures")
            new = {spec.id: tuple(measure_evolved(self.bench, folder, [spec])) for spec in missing}
            sources = self.laboratory.programs.sources(feedback.program)
            wrong = {name: tuple(findings(found, (), feedback.sites, sources)) for name, found in new.items()}
            stored = _with_evolved(stored, new, wrong)
            with context.store_lock:
                context.store.put_feedback(stored)
        return _with_evolved(feedback, stored.evolved, stored.evolved_findings)

    def _stored(self, trial: str) -> tuple[Trial, Feedback]:
        context = self.laboratory.context
        with context.store_lock:
            found, feedback = context.store.trial(trial), context.store.feedback(trial)
        if found is None or feedback is None:
            raise NotStored(f"trial {trial} of this run is gone from the store; start the run again")
        return found, feedback

    def _retire(self, feedback: Feedback) -> None:
        """Probes that an architecture change broke make way; their complaint is open again."""
        for spec in list(self.specs):
            broken = [found for found in feedback.evolved.get(spec.id, ()) if is_broken(found)]
            if broken:
                self.specs.remove(spec)
                if self.known(spec, [feedback.trial]) is None:
                    self.put(
                        spec,
                        ProbeState.RETIRED,
                        feedback.trial,
                        "broken",
                        broken[0].message,
                        [feedback.trial],
                    )
                self.say(f"probe {spec.name} is retired: {broken[0].message}")

    def put(
        self, spec: ProbeSpec, state: ProbeState, trial: str, reason: str, sentence: str, basis: Sequence[str]
    ) -> ProbeRecord:
        problem = sandbox_problem()
        record = ProbeRecord(
            id=occasion_id(spec, basis),
            spec=spec,
            state=state,
            trial=trial,
            reason=reason,
            sentence=sentence,
            created_at=time.time(),
            warnings=(NO_SANDBOX_WARNING,) if problem else (),
        )
        with self.laboratory.context.store_lock:
            self.laboratory.context.store.put_probe(record)
        return record

    def known(self, spec: ProbeSpec, basis: Sequence[str]) -> ProbeRecord | None:
        """What was decided of it on the same trials."""
        with self.laboratory.context.store_lock:
            return self.laboratory.context.store.probe(occasion_id(spec, basis))

    def may_run(self, what: str) -> None:
        if self.laboratory.replays:
            raise NotStored(f"the replay needs {what} that is not in the store")

    def say(self, words: str) -> None:
        self.laboratory.context.events.emit(EventType.LOG, words)


def _with_evolved(
    feedback: Feedback,
    measured: Mapping[str, tuple[Measurement, ...]],
    wrong: Mapping[str, tuple[Finding, ...]],
) -> Feedback:
    return replace(
        feedback,
        evolved={**feedback.evolved, **measured},
        evolved_findings={**feedback.evolved_findings, **wrong},
    )


def occasion_id(spec: ProbeSpec, basis: Sequence[str]) -> str:
    return hashlib.sha256("\0".join((spec.id, *basis)).encode()).hexdigest()[:12]
