"""All that was found of a repo that is being adopted, and the finding of it."""

import ast
import posixpath
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from diagnosis.syntax import dotted
from evolution.adopting.arguments import CommandLine, command_line
from evolution.adopting.constants import Constants
from evolution.adopting.data_files import NEW_FOLDER, DataFile, data_files
from evolution.adopting.downloads import downloads_of
from evolution.adopting.evaluations import LeftOut, evaluations_of
from evolution.adopting.foreign_code import ForeignFile, ForeignRepo, read_foreign
from evolution.adopting.hard_sizes import WrittenSize, written_sizes
from evolution.adopting.model_class import FoundModel, find_model
from evolution.adopting.named_models import NamedModel, named_model
from evolution.adopting.naming import words_of
from evolution.adopting.numbering import Numbering, numbering_of
from evolution.adopting.own_stopping import stoppers_of
from evolution.adopting.rare_evaluation import RareEvaluation, evaluation_of
from evolution.adopting.readme_commands import start_commands
from evolution.adopting.recbole_run import RecboleRun, recbole_run, told_to_recbole
from evolution.adopting.scoring import ScoreWay, score_way
from evolution.adopting.split_of_repo import held_out_by
from evolution.adopting.training import TrainingProgram, programs_of
from evolution.adopting.unneeded import stubs_of, without_pretrained

EPOCHS_OF_TRAINERS = ("max_epochs", "num_train_epochs")
BESIDE_EVENTS = (
    "json",
    "catalogue",
)  # formats of files that count or list what the events hold: no other way to read them


@dataclass(frozen=True, kw_only=True)
class MovedPath:
    """A folder outside of the repo that a file names: `old` leads to `new`. constant: "file.py:name" that is set to it, or ""."""

    old: str
    new: str
    place: str
    constant: str = ""


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """What was found. None or empty where nothing was. programs: all that train, the chosen one first."""

    repo: ForeignRepo
    programs: tuple[TrainingProgram, ...]
    command: CommandLine
    files: tuple[DataFile, ...] = ()
    moved: tuple[MovedPath, ...] = ()
    model: FoundModel | None = None
    way: ScoreWay | None = None
    numbering: Numbering | None = None
    held_out: tuple[int, str] = (0, "")
    named: NamedModel | None = None
    stubs: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    answers: tuple[str, ...] = ()
    sizes: tuple[WrittenSize, ...] = ()
    epochs: int = 0
    evaluation: RareEvaluation = field(default_factory=RareEvaluation)
    recbole: RecboleRun | None = None

    @property
    def program(self) -> TrainingProgram | None:
        return self.programs[0] if self.programs else None

    @property
    def uses_histories(self) -> bool:
        return self.way is not None and self.way.kind in (
            "by_items",
            "by_history",
            "by_table",
            "all_items",
            "recurrent",
            "",  # not known: with its padding it is soon filled in
        )

    @property
    def needs_n(self) -> bool:
        return self.way is not None and any(
            word in line for line in self.way.before for word in ("(n,", "n + 1", ":n]", "n - 1")
        )


