"""`evolverec init` in a terminal: its questions, what it wrote and found, and the checks."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from evolution.adopting.gaps import gaps_in
from evolution.base.amounts import count
from evolution.base.errors import Cancelled, EvolverecError, UsageError
from evolution.domain.request import AdaptRequest, CheckRequest
from evolution.repo.files import read_code
from server.cli.output import say
from server.cli.running import Agreed

if TYPE_CHECKING:
    from evolution.adopting.init import InitQuestion


def adopt(
    repo: Path,
    request: CheckRequest,
    *,
    data: str,
    model: str,
    train: str,
    llm: AdaptRequest | None,
    quiet: bool,
    agreed: Agreed,
) -> dict[str, Any]:
    """The document of `evolverec init`: what was drafted, and below `check` what the checks say of it.

    llm: asks an LLM to complete the draft; what came of that stands below `llm`. quiet: nothing is asked, as where no
    terminal is there to answer. Raises UsageError: an LLM is to be asked, and none is set.
    """
    from evolution.adopting.init import init_repo
    from evolution.base.errors import ConfigError
    from server.cli.checking import check_repo

    if llm is not None:
        _need_endpoint(llm)  # before anything is written
    asks = not quiet and sys.stdin.isatty()
    document = init_repo(repo, data=data, model=model, train=train, ask=_ask if asks else None)
    document["llm"] = _complete(repo, llm, document, quiet=quiet, agreed=agreed) if llm is not None else None
    try:
        check = check_repo(repo, request, agreed=agreed)
    except ConfigError as error:  # the user's own evolverec.toml, which stays as it is
        problem = {"path": error.path, "line": error.line, "severity": "error", "message": error.said}
        check = {"ok": False, "problems": [problem], "passed": [], "data": None}
    gaps = {(gap["path"], gap["line"]) for gap in document["missing"]}
    check["problems"] = [one for one in check["problems"] if (one["path"], one["line"]) not in gaps]
    return {**document, "check": check}


def _need_endpoint(request: AdaptRequest) -> None:
    """Raises UsageError: no LLM is set, or dollars are limited and its price is not known."""
    from evolution.jobs.adapt import NO_ENDPOINT
    from evolution.llm.client import check_prices
    from evolution.repo.settings import user_llm

    settings = user_llm()
    if settings is None:
        raise UsageError(NO_ENDPOINT)
    if request.budget_usd is not None:
        check_prices(settings)


def _complete(
    repo: Path, request: AdaptRequest, document: dict[str, Any], *, quiet: bool, agreed: Agreed
) -> dict[str, Any]:
    """What came of asking an LLM; `document`, of what was drafted, is brought up to date. A draft stays where it fails."""
    from evolution.adopting.adapter_text import counted_lines
    from server.cli.following import run_as_job

    if not document["adapter"]:
        return {"passed": False, "stopped": f"{document['entry']} is the repo's own; there is no adapter"}
    try:
        came = run_as_job(repo, request, agreed=agreed, quiet=quiet)
    except Cancelled:
        raise
    except EvolverecError as error:
        return {"passed": False, "stopped": str(error)}
    if came["written"]:
        text = read_code(repo, document["adapter"]) or ""
        document["adapter_lines"] = counted_lines(text)
        document["written"] = list(dict.fromkeys([*document["written"], *came["written"]]))
        gaps = dict(gaps_in(text))
        document["missing"] = [
            one for one in document["missing"] if one["path"] != document["adapter"] or one["line"] in gaps
        ]
    return came


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
    for path in document["completed"]:
        say(f"kept {path}: an LLM has completed it; delete it to have it drafted anew")
    for gap in document["missing"]:
        place = f"{gap['path']}:{gap['line']}" if gap["line"] else gap["path"]
        say(f"missing: {place}: {gap['message']}")
    _show_llm(document)
    show_check(document["check"])
    ready = document["check"]["ok"] and not document["missing"]
    after = f"evolverec train {folder}" if ready else f"evolverec check {folder}"
    say(f"next: read {document['adapter'] or 'evolverec.toml'}, then\n  {after}")


def _show_llm(document: dict[str, Any]) -> None:
    """What came of asking an LLM; that one could be asked, where one is set and the adapter has gaps."""
    came = document["llm"]
    gaps = [gap for gap in document["missing"] if gap["path"] == document["adapter"]]
    if came is None:
        if gaps and _is_endpoint_set():
            say("an LLM is set: --llm asks it to complete the adapter, and corrects it by the checks")
        return
    if came.get("was_whole"):
        say("no LLM was asked: the draft passes the checks")
    elif came["passed"]:
        say(
            f"{came['model']} completed {came['adapter']}: {count(len(came['answers']), 'answer')}, {_cost(came)}"
        )
    else:
        say(f"no LLM completed the adapter, and the draft stays: {came['stopped']}")
        for number, wrong in enumerate(came.get("answers", ()), start=1):
            say(f"  answer {number}: {wrong}")
        if came.get("best"):
            say(f"  the answer that came furthest: {came['best']}")


def _cost(came: dict[str, Any]) -> str:
    dollars = f" (${came['usd']:.4f})" if came["usd"] is not None else ""
    return f"{came['tokens']:,} tokens{dollars}"


def _is_endpoint_set() -> bool:
    from evolution.repo.settings import user_llm

    try:
        return user_llm() is not None
    except UsageError:  # `doctor` says what is wrong with the settings; nothing was asked of them here
        return False


def _ask(question: "InitQuestion") -> str:
    """The answer, from the terminal: the number of a choice, or a text."""
    say(question.words)
    for number, (value, words) in enumerate(question.choices, start=1):
        say(f"  {number}  {value}: {words}")
    answer = str(typer.prompt("  which", default=question.default, err=True)).strip()
    chosen = dict(enumerate((value for value, _ in question.choices), start=1))
    return chosen.get(int(answer), answer) if answer.isdigit() else answer
