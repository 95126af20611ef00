"""Caveats about a trial's metrics and findings, one sentence each, shown beside them."""

from typing import Any

from evolution.domain.trial import Trial

SANDBOXED = "bubblewrap"


UNKNOWN_TRAINING = (
    "measured from the checkpoint {file}{within}, without training: there is no learning curve, so nothing is said of "
    "convergence or of what training moved; what is said of the training step was seen in fresh epochs of this code, and "
    "figures are too good if the checkpoint was trained on the held-out events"
)


BEYOND = (
    "trained for more than training.max_epochs = {configured}, as the objective was still rising there: `propose` holds no "
    "patch against a version that has not converged"
)
OUT_OF_TIME = "training ended before it had converged: another epoch would have left no time for measuring within training.timeout_s"


def _of_training(told: Any) -> str:
    return OUT_OF_TIME if isinstance(told, dict) and told.get("ended") == "timeout_s" else ""


def _of_sessions(told: Any) -> str:
    return (
        f"@session figures are not to be believed: {told['no_vote']}"
        if isinstance(told, dict) and told.get("no_vote")
        else ""
    )


def _of_checkpoint(told: Any) -> list[str]:
    if not isinstance(told, dict):
        return []
    within = f" (its {told['within']!r})" if told.get("within") else ""
    return [UNKNOWN_TRAINING.format(file=told.get("file", ""), within=within)]


def checkpoint_of(trial: Trial) -> str:
    """The name of the file whose weights were measured, "" for a training."""
    told = trial.note.get("checkpoint")
    return str(told.get("file", "")) if isinstance(told, dict) else ""


def remarks(trial: Trial) -> tuple[str, ...]:
    """Sentences about what a reader should know beside the figures; only those that apply.

    A checkpoint in place of a training, tied timestamps in the split, a missing sandbox, packages that the worker did not see, an incomplete trace, an
    answer too large to keep.
    """
    note = trial.note
    ties, sandbox = note.get("ties", {}), str(note.get("sandbox", SANDBOXED))
    told = [
        *_of_checkpoint(note.get("checkpoint")),
        f"{ties['tied']} of {ties['users']} users have a tie in time at a held-out event; file order decided"
        if ties.get("tied")
        else "",
        f"sandbox: {sandbox}" if sandbox != SANDBOXED else "",
        *(str(sentence) for sentence in note.get("withheld", ())),
        BEYOND.format(configured=note["beyond_epochs"]) if note.get("beyond_epochs") else "",
        _of_training(note.get("training")),
        _of_sessions(note.get("sessions")),
        str(note.get("trace", "")),
        str(note.get("not_kept", "")),
    ]
    return tuple(sentence for sentence in told if sentence)
