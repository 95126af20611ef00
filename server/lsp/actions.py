"""Code actions: measured patches as quickfixes of the diagnostics they address, and further commands per diagnostic.

A code action only carries patches that the store already holds; their edits are re-anchored in the current text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lsprotocol import types

from evolution.base.errors import EditError, UsageError
from evolution.base.places import PROBES_FOLDER
from evolution.domain.proposal import TOO_SLOW, Proposal, ProposalState, Verified
from evolution.repo.applying import check_fit, is_applied
from server.lsp import llm_offer
from server.lsp.config_actions import config_actions
from server.lsp.config_file import is_config
from server.lsp.diagnostics import as_diagnostic
from server.lsp.edits import workspace_edit
from server.lsp.marks import PlacedNote
from server.lsp.repo import Repo
from server.lsp.session import Session
from server.lsp.taking import Taken, rest_of
from server.lsp.view import FileView
from server.shown.edited import Read
from server.shown.wording import MENU, cut, headline, proposal_title

QUICKFIX = types.CodeActionKind.QuickFix.value
FURTHER = "quickfix.evolverec"
REWRITE = "refactor.rewrite"
ENTRY = "source.evolverec"


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Offers that differ only in what they are about. begins, ends: what stands around that in their titles."""

    title: str
    command: str
    begins: str
    ends: str = ""

    def holds(self, action: types.CodeAction) -> bool:
        starts = action.title.startswith(self.begins)
        return starts and action.command is not None and action.command.command == self.command

    def name_of(self, action: types.CodeAction) -> str:
        return action.title.removeprefix(self.begins).removesuffix(self.ends)


FIRST = (
    Kind(title="Show diff…", command="evolverec.preview", begins="Show diff: "),
    Kind(title="Explain…", command="evolverec.explain", begins="Explain "),
)
LAST = (
    Kind(title="Verify again…", command="evolverec.verify", begins="Verify again: "),
    Kind(
        title="Accept for the team…", command="evolverec.ui.accept", begins="Accept ", ends=" for the team…"
    ),
    Kind(title="Dismiss…", command="evolverec.dismiss", begins="Dismiss "),
)

Action = types.CodeAction | types.Command


async def code_actions(session: Session, params: types.CodeActionParams) -> list[Action]:
    """Answer textDocument/codeAction: patches and further commands for the diagnostics in the range.

    On the entry function, patches that address no diagnostic and the commands of the code lens are offered too.
    """
    if is_config(params.text_document.uri):
        return [_short(action) for action in await config_actions(session, params)]
    seen = await session.view(params.text_document.uri)
    if seen is None:
        return []
    repo, view = seen
    first, last = params.range.start.line, params.range.end.line
    here = [found for found in view.marks if found.start <= last and found.end >= first]
    at_entry = view.entry_line is not None and first <= view.entry_line <= last
    found: list[types.CodeAction] = []
    found += await _patches(session, repo, view, here, params.context.only, at_entry=at_entry)
    if _wanted(FURTHER, params.context.only):
        asks = await llm_offer.offer(session, repo) if here else ""
        found += merged([action for mark in here for action in _further(session, repo, view, mark, asks)])
    # A client that runs source actions as files are saved must not start a training by that.
    automatic = params.context.trigger_kind is types.CodeActionTriggerKind.Automatic
    if at_entry and not automatic and _wanted(ENTRY, params.context.only):
        found += _at_entry(session, repo)
    found = [_short(action) for action in found]
    if session.client.literals:
        return list(found)
    return [action.command for action in found if action.command is not None]


async def resolve(session: Session, action: Any) -> dict[str, Any]:
    """Answer codeAction/resolve: the action as it came, with the edit, computed against the current text.

    Raises UsageError if it is no action, EditError if the patch no longer matches the text exactly.
    """
    if not isinstance(action, dict):
        raise UsageError(f"expected a code action, got {str(action)[:200]!r}")
    data = action.get("data")
    if not isinstance(data, dict) or "proposal" not in data:
        return action
    repo = await session.choose_repo(str(data.get("repo", "")))
    edit = await workspace_edit(session, repo, find_proposal(repo, str(data["proposal"])))
    return {**action, "edit": edit}


def find_proposal(repo: Repo, proposal: str) -> Proposal:
    """The proposal with this id among those for the code as last measured. Raises UsageError if there is none."""
    found = next((known for known in repo.knowledge.proposals if known.id == proposal), None)
    if found is None:
        raise UsageError(
            f"proposal {proposal[:200]!r} is not among those for the code as last measured; run propose again"
        )
    return found


def open_fixes(repo: Repo, note: str | None) -> list[Proposal]:
    """Verified proposals in state OPEN, best first.

    note: id of a finding or critique that the proposals must address; None for every proposal
    """
    return [
        proposal
        for proposal in repo.knowledge.proposals
        if proposal.state is ProposalState.OPEN
        and proposal.verified is not Verified.NO
        and (note is None or note in proposal.idea.addresses)
    ]


