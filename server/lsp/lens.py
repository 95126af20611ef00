"""Code lenses over the entry function: the last trial's figures, the running jobs, and commands to start."""

import time

from lsprotocol import types

from evolution.base.amounts import count as count_of
from evolution.domain.proposal import Proposal
from evolution.store.remarks import checkpoint_of
from server.lsp.actions import open_fixes, why_unfit
from server.lsp.panels.counting import Counted, count
from server.lsp.panels.snapshot import worked_out
from server.lsp.positions import code_range
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.shown.news import SHOWN_METRIC
from server.shown.wording import ago, difference, kept_effect, objective_gain, spread


async def code_lenses(session: Session, params: types.CodeLensParams) -> list[types.CodeLens]:
    """Answer textDocument/codeLens with the lenses over the entry function; [] for a file without it."""
    seen = await session.view(params.text_document.uri)
    if seen is None or seen[1].entry_line is None:
        return []
    repo, view = seen
    line = view.entry_line or 0
    span = code_range(view.lines, line, line, session.client.encoding)
    counted = await worked_out(session, repo, count)
    best = await _best_fix(session, repo)
    commands = _commands(session, repo, counted, best)
    return [types.CodeLens(range=span, command=command) for command in commands]


async def _best_fix(session: Session, repo: Repo) -> Proposal | None:
    """The best verified patch that fits the text and is not in it yet."""
    fixes = open_fixes(repo, None)
    reasons = await session.background.think(why_unfit, fixes, frozenset(repo.taken), session.reader(repo))
    return next((fix for fix, why in zip(fixes, reasons) if why == ""), None)


def _commands(session: Session, repo: Repo, counted: Counted, best: Proposal | None) -> list[types.Command]:
    """The patch stands next to the figures and without its name, so that a narrow window cuts off neither it nor *Train*."""
    place = {"repo": str(repo.root)}
    found = [types.Command(title=summary(repo, counted), command="evolverec.status", arguments=[place])]
    if best is not None:
        arguments = [{**place, "proposal": best.id}]
        title = ": ".join(filter(None, ("Apply best patch", _rise(best))))
        found.append(types.Command(title=title, command="evolverec.apply", arguments=arguments))
    running = session.jobs_of(repo)
    for job, progress in running:
        found.append(types.Command(title=progress, command="evolverec.status", arguments=[place]))
        found.append(
            types.Command(title="Cancel", command="evolverec.cancel", arguments=[{**place, "job": job}])
        )
    if not running:
        starts = {
            "Improve": "improve",
            "Train": "train",
            "Diagnose": "diagnose",
            "Ask users": "askUsers",
            "Propose": "propose",
            "Evolve": "evolve",
        }
        found += [
            types.Command(title=title, command=f"evolverec.{name}", arguments=[place])
            for title, name in starts.items()
        ]
    return found


def _rise(proposal: Proposal) -> str:
    """In the metric that stands beside it; where it was chosen from several, the gain of the objective, which is corrected for that."""
    shown, kept = proposal.effects.get(SHOWN_METRIC), kept_effect(proposal.effect, proposal.corrected)
    if shown is not None and not proposal.corrected:
        return difference(shown)
    return objective_gain(kept) if kept else ""


def summary(repo: Repo, counted: Counted) -> str:
    """The last trial in a line: `NDCG@10 .142 ± .004, 12 min ago, 3 findings`."""
    known = repo.knowledge
    trial = known.trial
    if trial is None:
        return "evolverec: not trained yet"
    name = SHOWN_METRIC if SHOWN_METRIC in trial.metrics else next(iter(trial.metrics), "")
    figure = f"{name} {spread(trial.metrics[name])}" if name else "no metrics"
    age = ago(time.time() - trial.ended_at)
    diagnosed = known.diagnosed is not None and known.diagnosed[0].key.program == trial.key.program
    found = count_of(counted.findings, "finding")
    checkpoint = checkpoint_of(trial)
    parts = [
        *([f"checkpoint {checkpoint}"] if checkpoint else []),
        figure,
        age,
        *(["measured on an earlier version"] if counted.edited else []),
        *(["measured with other settings"] if counted.other_settings and not counted.edited else []),
        found if diagnosed or counted.findings else "not diagnosed",
    ]
    return ", ".join(parts)
