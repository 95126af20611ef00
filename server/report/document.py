"""The report as one document, read from the store: no code is run and no LLM is called."""

import time
from collections.abc import Sequence
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from evolution.base import serial
from evolution.base.errors import ConfigError, EvolverecError, RepoError
from evolution.domain.feedback import Feedback
from evolution.domain.healing import with_healings
from evolution.domain.job import JobKind, JobState
from evolution.domain.probe import ProbeState
from evolution.domain.proposal import Proposal, ProposalState, Verified
from evolution.domain.run import Run
from evolution.domain.trial import Trial
from evolution.domain.verdict import verdict_on
from evolution.repo.baseline import accepted_in, read_baseline
from evolution.repo.files import config_text
from evolution.repo.programs import Programs
from evolution.store.documents import proposal_document, simulate_document, train_document, verdict_document
from evolution.store.run_document import run_document
from evolution.store.store import Store
from seeds.reading import parse_toml
from server.report.before_after import critique_rows, findings_rows
from server.report.subject import no_run, subject
from server.report.tried import rows_of_proposals, rows_of_run
from server.shown.wording import costs_by_role

SESSIONS_LOOKED_AT = 20  # newest results, for one that tells a user's session


def report_document(repo: Path, store: Store | None, trial: Trial | None, run: str = "") -> dict[str, Any]:
    """The report's document.

    trial: the trial of the user's newest measured version, None if there is none
    run: id of the run to report on, "" for the newest run of that version
    Raises UsageError if no run has that id.
    """
    head = {"name": repo.name, "made_at": time.time(), "evolverec": installed("evolverec")}
    if store is None:
        if run:
            raise no_run(repo, run)
        return {**head, **EMPTY}
    version, chosen = subject(repo, store, trial, run)
    if version is None:
        failed = next((found for found in store.trials() if found.failure is not None), None)
        return {**head, **EMPTY, "failed": train_document(failed) if failed else None, **_kept(store)}
    proposals = [p for p in store.proposals(version.key.program) if p.state is not ProposalState.DISMISSED]
    best = next((p for p in proposals if p.verified is not Verified.NO), None)
    before = store.feedback(version.id)
    if before is not None:
        before = with_healings(before, proposals)
    after = store.feedback(best.trials[0]) if best else None
    dismissed = store.dismissed() | _accepted(repo, before)
    return {
        **head,
        "objective": _objective(repo, proposals),
        "failed": None,
        "version": _measured(store, version) | {"same_as_disk": _on_disk(repo, version)},
        "newer": _measured(store, trial) if trial and trial.id != version.id else None,
        "run": _run_facts(chosen) if chosen else None,
        "tried": _tried(store, version, chosen, proposals),
        "best": _best(store, best) if best else None,
        "findings": findings_rows(before, after, dismissed) if before else None,
        "verdict": verdict_document(verdict_on(version, before, dismissed)) if before else None,
        "after_diagnosed": after is not None,
        "users": _users(before, after, dismissed),
        "sessions": _sessions(store, version),
        **_kept(store),
    }


def _accepted(repo: Path, feedback: Feedback | None) -> set[str]:
    """Ids of what the repo's baseline accepts; of a baseline that is wrong `diagnose` says so."""
    try:
        return set(accepted_in(read_baseline(repo), feedback)) if feedback else set()
    except RepoError:
        return set()


EMPTY: dict[str, Any] = {
    "objective": None,
    "failed": None,
    "version": None,
    "newer": None,
    "run": None,
    "tried": [],
    "best": None,
    "findings": None,
    "verdict": None,
    "after_diagnosed": False,
    "users": [],
    "sessions": None,
    "probes": [],
    "probes_rejected": 0,
    "spent": None,
    "running": [],
}


def _measured(store: Store, trial: Trial) -> dict[str, Any]:
    """A trial's document. test: the newest reading of the test events, null if they were never read."""
    reads = store.test_reads(trial.id)
    return {
        **train_document(trial),
        "created_at": trial.created_at,
        "test": {"at": reads[-1][0], **reads[-1][1]} if reads else None,
        "test_reads": len(reads),
    }