def only_too_slow(repo: Repo, note: str) -> list[Proposal]:
    """Proposals in state OPEN that address a note and were refused for their cost alone, best first."""
    return [
        proposal
        for proposal in repo.knowledge.proposals
        if proposal.state is ProposalState.OPEN
        and proposal.verified is Verified.NO
        and proposal.details.get(TOO_SLOW)
        and note in proposal.idea.addresses
    ]


async def _patches(
    session: Session, repo: Repo, view: FileView, here: list[PlacedNote], only: Any, *, at_entry: bool
) -> list[types.CodeAction]:
    """One action per patch: a quickfix of every diagnostic in `here` that the patch addresses,
    or, on the entry function, a rewrite.
    """
    marks = {mark.note.id: mark for mark in here}
    wanted: list[tuple[Proposal, str, list[PlacedNote]]] = []
    for proposal in open_fixes(repo, None):
        fixed = [marks[note] for note in proposal.idea.addresses if note in marks]
        quick = bool(fixed) and _wanted(
            QUICKFIX, only
        )  # outcomes stand on the entry, where a rewrite is offered as well
        kind = QUICKFIX if quick else REWRITE
        if quick or (at_entry and _wanted(REWRITE, only)):
            wanted.append((proposal, kind, fixed if quick else []))
    proposals, taken = [proposal for proposal, _, _ in wanted], frozenset(repo.taken)
    misfits = await session.background.think(why_unfit, proposals, taken, session.reader(repo))
    found = []
    for (proposal, kind, fixed), misfit in zip(wanted, misfits):
        if misfit is not None:
            diagnostics = [as_diagnostic(session, repo, view, mark) for mark in fixed]
            found.append(await _patch(session, repo, proposal, diagnostics, kind, misfit))
    return found


def why_unfit(proposals: list[Proposal], taken: Taken, read: Read) -> list[str | None]:
    """For each proposal: why its remaining edits do not fit the text, "" if they fit, None if
    all of them are already in the text.

    None also covers a patch that the user typed in by hand, or that was applied so recently
    that the store does not record it yet.
    """
    found: list[str | None] = []
    for proposal in proposals:
        try:
            if is_applied(proposal.patch.edits, read):
                found.append(None)
                continue
            check_fit(rest_of(proposal, taken, read).patch.edits, read)
            found.append("")
        except EditError as error:
            found.append(str(error))
    return found


async def _patch(
    session: Session,
    repo: Repo,
    proposal: Proposal,
    diagnostics: list[types.Diagnostic],
    kind: str,
    misfit: str,
) -> types.CodeAction:
    client = session.client
    action = types.CodeAction(
        title=proposal_title(proposal), kind=kind, diagnostics=diagnostics or None, is_preferred=False
    )
    if proposal.idea.by_llm and client.llm_tag:
        action.tags = [types.CodeActionTag.LlmGenerated]
    arguments = {"repo": str(repo.root), "proposal": proposal.id}
    if misfit:
        return _unfit(session, repo, action, proposal.idea.title, misfit)
    try:
        if not client.literals:
            action.command = _command(action.title, "evolverec.apply", arguments)
        elif client.resolves_edits:
            action.data = arguments
        else:
            action.edit = await workspace_edit(session, repo, proposal)
    except EditError as error:
        return _unfit(session, repo, action, proposal.idea.title, str(error))
    return action


def _unfit(
    session: Session, repo: Repo, action: types.CodeAction, name: str, reason: str
) -> types.CodeAction:
    """For a patch that no longer fits: the action disabled with the reason, or a "Propose again" action instead."""
    action.data = action.edit = None
    if session.client.disabled_actions:
        action.disabled = types.CodeActionDisabled(reason=reason)
        return action
    action.title = f"Propose again: {name} does not fit any more"
    action.kind = FURTHER
    action.command = _command(action.title, "evolverec.propose", {"repo": str(repo.root)})
    return action


