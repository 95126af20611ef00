"""Measures a trial with the probes that the user has written in `probes/`, and puts what they say into its feedback.

A probe that cannot run is a finding on its own line, and stops nothing else. What probes said is kept under the hash of their
texts: an edited probe is run again, on the stored trial.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from diagnosis.findings import Finding, Measurement
from diagnosis.probes.outcome import unjudged
from diagnosis.user_probes.findings import fault_finding, user_finding
from diagnosis.user_probes.judging import MODEL, Answer, judged
from diagnosis.user_probes.probe import REFERENCES, Fault, UserProbe, key_of
from evolution.base.places import trial_folder
from evolution.coevolution.probe_runner import ProbeRunner
from evolution.domain.feedback import Feedback
from evolution.domain.job import EventType
from evolution.domain.trial import FailureReason, Trial
from evolution.laboratory.laboratory import Laboratory
from evolution.repo.user_probes import read_user_probes
from evolution.trials.failing import FAULTS_OF_DATA, TrialFailed
from evolution.trials.replies import is_line

MOST_USERS = 1_000_000
LONGEST = 500  # characters of what a probe says


class FaultyProbe(Exception):
    """A probe that ran into a fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def with_user_probes(laboratory: Laboratory, trial: Trial, feedback: Feedback) -> Feedback:
    """The feedback with what the repo's own probes say of the trial, from the store where the same probes said it.

    Raises Cancelled.
    """
    context = laboratory.context
    probes = read_user_probes(context.repo)
    with context.store_lock:
        stored = context.store.feedback(trial.id) or feedback
    if stored.own_key != key_of(probes):
        stored = _measured(laboratory, trial, stored, probes)
        with context.store_lock:
            context.store.put_feedback(stored)
    return replace(feedback, own=stored.own, own_findings=stored.own_findings, own_key=stored.own_key)


def _measured(
    laboratory: Laboratory, trial: Trial, feedback: Feedback, probes: Sequence[UserProbe]
) -> Feedback:
    context = laboratory.context
    runner = ProbeRunner(data=laboratory.data, cancelled=context.cancelled)
    folder = trial_folder(context.repo, trial.id)
    sources = laboratory.programs.sources(feedback.program)
    own, found = list[Measurement](), list[Finding]()
    for probe in probes:
        words = f"measuring with {probe.path}"
        context.events.emit(EventType.PROGRESS, words, trial=trial.id, fraction=None, left_s=None)
        faults = list(probe.faults)
        if not faults:
            try:
                measurement, at = measured_with(runner, folder, probe, trial.key.seed)
            except FaultyProbe as faulty:
                faults.append(faulty.fault)
            else:
                finding, fault = user_finding(probe, measurement, at, feedback.sites, sources)
                own.append(measurement)
                found += [finding] if finding is not None else []
                faults += [fault] if fault is not None else []
        found += [fault_finding(probe, fault) for fault in faults]
    return replace(feedback, own=tuple(own), own_findings=tuple(found), own_key=key_of(probes))


def measured_with(runner: ProbeRunner, folder: Path, probe: UserProbe, seed: int) -> tuple[Measurement, str]:
    """What a probe measures, and the place that it gives itself. Raises FaultyProbe, Cancelled."""
    names = [MODEL, *([REFERENCES[probe.terms.reference]] if probe.terms.reference else [])]
    answer = _asked(runner, folder, probe, names, seed)
    match answer.get("fault"):
        case {"line": line, "message": str(message)} if is_line(line):
            place = line if 0 < line <= probe.text.count("\n") + 1 else probe.return_line
            raise FaultyProbe(Fault(line=place, message=message[:LONGEST]))
    match answer.get("lacks"):
        case str(why):
            details = {"own": probe.path}
            return unjudged(probe.code, why[:LONGEST], unit=probe.terms.unit, details=details), ""
    try:
        answers = {name: _checked(answer["answers"].get(name)) for name in names}
    except FAULTS_OF_DATA:
        words = "its answer makes no sense: the probe has written on the wire of its process"
        raise FaultyProbe(Fault(line=probe.measure_line, message=words)) from None
    own = answers[MODEL]
    return judged(probe, answers, seed), own.at if own is not None else ""


def _asked(
    runner: ProbeRunner, folder: Path, probe: UserProbe, names: Sequence[str], seed: int, again: bool = True
) -> dict[str, Any]:
    """Raises FaultyProbe where the process ended; one that others ended is started once more."""
    try:
        return runner.run_user_probe(
            folder, path=probe.path, text=probe.text, names=names, needs=sorted(probe.needs), seed=seed
        )
    except TrialFailed as failed:
        if failed.failure.reason is FailureReason.KILLED and again:
            return _asked(runner, folder, probe, names, seed, again=False)
        said = f"its process ended ({failed.failure.reason}): {failed.failure.message}"
        raise FaultyProbe(Fault(line=probe.measure_line, message=said[:LONGEST])) from None


def _checked(told: Any) -> Answer | None:
    """An answer as the process told it. Raises ValueError or TypeError where it makes no sense."""
    if told is None:
        return None
    if not isinstance(told, Mapping):
        raise TypeError("expected a mapping")
    values, healthy = told["values"], told.get("healthy")
    texts = [told.get(name, "") for name in ("message", "at")]
    if not all(isinstance(text, str) for text in texts) or not (healthy is None or isinstance(healthy, bool)):
        raise TypeError("expected texts and a truth value")
    numbers = values if isinstance(values, list) else [values]
    if len(numbers) > MOST_USERS or not all(_is_number(number) for number in numbers):
        raise ValueError("expected numbers")
    array = np.array(values, dtype=np.float64)
    return Answer(values=array, message=texts[0][:LONGEST], healthy=healthy, at=texts[1][:LONGEST])


def _is_number(value: Any) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and (abs(value) < 1e300 or math.isinf(value) or math.isnan(value))
    )
