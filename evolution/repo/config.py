"""Reads and validates `evolverec.toml`, the config file of a repo; errors name the line that is wrong.

The config holds only facts about the repo. Interpreter, trust, LLM endpoint and keys come from the user's own settings
(evolution/repo/settings.py), never from a repo.
"""

import json
import re
import tomllib
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evolution.base.errors import ConfigError
from evolution.base.places import CONFIG_NAME
from evolution.repo.files import config_text
from seeds.loading import built_in, described_logs
from seeds.new import all_seeds
from seeds.reading import parse_toml

LONGEST_TRIAL_S = 2_592_000  # 30 days
MOST_MEMORY_GB = 100_000
NO_RATING = -1e9  # lower than any
LONGEST_SHOWN = 80  # characters of a wrong value in a message
WHOLE, NUMBER, TEXT = "expected a whole number", "expected a number", "expected a text in quotes"
EXPECTED = {  # pydantic's error type -> message in terms of TOML
    "string_pattern_mismatch": 'expected "module:function"',
    "string_type": TEXT,
    "int_type": WHOLE,
    "int_parsing": WHOLE,
    "int_from_float": WHOLE,
    "float_type": NUMBER,
    "finite_number": "expected a finite number",
    "float_parsing": NUMBER,
    "literal_error": "expected {expected}",
    "greater_than": "expected more than {gt}",
    "greater_than_equal": "expected {ge} or more",
    "less_than": "expected less than {lt}",
    "less_than_equal": "expected {le} or less",
    "bool_type": "expected true or false",
    "tuple_type": 'expected a list of texts such as ["*.py"]',
    "model_type": "expected a table",
}


