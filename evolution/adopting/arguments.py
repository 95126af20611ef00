"""The command line that a training program is started with: as the README says, and the defaults of its options."""

import ast
import posixpath
import re
from dataclasses import dataclass
from typing import Any

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants
from evolution.adopting.options import OF_DATACLASSES, REQUIRED, ProgramOption
from evolution.adopting.own_stopping import NEVER, is_patience
from evolution.adopting.readme_commands import is_placeholder
from evolution.adopting.training import TrainingProgram

DEVICE = object()  # in the place of a value: what `build` is given as device
ON_GPU = object()  # whether that is a GPU
ON_GPU_TEXT = (
    object()
)  # the same for an option of `type=bool`, which takes any text that is not empty for true
SEED = object()  # what `build` is given as seed
NOT_TRAINING = re.compile(
    r"inference|infer|test_only|eval_only|only_test|only_eval|state_dict|checkpoint_path|load_model|resume|pretrained",
    re.I,
)
NOT_CONFIGS = {
    "pyproject.toml",
    "setup.cfg",
    "package.json",
    "evolverec.toml",
    "tox.ini",
    "pytest.ini",
    "mypy.ini",
}
CONFIGS = (".ini", ".cfg", ".conf", ".yaml", ".yml", ".json", ".toml")
EVALUATES = re.compile(
    r"^-+(do_?|only_?|just_?)?(eval|evaluate|test|predict)$", re.I
)  # flags without a value


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """words: flags with their values; DEVICE and ON_GPU stand for what is known in `build` alone. given: values by name.

    gaps: options that need a value which nothing tells. why: one sentence with the place.
    """

    words: tuple[tuple[str, Any], ...]
    given: dict[str, Any]
    gaps: tuple[ProgramOption, ...] = ()
    why: str = ""
    flags: frozenset[str] = frozenset()  # options that take no value


def command_line(program: TrainingProgram, constants: Constants, commands: list[Any]) -> CommandLine:
    """The arguments of a program that trains on the CPU or on the device that is asked for."""
    options = {
        name: own[0]
        for name, found in constants.options.items()
        if (own := [option for option in found if _belongs(program, option)])
    }
    if _parsers(program) > 1:  # each of them would refuse what is meant for another
        options = {name: option for name, option in options.items() if option.default is REQUIRED}
    command = _best_command(program, options, commands)
    told = _parsed(command.arguments, options) if command else {}
    words, given, gaps = list[tuple[str, Any]](), dict[str, Any](), list[ProgramOption]()
    for name, option in options.items():
        special = _of_device(program, option, constants)
        if special is not None:
            words.append((option.flag, special))
        elif is_patience(name, _default(option, constants)):
            words.append((option.flag, NEVER))
        elif config := _config_file(program, option, told.get(name, ""), constants):
            words.append((option.flag, config))
            given[name] = config
        elif name in told and _is_value(option, told[name]):
            value = told[name]
            if not _is_default(option, value):
                words.append((option.flag, value))
            given[name] = _typed(option, value)
        elif option.default is REQUIRED:
            value = option.choices[0] if option.choices else "log" if option.kind in ("", "str") else None
            if value is None:
                gaps.append(option)
            else:
                words.append((option.flag, value))
                given[name] = value
    if command and takes_others(program):
        for flag, value in _of_library(command.arguments, {option.flag for option in options.values()}):
            words.append((flag, value))
            given[flag.lstrip("-")] = value
    why = f"{command.path}:{command.line}" if command and command.arguments else ""
    flags = frozenset(option.flag for option in options.values() if not option.takes)
    return CommandLine(words=tuple(words), given=given, gaps=tuple(gaps), why=why, flags=flags)


def _config_file(program: TrainingProgram, option: ProgramOption, told: str, constants: Constants) -> str:
    """A settings file of the repo for an option that names one and has no default: the one that a README names, else the first
    of those that end as the name that it gives; "" for other options."""
    asks = told.endswith(CONFIGS) or any(
        word in ("config", "conf", "cfg") for word in option.name.lower().split("_")
    )
    if (
        not asks
        or not option.takes
        or option.default not in (None, REQUIRED)
        or option.kind not in ("", "str")
    ):
        return ""
    own = [
        path
        for path in constants.repo.others
        if path.endswith(CONFIGS) and path.rpartition("/")[2] not in NOT_CONFIGS
    ]
    there = [posixpath.relpath(path, program.cwd or ".") for path in own]
    if told in there:
        return told
    ending = told.rpartition("_")[2] if "_" in told else told[told.rfind(".") :] if "." in told else ""
    fits = [path for path in there if path.endswith(ending)] if ending else there
    return min(fits, key=lambda path: (path.count("/"), path), default="")


def _default(option: ProgramOption, constants: Constants) -> Any:
    """An option's default where constants say it."""
    if not isinstance(option.default, ast.expr) or not option.takes:
        return None
    return next(iter(constants.values(option.file.units[0], option.default)), None)


