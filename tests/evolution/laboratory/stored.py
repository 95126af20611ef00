"""Stored trials whose users have the hits that a test is about."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evolution.base.places import trial_folder
from evolution.domain.trial import Trial, TrialKey, TrialStatus
from evolution.trials.artifacts import artifacts_folder, write_per_user


def trial(repo: Path, name: str, hits: np.ndarray, **changes: Any) -> Trial:
    """A stored trial whose users have these HR@5."""
    key = TrialKey(program=name, data="d", training="t", seed=0, device="cpu/1", harness="h")
    folder = trial_folder(repo, name)
    folder.mkdir(parents=True)
    write_per_user(artifacts_folder(folder), {"HR@5": hits.astype(float)})
    made = Trial(id=name, key=key, status=TrialStatus.COMPLETE, created_at=0.0, wall_s=1.0)
    return replace(made, **changes)