# A number is what TOML takes for one: neither true, nor "3", nor inf.
Whole = Annotated[int, Field(strict=True)]
Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class Section(BaseModel):
    """Base class of the tables of `evolverec.toml`: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RecommenderSection(Section):
    """`[recommender]`: how the model is built, and which files patches may edit."""

    entry: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")] = Field(
        description='The function that builds the recommender, as "module:function".'
    )
    editable: tuple[str, ...] = Field(
        default=("*.py",), description="Glob patterns, relative to the repo, of the files a patch may edit."
    )
    max_history: Annotated[Whole, Field(ge=1, le=10_000)] = Field(
        default=200, description="How many of a user's newest events `score` is given at most."
    )


class ColumnsSection(Section):
    """`[data.columns]`: which column of a table holds what, where its name is no usual one."""

    user: str = Field(default="", description="The column of users: its name, or its place from 1.")
    item: str = Field(default="", description="The column of items: its name, or its place from 1.")
    time: str = Field(default="", description="The column of times: its name, or its place from 1.")
    rating: str = Field(default="", description="The column of ratings: its name, or its place from 1.")
    split: str = Field(
        default="",
        description='The column that says "train", "valid" or "test" of each event, for data.split = "given".',
    )


class PartsSection(Section):
    """`[data.parts]`: the files of a given split, in the folder of `data.source`, where their names are no usual ones."""

    train: str = Field(default="", description="The file of training events.")
    valid: str = Field(
        default="",
        description="The file of validation events; without one each user's last training event is asked for.",
    )
    test: str = Field(default="", description="The file of test events.")


class DataSection(Section):
    """`[data]`: where the interaction log is, and how it is split."""

    source: str = Field(
        examples=list(built_in()),
        description=f"{', '.join(map(json.dumps, built_in()))}, or the path of {described_logs()}.",
    )
    split: Literal["leave-last-two-out", "global-time", "given"] = Field(
        default="leave-last-two-out",
        description="How validation and test events are held out; given: as the files or a column of the source say.",
    )
    items: str = Field(
        default="",
        examples=["data/items.csv"],
        description="A table of item columns (title, categories, price, store, any other), where none is found beside the log.",
    )
    separator: str = Field(
        default="", description="What separates the fields of a table; recognised where it is left out."
    )
    encoding: str = Field(
        default="",
        examples=["latin-1", "cp1252"],
        description="The encoding of a text file that is not in UTF-8.",
    )
    time_unit: Literal["auto", "s", "ms", "us", "ns"] = Field(
        default="auto",
        description="What times are counted in, where that cannot be recognised from their size.",
    )
    min_rating: Annotated[Number, Field(ge=NO_RATING, le=-NO_RATING)] = Field(
        default=NO_RATING, description="Events with a lower rating are left out."
    )
    core: Annotated[Whole, Field(ge=0, le=100_000)] = Field(
        default=0,
        description="Users and items with fewer events are left out, until each that stays has as many.",
    )
    repeats: Literal["keep", "first", "last"] = Field(
        default="keep", description="Which of a user's events with the same item stay."
    )
    columns: ColumnsSection = ColumnsSection()
    parts: PartsSection = PartsSection()
    exposed: tuple[str, ...] = Field(
        default=(),
        examples=[["data/features.csv"], ["data/*.txt"]],
        description="Glob patterns, relative to the repo, of files that the model's code needs although held-out events "
        "stand in them. Copies of the log are withheld from it else. A trial that sees one does not claim that its "
        "labels were secret.",
    )


class ObjectiveSection(Section):
    """`[objective]`: the metric to maximise and the guardrails; `config_problems` parses both."""

    expression: str = Field(
        default="0.6*HR@5 + 0.4*NDCG@5",
        description="What to maximise: a sum of weighted metrics, full ranking; satisfy@session/10 among them holds sessions of "
        "simulated users in every trial.",
    )
    guardrails: tuple[str, ...] = Field(
        default=("cost <= 2 * parent",),
        examples=[["coverage@10 >= 0.2"], ["cost <= 2 * parent"], ["memory <= 2 * parent"]],
        description='Conditions a patch must keep, such as "coverage@10 >= 0.2" or "cost <= 2 * parent".',
    )
    sessions: Annotated[bool, Field(strict=True)] = Field(
        default=False,
        description="Hold sessions of 200 simulated users in every trial, also where neither expression nor guardrails name "
        "satisfy@session, view@session or depth@session.",
    )

    @property
    def holds_sessions(self) -> bool:
        """Whether each trial holds sessions. Only of a section that `config_problems` finds no fault with."""
        from evolution.domain.objective import needs_sessions

        return self.sessions or needs_sessions(self.expression, self.guardrails)


class TrainingSection(Section):
    """`[training]`: epochs, early stopping, seed, device, and the limits of one trial (seconds, GB)."""

    max_epochs: Annotated[Whole, Field(ge=1, le=100_000)] = Field(default=60, description="Epochs at most.")
    patience: Annotated[Whole, Field(ge=1, le=100_000)] = Field(
        default=5,
        description="Train on until this many rankings, a third of all epochs and 200 optimizer steps brought no better "
        "objective, and neither loss nor objective moves.",
    )
    eval_every: Annotated[Whole, Field(ge=1, le=100_000)] = Field(
        default=1, description="Rank validation every n-th epoch."
    )
    seed: Annotated[Whole, Field(ge=0, lt=2**31)] = Field(default=0, description="Seed of the first trial.")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        default="auto", description="Where to train; auto takes a GPU if there is one."
    )
    timeout_s: Annotated[Number, Field(gt=0, le=LONGEST_TRIAL_S)] = Field(
        default=3600.0, description="Time limit of one trial."
    )
    memory_gb: Annotated[Number, Field(gt=0, le=MOST_MEMORY_GB)] = Field(
        default=16.0, description="Memory limit of one trial."
    )


class Config(Section):
    """The whole of `evolverec.toml`; `[objective]` and `[training]` may be left out."""

    recommender: RecommenderSection
    data: DataSection
    objective: ObjectiveSection = ObjectiveSection()
    training: TrainingSection = TrainingSection()


class Part(StrEnum):
    """The part of a line that is wrong."""

    KEY = "key"
    VALUE = "value"
    LINE = "line"  # no single part, such as that of a section which lacks a key


@dataclass(frozen=True, kw_only=True)
class ConfigProblem:
    """line: from 1. key: the last part of the name of the key that it is about, "" for none. offers: what may be meant in place
    of the wrong part, the likeliest first.
    """

    line: int
    message: str
    part: Part = Part.LINE
    key: str = ""
    offers: tuple[str, ...] = ()


def read_config(repo: Path) -> Config:
    """Read and validate the config of a repo.

    Raises ConfigError, with the line that is wrong, if the file is missing or no TOML, or a key or value is wrong.
    """
    try:
        text = config_text(repo)
    except FileNotFoundError:
        raise ConfigError(
            f"not found in {repo}. An evolverec repo has one at its root; "
            f"`evolverec new {all_seeds()[0].name} DIR` makes a complete repo, the README shows the keys",
            path=CONFIG_NAME,
        ) from None
    for problem in config_errors(text):
        raise ConfigError(problem.message, path=CONFIG_NAME, line=problem.line)
    return Config.model_validate(parse_toml(text))


def config_problems(text: str) -> list[tuple[int, str]]:
    """All errors in the text of an evolverec.toml as (line from 1, message), the most helpful one first."""
    return [(problem.line, problem.message) for problem in config_errors(text)]


def config_errors(text: str) -> list[ConfigProblem]:
    """All errors in the text of an evolverec.toml, the most helpful one first."""
    from evolution.domain.objective import ObjectiveError, parse_expression, parse_guardrail

    try:
        raw = parse_toml(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+)", str(error))
        last = text.count("\n") + 1
        message = f'is not valid TOML: {error}; expected lines such as key = "text" below a [section]'
        return [ConfigProblem(line=int(found.group(1)) if found else last, message=message)]
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        # A misspelt key is reported as unknown and as missing; only the unknown one has a line in the file.
        ordered = sorted(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        return [_explain(text, problem) for problem in ordered]
    problems: list[ConfigProblem] = []
    try:
        parse_expression(config.objective.expression)
    except ObjectiveError as error:
        problems.append(_of_objective(text, "expression", error))
    for guardrail in config.objective.guardrails:
        try:
            parse_guardrail(guardrail)
        except ObjectiveError as error:
            problems.append(_of_objective(text, "guardrails", error))
    return problems


def _of_objective(text: str, key: str, error: Exception) -> ConfigProblem:
    line = key_line(text, ("objective", key))
    return ConfigProblem(line=line, message=f"objective.{key}: {error}", part=Part.VALUE)


def _explain(text: str, problem: Any) -> ConfigProblem:
    where = tuple(str(part) for part in problem["loc"] if not isinstance(part, int))
    name = ".".join(where)
    line = key_line(text, where)
    if problem["type"] == "extra_forbidden":
        known = _known_keys(where[:-1])
        meant = tuple(get_close_matches(where[-1], known, n=2))
        asked = f"did you mean {meant[0]}? Expected" if meant else "expected"
        message = f"{name}: unknown key; {asked} one of {', '.join(known)}"
        return ConfigProblem(line=line, message=message, part=Part.KEY, key=where[-1], offers=meant)
    if problem["type"] == "missing":
        return ConfigProblem(line=line, message=f"{name}: missing; {_description(where)}")
    expected = EXPECTED.get(problem["type"])
    limits = {
        name: f"{value:g}" if isinstance(value, float) else value
        for name, value in problem.get("ctx", {}).items()
    }
    said = expected.format(**limits) if expected else problem["msg"]
    message = f"{name}: {said}; got {_shown(problem['input'])}. {_description(where)}{_range(where)}"
    return ConfigProblem(
        line=line, message=message, part=Part.VALUE, offers=_allowed(where, problem["input"])
    )


def _allowed(where: tuple[str, ...], given: object) -> tuple[str, ...]:
    """The values that a key may have, those alike the given one first; () where they are not a few texts."""
    section = _section(where[:-1])
    info = section.model_fields.get(where[-1]) if section else None
    if info is None or get_origin(info.annotation) is not Literal:
        return ()
    values = [str(value) for value in get_args(info.annotation)]
    close = get_close_matches(str(given), values, n=len(values), cutoff=0.5)
    return tuple(dict.fromkeys([*close, *values]))


def _shown(value: object) -> str:
    """The value in a few words: a repo may state a text of thousands of characters, or a number of thousands of digits."""
    if isinstance(value, (dict, list)):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, int) and value.bit_length() > 128:
        return f"a number of {value.bit_length()} bits"
    said = str(value).lower() if isinstance(value, bool) else repr(value)  # as TOML writes it
    return said if len(said) <= LONGEST_SHOWN else f"{said[:LONGEST_SHOWN]}..."


def _section(where: tuple[str, ...]) -> type[BaseModel] | None:
    """The model of a table, which may stand in another (data.columns); None for what is no table."""
    section: type[BaseModel] = Config
    for name in where:
        info = section.model_fields.get(name)
        annotation = info.annotation if info else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return None
        section = annotation
    return section


def _known_keys(where: tuple[str, ...]) -> list[str]:
    section = _section(where)
    return sorted(section.model_fields) if section else []


def _description(where: tuple[str, ...]) -> str:
    if keys := _known_keys(where):
        return "expected a table with " + ", ".join(keys)
    section = _section(where[:-1])
    info = section.model_fields.get(where[-1]) if section else None
    return (info.description or "") if info else ""


def _range(where: tuple[str, ...]) -> str:
    """The values that a number may have, as a sentence; "" for a key that holds no number."""
    section = _section(where[:-1])
    info = section.model_fields.get(where[-1]) if section else None
    words = {"gt": "above", "ge": "at least", "lt": "below", "le": "at most"}
    bounds = [
        f"{word} {getattr(bound, name):,}"
        for bound in (info.metadata if info else ())
        for name, word in words.items()
        if hasattr(bound, name)
    ]
    return f" Expected: {', '.join(bounds)}." if bounds else ""


def key_line(text: str, where: tuple[str, ...]) -> int:
    """The line (from 1) of `where`, which is (section,), (section, key) or (section, table, key).

    Falls back to the line of what is around it for an absent key, and to 1 for an absent section.
    """
    current: tuple[str, ...] = ()
    best, depth = 1, 0
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[\s*([\w-]+(?:\s*\.\s*[\w-]+)*)\s*\]", line)
        assigned = re.match(r"""\s*(['"]?)([\w-]+(?:\s*\.\s*[\w-]+)*)\1\s*=""", line)
        if header:
            current = _dotted(header.group(1))
            here = current
        elif assigned:
            here = (*current, *_dotted(assigned.group(2)))
        else:
            continue
        shared = min(len(here), len(where))
        if here[:shared] == where[:shared] and shared > depth:
            best, depth = number, shared
    return best


def _dotted(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in name.split("."))