def _on_disk(repo: Path, trial: Trial) -> bool | None:
    """Whether the files on disk are the trial's program; None if the files cannot be read."""
    try:
        return Programs.open(repo).snapshot().tree == trial.key.program
    except (EvolverecError, OSError):
        return None


def _objective(repo: Path, proposals: Sequence[Proposal]) -> str | None:
    """The objective's expression, as named by a proposal or by evolverec.toml; None if neither names one."""
    known = next((proposal.effect.metric for proposal in proposals if proposal.effect), None)
    if known:
        return known
    try:
        stated = parse_toml(config_text(repo))["objective"]["expression"]
    except (OSError, ConfigError, ValueError, KeyError, TypeError):
        return None
    return str(stated)


def _run_facts(run: Run) -> dict[str, Any]:
    facts = run_document(run)
    kept = ("run", "strategy", "proposer", "model", "seed", "gate", "state", "limits", "spent", "notes")
    return {
        **{name: facts[name] for name in kept},
        "roles": [
            {"role": role, "tokens": tokens, "usd": usd} for role, tokens, usd in costs_by_role(run.spent)
        ],
        "created_at": run.created_at,
        "finished_at": run.finished_at or None,
        "judged": [dict(opinion) for opinion in run.judged],
    }


def _tried(
    store: Store, version: Trial, run: Run | None, proposals: Sequence[Proposal]
) -> list[dict[str, Any]]:
    if run is not None:
        everyone = {p.id: p for p in store.proposals()}  # including dismissed ones, which were tried too
        return rows_of_run(run, everyone)
    firsts = {p.trials[0] for p in proposals if p.trials}
    trials = {name: found for name in firsts if (found := store.trial(name))}
    return rows_of_proposals(version, proposals, trials)


def _best(store: Store, proposal: Proposal) -> dict[str, Any]:
    """The proposal and its first trial, which is null if that trial is no longer stored."""
    trial = store.trial(proposal.trials[0])
    return {**proposal_document(proposal), "trial": _measured(store, trial) if trial else None}


def _users(before: Feedback | None, after: Feedback | None, dismissed: set[str]) -> list[dict[str, Any]]:
    """One entry per kind of simulated users: their quotes, and each complaint before and after."""
    if before is None or before.simulation is None:
        return []
    document = simulate_document(before, dismissed)
    interviews = document.pop("interviews")
    found = [
        {
            **document,
            "rows": critique_rows(before.simulation, after.simulation if after else None, dismissed),
            "asked_after": bool(after and after.simulation),
        }
    ]
    if interviews and before.interviews:
        later = after.interviews if after else None
        rows = critique_rows(before.interviews, later, dismissed)
        found.append({**interviews, "rows": rows, "asked_after": later is not None})
    return found


def _sessions(store: Store, version: Trial) -> dict[str, Any] | None:
    """The result of the newest `simulate --session` with a trial's model, None if there is none; one that tells a user's session
    goes before a newer one that tells none."""
    done = [
        job.id
        for job in store.jobs_in_brief()
        if job.kind is JobKind.SESSIONS
        and job.state is JobState.DONE
        and job.result is not None
        and job.result.get("trial") == version.id
    ]
    whole = (store.job(identity) for identity in done[:SESSIONS_LOOKED_AT])
    found = [dict(job.result) for job in whole if job is not None and job.result is not None]
    return next((one for one in found if one["session"]), found[0] if found else None)


def _kept(store: Store) -> dict[str, Any]:
    """Facts about the repo rather than one version: evolved probes, the total cost, and the running jobs."""
    newest = {record.spec.id: record for record in reversed(store.probes())}
    in_use = (ProbeState.ADMITTED, ProbeState.ACCEPTED, ProbeState.RETIRED)
    return {
        "probes": [
            {
                **serial.plain(record.spec),
                "id": record.spec.id,
                "state": record.state.value,
                "sentence": record.sentence,
                "warnings": list(record.warnings),
            }
            for record in newest.values()
            if record.state in in_use
        ],
        "probes_rejected": sum(record.state is ProbeState.REJECTED for record in newest.values()),
        "spent": store.spent(),
        "running": [job.kind.value for job in store.unfinished_jobs()],
    }
