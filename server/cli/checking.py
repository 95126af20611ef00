"""`evolverec check`: everything that can be checked in a repo without training it."""

import sys
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evolution.base.errors import ConsentError, DataError, UsageError
from evolution.domain.request import CheckRequest
from server.cli.running import Agreed

if TYPE_CHECKING:
    from collections.abc import Callable

    from diagnosis.syntax import Unparsed
    from evolution.trials.data import TrialData
    from evolution.trials.interpreter import Interpreter


def check_repo(
    repo: Path, request: CheckRequest, *, agreed: Agreed, against: Path | None = None
) -> dict[str, Any]:
    """The document of `evolverec check`.

    ok: there is no problem of severity error
    data: what the log and its split are like, in figures; None where it cannot be read
    passed: one line per check without a problem
    figures: what comparing with the figures in `against` came to, [] without such a file
    Raises ConfigError if evolverec.toml cannot be used, since nothing else can be checked then; UsageError if nothing can be
    compared with `against`.
    """
    from evolution.base.places import CONFIG_NAME
    from evolution.repo.config import read_config
    from evolution.repo.programs import Programs
    from evolution.repo.user_probes import read_user_probes
    from evolution.repo.withheld import withheld_in_words
    from evolution.trials.reading_data import read_data

    config = read_config(repo)
    passed, problems = ["evolverec.toml is well-formed"], _named_in_vain(repo)
    try:
        data = read_data(config, repo, tell=lambda words: None, cancelled=lambda: False)  # Ctrl-C ends it
        training = data.training
        passed.append(
            f"{config.data.source}: {training.n_users} users, {training.n_items} items, "
            f"{training.n_events} training events, {len(data.validation)} validation questions"
        )
        passed += data_in_words(data)
        problems += _about_data(repo, data)
    except DataError as error:
        problems.append(_problem(error.path, error.line, "error", error.said))
        data = None
    programs = Programs.open(repo)
    if data is not None:
        sentences = withheld_in_words(programs.find_copies(data.lookout))
        problems += [_problem(CONFIG_NAME, 0, "information", sentence) for sentence in sentences]
    snapshot = programs.snapshot()
    problems += [_problem(path, 0, "information", f"{path} {why}") for path, why in snapshot.left_out.items()]
    sources = programs.sources(snapshot.tree, config.recommender.editable)
    problems += _static(sources, config.training.device, cache(lambda: _interpreter(repo, request, agreed)))
    passed.append(f"{len(sources)} editable files were read")
    probes = read_user_probes(repo)
    problems += [_problem(p.path, fault.line, "warning", fault.message) for p in probes for fault in p.faults]
    passed += [f"{probe.code} is a probe" for probe in probes if not probe.faults]
    if not any(problem["severity"] == "error" for problem in problems):
        try:
            trial_problems, trial_passed = _cheap_rungs(repo, request, agreed)
            problems += trial_problems
            passed += trial_passed
        except ConsentError as error:
            passed.append(f"import, build and one batch were not tried: {error}")
    figures = _figures(repo, against, data, sources) if against is not None and data is not None else []
    for figure in figures:
        if figure["severity"] == "information":
            passed.append(figure["message"])
        else:
            problems.append(_about_figure(config.recommender.entry, figure))
    ok = all(p["severity"] != "error" for p in problems)
    told = data_document(data) if data else None
    return {"ok": ok, "problems": problems, "passed": passed, "data": told, "figures": figures}


def _figures(repo: Path, log: Path, data: "TrialData", sources: dict[str, str]) -> list[dict[str, Any]]:
    from server.cli.against import figures_against

    return figures_against(log, repo, data, sources)


def _about_figure(entry: str, figure: dict[str, Any]) -> dict[str, Any]:
    """At the first line that brings the difference about; at the file of the entry where none was seen."""
    place = next(
        iter(figure["anchors"]), {"path": entry.partition(":")[0].replace(".", "/") + ".py", "line": 1}
    )
    return _problem(
        place["path"], place["line"], figure["severity"], f"{figure['code']}: {figure['message']}"
    )


def _named_in_vain(repo: Path) -> list[dict[str, Any]]:
    """What the config names and no file has, and what `evolverec init` left to be filled in. A log is read, and said, below."""
    from evolution.base.places import CONFIG_NAME
    from evolution.repo.files import config_text
    from server.shown.config_faults import adapter_gaps, config_faults

    text = config_text(repo)
    faults = [one for one in config_faults(repo, text) if one.key != ("data", "source")]
    problems = [_problem(CONFIG_NAME, one.line, "error", one.message) for one in faults]
    return problems + [_problem(gap.path, gap.line, "error", gap.message) for gap in adapter_gaps(repo, text)]


