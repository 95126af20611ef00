"""What makes two trials the same: the fingerprints of a trial's key."""

import hashlib
import json
from functools import cache
from pathlib import Path

from evolution.base.places import PACKAGE_ROOT
from evolution.domain.trial import TrialKey
from evolution.repo.config import Config
from evolution.worker.archive import guest_files

_EVALUATOR = ("evolution/objective.py", "seeds/metrics", "evolution/trials")


def trial_key(config: Config, *, program: str, data: str, seed: int, device: str) -> TrialKey:
    """device: "cpu/<threads>", "cuda" or "mps". data: `TrialData.fingerprint`."""
    return TrialKey(
        program=program,
        data=data,
        training=training_fingerprint(config),
        seed=seed,
        device=device,
        harness=harness_version(),
    )


def training_fingerprint(config: Config) -> str:
    """Everything of the configuration that changes what is measured; not the split, which the data's has."""
    settings = {
        "entry": config.recommender.entry,
        "max_history": config.recommender.max_history,
        "objective": config.objective.expression,
        **config.training.model_dump(
            include={"max_epochs", "patience", "eval_every", "timeout_s", "memory_gb"}
        ),
    }
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


@cache
def harness_version() -> str:
    """Hash of the worker's and the evaluator's own code."""
    digest = hashlib.sha256()
    for file in (
        *guest_files(),
        *(found for name in _EVALUATOR for found in python_files(PACKAGE_ROOT / name)),
    ):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def python_files(path: Path) -> list[Path]:
    return [path] if path.is_file() else sorted(path.rglob("*.py"))
