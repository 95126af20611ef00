"""Chooses the version of the user's code and the run that a report is about."""

from collections.abc import Sequence
from pathlib import Path

from evolution.base.errors import UsageError
from evolution.domain.proposal import Proposal
from evolution.domain.run import Run
from evolution.domain.trial import Trial
from evolution.store.store import Store


def subject(repo: Path, store: Store, trial: Trial | None, wanted: str) -> tuple[Trial | None, Run | None]:
    """(trial of the user's version, run that began with it); the run is None if the trials are those of `propose`.

    trial: the trial of the newest version
    wanted: id of the run to report on, "" to choose one

    Without `wanted`, the report is about the newest version's newest run, or about its proposals. If it has neither,
    the report is about the newest run or proposals of an earlier version: after applying and measuring a patch, the
    user wants to see where the patch came from.
    Raises UsageError if no run has the id `wanted`.
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
    """The error for a run id that matches no run, or several."""
    return UsageError(f"no single run {wanted!r} in {repo}; `evolverec runs {repo}` lists them")


def _began_with(store: Store, run: Run) -> Trial | None:
    """The trial of the user's version that the run began with; None if it is no longer stored."""
    first = run.nodes[0].trial if run.nodes else ""
    return store.trial(first) if first else None


def _held_against(store: Store, proposals: Sequence[Proposal]) -> Trial | None:
    """The parent trial of the newest proposal that still has one in the store."""
    held = (str(proposal.details.get("parent_trial", "")) for proposal in proposals)
    return next((found for name in held if name and (found := store.trial(name))), None)
