"""What a patch is to heal, and what of it is healed in the patched program."""

from collections.abc import Callable, Sequence

from diagnosis.findings import Finding, Measurement, Nature
from evolution.domain.feedback import Feedback
from evolution.domain.proposal import Idea
from evolution.domain.trial import Trial
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.observer import feedback_of, found_in_code
from evolution.recipes.catalogue import mends


def targets_of(idea: Idea, feedback: Feedback) -> list[Finding]:
    """The findings whose being gone verifies the idea.

    Of a repair all causes and all advice that it addresses. Of others the unhealthy measurements; those that the candidate's own
    code reports count for repairs alone, whose edits are ours and cannot be written to please a measurement.
    """
    addressed = [finding for finding in feedback.all_findings() if finding.id in idea.addresses]
    if mends(idea):
        return [finding for finding in addressed if finding.kind.nature is not Nature.SYMPTOM]
    verifiable = {found.code for found in _verifying(feedback) if found.healthy is False}
    return [finding for finding in addressed if finding.code in verifiable]


def healed_in(
    laboratory: Laboratory, child: Trial, targets: Sequence[Finding], observe: Callable[[Trial], Feedback]
) -> tuple[str, ...]:
    """Codes of the targets that are healthy in a child's complete trial. observe: the feedback on it. Raises AnalysisError."""
    watched = any(finding.self_reported for finding in targets)
    after = feedback_of(laboratory, child, examined=True) if watched else observe(child)
    return tuple(code for code in _codes(targets) if is_healed(code, after))


def healed_in_code(laboratory: Laboratory, child: Trial, targets: Sequence[Finding]) -> tuple[str, ...]:
    """Codes of the targets that the rules no longer find in a child's code, of which its trial says what ran."""
    left = {finding.code for finding in found_in_code(laboratory, child)}
    return tuple(code for code in _codes(targets) if code not in left)


def is_healed(code: str, after: Feedback) -> bool:
    """Whether what was wrong is gone: no finding says it, and whatever measures or checks it found it healthy."""
    if any(finding.code == code for finding in after.all_findings()):
        return False
    verdicts = [found.healthy for found in after.all_measurements() if found.code == code]
    return all(healthy is True for healthy in verdicts)


def _codes(targets: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(finding.code for finding in targets))


def _verifying(feedback: Feedback) -> list[Measurement]:
    """The measurements that can verify a fix: those that the candidate's own code does not report."""
    return [found for found in feedback.all_measurements() if not found.self_reported]
