"""`evolverec init`: reads a repo, asks what it cannot know, and writes evolverec.toml, an adapter and the kit."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evolution.adopting.adapter_text import adapter_text, counted_lines
from evolution.adopting.config_draft import config_draft
from evolution.adopting.constants import parameters_of
from evolution.adopting.findings_of_repo import Adoption, look_at
from evolution.adopting.foreign_code import ForeignRepo
from evolution.adopting.gaps import gaps_in
from evolution.adopting.kept_edits import adapter_name, write_drafts
from evolution.adopting.log_choice import ChosenLog, as_read, logs_in, named_log
from evolution.adopting.training import module_of
from evolution.base.errors import UsageError
from evolution.base.places import CONFIG_NAME
from evolution.repo.files import read_code
from seeds.loading import described_logs

CLOSE = 1.0  # programs whose scores differ by less could both be meant
NO_LOG = "shop-micro"


@dataclass(frozen=True, kw_only=True)
class InitQuestion:
    """key: the option that answers it without a terminal. choices: (value, words), the likeliest first; [] for free text."""

    key: str
    words: str
    choices: tuple[tuple[str, str], ...] = ()
    default: str = ""


Ask = Callable[[InitQuestion], str]


def init_repo(
    root: Path, *, data: str = "", train: str = "", model: str = "", ask: Ask | None = None
) -> dict[str, Any]:
    """The document of `evolverec init`. None of the repo's code is run.

    data, train, model: what the user said. ask: how he is asked; None takes the likeliest answer.

    found: sentences on what was found. missing: (path, line, message) of what has to be filled in. questions: how many were asked.
    Raises UsageError: what the user named is not there.
    """
    asked = _Asking(ask)
    _check_named(root, train, model)
    found = look_at(root, train=train, model=model)
    if not train and (other := _which_program(found, asked)):
        found = look_at(root, train=other, model=model)
    log = as_read(found, named_log(root, data)) if data else _which_log(root, found, asked)
    own = own_entry(found.repo)
    adapter = "" if own else adapter_name(root)
    text = "" if own else adapter_text(found)
    config = config_draft(found, log, own or f"{adapter}:build")
    written = write_drafts(root, {f"{adapter}.py": text} if adapter else {}, config)
    return {
        "repo": str(root),
        "written": list(written.written),
        "kept": list(written.kept),
        "completed": list(written.completed),
        "entry": own or f"{adapter}:build",
        "adapter": f"{adapter}.py" if adapter else "",
        "adapter_lines": counted_lines(text),
        "questions": asked.number,
        "found": _told(found, log, own),
        "missing": _missing(root, f"{adapter}.py" if adapter else "", log),
    }


@dataclass
class _Asking:
    ask: Ask | None
    number: int = 0

    def __call__(self, question: InitQuestion) -> str:
        if self.ask is None:
            return question.default
        self.number += 1
        return self.ask(question)


def _check_named(root: Path, train: str, model: str) -> None:
    for option, named in (("--train", train), ("--model", model)):
        path = named.partition(":")[0]
        if named and not (root / path).is_file():
            raise UsageError(
                f"{option} {named}: there is no file {path} in {root}; expected a path relative to the repo"
            )
    if model and ":" not in model:
        raise UsageError(f"--model {model}: expected FILE:CLASS, such as model.py:SASRec")


def _which_program(found: Adoption, asked: _Asking) -> str:
    """Another program than the likeliest, "" where that one is meant."""
    if not found.programs:
        return ""
    best = found.programs[0]
    close = [one for one in found.programs if best.score - one.score < CLOSE]
    if len(close) < 2:
        return ""
    choices = tuple((one.script, one.why) for one in close[:9])
    answer = asked(
        InitQuestion(
            key="--train", words="Which program trains the model?", choices=choices, default=best.script
        )
    )
    path = (
        answer
        if ".py" in answer or ".ipynb" in answer
        else next(
            (one.file.path + ":" + answer.partition(":")[2] for one in close if one.script == answer), ""
        )
    )
    return "" if answer == best.script else path


def _which_log(root: Path, found: Adoption, asked: _Asking) -> ChosenLog:
    logs = logs_in(found)
    read = [one for one in logs if one.settings]
    if len(read) == 1 or len(logs) == 1:
        return (read or logs)[0]
    words = f"Where is your log? {described_logs()[:1].upper()}{described_logs()[1:]}; or {NO_LOG}, a small built-in shop"
    choices = tuple((one.source, one.why) for one in logs)
    answer = asked(
        InitQuestion(key="--data", words=words, choices=choices, default=logs[0].source if read else NO_LOG)
    )
    chosen = next((one for one in logs if one.source == answer), None)
    if chosen is not None:
        return chosen
    if answer == NO_LOG:
        return ChosenLog(
            source=NO_LOG, why="a built-in shop, as no log of yours was named: put the path of your log here"
        )
    return named_log(root, answer)


def own_entry(repo: ForeignRepo) -> str:
    """The repo's own function that builds a recommender for evolverec, as "module:function"; "" where it has none."""
    for file in repo.files.values():
        for unit in file.units:
            if (
                "." not in unit.name
                and {"device", "seed"} <= set(parameters_of(unit)[1:])
                and unit.name.startswith("build")
            ):
                return f"{module_of(file.path)}:{unit.name}" if "evolverec_kit" not in file.text else ""
    return ""


def _told(found: Adoption, log: ChosenLog, own: str) -> list[str]:
    told = [f"{len(found.repo.files)} Python files were read, and none was run"]
    if found.repo.unread:
        told.append(f"not read, as they have no syntax tree: {', '.join(found.repo.unread[:5])}")
    told += [f"{own} builds the recommender already"] if own else found_in_words(found)
    return [*told, f"data.source is {log.source}: {log.why}"]


def found_in_words(found: Adoption) -> list[str]:
    """Sentences on the training program, an epoch of it, the model, and how it scores, each with its place."""
    program, model, way = found.program, found.model, found.way
    told = list[str]()
    if program is not None:
        told += [f"the training program is {program.script}: {program.why}", f"an epoch: {program.end.why}"]
    if model is not None:
        told.append(f"the model: {model.why}")
    if way is not None and way.kind:
        told.append(f"scores: {way.why}")
    return told


def _missing(root: Path, adapter: str, log: ChosenLog) -> list[dict[str, Any]]:
    """The gaps in the adapter as it stands on disk now, and a log that is not the user's own."""
    text = read_code(root, adapter) if adapter else ""
    missing = [{"path": adapter, "line": line, "message": words} for line, words in gaps_in(text or "")]
    if log.source == NO_LOG and "as you said" not in log.why:
        missing.append(
            {"path": CONFIG_NAME, "line": 0, "message": f"data.source: {log.why}; --data PATH names it too"}
        )
    return missing
