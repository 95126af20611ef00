"""The experiment for candidate probes: the trial that users complain of, further trials, and what is known of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from diagnosis.coevolution.admission import Admission, Experiment, admit
from diagnosis.coevolution.complaints import Complaint
from diagnosis.coevolution.rejection import ProbeFailed
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.coevolution.view import Float64
from diagnosis.findings import Measurement
from evolution.coevolution.probe_runner import ProbeRunner


@dataclass(frozen=True, kw_only=True, eq=False)
class AdmissionContext:
    """Everything needed to try candidates for one trial.

    folder: of the trial that users complain of.
    archive: id -> folder of further trials.
    """

    runner: ProbeRunner
    folder: Path
    archive: Mapping[str, Path]
    experiment: Experiment

    def admit(self, spec: ProbeSpec, complaint: Complaint) -> Admission:
        """Try a probe for a complaint. Raises Cancelled."""
        return admit(spec, complaint, self.experiment, self._run)

    def with_admitted(self, admission: Admission) -> "AdmissionContext":
        """The context after an admission: later candidates must not copy this probe."""
        known = {**self.experiment.known, admission.spec.code: admission.means}
        return replace(self, experiment=replace(self.experiment, known=known))

    def _run(
        self, spec: ProbeSpec, subjects: Sequence[str], *, trial: str = "", seed: int = 0, state: int = 0
    ) -> Mapping[str, Float64]:
        folder = self.archive[trial] if trial else self.folder
        return self.runner.run(spec, subjects, folder, seed=seed, state=state)


def open_context(
    runner: ProbeRunner,
    folder: Path,
    archive: Mapping[str, Path],
    built_in: Mapping[str, Sequence[Measurement]],
    admitted: Sequence[ProbeSpec],
) -> AdmissionContext:
    """The context for one trial. Raises AnalysisError, Cancelled.

    built_in: trial of the archive -> what the built-in probes measured there.
    admitted: evolved probes that exist already.
    """
    around = runner.subjects(folder, measured=True)
    known = {code: dict(values) for code, values in around.known.items()}
    for trial, measurements in built_in.items():
        for found in measurements:
            if found.code in known and found.healthy is not None:
                known[found.code][trial] = found.value
    experiment = Experiment(subjects=around.names, archive=tuple(archive), users=around.users, known=known)
    context = AdmissionContext(runner=runner, folder=folder, archive=archive, experiment=experiment)
    for spec in admitted:
        context = _with_known(context, spec)
    return context


def _with_known(context: AdmissionContext, spec: ProbeSpec) -> AdmissionContext:
    """The context with an existing probe's means. A probe that cannot run on this trial is left out, since no
    candidate can copy it here.
    """
    try:
        values = context.runner.run(spec, context.experiment.subjects, context.folder)
    except ProbeFailed:
        return context
    means = {name: float(own[own == own].mean()) for name, own in values.items() if (own == own).any()}
    return context.with_admitted(Admission(spec=spec, rejection=None, why="", means=means))
