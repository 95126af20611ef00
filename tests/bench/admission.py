"""Admission: of probe candidates whose worth is known, how many good ones get in, and how many bad ones.

python tests/bench/admission.py        minutes: some 80 candidates, each in processes of its own
"""

import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parents[1]), str(HERE.parent / "evolution" / "coevolution")]

from candidates import BAD, GOOD, Candidate
from figures import record
from grounds import Grounds, faulty_model

from evolution.config import Config, DataSection, RecommenderSection, TrainingSection
from evolution.trials.data import prepare
from evolution.trials.identity import trial_key
from evolution.trials.records import TrialStatus
from evolution.trials.request import Supervision, TrialRequest
from evolution.trials.run import run_trial
from evolution.trials.sandbox import sandbox_problem


def grounds_in(folder: Path) -> Grounds:
    """Trials of the faulty models on the micro shop, trained when they are first asked for."""
    config = Config(
        recommender=RecommenderSection(entry="model:build", max_history=50),
        data=DataSection(source="shop-micro"),
        training=TrainingSection(max_epochs=2, timeout_s=120.0, memory_gb=2.0),
    )
    data = prepare(config, folder)

    def train(name: str) -> Path:
        repo = folder / f"repo-{name}"
        repo.mkdir()
        (repo / "model.py").write_text(faulty_model(name), encoding="utf-8")
        key = trial_key(config, program="0" * 40, data=data.fingerprint, seed=0, device="cpu/1")
        request = TrialRequest(
            id=name,
            key=key,
            repo=repo,
            checkout=repo,
            folder=folder / "trials" / name,
            config=config,
            data=data,
            python=Path(sys.executable),
        )
        trial = run_trial(request, Supervision())
        assert trial.status is TrialStatus.COMPLETE, trial.failure
        return request.folder

    return Grounds(data, train)


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
