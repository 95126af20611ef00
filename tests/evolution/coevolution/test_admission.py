"""Of candidates whose worth is known every second good one is admitted, and every bad one is rejected for its fault.

tests/bench/admission.py has them all.
"""

import pytest

from tests.evolution.coevolution.candidates import BAD, GOOD, Candidate
from tests.evolution.coevolution.grounds import Grounds

pytestmark = [pytest.mark.slow, pytest.mark.process]


@pytest.mark.parametrize("candidate", GOOD[::2], ids=lambda candidate: candidate.id)
def test_a_good_probe_is_admitted(candidate: Candidate, grounds: Grounds) -> None:
    complaint = grounds.complaint(candidate.on, candidate.complaint)
    admission = grounds.occasion(candidate.on).admit(candidate.spec, complaint)
    assert admission.rejection is None, admission.rejection


@pytest.mark.parametrize("candidate", BAD, ids=lambda candidate: candidate.id)
def test_a_bad_probe_is_rejected_for_its_fault(candidate: Candidate, grounds: Grounds) -> None:
    complaint = grounds.complaint(candidate.on, candidate.complaint)
    rejection = grounds.occasion(candidate.on).admit(candidate.spec, complaint).rejection
    assert rejection is not None
    assert rejection.reason in candidate.faults, rejection.sentence
