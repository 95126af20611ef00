"""Questions to the user before a job runs: may the repo's code run, and may it run without unsaved text?"""

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from evolution.base.amounts import count
from evolution.base.errors import Cancelled, ConsentError
from evolution.repo.settings import is_trusted
from server.lsp.repo import Repo
from server.lsp.session import Session

TRUST = "Trust and run"
ON_DISK = "Run the files on disk"
SAVED = "I have saved: run"
CANCEL = "Cancel"


async def ensure_trust(session: Session, repo: Repo) -> None:
    """Return if the repo is trusted or the user agrees now.

    Raises ConsentError if not, or if the client cannot ask.
    """
    if session.settings.trusted or await session.background.store(is_trusted, repo.root):
        return
    question = (
        f"evolverec will run the code of {repo.root} on this machine. Have you read it, and do you trust it?"
    )
    if await ask(session, question, (TRUST, CANCEL)) != TRUST:
        raise ConsentError(
            f"the code of {repo.root} was not run: it needs your consent first. Trust the workspace in your editor, "
            'start the server with initializationOptions {"trusted": true}, or run `evolverec train --trust` once'
        )


async def settle_unsaved(session: Session, repo: Repo) -> str:
    """Ask about unsaved files, since jobs run the files on disk.

    Returns a warning about text left out, "" if none was.

    Raises Cancelled if the user cancels.
    """
    unsaved = unsaved_files(session, repo)
    if not unsaved:
        return ""
    names = f"{count(len(unsaved), 'file')} not saved: {', '.join(unsaved)}."
    answer = await ask(session, f"{names} Save first? A job runs what is on disk.", (SAVED, ON_DISK, CANCEL))
    if answer == CANCEL:
        raise Cancelled("cancelled; nothing was started")
    unsaved = unsaved_files(session, repo)
    return f"ran what is on disk, without the unsaved text of {', '.join(unsaved)}" if unsaved else ""


def unsaved_files(session: Session, repo: Repo) -> list[str]:
    """Relative paths of the repo's open files whose buffer differs from the disk."""
    read = session.reader(repo)
    return sorted(
        path for path in session.open_documents(repo) if _lines(read(path)) != _lines(repo.read_disk(path))
    )


async def ask(session: Session, question: str, answers: tuple[str, ...]) -> str:
    """Show a question and return the chosen answer; "" if the user chose none or the client cannot ask."""
    actions = [types.MessageActionItem(title=answer) for answer in answers]
    params = types.ShowMessageRequestParams(type=types.MessageType.Warning, message=question, actions=actions)
    try:
        picked = await session.server.window_show_message_request_async(params)
    except JsonRpcException:
        return ""
    return picked.title if picked else ""


def _lines(text: str | None) -> list[str] | None:
    return None if text is None else text.splitlines()
