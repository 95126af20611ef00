"""The state of one client's session: its repos, the views of its open files, the jobs it follows.

The session holds and refreshes this state; each LSP feature answers in a file of its own.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pygls.uris import from_fs_path

from diagnosis.encoding import decoded, unmarked
from evolution.base.errors import UsageError
from evolution.base.places import CONFIG_NAME, STORE_FOLDER
from evolution.repo.new_repo import first_seed
from seeds.reading import CODE_BYTES, is_plain, read_bytes
from server.lsp.background import Background
from server.lsp.client import Client
from server.lsp.handshake import opening
from server.lsp.later_python import interpreter_to_ask
from server.lsp.pages import Pages
from server.lsp.panels.changes import Changes
from server.lsp.places import path_of, place_named
from server.lsp.progress import JobProgress
from server.lsp.recent import Recent
from server.lsp.repo import Repo
from server.lsp.rules import LONG, Live, judge, live_of
from server.lsp.settings import ClientSettings
from server.lsp.texts import readable
from server.lsp.view import FileView, is_broken, look
from server.shown.curves import LiveCurves
from server.shown.edited import Read

if TYPE_CHECKING:
    from server.lsp.diagnostics import FileDiagnostics
    from server.lsp.server import EvolverecServer


MOST_FILES = 500  # whose views are kept; a view that was dropped is made again


class Session:
    """All state of one client's session.

    opening: what `initialize` said; what a client without capabilities says, until it came
    settings: the user's current settings
    start_settings: the settings from `initialize`
    wrong_settings: problems with the settings from `initialize`, shown once the client listens
    closed: the client has asked to shut down
    pulls_workspace: the client pulls the diagnostics of all files, so none are pushed
    newest_repo: root of the repo last worked in, which commands and views without a `repo` mean
    rules: URI -> hits of the static rules in a long file
    pushed: URIs of files with pushed diagnostics
    said: URI -> its diagnostics, with the view they were made from
    waiting: URI -> timer, for files whose text has just changed
    followed, curves: id -> progress and curves of its trainings, for running jobs
    started: ids of jobs that this client asked for
    finished: ids of jobs whose end has been reported
    tokens: progress tokens that were used, since LSP permits each only once
    told: warnings and errors already shown
    changes: notifies the editor's own views
    asks_settings, asking_settings: the client's settings are to be asked for; a question about them is open
    processes: how many processes of ours may run at once on requests of the client
    looked_around: set once the repos that were open at the start are known
    """

    def __init__(self, server: "EvolverecServer") -> None:
        self.server = server
        self.opening = opening({})
        self.background = Background()
        self.client = Client()
        self.settings = self.start_settings = ClientSettings()
        self.wrong_settings: list[str] = []
        self.pages = Pages(self)
        self.pulls_workspace = False
        self.closed = False
        self.repos: dict[Path, Repo] = {}
        self.newest_repo: Path | None = None
        self.pushed: set[str] = set()
        self.rules: dict[str, Live] = {}
        self.said = Recent[tuple[object, "FileDiagnostics"]](MOST_FILES)
        self.waiting: dict[str, asyncio.TimerHandle] = {}
        self.followed: dict[str, JobProgress] = {}
        self.curves: dict[str, LiveCurves] = {}
        self.started: set[str] = set()
        self.finished: set[str] = set()
        self.tokens: set[str] = set()
        self.told: set[str] = set()
        self.changes = Changes(self)
        self.processes = asyncio.Semaphore(2)
        self.asks_settings = self.asking_settings = False
        self.looked_around = asyncio.Event()
        self._opening: dict[Path, asyncio.Future[bool]] = {}
        self._judging: set[str] = set()
        self._no_later: set[str] = set()  # interpreters that are no later Python than ours
        self._views = Recent[tuple[object, FileView]](MOST_FILES)
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine beside the requests, until it is done or the client shuts down."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            task.get_loop().call_exception_handler(
                {"message": "evolverec: a background task failed", "exception": error}
            )

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Register the current task, so that `close` cancels it before pygls waits for its own pending requests."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("answering() was used outside of an asyncio task")
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def close(self) -> None:
        """Cancel all tasks and stop the threads. Jobs go on, and the next session finds them."""
        self.closed = True
        for handle in self.waiting.values():
            handle.cancel()
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.background.close()

    def repo_root(self, path: Path) -> Path | None:
        """The nearest folder above a file that holds evolverec.toml, within a workspace folder if there are any.

        Files in `.evolverec`, such as the copy of a program that is being trained, belong to no repo.
        """
        folders = self.folders()
        if STORE_FOLDER in path.parts:
            return None
        for parent in path.parents:
            if folders and not any(parent.is_relative_to(folder) for folder in folders):
                return None
            if is_plain(parent / CONFIG_NAME):
                return parent
        return None

    def folders(self) -> list[Path]:
        """The client's workspace folders, or its root if it sent none."""
        workspace = self.server.workspace
        uris = [folder.uri for folder in workspace.folders.values()] or [workspace.root_uri or ""]
        return [path for uri in uris if (path := path_of(uri))]

    async def repo_of(self, uri: str) -> Repo | None:
        """The repo that a file belongs to, opened if necessary; None if it belongs to none."""
        path = path_of(uri)
        root = self.repo_root(path) if path else None
        return await self.open_repo(root) if root else None

    async def open_repo(self, root: Path) -> Repo:
        """The repo at `root`, opened and loaded if necessary. Concurrent callers wait for the same load."""
        if root not in self.repos:
            repo = self.repos[root] = Repo(root)
            self._opening[root] = asyncio.ensure_future(self.background.store(repo.load))
        if (opening := self._opening.get(root)) is not None:
            await asyncio.shield(opening)
            self._opening.pop(root, None)
        return self.repos[root]

    async def leave_repo(self, repo: Repo) -> None:
        """Forget a repo whose folder was closed.

        Its jobs go on, and are followed again when the folder is opened again.
        """
        self.repos.pop(repo.root, None)
        self._opening.pop(repo.root, None)
        if self.newest_repo == repo.root:
            self.newest_repo = None
        for known in (self._views, self.said, self.rules):
            for uri in [uri for uri in known if (path := path_of(uri)) and path.is_relative_to(repo.root)]:
                del known[uri]
        await self.background.store(repo.close)

    async def choose_repo(self, named: str) -> Repo:
        """The repo that a command names, which becomes the one last worked in. Raises UsageError if there is none."""
        repo = await self.named_repo(named)
        self.newest_repo = repo.root
        return repo

    async def named_repo(self, named: str) -> Repo:
        """The repo around a path or URI; for "", the repo last worked in. Raises UsageError if there is none."""
        if named:
            path = place_named(named)
            root = self._root_around(path) if path else None
        else:
            await self.looked_around.wait()
            root = self.newest_repo
        if root is None:
            raise UsageError(
                f"{named[:200] or 'this workspace'} has no {CONFIG_NAME}: open a file of a repo that has one, "
                f"or make one with `evolverec new {first_seed()} DIR`"
            )
        return await self.open_repo(root)

    def _root_around(self, path: Path) -> Path | None:
        return path if is_plain(path / CONFIG_NAME) else self.repo_root(path)

    def open_documents(self, repo: Repo) -> dict[str, str]:
        """Relative path -> URI of the repo's files that are open in the editor."""
        found: dict[str, str] = {}
        for document in self.server.workspace.text_documents.values():
            path = path_of(document.uri)
            if path and path.is_relative_to(repo.root):
                found[path.relative_to(repo.root).as_posix()] = document.uri
        return found

    def reader(self, repo: Repo) -> Read:
        """A function that reads files as the user sees them: buffers as of now,
        the disk for files that are not open.
        """
        workspace = self.server.workspace
        buffers = {
            path: readable(workspace.get_text_document(uri).source)
            for path, uri in self.open_documents(repo).items()
        }
        return lambda path: buffers[path] if path in buffers else repo.read_disk(path)

    async def view(self, uri: str) -> tuple[Repo, FileView] | None:
        """The file's repo and the view of its current text; None for a file of no repo."""
        repo = await self.repo_of(uri)
        path = path_of(uri)
        if repo is None or path is None:
            return None
        relative = path.relative_to(repo.root).as_posix()
        state = repo.state()
        cached = self._views.get(uri)
        if cached and cached[0] == state:
            return repo, cached[1]
        version = self.version_of(uri)
        live = self.rules.get(uri)
        view = await self.background.think(look, repo.knowledge, relative, version, self.reader(repo), live)
        self._views[uri] = (state, view)
        return repo, view

    async def judge_apart(self, uri: str) -> bool:
        """Run the static rules on a long file, or on one that only a later Python may read, in another process, unless
        their hits are up to date.

        Returns whether they ran.
        """
        text, path = self.text_of(uri), path_of(uri)
        if text is None or path is None or path.suffix != ".py" or uri in self._judging:
            return False
        if len(text) <= LONG and not await self.background.think(is_broken, text):
            return False
        known = self.rules.get(uri)
        if known and known.text == text:
            return False
        self._judging.add(uri)
        try:
            repo = await self.repo_of(uri)
            if repo is None:
                return False
            relative = path.relative_to(repo.root).as_posix()
            python = await self.background.survey(interpreter_to_ask, repo.root, self.settings)
            if len(text) <= LONG and (not python or python in self._no_later):
                return False
            async with self.processes:
                judged = await judge(relative, text, "" if python in self._no_later else python)
            if len(text) <= LONG and not judged.is_later and not judged.unseen:
                self._no_later.add(python)
            self.rules[uri] = await self.background.think(live_of, relative, text, judged)
            repo.buffer_changes += 1
        finally:
            self._judging.discard(uri)
        return True

    def uri_of(self, repo: Repo, path: str) -> str:
        """The client's own URI of an open file, else a URI made from the path."""
        return self.open_documents(repo).get(path) or from_fs_path(str(repo.root / path)) or ""

    def jobs_of(self, repo: Repo) -> list[tuple[str, str]]:
        """(id, progress in words) of each running job of a repo."""
        return [
            (job.id, str(self.followed[job.id])) for job in repo.knowledge.running if job.id in self.followed
        ]

    def repos_around(self, uri: str) -> list[Repo]:
        """A list of the innermost opened repo around a file; [] if there is none."""
        path = path_of(uri)
        around = [repo for root, repo in self.repos.items() if path and path.is_relative_to(root)]
        return sorted(around, key=lambda repo: -len(repo.root.parts))[:1]

    def text_of(self, uri: str) -> str | None:
        """The text of the buffer, or of the file on disk; None if there is neither."""
        document = self.server.workspace.text_documents.get(unquote(uri))
        if document is not None:
            return readable(document.source)
        path = path_of(uri)
        try:
            return unmarked(decoded(read_bytes(path, most=CODE_BYTES))) if path else None
        except (OSError, ValueError):
            return None

    def is_open(self, uri: str) -> bool:
        """Whether the file is open in the editor."""
        return unquote(uri) in self.server.workspace.text_documents

    def version_of(self, uri: str) -> int | None:
        """The version of the file's buffer; None for a file that is not open."""
        document = self.server.workspace.text_documents.get(unquote(uri))
        return document.version if document else None
