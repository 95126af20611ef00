"""What makes two trials the same: the fingerprints of a trial's key."""

import hashlib
import json

from evolution.base.versions import version_of
from evolution.domain.trial import TrialKey
from evolution.repo.config import Config

_EVALUATOR = (
    "evolution/worker",
    "evolution/trials",
    "evolution/domain/objective.py",
    "seeds/metrics",
    "diagnosis/convergence.py",
)


def trial_key(
    config: Config, *, program: str, data: str, seed: int, device: str, checkpoint: str = ""
) -> TrialKey:
    """device: "cpu/<threads>", "cuda" or "mps". data: `TrialData.fingerprint`. checkpoint: see `TrialKey`."""
    return TrialKey(
        program=program,
        data=data,
        training=training_fingerprint(config),
        seed=seed,
        device=device,
        harness=harness_version(),
        checkpoint=checkpoint,
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
    if config.objective.holds_sessions:  # what is not asked for changes no key
        settings["sessions"] = version_of("simulator")
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def harness_version() -> str:
    """Version of the worker's and the evaluator's own code."""
    return version_of(*_EVALUATOR)
