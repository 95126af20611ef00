"""A small repo with a store that the test fills, and clients that speak to a real server process."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Union

import hypothesis  # noqa: F401  else imported at the end, when a server's thread may be parsing: see diagnosis/syntax.py
import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.protocol import JsonRPCResponseMessage
from pytest_lsp import LanguageClient, client_capabilities, make_test_lsp_client

import evolverec_entry
from diagnosis.anchors import make_anchor
from diagnosis.findings import Anchor, Finding, Measurement, Role, Severity, Site
from evolution.edits import make_edits
from evolution.feedback import Feedback
from evolution.jobs.records import Event, EventType, JobKind, JobRecord, JobState
from evolution.places import job_folder
from evolution.programs import Programs
from evolution.proposals import Effect, Idea, Patch, Proposal, Verified
from evolution.serial import dumps
from evolution.store import Store
from evolution.trials.records import Metric, Trial, TrialKey, TrialStatus
from server.lsp.handshake import answer_initialize
from server.lsp.panels.changes import CHANGED
from server.lsp.server import EvolverecServer
from simulator.critiques import Critique, Fidelity, Quote, Simulation
from tests.server.typed import typed_change


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sessions over the protocol are for `make test`: a few hundred of them cost most of a minute."""
    for item in items:
        if "connect" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.wire)


MODEL = '''\
"""Ein kleines Modell."""
import torch


class Model(torch.nn.Module):
    def __init__(self, n_items, dim=32):
        super().__init__()
        self.items = torch.nn.Embedding(n_items + 1, dim)  # 😀 table
        self.dropout = torch.nn.Dropout(0.2)

    def loss(self, scores, target):
        return torch.nn.functional.binary_cross_entropy_with_logits(scores, target)


def build(data, *, device, seed):
    return Model(data.n_items)
'''
CONFIG = """\
[recommender]
entry = "model:build"

[data]
source = "shop-micro"
"""
TABLE_LINE, LOSS_LINE, ENTRY_LINE = 7, 11, 14  # from 0, in MODEL


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The repo's model and the lines of it that tests speak of, from 0."""

    model: str = MODEL
    table: int = TABLE_LINE
    loss: int = LOSS_LINE
    entry: int = ENTRY_LINE
    patched: str = MODEL.replace("(n_items + 1, dim)", "(n_items + 1, dim, padding_idx=0)")


@pytest.fixture
def sample() -> Sample:
    return Sample()


