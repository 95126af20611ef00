"""Caveats about a trial's metrics and findings, one sentence each, shown beside them."""

from evolution.domain.trial import Trial

SANDBOXED = "bubblewrap"


def remarks(trial: Trial) -> tuple[str, ...]:
    """Sentences about tied timestamps in the split, a missing sandbox, an incomplete trace, and an answer too large to keep; only those that apply."""
    note = trial.note
    ties, sandbox = note.get("ties", {}), str(note.get("sandbox", SANDBOXED))
    told = [
        f"{ties['tied']} of {ties['users']} users have a tie in time at a held-out event; file order decided"
        if ties.get("tied")
        else "",
        f"sandbox: {sandbox}" if sandbox != SANDBOXED else "",
        str(note.get("trace", "")),
        str(note.get("not_kept", "")),
    ]
    return tuple(sentence for sentence in told if sentence)
