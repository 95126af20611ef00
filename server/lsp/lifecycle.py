"""The beginning and the end of a session, and the watch over the client's life."""

import asyncio
import gc
import os
import sys
from typing import Any

from lsprotocol import types

from server.lsp import configuration, refresh
from server.lsp.client import read_client
from server.lsp.session import Session

PARENT_POLL_S = 1.0


def initialize(session: Session, params: types.InitializeParams) -> None:
    """The answer has been sent (server/lsp/handshake.py); here the session learns who it talks to."""
    workspace = session.server.workspace
    session.client = read_client(params.capabilities, workspace.position_encoding or "utf-16")
    options: Any = params.initialization_options
    chosen = options if isinstance(options, dict) else {}
    configuration.begin(session, options)
    session.changes.wanted = chosen.get("views") is True


async def initialized(session: Session, params: types.InitializedParams) -> None:
    """Show at once what the stores know, and take up the jobs that run."""
    refresh.watch_files(session)
    session.spawn(configuration.follow(session))
    if session.server.process_id:
        session.spawn(_watch_parent(session.server.process_id))
    await refresh.find_repos(session)
    session.looked_around.set()
    # What lives as long as the server is not looked through again and again for garbage: that takes some 50 ms each
    # time, in which nothing is answered.
    gc.freeze()
    if session.repos:
        session.spawn(session.background.browse(load_schema))
    session.spawn(refresh.watch(session))


def load_schema() -> None:
    """So that the first completion in evolverec.toml need not wait for pydantic."""
    from server.lsp.config_schema import schema

    schema()
    gc.freeze()


async def shutdown(session: Session, params: None) -> None:
    await session.close()


async def _watch_parent(pid: int) -> None:
    """A client that was killed closes no session: end with it. Jobs go on."""
    import psutil

    if not psutil.pid_exists(pid):  # over TCP the client may live on another machine
        return
    while psutil.pid_exists(pid):
        await asyncio.sleep(PARENT_POLL_S)
    print(f"evolverec: the client (process {pid}) is gone", file=sys.stderr, flush=True)
    os._exit(1)
