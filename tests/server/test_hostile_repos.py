"""A server with hostile repos open: it answers within its usual time, and takes no more memory.

What is read of such repos is held in tests/adversarial/test_hostile_repos.py.
"""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from lsprotocol import types
from pytest_lsp import client_capabilities

import evolverec_entry
from diagnosis.encoding import MARK
from server.lsp.positions import columns
from tests.hostile import NO_FILES, endless, folder, huge, link_out, mark_as_ours, pipe
from tests.server.editor import Editor, introduce, new_editor
from tests.server.records import CONFIG, MODEL

ANSWER_S = (
    15.0  # on a busy machine; an idle one answers in hundredths of a second, and the old server never did
)
MORE_BYTES = 60_000_000  # than a server with a harmless repo; a device took 2.6 GB
DEEP = "x = " + "+".join("a" * 2000) + "\n"


def _forged_store(plant: Callable[[Path], None]) -> Callable[[Path], None]:
    def make(repo: Path) -> None:
        (repo / ".evolverec").mkdir()
        (repo / ".evolverec" / "store.sqlite").write_bytes(b"")
        plant(repo / ".evolverec" / "mark")

    return make


def _own_store(plant: Callable[[Path], None], home: Path) -> Callable[[Path], None]:
    def make(repo: Path) -> None:
        mark_as_ours(repo, home)
        plant(repo / ".evolverec" / "store.sqlite")

    return make


def _repos(tmp_path: Path, home: Path, nested: Callable[..., None]) -> list[Path]:
    """One repo for each thing that is no file where a file belongs."""
    kinds: dict[str, Callable[[Path], object]] = {
        "harmless": lambda repo: None,
        "own-pipe": _own_store(pipe, home),
        "own-device": _own_store(endless, home),
        "own-folder": _own_store(folder, home),
        "store-is-link": lambda repo: (repo / ".evolverec").symlink_to("/"),
        "store-is-pipe": lambda repo: pipe(repo / ".evolverec"),
        "deep-folders": lambda repo: nested(repo / "deep"),
        "deep-toml": lambda repo: (repo / "evolverec.toml").write_text("a = " + "[" * 50_000),
        "deep-code": lambda repo: (repo / "other.py").write_text(DEEP),
    }
    for name, plant in NO_FILES.items():
        short = name.replace(" ", "-")
        kinds[f"mark-{short}"] = _forged_store(plant)
        kinds[f"code-{short}"] = lambda repo, plant=plant: plant(repo / "other.py")
    for name, plant in (("pipe", pipe), ("device", endless), ("huge", huge), ("out", link_out)):
        kinds[f"toml-{name}"] = lambda repo, plant=plant: plant(repo / "evolverec.toml")
    made = []
    for name, plant_in in kinds.items():
        repo = tmp_path / "work" / name
        repo.mkdir(parents=True)
        (repo / "model.py").write_text(MODEL, encoding="utf-8")
        (repo / "evolverec.toml").write_text(CONFIG, encoding="utf-8")
        plant_in(repo)
        made.append(repo)
    return made


@pytest_asyncio.fixture
async def hostile(tmp_path: Path, config_home: Path, nested: Callable[..., None]) -> AsyncIterator[Editor]:
    """An editor with one hostile repo for each kind, and a server in a process of its own."""
    repos = _repos(tmp_path, config_home, nested)
    editor = new_editor(repos[0])
    await editor.client.start_io(sys.executable, evolverec_entry.__file__, "lsp")
    await introduce(editor, client_capabilities("visual-studio-code"), repos)
    yield editor
    await editor.client.shutdown_session()
    await editor.client.stop()


@pytest.mark.wire
@pytest.mark.process
async def test_every_question_on_hostile_repos_is_answered_soon_and_memory_stays_flat(
    hostile: Editor,
) -> None:
    process = psutil.Process(hostile.client._server.pid)  # type: ignore[union-attr]
    harmless = hostile.repo
    await _ask_all(hostile, harmless)
    before = process.memory_info().rss
    slowest = 0.0
    for repo in sorted(harmless.parent.iterdir()):
        started = time.monotonic()
        await asyncio.wait_for(_ask_all(hostile, repo), 8 * ANSWER_S)
        slowest = max(slowest, time.monotonic() - started)
        assert slowest < ANSWER_S, repo.name
    assert process.memory_info().rss - before < MORE_BYTES
    assert process.is_running()


async def _ask_all(editor: Editor, repo: Path) -> None:
    """What an editor asks for a repo whose code and config are opened."""
    editor.repo = repo
    model, config = editor.open("model.py", MODEL), editor.open("evolverec.toml", CONFIG)
    other = types.TextDocumentIdentifier(editor.uri("other.py"))
    client = editor.client
    await editor.hover(model, 14)
    await editor.lenses(model)
    await editor.actions(model, 14)
    await client.text_document_code_lens_async(types.CodeLensParams(other))
    await client.text_document_diagnostic_async(types.DocumentDiagnosticParams(other))
    place = (types.TextDocumentIdentifier(config), types.Position(1, 10))
    await client.text_document_completion_async(types.CompletionParams(*place))
    await client.text_document_hover_async(types.HoverParams(*place))
    await client.text_document_document_link_async(types.DocumentLinkParams(place[0]))
    await editor.ask("overview")


async def test_a_file_that_no_rule_can_look_at_says_so(connect, repo) -> None:
    editor = await connect("emacs")
    uri = editor.open("model.py", MODEL + DEEP)
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert "No static rule has looked at this file: it is nested too deeply" in shown.message
    assert shown.severity is types.DiagnosticSeverity.Information
    await editor.hover(uri, 14)  # is answered
    editor.change(uri, MODEL)
    await editor.wait(lambda: not editor.shown(uri))


async def test_a_file_with_a_mark_has_its_hits_where_the_editor_shows_them(connect, repo) -> None:
    careless = "import torch.nn.functional as F; y = F.dropout(1, 0.5)  # \N{GRINNING FACE}\n"
    (repo / "model.py").write_bytes((MARK + careless).encode())
    editor = await connect("emacs")
    uri = editor.open("model.py", careless)  # editors keep the mark out of the text
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert (shown.range.start.line, shown.range.start.character) == (0, 0)
    assert shown.range.end.character == columns(careless.rstrip(), editor.encoding)