def data_in_words(data: "TrialData") -> list[str]:
    """What a log is like, in a few sentences; [] for a built-in shop."""
    from seeds.loading.telling import summary

    return list(summary(data.report)) if data.report else []


def data_document(data: "TrialData") -> dict[str, Any]:
    """The log and its split in figures."""
    log = asdict(data.report) if data.report else None
    return {"log": log, "split": asdict(data.split_report), "ties": dict(data.ties)}


def _about_data(repo: Path, data: "TrialData") -> list[dict[str, Any]]:
    """What should be known of the log and its split before figures are believed, on the line that names the log."""
    from evolution.base.places import CONFIG_NAME
    from evolution.repo.config import key_line
    from evolution.repo.files import config_text
    from seeds.loading.telling import about_split, left_unasked, remarks

    line, split = key_line(config_text(repo), ("data", "source")), data.split_report
    none_left = split.unrankable_validation == split.validation or split.unrankable_test == split.test
    severity = "error" if none_left else "warning"
    said = [(severity, sentence) for sentence in about_split(split)]
    others = (*left_unasked(split), *(remarks(data.report) if data.report else ()))
    said += [("information", sentence) for sentence in others]
    return [_problem(CONFIG_NAME, line, severity, f"data.source: {sentence}") for severity, sentence in said]


def _interpreter(repo: Path, request: CheckRequest, agreed: Agreed) -> "Interpreter | None":
    """The interpreter that runs the repo; None if it may not be started without consent, or cannot be used, which the
    trial's own checks explain. Our own may be started.
    """
    from evolution.jobs.consent import questions_of_interpreter
    from evolution.repo.settings import chosen_python
    from evolution.trials.interpreter import interpreter_at

    try:
        chosen = Path(chosen_python(request.python))
        ours = chosen == Path(sys.executable)
        may_run = ours or all(asked.flag in agreed for asked in questions_of_interpreter(repo, request))
        return interpreter_at(chosen) if may_run else None
    except UsageError:
        return None


def _static(
    sources: dict[str, str], device: str, interpreter: "Callable[[], Interpreter | None]"
) -> list[dict[str, Any]]:
    from diagnosis.rules.check import check_sources
    from diagnosis.rules.findings import on_device
    from diagnosis.syntax import Unparsed, parse

    # The interpreter is asked for a file that we cannot read alone: one that hangs is waited for.
    problems: list[dict[str, Any]] = []
    for path, text in sources.items():
        fault = parse(text) if path.endswith(".py") else None
        if isinstance(fault, Unparsed):
            problems.append(_unread(path, text, fault, interpreter()))
    hits = on_device(check_sources(sources), device)
    problems += [_problem(h.path, h.start_line, h.severity.value, h.message) for h in hits]
    return problems


def _unread(path: str, text: str, fault: "Unparsed", interpreter: "Interpreter | None") -> dict[str, Any]:
    """A file without a syntax tree: an error only where the interpreter that runs the repo cannot read it either."""
    from diagnosis.syntax import Hurdle
    from evolution.trials.foreign_syntax import judged, of_later_python

    seen = "no rule has looked at this file"
    if interpreter is None:
        words = f"{seen}: it {fault.message}"
        if fault.hurdle is Hurdle.SYNTAX:
            words = (
                f"{seen}: Python {sys.version_info[0]}.{sys.version_info[1]}, on which evolverec runs, finds a "
                f"{fault.message}. With --trust the Python that runs this repo is asked"
            )
        return _problem(path, fault.line, "information", words)
    theirs = judged(interpreter, text, fault)
    if theirs is not None:
        return _problem(path, theirs.line, "error", theirs.message)
    why = of_later_python(interpreter) if fault.hurdle is Hurdle.SYNTAX else f"it {fault.message}"
    return _problem(path, fault.line, "information", f"{seen}: {why}")


def _cheap_rungs(repo: Path, request: CheckRequest, agreed: Agreed) -> tuple[list[dict[str, Any]], list[str]]:
    from server.cli.following import run_as_job

    result = run_as_job(repo, request, agreed=agreed, quiet=True)
    problems = [_problem(p["path"], p["line"], p["severity"], p["message"]) for p in result["problems"]]
    return problems, list(result["passed"])


def _problem(path: str, line: int, severity: str, message: str) -> dict[str, Any]:
    return {"path": path, "line": line, "severity": severity, "message": message}
