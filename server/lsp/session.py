"""What one client's session knows: its repos, the views of its open files, the jobs it follows.

The session only holds and refreshes; each LSP feature answers in a file of its own.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from pygls.uris import from_fs_path, to_fs_path

from evolution.base.errors import UsageError
from evolution.base.places import CONFIG_NAME, STORE_FOLDER
from evolution.repo.new_repo import first_seed
from server.lsp.background import Background
from server.lsp.client import Client
from server.lsp.pages import Pages
from server.lsp.panels.changes import Changes
from server.lsp.progress import Progress
from server.lsp.repo import Repo
from server.lsp.rules import LONG, Live, judge, live_of
from server.lsp.settings import Settings
from server.lsp.view import FileView, Read, look

if TYPE_CHECKING:
    from server.lsp.diagnostics import FileDiagnostics
    from server.lsp.server import EvolverecServer


class Session:
    """settings: the user's, as they are now; start_settings: as `initialize` gave them. wrong_settings: what was wrong
    with those, to be told once the client listens. closed: the client has asked to shut down.
    pulls_workspace: it pulls the diagnostics of all files, so that none are pushed.

    rules: URI -> what static rules last said of a long file. pushed: URIs that show diagnostics. said: URI -> its
    diagnostics, with what they were made from. waiting: URIs whose text has just changed. followed: running jobs by id,
    and how far they are. finished: jobs whose end has been told. tokens: of progress, used up. told: troubles that
    were. changes: what tells the views. looked_around: the repos that the client had open at the start are known.
    """

    def __init__(self, server: "EvolverecServer") -> None:
        self.server = server
        self.background = Background()
        self.client = Client()
        self.settings = self.start_settings = Settings()
        self.wrong_settings: list[str] = []
        self.pages = Pages(self)
        self.pulls_workspace = False
        self.closed = False
        self.repos: dict[Path, Repo] = {}
        self.newest_repo: Path | None = None
        self.pushed: set[str] = set()
        self.rules: dict[str, Live] = {}
        self.said: dict[str, tuple[object, FileDiagnostics]] = {}
        self.waiting: dict[str, asyncio.TimerHandle] = {}
        self.followed: dict[str, Progress] = {}
        self.finished: set[str] = set()
        self.tokens: set[str] = set()
        self.told: set[str] = set()
        self.changes = Changes(self)
        self.looked_around = asyncio.Event()
        self._opening: dict[Path, asyncio.Future[bool]] = {}
        self._judging: set[str] = set()
        self._views: dict[str, tuple[object, FileView]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run beside the requests until done, or until the client shuts down."""
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
        """While this task answers a request: `close` ends it too, before the library counts what is left."""
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("answers are given in tasks")
        self._tasks.add(task)
        try:
            yield
        finally:
            self._tasks.discard(task)

    async def close(self) -> None:
        """Let go of everything but the jobs: they go on, and the next session finds them."""
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

        What lies in `.evolverec`, such as the copy of a program that is being trained, is of no repo.
        """
        folders = self.folders()
        if STORE_FOLDER in path.parts:
            return None
        for parent in path.parents:
            if folders and not any(parent.is_relative_to(folder) for folder in folders):
                return None
            if (parent / CONFIG_NAME).is_file():
                return parent
        return None

    def folders(self) -> list[Path]:
        workspace = self.server.workspace
        uris = [folder.uri for folder in workspace.folders.values()] or [workspace.root_uri or ""]
        return [Path(path) for uri in uris if uri and (path := to_fs_path(uri))]

    async def repo_of(self, uri: str) -> Repo | None:
        """The repo a file belongs to, opened if it was not."""
        path = path_of(uri)
        root = self.repo_root(path) if path else None
        return await self.open_repo(root) if root else None

    async def open_repo(self, root: Path) -> Repo:
        """The repo, with what its store knows. Callers that come while it is being read wait for that."""
        if root not in self.repos:
            repo = self.repos[root] = Repo(root)
            self._opening[root] = asyncio.ensure_future(self.background.store(repo.load))
        if (opening := self._opening.get(root)) is not None:
            await asyncio.shield(opening)
            self._opening.pop(root, None)
        return self.repos[root]

    async def leave_repo(self, repo: Repo) -> None:
        """Know no more of a repo whose folder was closed. Its jobs go on, and are taken up when it is opened again."""
        self.repos.pop(repo.root, None)
        self._opening.pop(repo.root, None)
        if self.newest_repo == repo.root:
            self.newest_repo = None
        for known in (self._views, self.said, self.rules):
            for uri in [uri for uri in known if (path := path_of(uri)) and path.is_relative_to(repo.root)]:
                del known[uri]
        await self.background.store(repo.close)

    async def choose_repo(self, named: str) -> Repo:
        """The repo a command is for, which is now the one last worked in. Raises UsageError."""
        repo = await self.named_repo(named)
        self.newest_repo = repo.root
        return repo

    async def named_repo(self, named: str) -> Repo:
        """The repo that a path or URI lies in; without one that last worked in. Raises UsageError."""
        if named:
            path = path_of(named) or Path(named)
            root = path if (path / CONFIG_NAME).is_file() else self.repo_root(path)
        else:
            root = self.newest_repo
        if root is None:
            raise UsageError(
                f"{named or 'this workspace'} has no {CONFIG_NAME}: open a file of a repo that has one, "
                f"or make one with `evolverec new {first_seed()} DIR`"
            )
        return await self.open_repo(root)

    def open_documents(self, repo: Repo) -> dict[str, str]:
        """Relative path -> URI of the repo's files that are open."""
        found: dict[str, str] = {}
        for document in self.server.workspace.text_documents.values():
            path = path_of(document.uri)
            if path and path.is_relative_to(repo.root):
                found[path.relative_to(repo.root).as_posix()] = document.uri
        return found

    def reader(self, repo: Repo) -> Read:
        """Reads files as the user sees them: the buffers as they are at this moment, the disk for the rest."""
        workspace = self.server.workspace
        buffers = {
            path: workspace.get_text_document(uri).source for path, uri in self.open_documents(repo).items()
        }
        return lambda path: buffers[path] if path in buffers else repo.read_disk(path)

    async def view(self, uri: str) -> tuple[Repo, FileView] | None:
        """The file as it is now with what is known of it; None for a file of no repo."""
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

    async def judge_long(self, uri: str) -> bool:
        """Have the static rules look at a long file, in another process; whether they said anything new."""
        text, path = self.text_of(uri), path_of(uri)
        if text is None or path is None or len(text) <= LONG or path.suffix != ".py" or uri in self._judging:
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
            hits = await judge(relative, text)
            self.rules[uri] = await self.background.think(live_of, relative, text, hits)
            repo.buffer_changes += 1
        finally:
            self._judging.discard(uri)
        return True

    def uri_of(self, repo: Repo, path: str) -> str:
        """The client's own URI of an open file, else one made from its path."""
        return self.open_documents(repo).get(path) or from_fs_path(str(repo.root / path)) or ""

    def jobs_of(self, repo: Repo) -> list[tuple[str, str]]:
        """(id, how far it is) of each job that runs on a repo."""
        return [
            (job.id, str(self.followed[job.id])) for job in repo.knowledge.running if job.id in self.followed
        ]

    def repos_around(self, uri: str) -> list[Repo]:
        """The opened repo a file lies in, innermost first; [] where there is none."""
        path = path_of(uri)
        around = [repo for root, repo in self.repos.items() if path and path.is_relative_to(root)]
        return sorted(around, key=lambda repo: -len(repo.root.parts))[:1]

    def text_of(self, uri: str) -> str | None:
        """The buffer, or the file on disk; None where there is neither."""
        document = self.server.workspace.text_documents.get(unquote(uri))
        if document is not None:
            return document.source
        path = path_of(uri)
        try:
            return path.read_text(encoding="utf-8", errors="surrogateescape") if path else None
        except OSError:
            return None

    def is_open(self, uri: str) -> bool:
        return unquote(uri) in self.server.workspace.text_documents

    def version_of(self, uri: str) -> int | None:
        """Of the buffer; None for a file that is not open."""
        document = self.server.workspace.text_documents.get(unquote(uri))
        return document.version if document else None


def path_of(uri: str) -> Path | None:
    """The file that a URI names; None where it names none."""
    if not uri.startswith("file:"):
        return None
    found = to_fs_path(uri)
    return Path(found) if found else None
