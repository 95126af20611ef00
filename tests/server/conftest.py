"""A small repo, its store, and editors that speak to a real server.

What the fixtures cost: `repo` and `records` are a few calls of git, a tenth of a second. `connect` is a session with a server
in a thread of the tests, a fifth of a second, and gives its tests the mark `wire`; `connect_process` starts a server as
editors do, seconds, and its tests have the mark `process`.
"""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import hypothesis  # noqa: F401  else imported at the end, when a server's thread may be parsing: see diagnosis/syntax.py
import pytest
import pytest_asyncio
from lsprotocol import types
from pytest_lsp import client_capabilities

import evolverec_entry
from evolution.repo.programs import Programs
from evolution.store.store import Store
from server.lsp import server  # noqa: F401  imported here once, not in a server's thread
from server.lsp.main import converse
from tests.server.editor import Editor, introduce, new_editor
from tests.server.records import CONFIG, MODEL, Records, Sample


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Sessions over the protocol are for `make test`: a few hundred of them cost most of a minute."""
    for item in items:
        if "connect" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.wire)


@pytest.fixture
def sample() -> Sample:
    return Sample()


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


def _serve_in_thread() -> tuple[threading.Thread, int]:
    """The real server in this process, over TCP: importing it costs a second, and here it is paid once.

    tests/server/test_process.py has what only a process of its own can show.
    """
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with listener:
            connection, _ = listener.accept()
        with connection, connection.makefile("rb") as reader, connection.makefile("wb") as writer:
            converse(reader, writer)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread, listener.getsockname()[1]
