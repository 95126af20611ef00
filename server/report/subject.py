"""Which version of the user's a report is about, and which run."""

from collections.abc import Sequence
from pathlib import Path

from evolution.base.errors import UsageError
from evolution.domain.proposal import Proposal
from evolution.domain.run import Run
from evolution.domain.trial import Trial
from evolution.store.store import Store


def subject(repo: Path, store: Store, trial: Trial | None, wanted: str) -> tuple[Trial | None, Run | None]:
    """The trial of the user's version, and the run that began with it, None where the trials are of `propose`.

    trial: of the newest version. The run named; else the newest run, or propose's trials where there is none, of
    that version; else of any: whoever has applied a patch and measured it wants to see where it came from.
    Raises UsageError where no run has the id named.
    """
    if wanted:
        found = store.run(wanted)
        if found is None:
            raise no_run(repo, wanted)
        return _began_with(store, found) or trial, found
    runs = [run for run in store.runs() if len(run.nodes) > 1]
    proposals = sorted(store.proposals(), key=lambda proposal: -proposal.created_at)
    newest = trial.key.program if trial else ""
    of_newest = [run for run in runs if run.terms.root == newest]
    if of_newest:
        return _began_with(store, of_newest[0]) or trial, of_newest[0]
    if any(proposal.parent == newest for proposal in proposals):
        return trial, None
    for run in runs:
        if (began := _began_with(store, run)) is not None:
            return began, run
    return _held_against(store, proposals) or trial, None


def no_run(repo: Path, wanted: str) -> UsageError:
    return UsageError(f"no single run {wanted!r} in {repo}; `evolverec runs {repo}` lists them")


def _began_with(store: Store, run: Run) -> Trial | None:
    """The trial of the user's version; None where it is no longer stored."""
    first = run.nodes[0].trial if run.nodes else ""
    return store.trial(first) if first else None


def _held_against(store: Store, proposals: Sequence[Proposal]) -> Trial | None:
    """The trial of the version that the first of these was made for."""
    held = (str(proposal.details.get("parent_trial", "")) for proposal in proposals)
    return next((found for name in held if name and (found := store.trial(name))), None)
