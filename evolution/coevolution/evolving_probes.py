"""Evolves the probes of a run: a complaint, or a new mechanism, that nothing measures gets a probe.

An LLM writes probes if there is one, and templates are composed. Every probe must pass the same admission.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from diagnosis.coevolution.complaints import Complaint
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.findings import Finding, Measurement
from diagnosis.judge import findings
from evolution.base.errors import NotStored
from evolution.base.places import trial_folder
from evolution.coevolution.author import Author
from evolution.coevolution.decisions import Decisions
from evolution.coevolution.evolved_measurements import is_broken, measure_evolved
from evolution.coevolution.mechanisms import unmeasured_mechanisms
from evolution.coevolution.probe_runner import ProbeRunner
from evolution.coevolution.search import Search
from evolution.coevolution.unverified import unverified_complaints
from evolution.domain.archive import Archive
from evolution.domain.feedback import Feedback
from evolution.domain.probe import ProbeState
from evolution.domain.trial import Trial
from evolution.laboratory.laboratory import Laboratory
from evolution.trials.analysis import AnalysisError

COMPLAINTS = 2  # probes admitted after one generation, at most
ARCHIVE = 4  # further trials that a candidate is measured on


class EvolvingProbes:
    """The probes of one run.

    author: None for templates only.
    accepted: probes that the user keeps in the repo; the run starts with them.
    specs: the probes that count from now on.
    """

    def __init__(
        self, laboratory: Laboratory, author: Author | None, accepted: Sequence[ProbeSpec] = ()
    ) -> None:
        self.laboratory, self._author = laboratory, author
        self._decisions = Decisions(laboratory)
        self.specs: list[ProbeSpec] = list(accepted)
        self._runner = ProbeRunner(data=laboratory.data, cancelled=laboratory.context.cancelled)
        self._tried: set[tuple[str, str]] = set()  # (complaint, trial)

    def extended(self, feedback: Feedback, trial: Trial) -> Feedback:
        """The feedback with the measurements and findings of this run's probes, and of no other evolved probes.

        Missing measurements are made, and stored with the trial's feedback. Raises Cancelled, NotStored.
        """
        missing = [spec for spec in self.specs if spec.id not in feedback.evolved]
        if missing:
            feedback = self._measured(feedback, trial, missing)
        return replace(
            feedback,
            evolved={spec.id: feedback.evolved[spec.id] for spec in self.specs},
            evolved_findings={spec.id: feedback.evolved_findings.get(spec.id, ()) for spec in self.specs},
        )

    def after_generation(
        self, archive: Archive, generation: int, *, heard: Collection[str]
    ) -> tuple[str, ...]:
        """Search probes for complaints about the best program, then about the user's; returns the ids of those
        admitted.
        """
        admitted: list[str] = []
        for node in dict.fromkeys((archive.best.trial, archive.root.trial)):
            try:
                most = COMPLAINTS - len(admitted)
                admitted += self._search(node, archive, most, heard=node in heard)
            except (
                AnalysisError
            ) as error:  # by what a candidate left; the run goes on without a probe from it
                self._decisions.say(f"no probe is tried on trial {node}: {error}")
        return tuple(admitted)

    def _search(self, node: str, archive: Archive, most: int, *, heard: bool) -> list[str]:
        """Ids of the probes that are admitted for complaints about one trial. Works on at most `most` complaints.

        heard: whether the run asked users that an LLM plays about it; what others once asked must not turn a run.
        """
        trial, feedback = self._stored(node)
        feedback = self.extended(feedback if heard else replace(feedback, interviews=None), trial)
        self._retire(feedback)
        complaints = self._open(feedback, node, archive.root.program)
        others = [n.trial for n in archive.complete if n.trial != node]
        search = Search(
            laboratory=self.laboratory,
            decisions=self._decisions,
            runner=self._runner,
            author=self._author,
            trial=trial,
            feedback=feedback,
            archive=others[-ARCHIVE:],
            root=archive.root.program,
        )
        admitted: list[str] = []
        for complaint in complaints[:most]:
            self._tried.add((complaint.code, node))
            found = search.probe_for(complaint, self.specs)
            if found is not None:
                self.specs.append(found)
                admitted.append(found.id)
        return admitted

    def _open(self, feedback: Feedback, node: str, root: str) -> list[Complaint]:
        """What deserves a probe and was not tried: complaints first, then mechanisms of the version that nothing measures."""
        found = {complaint.code: complaint for complaint in unverified_complaints(feedback, self.specs)}
        if feedback.program != root:
            programs = self.laboratory.programs
            before, after = programs.sources(root), programs.sources(feedback.program)
            for complaint in unmeasured_mechanisms(feedback, self.specs, before, after):
                found.setdefault(complaint.code, complaint)
        return [complaint for code, complaint in found.items() if (code, node) not in self._tried]

    def _measured(self, feedback: Feedback, trial: Trial, specs: Sequence[ProbeSpec]) -> Feedback:
        """The feedback with measurements of these probes, taken from the store if there: `feedback` may be older than
        the store.
        """
        context = self.laboratory.context
        folder = trial_folder(context.repo, trial.id)
        stored = self._stored(trial.id)[1]
        missing = [spec for spec in specs if spec.id not in stored.evolved]
        if missing:
            self._decisions.may_run("what an evolved probe measures")
            new = {spec.id: tuple(measure_evolved(self._runner, folder, [spec])) for spec in missing}
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
        """Retire probes that a change of the architecture broke, so that their complaints are open again."""
        for spec in list(self.specs):
            broken = [found for found in feedback.evolved.get(spec.id, ()) if is_broken(found)]
            if broken:
                self.specs.remove(spec)
                if self._decisions.known(spec, [feedback.trial]) is None:
                    self._decisions.put(
                        spec,
                        ProbeState.RETIRED,
                        feedback.trial,
                        "broken",
                        broken[0].message,
                        [feedback.trial],
                    )
                self._decisions.say(f"probe {spec.name} is retired: {broken[0].message}")


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
