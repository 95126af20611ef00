"""What must be agreed to before a job runs anything of a repo, as questions for terminal and editor."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from evolution.base.errors import ConsentError
from evolution.domain.request import Request
from evolution.repo import consents
from evolution.repo.settings import chosen_python, is_trusted, trust
from evolution.trials.sandbox import WITHOUT_SANDBOX, sandbox_advice, sandbox_problem


class Matter(StrEnum):
    """What is agreed to."""

    CODE = "code"
    INTERPRETER = "interpreter"
    SANDBOX = "sandbox"


@dataclass(frozen=True, kw_only=True)
class Question:
    """One thing to agree to.

    what: sentences on what would happen, without a question. flag: of the command line, by which the user agrees.
    remember: keeps the user's yes.
    """

    matter: Matter
    what: str
    flag: str
    remember: Callable[[], None]


def open_questions(repo: Path, request: Request) -> Iterator[Question]:
    """What the user has not agreed to yet, one after the other; nothing for a job that runs no code of the repo.

    Raises UsageError: there is no such interpreter.
    """
    if not request.runs_code:
        return
    yield from questions_of_interpreter(repo, request)
    problem = "" if request.no_sandbox or consents.goes_without_sandbox() else sandbox_problem()
    if problem:
        yield Question(
            matter=Matter.SANDBOX,
            what=f"there is no sandbox on this machine: {problem}. {sandbox_advice(problem)}. {WITHOUT_SANDBOX}",
            flag="--no-sandbox",
            remember=consents.agree_to_no_sandbox,
        )


def questions_of_interpreter(repo: Path, request: Request) -> Iterator[Question]:
    """What is to be agreed to before the interpreter is started, which is done outside of any sandbox.

    One of the repo's own is not even looked at more closely before. Raises UsageError as `open_questions` does.
    """
    if not is_trusted(repo):
        yield Question(
            matter=Matter.CODE,
            what=f"{request.kind} runs the code of {repo} on this machine",
            flag="--trust",
            remember=lambda: trust(repo),
        )
    python = Path(chosen_python(request.python))
    if asks_for_interpreter(python, repo):
        yield Question(
            matter=Matter.INTERPRETER,
            what=f"the interpreter {python} lies inside the repo, and an interpreter starts outside of any sandbox",
            flag="--trust-python",
            remember=lambda: consents.agree_to_interpreter(python, repo),
        )


def asks_for_interpreter(python: Path, repo: Path) -> bool:
    """Whether an interpreter is the repo's and was not agreed to. The one that runs us was started by the user."""
    ours = python == Path(sys.executable)
    return not ours and consents.lies_inside(python, repo) and not consents.may_run(python, repo)


def require(repo: Path, request: Request) -> None:
    """Raises ConsentError: something was not agreed to. UsageError: there is no such interpreter."""
    for question in open_questions(repo, request):
        raise refusal(question)


def refusal(question: Question) -> ConsentError:
    """What a command says that cannot ask."""
    how = {
        Matter.CODE: "Read the code, then pass --trust (or trust the workspace in your editor)",
        Matter.INTERPRETER: "If it is yours, pass --trust-python once; evolverec asks again when it changes",
        Matter.SANDBOX: "To go on without a sandbox all the same, pass --no-sandbox",
    }
    return ConsentError(f"{question.what}, and you have not consented to that yet. {how[question.matter]}")
