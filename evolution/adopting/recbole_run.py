"""Repos that train by RecBole: which data set their program asks for, and what its configuration is told for evolverec.

RecBole reads `<data_path>/<dataset>/<dataset>.inter`, numbers ids anew, divides the log and stops by its own validation. All of it is set
where RecBole would read its command line (`Config._load_cmd_line`), which stands above files and dictionaries.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from diagnosis.syntax import dotted
from evolution.adopting.arguments import CommandLine
from evolution.adopting.constants import Constants
from evolution.adopting.data_files import NEW_FOLDER
from evolution.adopting.evaluations import LeftOut
from evolution.adopting.foreign_code import ForeignRepo
from evolution.adopting.training import RECBOLE_FIT, TrainingProgram
from seeds.reading import read_text

COMMAND_LINE = "recbole.config.configurator:Config._load_cmd_line"
# Functions of RecBole that take a model and a data set.
CONFIGURES = {"Config", "run_recbole", "run"}
# RecBole reads this data set from its own folder, whatever the configuration says.
ITS_OWN = "ml-100k"
OTHER_FILES = re.compile(r"^\s+(item|user|kg|link|net)\s*:\s*\[", re.MULTILINE)
# In time's order, the last two events of each user held out: the kit writes the last one twice more.
SPLIT = {"split": {"LS": "valid_and_test"}, "order": "TO", "group_by": "user", "mode": "full"}
HELD_OUT = 2
# One file, all of its columns, and no validation of its own.
OURS = {
    "data_path": NEW_FOLDER,
    "benchmark_filename": None,
    "load_col": None,
    "alias_of_item_id": None,  # columns of ready-made histories
    "eval_args": SPLIT,
    "eval_step": 0,
}
FILE_NAME = re.compile(r"\w[\w.-]*")  # a data set is a folder and a file of this name
NEGATIVES = "train_neg_sample_args"
RENUMBERS = "RecBole numbers anew what it reads"


@dataclass(frozen=True, kw_only=True)
class RecboleRun:
    """dataset: its name, "" where it was not found. settings: for RecBole's configuration. fields: of user, item and time.

    files: suffixes of further files that the configuration loads, of which evolverec knows nothing. named_model: of the library, where
    the repo has none of its own. epochs: as configured, 0 where that is not told.
    """

    dataset: str
    why: str
    settings: dict[str, Any]
    user: str = "user_id"
    item: str = "item_id"
    time: str = "timestamp"
    length: int = 50
    epochs: int = 0
    files: tuple[str, ...] = ()
    named_model: str = ""

    @property
    def path(self) -> str:
        return f"{NEW_FOLDER}/{self.dataset}/{self.dataset}.inter"


def recbole_run(constants: Constants, program: TrainingProgram, command: CommandLine) -> RecboleRun | None:
    """None where the program does not hand its training to RecBole."""
    if program.end.at != RECBOLE_FIT:
        return None
    settings = constants.settings()
    dataset, why = _asked(constants, program, "dataset")
    if not dataset and isinstance(settings.get("dataset"), str):
        dataset, why = settings["dataset"], "a configuration file names it"
    if not FILE_NAME.fullmatch(dataset):
        dataset, why = "", ""
    named_model, _ = _asked(constants, program, "model")
    told = {flag.lstrip("-"): value for flag, value in command.words if isinstance(value, (str, int, float))}
    told = {name: value for name, value in told.items() if value != "" and name.isidentifier()}
    length = settings.get("MAX_ITEM_LIST_LENGTH")
    epochs = told.get("epochs", settings.get("epochs")) or 0
    return RecboleRun(
        dataset=dataset,
        why=why,
        settings={**told, **_renamed_since(settings), **OURS},
        user=_name(settings, "USER_ID_FIELD", "user_id"),
        item=_name(settings, "ITEM_ID_FIELD", "item_id"),
        time=_name(settings, "TIME_FIELD", "timestamp"),
        length=length if isinstance(length, int) and length > 0 else 50,
        epochs=int(epochs) if str(epochs).isdigit() else 0,
        files=_other_files(constants.repo),
        named_model=named_model,
    )


def _renamed_since(settings: dict[str, Any]) -> dict[str, None]:
    """What RecBole has renamed: "no negatives", as its versions before 1.1 were told it, and today's name for that."""
    older = [settings[name] for name in ("neg_sampling", "training_neg_sample_num") if name in settings]
    none = bool(older) and all(one in (None, 0, "~", "null", "None") for one in older)
    return {NEGATIVES: None} if none and NEGATIVES not in settings else {}


