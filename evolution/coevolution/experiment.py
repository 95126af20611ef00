"""One occasion of admission: a trial that users complain of, the archive around it, and everything known there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diagnosis.coevolution.admission import Admission, Experiment, admit
from diagnosis.coevolution.complaints import EXPECTATIONS, Complaint, Expectation
from diagnosis.coevolution.rejection import ProbeFailed, Reason
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.coevolution.subjects import MODEL
from diagnosis.coevolution.verdict import measurement, references, unmeasured
from diagnosis.coevolution.view import Float64
from diagnosis.findings import Measurement
from evolution.coevolution.probe_runner import ProbeBench

BROKEN = "broken"  # in a measurement's details: the reason why the probe could not be run


@dataclass(frozen=True, kw_only=True, eq=False)
class Occasion:
    """folder: of the trial complained of. archive: id -> folder of further trials."""

    bench: ProbeBench
    folder: Path
    archive: Mapping[str, Path]
    experiment: Experiment

    def admit(self, spec: ProbeSpec, complaint: Complaint) -> Admission:
        """Raises Cancelled."""
        return admit(spec, complaint, self.experiment, self._run)

    def with_admitted(self, admission: Admission) -> "Occasion":
        """The next candidates must not be copies of this one."""
        known = {**self.experiment.known, admission.spec.code: admission.means}
        return replace(self, experiment=replace(self.experiment, known=known))

    def _run(
        self, spec: ProbeSpec, subjects: Sequence[str], *, trial: str = "", seed: int = 0, state: int = 0
    ) -> Mapping[str, Float64]:
        folder = self.archive[trial] if trial else self.folder
        return self.bench.run(spec, subjects, folder, seed=seed, state=state)


def open_occasion(
    bench: ProbeBench,
    folder: Path,
    archive: Mapping[str, Path],
    built_in: Mapping[str, Sequence[Measurement]],
    admitted: Sequence[ProbeSpec],
) -> Occasion:
    """built_in: trial of the archive -> what the built-in probes measured there. admitted: evolved probes that
    there are already. Raises AnalysisError, Cancelled."""
    around = bench.surroundings(folder, measured=True)
    known = {code: dict(values) for code, values in around.known.items()}
    for trial, measurements in built_in.items():
        for found in measurements:
            if found.code in known and found.healthy is not None:
                known[found.code][trial] = found.value
    experiment = Experiment(subjects=around.names, archive=tuple(archive), users=around.users, known=known)
    occasion = Occasion(bench=bench, folder=folder, archive=archive, experiment=experiment)
    for spec in admitted:
        occasion = _with_known(occasion, spec)
    return occasion


def _with_known(occasion: Occasion, spec: ProbeSpec) -> Occasion:
    """A probe that does not run on this trial cannot be copied by one that does."""
    try:
        values = occasion.bench.run(spec, occasion.experiment.subjects, occasion.folder)
    except ProbeFailed:
        return occasion
    means = {name: float(own[own == own].mean()) for name, own in values.items() if (own == own).any()}
    return occasion.with_admitted(Admission(spec=spec, rejection=None, why="", means=means))


def measure_evolved(bench: ProbeBench, folder: Path, specs: Sequence[ProbeSpec]) -> list[Measurement]:
    """What each probe says of a trial. One that fails says so, and touches no other. Raises Cancelled."""
    return [_measured(bench, folder, spec) for spec in specs]


def _measured(bench: ProbeBench, folder: Path, spec: ProbeSpec) -> Measurement:
    expectation = _expectation(spec)
    wanted = tuple(dict.fromkeys((MODEL, *references(expectation))))
    try:
        values = bench.run(spec, wanted, folder)
    except ProbeFailed as failed:
        found = unmeasured(spec, failed.rejection.sentence)
        return replace(found, details={**found.details, BROKEN: str(failed.rejection.reason)})
    if not set(wanted) <= set(values):
        return unmeasured(spec, "what it is judged by cannot be measured in this trial")
    return measurement(spec, expectation, values)


def _expectation(spec: ProbeSpec) -> Expectation:
    """Of the complaint it was admitted for; a probe of an unknown one was never admitted here."""
    return EXPECTATIONS.get(spec.complaint) or EXPECTATIONS[f"track-{spec.signal}"]


def is_broken(found: Measurement) -> bool:
    """Whether a probe can no longer be run on a trial because what it needs is not there, or it raises."""
    return found.details.get(BROKEN) in (Reason.ABSENT, Reason.RAISED, Reason.SHAPE)
