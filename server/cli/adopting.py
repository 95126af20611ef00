"""`evolverec init` in a terminal: its questions, what it wrote and found, and the checks."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from evolution.domain.request import CheckRequest
from server.cli.output import say
from server.cli.running import Agreed

if TYPE_CHECKING:
    from evolution.adopting.init import InitQuestion


def adopt(
    repo: Path, request: CheckRequest, *, data: str, model: str, train: str, quiet: bool, agreed: Agreed
) -> dict[str, Any]:
    """The document of `evolverec init`: what was drafted, and below `check` what the checks say of it.

    quiet: nothing is asked, as where no terminal is there to answer.
    """
    from evolution.adopting.init import init_repo
    from evolution.base.errors import ConfigError
    from server.cli.checking import check_repo

    asks = not quiet and sys.stdin.isatty()
    document = init_repo(repo, data=data, model=model, train=train, ask=_ask if asks else None)
    try:
        check = check_repo(repo, request, agreed=agreed)
    except ConfigError as error:  # the user's own evolverec.toml, which stays as it is
        problem = {"path": error.path, "line": error.line, "severity": "error", "message": error.said}
        check = {"ok": False, "problems": [problem], "passed": [], "data": None}
    gaps = {(gap["path"], gap["line"]) for gap in document["missing"]}
    check["problems"] = [one for one in check["problems"] if (one["path"], one["line"]) not in gaps]
    return {**document, "check": check}


def show_init(folder: Path, document: dict[str, Any]) -> None:
    """What was written and why, what is missing, what the checks say, what comes next."""
    from server.cli.render import show_check

    for sentence in document["found"]:
        say(f"  {sentence}")
    if document["written"]:
        lines = f" ({document['adapter_lines']} lines of adapter)" if document["adapter"] else ""
        say(f"wrote {', '.join(document['written'])}{lines}")
    else:
        say("nothing to write: the files are as they were drafted")
    for path in document["kept"]:
        say(f"kept {path}: you have edited it; delete it to have it drafted anew")
    for gap in document["missing"]:
        place = f"{gap['path']}:{gap['line']}" if gap["line"] else gap["path"]
        say(f"missing: {place}: {gap['message']}")
    show_check(document["check"])
    ready = document["check"]["ok"] and not document["missing"]
    after = f"evolverec train {folder}" if ready else f"evolverec check {folder}"
    say(f"next: read {document['adapter'] or 'evolverec.toml'}, then\n  {after}")


def _ask(question: "InitQuestion") -> str:
    """The answer, from the terminal: the number of a choice, or a text."""
    say(question.words)
    for number, (value, words) in enumerate(question.choices, start=1):
        say(f"  {number}  {value}: {words}")
    answer = str(typer.prompt("  which", default=question.default, err=True)).strip()
    chosen = dict(enumerate((value for value, _ in question.choices), start=1))
    return chosen.get(int(answer), answer) if answer.isdigit() else answer
