"""Searches a probe for each complaint about one trial: the LLM writes some, then templates follow; all need admission."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from diagnosis.coevolution.asking import is_llm_failure
from diagnosis.coevolution.complaints import Complaint
from diagnosis.coevolution.composing import compose
from diagnosis.coevolution.rejection import Reason, Rejection
from diagnosis.coevolution.spec import ABSENT_WHEN, ProbeSpec
from diagnosis.coevolution.subjects import TITLES
from diagnosis.evidence import load_artifacts
from diagnosis.findings import Measurement
from evolution.base.errors import NotRecorded
from evolution.base.places import trial_folder
from evolution.coevolution.admission_context import AdmissionContext, open_context
from evolution.coevolution.author import Author, Version, write_probe
from evolution.coevolution.complainants import Complainants, complainants_of
from evolution.coevolution.decisions import Decisions
from evolution.coevolution.probe_runner import ProbeRunner
from evolution.domain.feedback import USERS_ASKED, Feedback
from evolution.domain.probe import ProbeRecord, ProbeState
from evolution.domain.trial import Trial
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.observer import observer_version

ROUNDS = 3  # probes that an LLM writes for one complaint, at most


def means_in_words(means: Mapping[str, float]) -> str:
    """What a rejected probe said of each model on average, which shows its author what it measures; "" if it did not run."""
    said = [f"{TITLES[name]} {mean:.3g}" for name, mean in means.items() if name in TITLES]
    return f". Its mean for each model: {'; '.join(said)}" if said else ""


class Search:
    """The search for one trial. The models to try candidates on are prepared when the first candidate needs them.

    author: None for templates only.
    archive: ids of further trials that a candidate is measured on.
    root: the user's own version, "" where it is not known.
    """

    def __init__(
        self,
        *,
        laboratory: Laboratory,
        decisions: Decisions,
        runner: ProbeRunner,
        author: Author | None,
        trial: Trial,
        feedback: Feedback,
        archive: Sequence[str],
        root: str = "",
    ) -> None:
        self._laboratory, self._decisions, self._runner = laboratory, decisions, runner
        self._author, self._trial, self._feedback = author, trial, feedback
        self._archive, self._root = tuple(archive), root
        self._context: AdmissionContext | None = None
        self._complainants: Complainants | None = None

    def probe_for(self, complaint: Complaint, probes: Sequence[ProbeSpec]) -> ProbeSpec | None:
        """The first candidate that is admitted; None if none is.

        probes: the evolved probes that exist already.
        """
        rejected: list[tuple[ProbeSpec, Rejection]] = []
        for spec in self._candidates(complaint, probes, rejected):
            record = self._decisions.known(spec, self._basis(probes))
            if record is None:
                self._decisions.may_run("the admission of a probe")
                record = self._decide(spec, complaint, probes)
            if record.state is not ProbeState.REJECTED:
                self._decisions.say(f"probe {spec.name} is admitted for {complaint.code}: {record.sentence}")
                return record.spec
            rejected.append((spec, Rejection(reason=Reason(record.reason), sentence=record.sentence)))
            self._decisions.say(f"probe {spec.name} is rejected ({record.reason}): {record.sentence}")
        return None

    def _candidates(
        self,
        complaint: Complaint,
        probes: Sequence[ProbeSpec],
        rejected: Sequence[tuple[ProbeSpec, Rejection]],
    ) -> Iterator[ProbeSpec]:
        """The LLM's probes, each written with the reasons for the rejections so far; then composed ones.

        rejected: the caller adds to it between candidates.
        """
        for _ in range(ROUNDS if self._author is not None else 0):
            written = self._written(complaint, probes, rejected)
            if written is None:
                break
            yield written
        yield from compose(complaint)

    def _written(
        self,
        complaint: Complaint,
        probes: Sequence[ProbeSpec],
        rejected: Sequence[tuple[ProbeSpec, Rejection]],
    ) -> ProbeSpec | None:
        """A probe written by the LLM; None if there is no usable answer."""
        author, budget = self._author, self._runner.budget
        assert author is not None
        try:
            return write_probe(
                author.ask,
                complaint,
                author=author.model,
                quotes=self._quotes(complaint),
                version=self._version(complaint),
                known=probes,
                missing=self._missing(),
                rejected=rejected,
                time_s=budget.time_s,
                memory_mb=budget.memory_bytes // 2**20,
            )
        except Exception as error:
            if not is_llm_failure(error) or isinstance(error, NotRecorded):
                raise
            self._decisions.say(f"no probe was written for {complaint.code}: {error}")
            return None

    def _decide(self, spec: ProbeSpec, complaint: Complaint, probes: Sequence[ProbeSpec]) -> ProbeRecord:
        context = self._opened(probes)
        admission = context.admit(spec, self._with_users(complaint))
        if admission.rejection is None:
            self._context = context.with_admitted(admission)
        state = ProbeState.ADMITTED if admission.rejection is None else ProbeState.REJECTED
        reason = "" if admission.rejection is None else str(admission.rejection.reason)
        spec = replace(spec, admitted_because=admission.why if admission.rejection is None else "")
        why = admission.why + (means_in_words(admission.means) if admission.rejection is not None else "")
        return self._decisions.put(spec, state, self._trial.id, reason, why, self._basis(probes))

    def _basis(self, probes: Sequence[ProbeSpec]) -> tuple[str, ...]:
        """Ids of everything that a decision rests on: trials, existing probes, and the version of our own code."""
        return (self._trial.id, *self._archive, *sorted(spec.id for spec in probes), observer_version())

    def _opened(self, probes: Sequence[ProbeSpec]) -> AdmissionContext:
        if self._context is None:
            repo = self._laboratory.context.repo
            self._decisions.say("preparing models with known faults, to try probes on")
            self._context = open_context(
                self._runner,
                trial_folder(repo, self._trial.id),
                {other: trial_folder(repo, other) for other in self._archive},
                {other: self._measured(other) for other in self._archive},
                probes,
            )
        return self._context

    def _measured(self, trial: str) -> Sequence[Measurement]:
        context = self._laboratory.context
        with context.store_lock:
            feedback = context.store.feedback(trial)
        return feedback.measurements if feedback else ()

    def _with_users(self, complaint: Complaint) -> Complaint:
        """The complaint with the users who make it; if nobody makes exactly this one, those who complain of its
        signal.
        """
        if self._complainants is None:
            laboratory = self._laboratory
            artifacts = load_artifacts(trial_folder(laboratory.context.repo, self._trial.id) / "artifacts")
            self._complainants = complainants_of(
                laboratory.data.training,
                laboratory.data.validation,
                artifacts.top.items,
                n_users=USERS_ASKED,
                seed=laboratory.config.training.seed,
            )
        same = [code for code in self._complainants.said if code.endswith(f"-{complaint.signal}")]
        codes = (complaint.code,) if complaint.code in self._complainants.said else tuple(same)
        complaining, content = self._complainants.of(codes)
        return replace(complaint, complaining=complaining, content=content)

    def _quotes(self, complaint: Complaint) -> list[str]:
        critiques = [c for c in self._feedback.critiques() if c.code == complaint.code]
        return [quote.text for critique in critiques for quote in critique.quotes]

    def _version(self, complaint: Complaint) -> Version:
        """The version that users complain of: its change of the user's own, what they want watched of this signal, and literature."""
        laboratory = self._laboratory
        diff = ""
        if self._root and self._root != self._feedback.program:
            diff = laboratory.programs.diff(self._root, self._feedback.program)
        tracked = [
            signal.sentence
            for simulation in self._feedback.simulations
            for signal in (simulation.interpretation.track if simulation.interpretation else ())
            if signal.signal == complaint.signal
        ]
        passages = self._author.passages(complaint) if self._author is not None else []
        return Version(diff=diff, tracked=tuple(dict.fromkeys(tracked)), passages=tuple(passages))

    def _missing(self) -> frozenset[str]:
        """Attributes of the view without data, found from the artifacts and the item columns alone."""
        laboratory = self._laboratory
        folder = trial_folder(laboratory.context.repo, self._trial.id) / "artifacts"
        columns = laboratory.data.training.item_columns
        lacks = {
            "item_embeddings": not (folder / "item_embeddings.npy").exists(),
            "shuffled_lists": not (folder / "dense_shuffled.npy").exists(),
            "shuffled_scores": not (folder / "dense_shuffled.npy").exists(),
            "category": not any(columns.categories),
            "subcategory": not any(columns.categories),
            "store": not any(columns.store),
            "price": not bool((columns.price[1:] > 0).any()),
            "rating": not bool((columns.average_rating[1:] > 0).any()),
        }
        assert set(lacks) == set(ABSENT_WHEN)
        return frozenset(name for name, empty in lacks.items() if empty)