@dataclass(kw_only=True)
class Records:
    """Writes what jobs would write, through the real store."""

    repo: Path
    store: Store
    programs: Programs
    program: str = ""

    def anchor(self, path: str, line0: int, role: Role, end0: int | None = None) -> Anchor:
        text = (self.repo / path).read_bytes().decode()
        site = Site(
            role=role, path=path, start_line=line0 + 1, end_line=(line0 if end0 is None else end0) + 1
        )
        return make_anchor(site, text)

    def trial(self, name: str = "trial0000001", *, age_s: float = 720.0, **changes: Any) -> Trial:
        self.program = self.programs.snapshot().tree
        values: dict[str, Any] = {
            "id": name,
            "key": TrialKey(
                program=self.program, data="d", training="t", seed=0, device="cpu/1", harness="1"
            ),
            "status": TrialStatus.COMPLETE,
            "created_at": time.time() - age_s,
            "wall_s": 3.0,
            "best_epoch": 3,
            "metrics": {"NDCG@10": Metric(value=0.142, low=0.138, high=0.146)},
            "objective": Metric(value=0.15, low=0.14, high=0.16),
        }
        trial = Trial(**{**values, **changes})
        self.store.put_trial(trial)
        return trial

    def finding(self, code: str = "embedding-collapse", line0: int = TABLE_LINE, **changes: Any) -> Finding:
        values: dict[str, Any] = {
            "id": f"id-{code}",
            "code": code,
            "severity": Severity.WARNING,
            "message": "Item embeddings share a few directions.",
            "why": "They cannot be told apart.",
            "definition": "RankMe of the centred item embeddings.",
            "value": 0.12,
            "low": 0.1,
            "high": 0.14,
            "reference": 0.6,
            "reference_name": "untrained model",
            "unit": "of the width",
            "anchors": (self.anchor("model.py", line0, Role.ITEM_TABLE),),
            "source": "probe",
        }
        return Finding(**{**values, **changes})

    def feedback(
        self, *findings: Finding, trial: str = "trial0000001", age_s: float = 700.0, **more: Any
    ) -> Feedback:
        feedback = Feedback(
            trial=trial, program=self.program, created_at=time.time() - age_s, findings=findings, **more
        )
        self.store.put_feedback(feedback)
        return feedback

    def measurement(self, value: float) -> Measurement:
        return Measurement(
            code="embedding-collapse",
            value=value,
            low=value - 0.02,
            high=value + 0.02,
            reference=0.6,
            reference_name="untrained model",
            unit="of the width",
            higher_is_better=True,
            healthy=False,
            severity=Severity.WARNING,
            message="Item embeddings share a few directions.",
        )

    def simulation(self, *, fidelity_low: float = 0.6) -> Simulation:
        fidelity = Fidelity(auc=fidelity_low + 0.05, low=fidelity_low, high=fidelity_low + 0.1, users=100)
        critique = Critique(
            id="critique-1",
            code="overused-popularity",
            positive=False,
            signal="popularity",
            message="Too many bestsellers.",
            count=61,
            users=100,
            share=0.61,
            low=0.51,
            high=0.7,
            quotes=(Quote(user=7, persona="a collector", text="I own all of these."),),
            fidelity=fidelity,
        )
        return Simulation(
            users=100,
            seed=0,
            fidelity=fidelity,
            critiques=(critique,),
            mean_align=0.3,
            mean_rating=None,
            wall_s=1.0,
        )

    def proposal(self, name: str, after: str, *, path: str = "model.py", **changes: Any) -> Proposal:
        before = (self.repo / path).read_bytes().decode()
        values: dict[str, Any] = {
            "id": name,
            "idea": Idea(
                code="full-softmax",
                title="Full softmax loss",
                rationale="Ranks against every item.",
                addresses=("id-embedding-collapse",),
                rests_on=(),
                proposer="recipe",
            ),
            "patch": Patch(base=self.program, edits=tuple(make_edits(path, before, after))),
            "parent": self.program,
            "child": f"child-{name}",
            "trials": (f"trial-{name}",),
            "verified": Verified.GAIN,
            "effect": Effect(metric="objective", before=0.142, after=0.171, low=0.0213, high=0.0355),
            "created_at": time.time(),
        }
        proposal = Proposal(**{**values, **changes})
        self.store.put_proposal(proposal)
        return proposal

    def running_job(self, name: str = "t0000001", **changes: Any) -> JobRecord:
        """A train job whose process is this one, alive as long as the test, unless told otherwise."""
        import psutil

        values: dict[str, Any] = {
            "id": name,
            "kind": JobKind.TRAIN,
            "state": JobState.RUNNING,
            "pid": os.getpid(),
            "pid_started": psutil.Process().create_time(),
            "created_at": time.time(),
        }
        job = JobRecord(**{**values, **changes})
        self.store.put_job(job)
        job_folder(self.repo, name).mkdir(parents=True, exist_ok=True)
        return job

    def cancel_params(self, job: JobRecord) -> types.WorkDoneProgressCancelParams:
        return types.WorkDoneProgressCancelParams(token=f"evolverec-{job.id}")

    def end(self, job: JobRecord, result: dict[str, Any] | None = None, **changes: Any) -> None:
        values = {"state": JobState.DONE, "finished_at": time.time(), **changes}
        self.store.put_job(replace(job, result=result, **values))

    def event(self, job: JobRecord, kind: EventType, message: str, **data: Any) -> None:
        event = Event(t=time.time(), type=kind, message=message, data=data)
        with (job_folder(self.repo, job.id) / "events.jsonl").open("a") as stream:
            stream.write(dumps(event) + "\n")


@pytest.fixture
def config_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = tmp_path / "config"
    monkeypatch.setenv("EVOLVEREC_CONFIG_HOME", str(home))
    return home


