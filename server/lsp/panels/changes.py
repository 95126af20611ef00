"""Notifies the editor's views that their contents are out of date, at most five times a second per repo."""

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server.lsp.repo import Repo
    from server.lsp.session import Session

CHANGED = "evolverec/changed"
LEAST_S = 0.2  # between two notifications about one repo


class Changes:
    """Sends `evolverec/changed` notifications.

    wanted: the client has such views
    """

    def __init__(self, session: "Session") -> None:
        self.wanted = False
        self._session = session
        self._told: dict[str, float] = {}
        self._waiting: set[str] = set()

    def of(self, repo: "Repo") -> None:
        """Notify the views that something in this repo has changed. Must be called on the event loop."""
        root = str(repo.root)
        if not self.wanted or root in self._waiting:
            return
        self._waiting.add(root)
        wait_s = max(0.0, self._told.get(root, 0.0) + LEAST_S - time.monotonic())
        asyncio.get_running_loop().call_later(wait_s, self._tell, root)

    def _tell(self, root: str) -> None:
        self._waiting.discard(root)
        self._told[root] = time.monotonic()
        if not self._session.closed:
            self._session.server.protocol.notify(CHANGED, {"repo": root})
