"""Caveats about a trial's metrics and findings, one sentence each, shown beside them."""

from evolution.domain.trial import Trial

SANDBOXED = "bubblewrap"


def remarks(trial: Trial) -> tuple[str, ...]:
    """Sentences about what a reader should know beside the figures; only those that apply.

    Tied timestamps in the split, a missing sandbox, packages that the worker did not see, an incomplete trace, an
    answer too large to keep.
    """
    note = trial.note
    ties, sandbox = note.get("ties", {}), str(note.get("sandbox", SANDBOXED))
    told = [
        f"{ties['tied']} of {ties['users']} users have a tie in time at a held-out event; file order decided"
        if ties.get("tied")
        else "",
        f"sandbox: {sandbox}" if sandbox != SANDBOXED else "",
        *(str(sentence) for sentence in note.get("withheld", ())),
        str(note.get("trace", "")),
        str(note.get("not_kept", "")),
    ]
    return tuple(sentence for sentence in told if sentence)