@pytest.fixture
def repo(tmp_path: Path, config_home: Path) -> Path:
    root = tmp_path / "shop repo"  # a space: URIs are escaped
    root.mkdir()
    (root / "model.py").write_text(MODEL, encoding="utf-8")
    (root / "evolverec.toml").write_text(CONFIG, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


@pytest.fixture
def records(repo: Path) -> Any:
    with Store.open(repo) as store:
        yield Records(repo=repo, store=store, programs=Programs.open(repo))


class Editor:
    """A client with a few verbs of an editor, kept in step with its own buffers."""

    def __init__(self, client: LanguageClient, repo: Path) -> None:
        self.client, self.repo = client, repo
        self.encoding = "utf-16"
        self.versions: dict[str, int] = {}
        self.texts: dict[str, str] = {}
        self.carries_out = False
        self.applied: list[types.ApplyWorkspaceEditParams] = []
        self.answers: dict[str, str] = {}
        self.asked: list[str] = []
        self.lens_refreshes = 0
        self.changed: list[
            tuple[float, str]
        ] = []  # when (monotonic seconds) views of which repo were told so

    def uri(self, path: str) -> str:
        return (self.repo / path).as_uri()

    def open(self, path: str, text: str | None = None) -> str:
        uri = self.uri(path)
        self.versions[uri] = 1
        content = text if text is not None else (self.repo / path).read_bytes().decode()
        self.texts[uri] = content
        self.client.text_document_did_open(
            types.DidOpenTextDocumentParams(
                types.TextDocumentItem(uri=uri, language_id="python", version=1, text=content)
            )
        )
        return uri

    def change(self, uri: str, text: str) -> None:
        """Sent as the range that has changed, as editors do."""
        self.versions[uri] += 1
        typed = typed_change(self.texts[uri], text, self.encoding)
        self.texts[uri] = text
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(version=self.versions[uri], uri=uri),
                [typed],
            )
        )

    def carry_out(self, edit: types.WorkspaceEdit) -> str:
        """Apply to the open buffers, all or nothing, as VS Code does; why not, "" where it did."""
        documents = [change for change in edit.document_changes if isinstance(change, types.TextDocumentEdit)]
        named = [document.text_document for document in documents]
        if any(document.version != self.versions.get(document.uri) for document in named):
            return "a document has changed in the meantime"
        for uri in [document.uri for document in named]:
            self.change(uri, self.text_after(edit, uri, self.texts[uri]))
        return ""

    def shown(self, uri: str) -> list[types.Diagnostic]:
        return list(self.client.diagnostics.get(uri, []))

    async def wait(self, what: Callable[[], Any], timeout_s: float = 20.0) -> Any:
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if found := what():
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"timed out; messages: {[m.message for m in self.client.messages]}")

    async def actions(self, uri: str, line: int, only: list[str] | None = None) -> list[Any]:
        span = types.Range(types.Position(line, 0), types.Position(line, 0))
        context = types.CodeActionContext(diagnostics=[], only=only)
        reply = await self.client.text_document_code_action_async(
            types.CodeActionParams(types.TextDocumentIdentifier(uri), span, context)
        )
        return list(reply or [])

    async def lenses(self, uri: str) -> list[types.CodeLens]:
        reply = await self.client.text_document_code_lens_async(
            types.CodeLensParams(types.TextDocumentIdentifier(uri))
        )
        return list(reply or [])

    async def hover(self, uri: str, line: int) -> types.Hover | None:
        return await self.client.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(uri), types.Position(line, 4))
        )

    async def ask(self, view: str, **params: Any) -> Any:
        """What a view of the editor is told, as plain JSON."""
        asked = params or {"repo": str(self.repo)}
        return await self.client.protocol.send_request_async(f"evolverec/{view}", asked)

    async def until(self, view: str, holds: Callable[[Any], Any], timeout_s: float = 20.0) -> Any:
        """What the view is told once that holds."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            if holds(told := await self.ask(view)):
                return told
            await asyncio.sleep(0.05)
        raise AssertionError(f"timed out; last told {told}")

    async def command(self, name: str, **argument: Any) -> Any:
        return await self.client.workspace_execute_command_async(
            types.ExecuteCommandParams(
                command=f"evolverec.{name}", arguments=[{"repo": str(self.repo), **argument}]
            )
        )

    def text_after(self, edit: types.WorkspaceEdit, uri: str, text: str) -> str:
        """The text of one file after a workspace edit, as an editor would have it."""
        if edit.document_changes:
            (document,) = [change for change in edit.document_changes if change.text_document.uri == uri]
            edits = document.edits
        else:
            edits = edit.changes[uri]
        lines = text.split("\n")
        for change in sorted(edits, key=lambda found: -found.range.start.line):
            start, end = change.range.start, change.range.end
            before, _ = _cut(lines[start.line], start.character)
            _, after = _cut(lines[end.line], end.character)
            lines[start.line : end.line + 1] = (before + change.new_text + after).split("\n")
        return "\n".join(lines)


def _cut(line: str, units: int) -> tuple[str, str]:
    """A line in two, so many UTF-16 units from its start."""
    encoded = line.encode("utf-16-le")
    assert 2 * units <= len(encoded), "an edit points outside its line"
    return encoded[: 2 * units].decode("utf-16-le"), encoded[2 * units :].decode("utf-16-le")


Connect = Callable[..., Awaitable[Editor]]


@pytest_asyncio.fixture
async def connect(repo: Path) -> AsyncIterator[Connect]:
    """connect(capabilities, trusted=False, python="", folders=None, views=False): an editor speaking to a server of its own."""
    started: list[tuple[Editor, threading.Thread]] = []

    async def start(
        capabilities: types.ClientCapabilities | str,
        *,
        trusted: bool = False,
        python: str = "",
        options: dict[str, Any] | None = None,
        folders: list[Path] | None = None,
        views: bool = False,
    ) -> Editor:
        if isinstance(capabilities, str):
            capabilities = client_capabilities(capabilities)
        editor = new_editor(repo)
        served, port = _serve_in_thread()
        await editor.client.start_tcp("127.0.0.1", port)
        roots = [repo] if folders is None else folders
        await introduce(
            editor, capabilities, roots, trusted=trusted, python=python, options=options, views=views
        )
        started.append((editor, served))
        return editor

    yield start
    for editor, served in started:
        await editor.client.shutdown_session()
        await editor.client.stop()
        await asyncio.to_thread(served.join, 5.0)
        assert not served.is_alive(), "the server did not end"


@pytest_asyncio.fixture
async def connect_process(repo: Path) -> AsyncIterator[Connect]:
    """connect_process(capabilities): an editor that starts the server as editors do, and trusts the repo."""
    started: list[Editor] = []

    async def start(capabilities: str) -> Editor:
        editor = new_editor(repo)
        await editor.client.start_io(sys.executable, evolverec_entry.__file__, "lsp")
        started.append(editor)
        await introduce(editor, client_capabilities(capabilities), [repo], trusted=True)
        return editor

    yield start
    for editor in started:
        await editor.client.shutdown_session()
        await editor.client.stop()


def new_editor(repo: Path) -> Editor:
    client = make_test_lsp_client()
    _tell_actions_from_commands(client)
    editor = Editor(client, repo)
    _extend(client, editor)
    return editor


async def introduce(
    editor: Editor,
    capabilities: types.ClientCapabilities,
    roots: list[Path],
    *,
    trusted: bool = False,
    python: str = "",
    options: dict[str, Any] | None = None,
    views: bool = False,
) -> None:
    """The handshake, with the editor's settings."""
    folders = [types.WorkspaceFolder(uri=root.as_uri(), name=root.name) for root in roots]
    answer = await editor.client.initialize_session(
        types.InitializeParams(
            capabilities=capabilities,
            workspace_folders=folders,
            initialization_options={**(options or {}), "trusted": trusted, "python": python, "views": views},
        )
    )
    editor.encoding = str(answer.capabilities.position_encoding)