def _parsers(program: TrainingProgram) -> int:
    """How many times the program itself has a parser read all of the command line."""
    return sum(getattr(call.func, "attr", "") == "parse_args" for call in program.units[0].calls)


def _belongs(program: TrainingProgram, option: ProgramOption) -> bool:
    files = {unit.file.path for unit in program.units}
    return option.file.path in files


def _best_command(program: TrainingProgram, options: dict[str, ProgramOption], commands: list[Any]) -> Any:
    """The first command for this script that trains, one with all required options before others."""
    needed = {name for name, option in options.items() if option.default is REQUIRED}
    known = {option.flag for option in options.values()}
    with_value = {option.flag for option in options.values() if option.takes}
    fits = []
    for number, command in enumerate(commands):
        path = command.script if command.script.endswith(".py") else command.script.replace(".", "/") + ".py"
        ours = program.file.path == path or program.file.path.endswith(f"/{path}")
        flags = [word.partition("=")[0] for word in command.arguments if word.startswith("--")]
        free = takes_others(program)
        other = any(
            NOT_TRAINING.search(word) or (word not in with_value and EVALUATES.search(word)) for word in flags
        )
        if ours and not other and (free or set(flags) <= known):
            told = _parsed(command.arguments, options)
            fits.append((len(needed - told.keys()), number, command))
    return min(fits, default=(0, 0, None), key=lambda one: one[:2])[2]


def takes_others(program: TrainingProgram) -> bool:
    """Whether a library adds options of its own to the program's."""
    made = (dotted(call.func).rpartition(".")[2] for unit in program.units for call in unit.calls)
    return any(name in OF_DATACLASSES for name in made)


def _of_library(arguments: tuple[str, ...], known: set[str]) -> list[tuple[str, str]]:
    """Flags of a command that the repo's code does not declare, with their values."""
    found: list[tuple[str, str]] = []
    for word in arguments:
        flag, _, value = word.partition("=")
        if word.startswith("--"):
            found.append((flag, value))
        elif found and not found[-1][1]:
            found[-1] = (found[-1][0], word)
    return [(flag, value) for flag, value in found if flag not in known]


def _parsed(arguments: tuple[str, ...], options: dict[str, ProgramOption]) -> dict[str, str]:
    by_flag = {option.flag: option for option in options.values()}
    places = [option for option in options.values() if not option.flag.startswith("-")]
    found: dict[str, str] = {}
    waiting: ProgramOption | None = None
    for word in arguments:
        flag, equals, value = word.partition("=")
        option = by_flag.get(flag) if word.startswith("-") else None
        if option is not None:
            found[option.name] = value if equals else ""
            waiting = option if option.takes and not equals else None
        elif waiting is not None:
            found[waiting.name], waiting = word, None
        elif places and not word.startswith("-"):
            found[places.pop(0).name] = word
    return found


def _of_device(program: TrainingProgram, option: ProgramOption, constants: Constants) -> Any:
    """DEVICE or ON_GPU for an option that says where to train."""
    default = option.default if isinstance(option.default, ast.expr) else None
    value = default.value if isinstance(default, ast.Constant) else None
    if isinstance(value, str) and re.fullmatch(r"cuda(:\d+)?|gpu|mps", value):
        return DEVICE
    if (
        option.name == "device"
        and (value is None or isinstance(value, str))
        and option.kind in ("", "str", "torch.device")
    ):
        return DEVICE
    if option.name in ("seed", "random_seed", "rand_seed") and option.takes and option.kind in ("int", ""):
        return SEED
    on_gpu = re.fullmatch(r"(use_?)?(cuda|gpu)", option.name, re.I) is not None
    if on_gpu and not option.takes:
        return ON_GPU
    if (
        on_gpu
        and option.takes
        and (value is True or (option.kind not in ("", "str", "int") and value is not False))
    ):
        return ON_GPU_TEXT if option.kind == "bool" else ON_GPU
    return None


def _is_value(option: ProgramOption, value: str) -> bool:
    """Whether a README gives a value, and not a word in the place of one: `--data_name data_name`, `--ckp epochs_num`."""
    if option.kind in ("int", "float") and not isinstance(_typed(option, value), (int, float)):
        return False
    if is_placeholder(value):
        return False
    return value.replace("-", "_").lower() != option.name.lower() and not value.isupper()


def _is_default(option: ProgramOption, value: str) -> bool:
    """Whether the program has a value by itself: it is not given then, so that a patch of the default has an effect."""
    default = option.default.value if isinstance(option.default, ast.Constant) else None
    if (
        isinstance(default, bool)
        or not isinstance(default, int | float | str)
        or not option.flag.startswith("-")
    ):
        return False
    if isinstance(default, str):
        return default == value
    try:
        return float(value) == default
    except ValueError:
        return False


def _typed(option: ProgramOption, value: str) -> Any:
    if option.kind in ("int", "float"):
        try:
            return int(value) if option.kind == "int" else float(value)
        except ValueError:
            return value
    return value if option.takes else True
