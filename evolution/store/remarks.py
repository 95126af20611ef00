"""What a reader of a trial's figures and findings should know beside them, in sentences."""

from evolution.domain.trial import Trial

SANDBOXED = "bubblewrap"


def remarks(trial: Trial) -> tuple[str, ...]:
    """How far the split rests on file order, whether candidate code was confined, and what the traced step missed."""
    note = trial.note
    ties, sandbox = note.get("ties", {}), str(note.get("sandbox", SANDBOXED))
    told = [
        f"{ties['tied']} of {ties['users']} users have a tie in time at a held-out event; file order decided"
        if ties.get("tied")
        else "",
        f"sandbox: {sandbox}" if sandbox != SANDBOXED else "",
        str(note.get("trace", "")),
    ]
    return tuple(sentence for sentence in told if sentence)