def look_at(root: Path, *, train: str = "", model: str = "") -> Adoption:
    """Read a repo and find what an adapter needs.

    train: FILE or FILE:FUNCTION that trains, FILE:CLASS or FILE:CLASS.METHOD of a model that a script makes by its name. model: FILE:CLASS. "" where it is to be found.
    """
    repo = read_foreign(root)
    programs = programs_of(repo, train)
    named = None if programs and "." not in train.partition(":")[2] else named_model(repo, train)
    if named is not None:
        repo = replace(repo, chosen=(named.kind, named.name), _reached={})
        programs = [replace(one, why=f"{one.why}; {named.why}") for one in programs_of(repo)]
    if not programs:
        found = find_any_model(repo, model)
        return Adoption(repo=repo, programs=(), command=CommandLine(words=(), given={}), model=found)
    program = programs[0]
    constants = Constants(repo, units=program.units)
    command = command_line(program, constants, start_commands(root, repo.others))
    command = _with_folder(program, repo, command)
    constants = Constants(repo, dict(command.given), program.units)
    command = without_pretrained(program, constants, command)
    constants = Constants(repo, dict(command.given), program.units)
    files, moved, command = _within_repo(program, constants, command)
    constants = Constants(repo, dict(command.given), program.units)
    found = find_model(constants, program, model)
    way = score_way(constants, program, found) if found else None
    numbering = numbering_of(constants, program, found, files, way) if found and way else None
    recbole = recbole_run(constants, program, command)
    return Adoption(
        repo=repo,
        programs=tuple(programs),
        command=command,
        files=tuple(files),
        moved=tuple(moved),
        model=found,
        way=way,
        numbering=numbering,
        held_out=held_out_by(program),
        named=named,
        stubs=stubs_of(program, constants),
        left_out=(
            *evaluations_of(repo, program),
            *stoppers_of(repo, program),
            *downloads_of(repo, program),
            *([told_to_recbole(recbole)] if recbole else []),
        ),
        answers=(named.name,) if named is not None and named.asks else _answers(program),
        sizes=tuple(written_sizes(constants, program, found, numbering)) if found and numbering else (),
        epochs=recbole.epochs if recbole else _epochs(program, constants),
        evaluation=evaluation_of(program, constants),
        recbole=recbole,
    )


def find_any_model(repo: ForeignRepo, asked: str) -> FoundModel | None:
    """A model class of a repo without a training program."""
    from evolution.adopting.model_class import best_class

    return best_class(repo, set(), asked)


def _within_repo(
    program: TrainingProgram, constants: Constants, command: CommandLine
) -> tuple[list[DataFile], list[MovedPath], CommandLine]:
    """The files that are read; what lies outside of the repo is named anew, by an option or in the file that names it."""
    files = _one_branch(data_files(program, constants))
    outside = [one for one in files if one.outside]
    if not outside:
        return files, [], command
    for name in sorted(constants.used):
        option = constants.options[name][0]
        values = (
            [v for v in constants.values(option.file.units[0], option.default) if isinstance(v, str)]
            if isinstance(option.default, ast.expr)
            else []
        )
        values = [str(command.given[name])] if name in command.given else values
        if any(
            value and (value.startswith(("/", "~", "..")) and one.outside.startswith(value))
            for value in values
            for one in outside
        ):
            new = f"{NEW_FOLDER}/" if values[0].endswith("/") else NEW_FOLDER
            words = (*(pair for pair in command.words if pair[0] != option.flag), (option.flag, new))
            changed = replace(command, words=words, given={**command.given, name: new})
            return _within_repo(
                program, Constants(constants.repo, dict(changed.given), program.units), changed
            )
    moved = _moved(program, outside)
    for change in moved:
        folder = program.cwd if change.constant else "."
        files = [
            _renamed(one, change, folder) if one.outside.startswith(change.old) else one for one in files
        ]
    return files, moved, command


def _with_folder(program: TrainingProgram, repo: ForeignRepo, command: CommandLine) -> CommandLine:
    """The command line with a new folder, or file, for an option without a default by which files would be known that are read."""
    constants = Constants(repo, dict(command.given), program.units)
    unknown = _unknown(program, constants)
    if not unknown:
        return command
    files = _files(program)
    for option in (one for found in constants.options.values() for one in found if one.file in files):
        asked = option.takes and option.default is None and option.kind in ("", "str")
        if not asked or option.name in command.given:
            continue
        for new in (NEW_FOLDER, f"{NEW_FOLDER}/events.txt"):
            given = {**command.given, option.name: new}
            told = Constants(repo, given, program.units)
            names = [one.path for one in data_files(program, told)]
            if _unknown(program, told) < unknown and NEW_FOLDER not in [Path(name).name for name in names]:
                return replace(command, words=(*command.words, (option.flag, new)), given=given)
    return command


def _unknown(program: TrainingProgram, constants: Constants) -> int:
    return sum(not one.path and not one.outside for one in data_files(program, constants))


def _files(program: TrainingProgram) -> list[ForeignFile]:
    return list({unit.file.path: unit.file for unit in program.units}.values())


