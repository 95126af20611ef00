"""The handler of each method and command, and where it runs. Nothing else registers handlers.

LOOP handlers answer at once, from memory. BACKGROUND handlers are coroutines, which hand reading of files, of the
store or of much text to a background thread, and start anything longer as a job.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from lsprotocol import types

from server.lsp import (
    actions,
    adopting,
    commands,
    completion,
    configuration,
    creating,
    diagnostics,
    documents,
    explaining,
    hints,
    hover,
    hunks,
    lens,
    lifecycle,
    links,
    new_repo,
    proposal_documents,
    team,
)
from server.lsp.handshake import CONTENT_SCHEME, DOCS_SCHEME
from server.lsp.panels import (
    curves,
    estimate,
    findings,
    gutter,
    overview,
    proposals,
    report,
    runs,
    setup,
    users,
)


class Where(Enum):
    """Whether a handler runs on the event loop or as a coroutine that uses the background threads."""

    LOOP = "loop"
    BACKGROUND = "background"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One method or command.

    answer: called as answer(session, *parameters); a coroutine function unless it runs on the loop
    """

    name: str
    answer: Callable[..., Any]
    where: Where
    options: Any = None


def _row(name: str, answer: Callable[..., Any], where: Where, options: Any = None) -> Row:
    return Row(name=name, answer=answer, where=where, options=options)


LOOP, BACKGROUND = Where.LOOP, Where.BACKGROUND

FEATURES = (
    _row(types.INITIALIZE, lifecycle.initialize, LOOP),
    _row(types.INITIALIZED, lifecycle.initialized, BACKGROUND),
    _row(types.SHUTDOWN, lifecycle.shutdown, BACKGROUND),
    _row(types.TEXT_DOCUMENT_DID_OPEN, documents.did_open, BACKGROUND),
    _row(types.TEXT_DOCUMENT_DID_CHANGE, documents.did_change, LOOP),
    _row(types.TEXT_DOCUMENT_DID_SAVE, documents.did_save, LOOP),
    _row(types.TEXT_DOCUMENT_DID_CLOSE, documents.did_close, LOOP),
    _row(types.WORKSPACE_DID_CHANGE_WATCHED_FILES, documents.did_change_files, BACKGROUND),
    _row(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS, documents.did_change_folders, BACKGROUND),
    _row(types.WORKSPACE_DID_CHANGE_CONFIGURATION, configuration.did_change, BACKGROUND),
    _row(types.TEXT_DOCUMENT_DIAGNOSTIC, diagnostics.pull, BACKGROUND),
    _row(types.WORKSPACE_DIAGNOSTIC, diagnostics.pull_workspace, BACKGROUND),
    _row(types.TEXT_DOCUMENT_CODE_ACTION, actions.code_actions, BACKGROUND),
    _row(types.CODE_ACTION_RESOLVE, actions.resolve, BACKGROUND),
    _row(types.TEXT_DOCUMENT_CODE_LENS, lens.code_lenses, BACKGROUND),
    _row(types.TEXT_DOCUMENT_HOVER, hover.hover, BACKGROUND),
    _row(types.TEXT_DOCUMENT_INLAY_HINT, hints.inlay_hints, BACKGROUND),
    _row(types.TEXT_DOCUMENT_COMPLETION, completion.completion, BACKGROUND),
    _row(types.TEXT_DOCUMENT_DOCUMENT_LINK, links.document_links, BACKGROUND),
    _row(
        types.WORKSPACE_TEXT_DOCUMENT_CONTENT,
        proposal_documents.content,
        BACKGROUND,
        types.TextDocumentContentOptions(schemes=[CONTENT_SCHEME, DOCS_SCHEME]),
    ),
)

VIEWS = (  # beyond LSP, for editor-client/vscode
    _row("evolverec/overview", overview.overview, BACKGROUND),
    _row("evolverec/estimate", estimate.expected, BACKGROUND),
    _row("evolverec/findings", findings.findings, BACKGROUND),
    _row("evolverec/gutter", gutter.gutter, BACKGROUND),
    _row("evolverec/users", users.users, BACKGROUND),
    _row("evolverec/proposals", proposals.proposals, BACKGROUND),
    _row("evolverec/runs", runs.runs, BACKGROUND),
    _row("evolverec/curves", curves.curves, BACKGROUND),
    _row("evolverec/setup", setup.setup, BACKGROUND),
    _row("evolverec/choices", new_repo.choices, BACKGROUND),
    _row("evolverec/report", report.report, BACKGROUND),
)

COMMANDS = (
    _row("evolverec.train", commands.train, BACKGROUND),
    _row("evolverec.diagnose", commands.diagnose, BACKGROUND),
    _row("evolverec.askUsers", commands.ask_users, BACKGROUND),
    _row("evolverec.followUser", commands.follow_user, BACKGROUND),
    _row("evolverec.propose", commands.propose, BACKGROUND),
    _row("evolverec.improve", commands.improve, BACKGROUND),
    _row("evolverec.tune", commands.tune, BACKGROUND),
    _row("evolverec.evolve", commands.evolve, BACKGROUND),
    _row("evolverec.verify", commands.verify, BACKGROUND),
    _row("evolverec.cancel", commands.cancel, BACKGROUND),
    _row("evolverec.apply", commands.apply, BACKGROUND),
    _row("evolverec.applyHunks", hunks.apply_hunks, BACKGROUND),
    _row("evolverec.dismiss", commands.dismiss, BACKGROUND),
    _row("evolverec.keepProbe", commands.keep_probe, BACKGROUND),
    _row("evolverec.preview", commands.preview, BACKGROUND),
    _row("evolverec.report", report.write, BACKGROUND),
    _row("evolverec.newRepo", new_repo.new_repo, BACKGROUND),
    _row("evolverec.init", adopting.init, BACKGROUND),
    _row("evolverec.completeAdapter", commands.complete_adapter, BACKGROUND),
    _row("evolverec.createEntry", creating.create_entry, BACKGROUND),
    _row("evolverec.explain", explaining.explain, BACKGROUND),
    _row("evolverec.askLlm", commands.ask_llm, BACKGROUND),
    _row("evolverec.pullRequest", team.pull_request, BACKGROUND),
    _row("evolverec.branch", team.branch, BACKGROUND),
    _row("evolverec.accept", team.accept_finding, BACKGROUND),
    _row("evolverec.compareTrials", explaining.compare_trials, BACKGROUND),
    _row("evolverec.status", commands.status, BACKGROUND),
)
