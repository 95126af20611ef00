"""What a program asks for and its training does not need: libraries of code that is not entered, vectors that nobody has here."""

import ast
import re
import sys
from dataclasses import replace

from evolution.adopting.arguments import CommandLine
from evolution.adopting.constants import Constants
from evolution.adopting.data_files import data_files
from evolution.adopting.foreign_code import CodeUnit, ForeignFile
from evolution.adopting.training import TrainingProgram

# Libraries that log, draw, time or evaluate: training needs none of what they return.
LOGGERS = {"wandb", "tensorboardX", "tensorboard", "torchinfo", "torchsummary", "mlflow", "neptune", "comet_ml", "clearml", "visdom", "loguru",
           "colorlog", "colorama", "coloredlogs", "termcolor", "tqdm", "rich", "matplotlib", "seaborn", "nni", "setproctitle", "prettytable",
           "progressbar", "thop", "fvcore", "pynvml", "GPUtil", "psutil", "tabulate", "wget", "gdown", "ipdb", "IPython", "pudb", "swanlab", "aim"}  # fmt: skip
# Where these are missing that is said: a program with a stand-in for one of them would seem to run.
NEVER_STUBS = {"torch", "numpy", "scipy", "pandas", "sklearn"}
_PRETRAINED = re.compile(r"pre_?train", re.I)


def stubs_of(program: TrainingProgram, constants: Constants) -> tuple[str, ...]:
    """Libraries that may be missing: those that only record, and those that no code uses which the program enters."""
    files = list(dict.fromkeys(unit.file for unit in program.units))
    named = {module for file in files for module, _ in file.imports.values()}
    modules = {module.partition(".")[0] for module in named}
    found = (modules & LOGGERS) | ({"tensorboard"} if "torch.utils.tensorboard" in named else set())
    needed = NEVER_STUBS | LOGGERS | sys.stdlib_module_names | _own(constants)
    live = [unit for unit in program.units if not _is_idle(program, constants, unit)]
    for file in files:
        needed |= _used(file, [unit for unit in live if unit.file is file])
    return tuple(sorted(found | {one for one in modules - needed if one}))


def _own(constants: Constants) -> set[str]:
    return {part.removesuffix(".py") for path in constants.repo.files for part in path.split("/")}


def _used(file: ForeignFile, live: list[CodeUnit]) -> set[str]:
    """The libraries whose names stand in one of the units, and those whose names cannot be told: `from x import *`, hooks."""
    names = {node.id for unit in live for node in unit.nodes if isinstance(node, ast.Name)}
    for unit in live:  # signatures and decorators are run where a function is made
        whole = [unit.node.args, *unit.node.decorator_list] if not isinstance(unit.node, ast.Module) else []
        names |= {node.id for one in whole for node in ast.walk(one) if isinstance(node, ast.Name)}
    module = file.units[0]
    for unit in file.units:  # made when the file is imported, entered or not
        if unit is not module and not isinstance(unit.node, ast.Module):
            kept = [*unit.node.decorator_list, *unit.node.args.defaults]
            names |= {node.id for one in kept for node in ast.walk(one) if isinstance(node, ast.Name)}
    names |= {node.id for node in module.nodes if isinstance(node, ast.Name)}
    return {
        source.partition(".")[0]
        for name, (source, _) in file.imports.items()
        if name.startswith("*") or name.partition(".")[0] in names
    }


def _is_idle(program: TrainingProgram, constants: Constants, unit: CodeUnit) -> bool:
    """Whether a function is only called, or its class only made, in branches that the program does not take."""
    if isinstance(unit.node, ast.Module) or unit is program.units[0]:
        return False
    if constants.is_dead(unit):
        return True
    makers = [one for one in unit.file.units if one.owner is unit.owner and one.name.endswith("__init__")]
    return unit.owner is not None and bool(makers) and all(constants.is_dead(one) for one in makers)


def without_pretrained(program: TrainingProgram, constants: Constants, command: CommandLine) -> CommandLine:
    """The command line with a number or flag set to 0 that has the program load vectors trained elsewhere, from a file that it lacks."""
    there = set(constants.repo.others)
    for name, options in constants.options.items():
        option = options[0]
        default = option.default.value if isinstance(option.default, ast.Constant) else None
        value = command.given.get(name, default)
        asks = (
            option.takes and option.kind == "int" and _PRETRAINED.search(name) and option.flag.startswith("-")
        )
        if (
            not asks
            or not isinstance(value, int)
            or value == 0
            or option.file not in {u.file for u in program.units}
        ):
            continue
        given = {**command.given, name: 0}
        before = {one.path for one in data_files(program, constants)} - there
        after = {one.path for one in data_files(program, Constants(constants.repo, given, program.units))}
        if before - after and after:
            words = (*(pair for pair in command.words if pair[0] != option.flag), (option.flag, 0))
            command = replace(command, words=words, given=given)
    return command