def _moved(program: TrainingProgram, outside: list[DataFile]) -> list[MovedPath]:
    found: list[MovedPath] = []
    for file in {unit.file.path: unit.file for unit in program.units}.values():
        for node in ast.walk(file.tree):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                continue
            text = node.value
            away = len(text) > 2 and text.startswith(("/", "~", "../"))
            if away and any(one.outside.startswith(text) for one in outside):
                new = f"{NEW_FOLDER}/" if text.endswith("/") else NEW_FOLDER
                if any(one.outside == text for one in outside):  # the file itself, and no folder
                    new = f"{NEW_FOLDER}/{Path(text).name}"
                parent = file.parents.get(node)
                at_top = isinstance(parent, ast.Assign) and parent in file.tree.body
                name = dotted(parent.targets[0]) if isinstance(parent, ast.Assign) and at_top else ""
                if name or text.startswith(("/", "../")):
                    constant = f"{file.path}:{name}" if name else ""
                    found.append(
                        MovedPath(old=text, new=new, place=f"{file.path}:{node.lineno}", constant=constant)
                    )
    return found[:1]


def _renamed(file: DataFile, change: MovedPath, folder: str) -> DataFile:
    """folder: where the program stands when it asks for the new name; the kit's own folders lie in the repo's."""
    below = file.outside[len(change.old) :].lstrip("/")
    path = posixpath.normpath(posixpath.join(folder, change.new.rstrip("/"), below))
    return replace(file, outside="", path=path)


def _one_branch(files: list[DataFile]) -> list[DataFile]:
    """Of files of which a repo reads one or the other, those of the unit that reads the first; unknown ones where none is known."""
    known = [one for one in files if one.path or one.outside]
    if not known:
        return files
    train = next((one for one in known if not one.held_out), known[0])
    same = [
        one
        for one in known
        if one.unit.owner is train.unit.owner
        or one.unit.file is not train.unit.file
        or one.unit is train.unit
        or (one.format is not None and one.format.kind in BESIDE_EVENTS)
    ]
    return [one for one in same if one.format is not None or one is train or one.held_out]


def _answers(program: TrainingProgram) -> tuple[str, ...]:
    """What the prompts of `input()` offer first, for programs that ask before they train."""
    found = []
    for unit in program.units:
        for call in unit.calls:
            if (
                isinstance(call.func, ast.Name)
                and call.func.id == "input"
                and call.args
                and isinstance(call.args[0], ast.Constant)
            ):
                offered = [word for word in words_of(str(call.args[0].value)) if word.isdigit()]
                found += offered[:1]
    return tuple(found[:1])


def _handed_over(program: TrainingProgram, constants: Constants) -> int:
    """The number of epochs that a library's trainer is given, by an argument or on the command line."""
    for unit in program.units:
        for call in unit.calls:
            for word in call.keywords:
                told = constants.values(unit, word.value) if word.arg in EPOCHS_OF_TRAINERS else []
                if numbers := [int(one) for one in told if isinstance(one, (int, float)) and one > 0]:
                    return max(numbers)
    named = [constants.given[name] for name in EPOCHS_OF_TRAINERS if name in constants.given]
    return next((int(float(one)) for one in named if re.fullmatch(r"\d+(\.\d+)?", str(one))), 0)


def _epochs(program: TrainingProgram, constants: Constants) -> int:
    """How many epochs the program itself runs, 0 where that is not told by constants."""
    if program.end.at:
        return _handed_over(program, constants)
    bound, unit = program.end.bound, program.end.unit
    for call in ast.walk(bound) if bound is not None else ():
        if (
            isinstance(call, ast.Call)
            and dotted(call.func).rpartition(".")[2] in ("range", "trange")
            and call.args
            and unit is not None
        ):
            ends = [
                v
                for v in constants.values(unit, call.args[1] if len(call.args) > 1 else call.args[0])
                if isinstance(v, int)
            ]
            starts = (
                [v for v in constants.values(unit, call.args[0]) if isinstance(v, int)]
                if len(call.args) > 1
                else [0]
            )
            if ends:
                return max(0, max(ends) - (starts[0] if starts else 0))
    return 0
