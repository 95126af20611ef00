"""Questions to the user before a job runs: may the repo's code run, and its interpreter, without a sandbox, without
unsaved text?
"""

from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from evolution.base.amounts import count
from evolution.base.errors import Cancelled, ConsentError
from evolution.domain.request import Request
from evolution.jobs.consent import Matter, Question, open_questions
from evolution.repo.settings import trust
from server.lsp.repo import Repo
from server.lsp.session import Session

_WORDS = {  # of each matter: the answer that agrees, the question, and what to do without it
    Matter.CODE: (
        "Trust and run",
        "Have you read it, and do you trust it?",
        "Trust the workspace in your editor, start the server with initializationOptions "
        '{"trusted": true}, or run `evolverec train --trust` once',
    ),
    Matter.INTERPRETER: (
        "It is mine: run it",
        "Is it yours, and may it run?",
        "If it is yours, run `evolverec train --trust-python` in the repo once; else choose another interpreter in your "
        "editor's settings",
    ),
    Matter.SANDBOX: (
        "Go on without a sandbox on this machine",
        "Go on without one, now and later on this machine?",
        "If you want that all the same, run `evolverec train --no-sandbox` in a terminal; a client that shows questions "
        "asks for it",
    ),
}
ON_DISK = "Run the files on disk"
SAVED = "I have saved: run"
CANCEL = "Cancel"


async def ensure_consent(session: Session, repo: Repo, request: Request) -> None:
    """Return if the user has agreed to all that the job needs, or agrees now; each yes is remembered.

    Raises ConsentError if not, or if the client cannot ask.
    """
    while (question := await session.background.store(_next_question, session, repo, request)) is not None:
        yes, asked, refused = _WORDS[question.matter]
        if await ask(session, f"evolverec: {question.what}. {asked}", (yes, CANCEL)) != yes:
            raise ConsentError(f"nothing of {repo.root} was run: {question.what}. {refused}")
        await session.background.store(question.remember)


def _next_question(session: Session, repo: Repo, request: Request) -> Question | None:
    """The first question without an answer. A client that vouches for its workspace has answered the one on code."""
    if session.settings.trusted:
        trust(repo.root)
    return next(open_questions(repo.root, request), None)


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


async def chosen(session: Session, asked: dict[str, Any]) -> dict[str, Any]:
    """What a command is to be done with: its own object, or the one of its `choices` (name -> object) that the user picks.

    Raises Cancelled if none was picked.
    """
    choices = asked.get("choices")
    if not isinstance(choices, dict):
        return asked
    picked = choices.get(await ask(session, str(asked.get("question", "")), tuple(map(str, choices))))
    if not isinstance(picked, dict):
        raise Cancelled("nothing was picked")
    return picked


def _lines(text: str | None) -> list[str] | None:
    return None if text is None else text.splitlines()
