"""Hovers: what was measured on a line, how, against which reference, its history over trials, and users' quotes."""

import time
from collections.abc import Callable
from dataclasses import replace

from lsprotocol import types

from evolution.base.amounts import number
from evolution.domain.verdict import told_of
from evolution.store.remarks import checkpoint_of
from server.lsp import config_file
from server.lsp.actions import open_fixes
from server.lsp.diagnostics import message
from server.lsp.lens import summary
from server.lsp.marks import PlacedNote
from server.lsp.panels.counting import Counted, count
from server.lsp.panels.snapshot import worked_out
from server.lsp.positions import code_range
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.shown.markdown import escaped
from server.shown.wording import ago, comparison, measured, proposal_title, spread


async def hover(session: Session, params: types.HoverParams) -> types.Hover | None:
    """Answer textDocument/hover with the notes on the line, and on the entry
    function with the last trial's metrics.
    """
    if config_file.is_config(params.text_document.uri):
        return await config_file.hover(session, params)
    seen = await session.view(params.text_document.uri)
    if seen is None:
        return None
    repo, view = seen
    line = params.position.line
    here = [found for found in view.marks if found.start <= line <= found.end]
    said = escaped if session.client.markdown else str
    blocks = [_about(repo, found, said) for found in here]
    if line == view.entry_line:
        blocks.insert(0, _trial(repo, await worked_out(session, repo, count)))
    if not blocks:
        return None
    kind = types.MarkupKind.Markdown if session.client.markdown else types.MarkupKind.PlainText
    lines = [_render(block, markdown=session.client.markdown) for block in blocks]
    first, last = (here[0].start, here[0].end) if here else (line, line)
    return types.Hover(
        contents=types.MarkupContent(
            kind=kind, value=("\n\n---\n\n" if session.client.markdown else "\n\n").join(lines)
        ),
        range=code_range(view.lines, first, last, session.client.encoding),
    )


def _render(block: list[tuple[str, str]], *, markdown: bool) -> str:
    """Join (label, text) pairs into one text; the first pair is the title."""
    if markdown:
        shown = [f"**{label}** {text}".strip() if label else text for label, text in block]
        return "  \n".join(shown)
    return "\n".join(f"{label}: {text}" if label and text else label or text for label, text in block)


def _about(repo: Repo, found: PlacedNote, said: Callable[[str], str]) -> list[tuple[str, str]]:
    """(label, text) pairs of one note. said: escapes text from outside (users, LLMs, the repo) for Markdown."""
    note, finding = found.note, found.note.finding
    # what the diagnostic says whole, editors show beside this
    short = message(found).endswith(finding.message.rstrip(". \n"))
    block = [(said(note.code), said(finding.kind.title if short else finding.message))]
    if found.stale:
        block.append(("", "This code has changed: the figure was measured on an earlier version."))
    block.append(("", said(finding.kind.why)))
    if figure := measured(finding.measurement):
        block.append(("Measured", said(figure)))
    if finding.kind.definition:
        block.append(("Definition", said(finding.kind.definition)))
    if connection := told_of(finding, [note.finding for note in repo.knowledge.notes]):
        block.append(("", said(connection)))
    if finding.self_reported:
        block.append(
            ("", "Self-reported: measured beside the model's own code, so it informs but verifies nothing.")
        )
    if finding.probe:
        writer = f" {said(note.author)} wrote it." if note.author else ""
        words = "Measured by a probe that evolved for what users complain of, admitted by experiment."
        block.append(("", words + writer))
    if note.fidelity:
        reach = f"AUC {number(note.fidelity.auc)}, 95 % [{number(note.fidelity.low)}, {number(note.fidelity.high)}]"
        block.append(("Users' fidelity", f"{reach} on their real next choices; .5 is chance"))
    block += [("", said(line[:1].upper() + line[1:])) for line in note.backing]
    block += [
        ("", f"“{said(quote.text)}” (user {quote.user}, {said(quote.persona)})") for quote in note.quotes
    ]
    if past := history(repo, note.code):
        block.append(("History", past))
    for proposal in open_fixes(repo, note.id):
        idea = replace(proposal.idea, title=said(proposal.idea.title))
        block.append(("Patch", proposal_title(replace(proposal, idea=idea))))
        block.append(("", comparison(proposal)))
        if idea.by_llm:
            block.append(("Written by", said(idea.proposer)))
        if proposal.idea.rests_on:
            block.append(("Rests on", "; ".join(map(said, proposal.idea.rests_on))))
    return [(label, text) for label, text in block if label or text]


def history(repo: Repo, code: str) -> str:
    """The values of the measurement with this code over the user's trials, oldest first; "" with fewer than two."""
    values = []
    for trial, feedback in reversed(repo.knowledge.history):
        for measurement in feedback.all_measurements():
            if measurement.code == code:
                spot = [measurement.low, measurement.high]
                known = None not in spot
                interval = (
                    f" [{number(spot[0] or 0.0)}, {number(spot[1] or 0.0)}]" if known else " (no interval)"
                )
                values.append(f"{number(measurement.value)}{interval} {ago(time.time() - trial.ended_at)}")
    return " → ".join(values) if len(values) > 1 else ""


def _trial(repo: Repo, counted: Counted) -> list[tuple[str, str]]:
    block = [("evolverec", summary(repo, counted))]
    trial = repo.knowledge.trial
    if trial is not None:
        block += [(name, spread(metric)) for name, metric in trial.metrics.items()]
        if trial.objective:
            block.append(("Objective", spread(trial.objective)))
        checkpoint = checkpoint_of(trial)
        whence = f"of the checkpoint {checkpoint}" if checkpoint else f"best epoch {trial.best_epoch}"
        block.append(("", f"Validation, full ranking, {whence}; ± is half the 95 % interval over users."))
        if "sessions" in trial.note:
            users = trial.note["sessions"]["users"]
            block.append(
                ("", f"@session: whole sessions of {users:,} simulated users; satisfy from 1 to 10.")
            )
    return block