def _serve_in_thread() -> tuple[threading.Thread, int]:
    """The real server in this process, over TCP: importing it costs a second, and here it is paid once.

    tests/server/test_process.py has what only a process of its own can show.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            connection, _ = listener.accept()
        with connection, connection.makefile("rb") as reader, connection.makefile("wb") as writer:
            wire_in, wire_out = answer_initialize(reader, writer)
            EvolverecServer().start_io(wire_in, wire_out)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread, listener.getsockname()[1]


def _tell_actions_from_commands(client: LanguageClient) -> None:
    """lsprotocol takes a code action that carries a command for a bare command."""
    converter = client.protocol._converter

    def structure(value: Any, _: Any) -> types.Command | types.CodeAction:
        return converter.structure(
            value, types.Command if isinstance(value.get("command"), str) else types.CodeAction
        )

    converter.register_structure_hook(types.Command | types.CodeAction, structure)
    converter.register_structure_hook(Union[types.Command, types.CodeAction], structure)  # noqa: UP007


def _plain_response(message: dict[str, Any], _: type) -> JsonRPCResponseMessage:
    return JsonRPCResponseMessage(id=message["id"], jsonrpc=message["jsonrpc"], result=message.get("result"))


def _extend(client: LanguageClient, editor: Editor) -> None:
    """What pytest-lsp's client does not do itself."""
    client.protocol._converter.register_structure_hook(JsonRPCResponseMessage, _plain_response)

    @client.feature(CHANGED)
    def views_changed(params: Any) -> None:
        editor.changed.append((time.monotonic(), params.repo))

    @client.feature(types.WORKSPACE_APPLY_EDIT)
    def apply_edit(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        editor.applied.append(params)
        reason = editor.carry_out(params.edit) if editor.carries_out else ""
        return types.ApplyWorkspaceEditResult(applied=not reason, failure_reason=reason or None)

    @client.feature(types.WINDOW_SHOW_MESSAGE_REQUEST)
    def ask(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        editor.asked.append(params.message)
        for words, answer in editor.answers.items():
            if words in params.message:
                return types.MessageActionItem(title=answer)
        return None

    @client.feature(types.CLIENT_REGISTER_CAPABILITY)
    def register(params: types.RegistrationParams) -> None:
        return None

    @client.feature(types.WORKSPACE_CODE_LENS_REFRESH)
    def refresh_lenses(params: None) -> None:
        editor.lens_refreshes += 1
