"""Finds complaints, and signals that users want watched, which no probe verifies yet."""

from collections.abc import Sequence

from diagnosis.catalogue import kind_of
from diagnosis.coevolution.complaints import Complaint, expectation_of, tracked
from diagnosis.coevolution.spec import ProbeSpec
from evolution.domain.feedback import Feedback


def unverified_complaints(feedback: Feedback, specs: Sequence[ProbeSpec]) -> list[Complaint]:
    """Complaints and signals to watch that neither an unhealthy built-in measurement nor an evolved probe verifies.

    Those that most users share come first. Complaints of users who predict no better than chance are left out.
    """
    verified = {
        complaint
        for measurement in feedback.measurements
        if measurement.healthy is False
        for complaint in kind_of(measurement.code, measurement.details).verifies
    }
    has_probe = {spec.complaint for spec in specs}
    return [
        complaint
        for complaint in _complaints(feedback)
        if complaint.code not in has_probe | verified and expectation_of(complaint) is not None
    ]


def _complaints(feedback: Feedback) -> list[Complaint]:
    critiques = sorted(feedback.complaints(), key=lambda critique: (-critique.share, critique.code))
    found = [Complaint(code=c.code, signal=c.signal, message=c.message) for c in critiques]
    for simulation in feedback.simulations:
        signals = simulation.interpretation.track if simulation.interpretation else ()
        for signal in signals:
            wanted = tracked(f"{signal.signal}: {signal.sentence}")
            if wanted is not None and not any(c.signal == wanted.signal for c in found):
                found.append(wanted)
    return list({complaint.code: complaint for complaint in reversed(found)}.values())[::-1]
