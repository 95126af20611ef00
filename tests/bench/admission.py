"""Admission: of probe candidates whose worth is known, how many good ones get in, and how many bad ones.

python tests/bench/admission.py        minutes: some 80 candidates, each in processes of its own
"""

import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1])]

from figures import record

from evolution.trials.sandbox import sandbox_problem
from tests.evolution.coevolution.candidates import BAD, GOOD, Candidate
from tests.evolution.coevolution.grounds import Grounds, grounds_in


def decided(grounds: Grounds, candidate: Candidate) -> dict[str, str]:
    """What admission says of a candidate, and for how long it thought."""
    occasion = grounds.occasion(candidate.on)
    complaint = grounds.complaint(candidate.on, candidate.complaint)
    began = time.monotonic()
    admission = occasion.admit(candidate.spec, complaint)
    reason = "" if admission.rejection is None else str(admission.rejection.reason)
    print(
        f"{candidate.id:24} {reason or 'admitted':24} {time.monotonic() - began:5.1f} s  {admission.why[:160]}"
    )
    return {
        "id": candidate.id,
        "complaint": candidate.complaint,
        "expected": " or ".join(candidate.faults) or "admitted",
        "decided": reason or "admitted",
        "sentence": admission.why,
    }


def main() -> None:
    chosen = set(sys.argv[1:])
    with tempfile.TemporaryDirectory() as folder:
        grounds = grounds_in(Path(folder))
        good = [decided(grounds, c) for c in GOOD if not chosen or c.id in chosen]
        bad = [decided(grounds, c) for c in BAD if not chosen or c.id in chosen]
    if chosen:
        return
    admitted = sum(d["decided"] == "admitted" for d in good)
    record(
        "admission",
        {
            "sandbox": sandbox_problem() or "bubblewrap",
            "candidates": len(good) + len(bad),
            "good": len(good),
            "good_admitted": admitted,
            "good_admitted_share": round(admitted / len(good), 3),
            "bad": len(bad),
            "bad_admitted": sum(d["decided"] == "admitted" for d in bad),
            "bad_rejected_for_the_expected_reason": sum(
                d["decided"] in d["expected"].split(" or ") for d in bad
            ),
            "interval": "none: every candidate is decided the same way again",
            "good_candidates": good,
            "bad_candidates": bad,
        },
    )


if __name__ == "__main__":
    main()
