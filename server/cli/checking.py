"""`evolverec check`: everything that can be checked in a repo without training it."""

from pathlib import Path
from typing import Any

from evolution.base.errors import ConsentError, DataError
from evolution.domain.request import CheckRequest
from server.cli.running import Agreed


def check_repo(repo: Path, request: CheckRequest, *, agreed: Agreed) -> dict[str, Any]:
    """The document of `evolverec check`.

    ok: there is no problem of severity error
    passed: one line per check without a problem
    Raises ConfigError if evolverec.toml cannot be used, since nothing else can be checked then.
    """
    from evolution.repo.config import read_config
    from evolution.repo.programs import Programs
    from evolution.trials.data import prepare

    config = read_config(repo)
    passed, problems = ["evolverec.toml is well-formed"], list[dict[str, Any]]()
    try:
        data = prepare(config, repo)
        training = data.training
        passed.append(
            f"{config.data.source}: {training.n_users} users, {training.n_items} items, "
            f"{training.n_events} training events, {len(data.validation)} validation questions"
        )
    except DataError as error:
        problems.append(_problem(error.path, error.line, "error", error.said))
    sources = Programs.open(repo).sources(Programs.open(repo).snapshot().tree, config.recommender.editable)
    problems += _static(sources)
    passed.append(f"{len(sources)} editable files were read")
    if not any(problem["severity"] == "error" for problem in problems):
        try:
            trial_problems, trial_passed = _cheap_rungs(repo, request, agreed)
            problems += trial_problems
            passed += trial_passed
        except ConsentError as error:
            passed.append(f"import, build and one batch were not tried: {error}")
    return {"ok": all(p["severity"] != "error" for p in problems), "problems": problems, "passed": passed}


def _static(sources: dict[str, str]) -> list[dict[str, Any]]:
    import ast

    from diagnosis.rules.check import check_source

    problems: list[dict[str, Any]] = []
    for path, text in sources.items():
        try:
            ast.parse(text)
        except SyntaxError as error:
            problems.append(_problem(path, error.lineno or 1, "error", f"syntax error: {error.msg}"))
        problems += [
            _problem(path, h.start_line, h.severity.value, h.message) for h in check_source(path, text)
        ]
    return problems


def _cheap_rungs(repo: Path, request: CheckRequest, agreed: Agreed) -> tuple[list[dict[str, Any]], list[str]]:
    from server.cli.following import run_as_job

    result = run_as_job(repo, request, agreed=agreed, quiet=True)
    problems = [_problem(p["path"], p["line"], p["severity"], p["message"]) for p in result["problems"]]
    return problems, list(result["passed"])


def _problem(path: str, line: int, severity: str, message: str) -> dict[str, Any]:
    return {"path": path, "line": line, "severity": severity, "message": message}