def _further(
    session: Session, repo: Repo, view: FileView, mark: PlacedNote, asks: str
) -> list[types.CodeAction]:
    """asks: the offer to ask an LLM, "" where none is set."""
    diagnostic = as_diagnostic(session, repo, view, mark)
    place = {"repo": str(repo.root)}
    about = {**place, "code": mark.note.code}
    shown, found = list[types.CodeAction](), list[types.CodeAction]()
    fixes, too_slow = open_fixes(repo, mark.note.id), only_too_slow(repo, mark.note.id)
    for proposal in fixes:
        arguments = {**place, "proposal": proposal.id}
        name = proposal.idea.title
        shown.append(_offer(f"Show diff: {name}", FURTHER, "evolverec.preview", arguments, diagnostic))
        found.append(_offer(f"Verify again: {name}", FURTHER, "evolverec.verify", arguments, diagnostic))
        found.append(_offer(f"Dismiss patch: {name}", FURTHER, "evolverec.dismiss", arguments, diagnostic))
    for proposal in too_slow:
        arguments = {**place, "proposal": proposal.id, "allowCost": True}
        title = f"Allow its cost and verify: {proposal.idea.title} ({headline(proposal.why_not)})"
        found.append(_offer(title, FURTHER, "evolverec.verify", arguments, diagnostic))
    shown.append(_offer(f"Explain {mark.note.code}", FURTHER, "evolverec.explain", about, diagnostic))
    if asks and not mark.note.live:
        title = f"Explain {mark.note.code}: {asks}"
        shown.append(_offer(title, FURTHER, "evolverec.askLlm", about, diagnostic))
    found = [*shown, *found]
    if not fixes and not too_slow and not mark.note.live:
        found.append(_offer("Propose patches", FURTHER, "evolverec.propose", place, diagnostic))
    if mark.note.finding.probe:
        arguments = {**place, "probe": mark.note.finding.probe}
        title = f"Keep the probe of {mark.note.code} in {PROBES_FOLDER}/"
        found.append(_offer(title, FURTHER, "evolverec.keepProbe", arguments, diagnostic))
    if session.changes.wanted:  # the extension asks for the reason
        where = {**about, "path": mark.note.anchors[0].path if mark.note.anchors else ""}
        title = f"Accept {mark.note.code} for the team…"
        found.append(_offer(title, FURTHER, "evolverec.ui.accept", where, diagnostic))
    dismiss = {**place, "id": mark.note.id}
    return [*found, _offer(f"Dismiss {mark.note.code}", FURTHER, "evolverec.dismiss", dismiss, diagnostic)]


def merged(actions: list[types.CodeAction]) -> list[types.CodeAction]:
    """Merge actions with the same title into one that lists all their diagnostics. To look and to have it explained comes
    first, to dismiss last; where there are several of a kind they are one action, which asks which.
    """
    by_title: dict[str, types.CodeAction] = {}
    for action in actions:
        before = by_title.setdefault(action.title, action)
        if before is not action:
            before.diagnostics = [*(before.diagnostics or []), *(action.diagnostics or [])]
    alike: dict[Kind | None, list[types.CodeAction]] = {}
    for action in by_title.values():
        alike.setdefault(next((kind for kind in (*FIRST, *LAST) if kind.holds(action)), None), []).append(
            action
        )
    found: list[types.CodeAction] = []
    for kind in (*FIRST, None, *LAST):
        several = alike.get(kind, [])
        found += [_one_of(kind, several)] if kind is not None and len(several) > 1 else several
    return found


def _one_of(kind: Kind, several: list[types.CodeAction]) -> types.CodeAction:
    """One action for several, whose command asks the user which of them to carry out."""
    choices: dict[str, Any] = {
        kind.name_of(action): argument
        for action in several
        if action.command is not None
        for argument in (action.command.arguments or [])[:1]
    }
    place = {
        "repo": next(iter(choices.values()))["repo"],
        "question": f"{kind.title.removesuffix('…')}: which?",
        "choices": choices,
    }
    diagnostics = {id(item): item for action in several for item in action.diagnostics or []}
    return types.CodeAction(
        title=kind.title,
        kind=FURTHER,
        command=_command(kind.title, kind.command, place),
        diagnostics=list(diagnostics.values()) or None,
        is_preferred=False,
    )


def _at_entry(session: Session, repo: Repo) -> list[types.CodeAction]:
    """The commands of the code lens as source actions, for clients that show no code lenses."""
    place = {"repo": str(repo.root)}
    return [
        *(
            _offer(f"Cancel {progress}", ENTRY, "evolverec.cancel", {**place, "job": job}, None)
            for job, progress in session.jobs_of(repo)
        ),
        _offer("Improve: train, diagnose, ask users, propose", ENTRY, "evolverec.improve", place, None),
        _offer("Train", ENTRY, "evolverec.train", place, None),
        _offer("Diagnose", ENTRY, "evolverec.diagnose", place, None),
        _offer("Ask users", ENTRY, "evolverec.askUsers", place, None),
        _offer("Propose patches", ENTRY, "evolverec.propose", place, None),
        _offer("Evolve the repo", ENTRY, "evolverec.evolve", place, None),
    ]


def _offer(
    title: str, kind: str, command: str, arguments: Mapping[str, str], diagnostic: types.Diagnostic | None
) -> types.CodeAction:
    return types.CodeAction(
        title=title,
        kind=kind,
        command=_command(title, command, arguments),
        diagnostics=[diagnostic] if diagnostic else None,
        is_preferred=False,
    )


def _short(action: types.CodeAction) -> types.CodeAction:
    """Titles come from repos, LLMs and users too; a menu cuts a long one in the middle of a figure, or is as wide as the window."""
    action.title = cut(action.title, MENU)
    if action.command is not None:
        action.command.title = action.title
    return action


def _command(title: str, command: str, arguments: Mapping[str, Any]) -> types.Command:
    return types.Command(title=title, command=command, arguments=[dict(arguments)])


def _wanted(kind: str, only: Any) -> bool:
    """Whether the client asked for this kind.

    Kinds form a tree: asking for "quickfix" includes "quickfix.evolverec".
    """
    if not only:
        return True
    names = [str(getattr(asked, "value", asked)) for asked in only]
    return any(not name or kind == name or kind.startswith(f"{name}.") for name in names)