def _name(settings: dict[str, Any], key: str, default: str) -> str:
    value = settings.get(key)
    return value if isinstance(value, str) and value.isidentifier() else default


def _asked(constants: Constants, program: TrainingProgram, name: str) -> tuple[str, str]:
    """The data set, or the model, that the program names to RecBole, and where; ("", "") where that is not a text."""
    place = {"model": 0, "dataset": 1}[name]
    for unit in program.units:
        for call in unit.calls:
            first, _, last = dotted(call.func).rpartition(".")
            module, known = unit.file.imports.get(first or last, (first, ""))
            if (known or last) not in CONFIGURES or module.partition(".")[0] != "recbole":
                continue
            given = next((word.value for word in call.keywords if word.arg == name), None)
            if given is None and len(call.args) > place:
                given = call.args[place]
            told = constants.values(unit, given) if given is not None else []
            text = next((one for one in told if isinstance(one, str) and one), "")
            if text:
                return text, f"{unit.file.path}:{call.lineno} names it"
    return "", ""


def _other_files(repo: ForeignRepo) -> tuple[str, ...]:
    found: set[str] = set()
    for path in sorted(one for one in repo.others if one.endswith((".yaml", ".yml")))[:30]:
        try:
            found |= set(OTHER_FILES.findall(read_text(repo.root / path, most=30_000, inside=repo.root)))
        except (OSError, ValueError):
            continue
    return tuple(sorted(found))


def atomic_files(run: RecboleRun) -> list[tuple[str, str]]:
    """Lines of an adapter that write what the program loads, each with its reason; a gap has no code."""
    if not run.dataset:
        words = f'kit.write_events("{NEW_FOLDER}/NAME/NAME.inter", data, columns=("user", "item", "rating", "time"), held_out={HELD_OUT})'
        return [
            ("", f"{words}, NAME as the program asks RecBole for its data set. Where it does was not found")
        ]
    names = (f"{run.user}:token", f"{run.item}:token", "rating:float", f"{run.time}:float")
    renamed = (run.user, run.item, run.time) != ("user_id", "item_id", "timestamp")
    header = f", header=({', '.join(json.dumps(name) for name in names)})" if renamed else ""
    columns = '("user", "item", "rating", "time")'
    lines = [(
        f'kit.write_events("{run.path}", data, columns={columns}{header}, held_out={HELD_OUT})',
        f"{run.why}; RecBole holds out the last {HELD_OUT} of each user, which are copies here",
    )]  # fmt: skip
    lines += [
        (
            "",
            f"write {run.path[: -len('inter')]}{suffix} with kit.write_text: the configuration loads it, and its ids are those of your log",
        )
        for suffix in run.files
    ]
    return lines


def told_to_recbole(run: RecboleRun) -> LeftOut:
    """The configuration that stands above files and dictionaries: evolverec's folder and split, no validation of its own."""
    return LeftOut(
        name=COMMAND_LINE,
        gives=_code(run.settings),
        place="RecBole",
        why="reads settings there that stand above all others: this log, divided by time, and no validation of its own",
    )


def all_items(run: RecboleRun) -> str:
    """How a model is asked, by the names of the configuration's fields."""
    named = [] if run.user == "user_id" else [f'user="{run.user}"']
    named += [] if run.item == "item_id" else [f'history="{run.item}_list"', f'item="{run.item}"']
    return f"kit.scores.all_items({', '.join(named)})"


def numbering_of_run(run: RecboleRun) -> str:
    """The ids that RecBole gave to what it read."""
    users, items = (f'run["train_data._dataset.field2token_id[{name}]"]' for name in (run.user, run.item))
    return f'lambda: kit.Ids(data, users={users}, items={items}, length={run.length}, side="right")'


def _code(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_code(one)}" for key, one in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
