"""The search for a probe for each complaint about one trial: authors in turn, the same admission for all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from diagnosis.coevolution.asking import Ask, is_llm_failure
from diagnosis.coevolution.complaints import Complaint
from diagnosis.coevolution.composing import compose
from diagnosis.coevolution.rejection import Reason, Rejection
from diagnosis.coevolution.spec import ABSENT_WHEN, ProbeSpec
from diagnosis.evidence import load_artifacts
from diagnosis.findings import Measurement
from evolution.base.errors import NotRecorded
from evolution.base.places import trial_folder
from evolution.coevolution.complainants import Voices, hear
from evolution.coevolution.experiment import Occasion, open_occasion
from evolution.domain.feedback import Feedback
from evolution.domain.probe import ProbeRecord, ProbeState
from evolution.domain.trial import Trial
from evolution.laboratory.observer import observer_version

if TYPE_CHECKING:
    from evolution.coevolution.probe_set import CoEvolving

ROUNDS = 3  # attempts of an LLM at one complaint
USERS = 200  # whose voices a probe must agree with


@dataclass(frozen=True, kw_only=True)
class Author:
    """An LLM that writes probes. model: its name."""

    ask: Ask
    model: str


class Search:
    """Probes for the complaints about one trial. The occasion is prepared when the first candidate needs it."""

    def __init__(self, run: "CoEvolving", trial: Trial, feedback: Feedback, others: Sequence[str]) -> None:
        self._run, self._trial, self._feedback = run, trial, feedback
        self._others = tuple(others)
        self._occasion: Occasion | None = None
        self._voices: Voices | None = None

    def probe_for(self, complaint: Complaint) -> list[str]:
        """Candidates in turn until one is admitted: its id, or []."""
        for spec in self._candidates(complaint):
            record = self._run.known(spec, self._basis(spec))
            if record is None:
                self._run.may_run("the admission of a probe")
                record = self._decide(spec, complaint)
            if record.state is not ProbeState.REJECTED:
                self._run.specs.append(record.spec)
                self._run.say(f"probe {spec.name} is admitted for {complaint.code}: {record.sentence}")
                return [record.spec.id]
            self._rejected.append((spec, Rejection(reason=Reason(record.reason), sentence=record.sentence)))
            self._run.say(f"probe {spec.name} is rejected ({record.reason}): {record.sentence}")
        return []

    def _candidates(self, complaint: Complaint) -> Iterator[ProbeSpec]:
        """An LLM's, told each time why the last was rejected; then templates."""
        self._rejected: list[tuple[ProbeSpec, Rejection]] = []
        for _ in range(ROUNDS if self._run.author is not None else 0):
            written = self._written(complaint)
            if written is None:
                break
            yield written
        yield from compose(complaint)

    def _written(self, complaint: Complaint) -> ProbeSpec | None:
        from evolution.coevolution.author import write_probe

        author, budget = self._run.author, self._run.bench.budget
        assert author is not None
        try:
            return write_probe(
                author.ask,
                complaint,
                author=author.model,
                quotes=self._quotes(complaint),
                known=self._run.specs,
                missing=self._missing(),
                rejected=self._rejected,
                time_s=budget.time_s,
                memory_mb=budget.memory_bytes // 2**20,
            )
        except Exception as error:
            if not is_llm_failure(error) or isinstance(error, NotRecorded):
                raise
            self._run.say(f"no probe was written for {complaint.code}: {error}")
            return None

    def _decide(self, spec: ProbeSpec, complaint: Complaint) -> ProbeRecord:
        occasion = self._opened()
        admission = occasion.admit(spec, self._with_voices(complaint))
        if admission.rejection is None:
            self._occasion = occasion.with_admitted(admission)
        state = ProbeState.ADMITTED if admission.rejection is None else ProbeState.REJECTED
        reason = "" if admission.rejection is None else str(admission.rejection.reason)
        spec = replace(spec, admitted_because=admission.why if admission.rejection is None else "")
        return self._run.put(spec, state, self._trial.id, reason, admission.why, self._basis(spec))

    def _basis(self, spec: ProbeSpec) -> tuple[str, ...]:
        """What a decision rests on: trials, the probes that there are, and our own code."""
        return (self._trial.id, *self._others, *sorted(s.id for s in self._run.specs), observer_version())

    def _opened(self) -> Occasion:
        if self._occasion is None:
            repo = self._run.laboratory.context.repo
            self._run.say("preparing models with known faults, to try probes on")
            self._occasion = open_occasion(
                self._run.bench,
                trial_folder(repo, self._trial.id),
                {other: trial_folder(repo, other) for other in self._others},
                {other: self._measured(other) for other in self._others},
                self._run.specs,
            )
        return self._occasion

    def _measured(self, trial: str) -> Sequence[Measurement]:
        context = self._run.laboratory.context
        with context.store_lock:
            feedback = context.store.feedback(trial)
        return feedback.measurements if feedback else ()

    def _with_voices(self, complaint: Complaint) -> Complaint:
        if self._voices is None:
            laboratory = self._run.laboratory
            artifacts = load_artifacts(trial_folder(laboratory.context.repo, self._trial.id) / "artifacts")
            self._voices = hear(
                laboratory.data.training,
                laboratory.data.validation,
                artifacts.top.items,
                n_users=USERS,
                seed=laboratory.config.training.seed,
            )
        same = [code for code in self._voices.said if code.endswith(f"-{complaint.signal}")]
        codes = (complaint.code,) if complaint.code in self._voices.said else tuple(same)
        complaining, content = self._voices.of(codes)
        return replace(complaint, complaining=complaining, content=content)

    def _quotes(self, complaint: Complaint) -> list[str]:
        critiques = [c for c in self._feedback.critiques() if c.code == complaint.code]
        return [quote.text for critique in critiques for quote in critique.quotes]

    def _missing(self) -> frozenset[str]:
        """Attributes of the view that hold nothing, told from the artifacts and the item columns alone."""
        laboratory = self._run.laboratory
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
