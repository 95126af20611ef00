"""The start and the end of a session, and the watch over the client's process."""

import asyncio
import gc
import os
import sys

from lsprotocol import types

from evolution.base.processes import identify, lives
from server.lsp import configuration, refresh
from server.lsp.client import read_client
from server.lsp.session import Session

PARENT_POLL_S = 1.0


def initialize(session: Session, params: types.InitializeParams) -> None:
    """Handle `initialize`, which server/lsp/handshake.py has answered: read the client's capabilities and options."""
    workspace = session.server.workspace
    session.client = read_client(session.opening.capabilities, workspace.position_encoding or "utf-16")
    options = session.opening.options
    chosen = options if isinstance(options, dict) else {}
    configuration.begin(session, options)
    session.changes.wanted = chosen.get("views") is True


async def initialized(session: Session, params: types.InitializedParams) -> None:
    """Handle `initialized`: open the workspace's repos, show what their stores know, and follow running jobs."""
    refresh.watch_files(session)
    session.spawn(configuration.follow(session))
    if session.server.process_id:
        session.spawn(_watch_parent(session.server.process_id))
    try:
        await refresh.find_repos(session)
    finally:
        session.looked_around.set()  # requests wait for it, also where a folder cannot be read
    # Objects that live as long as the server are exempt from garbage collection: a full pass over them takes some
    # 50 ms, during which nothing is answered.
    gc.freeze()
    if session.repos:
        session.spawn(session.background.browse(load_schema))
    session.spawn(refresh.watch(session))


def load_schema() -> None:
    """Load the config's schema, so that the first completion in evolverec.toml need not wait for pydantic."""
    from server.lsp.config_schema import schema

    schema()
    gc.freeze()


async def shutdown(session: Session, params: None) -> None:
    """Handle `shutdown`: cancel what the session still does. Jobs go on."""
    await session.close()


async def _watch_parent(pid: int) -> None:
    """End the server when the client's process is gone, since a killed client sends no `shutdown`. Jobs go on."""
    client = identify(pid)
    if client is None:  # over TCP the client may live on another machine
        return
    while lives(client):  # another process under its pid is not the client
        await asyncio.sleep(PARENT_POLL_S)
    print(f"evolverec: the client (process {pid}) is gone", file=sys.stderr, flush=True)
    os._exit(1)
