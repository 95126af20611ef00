"""Early stopping of the repo's own, which is left out: evolverec ranks validation itself and decides when to stop.

A program's figures come from events that evolverec has taken out or written twice, so that stopping by them ends the training anywhere.
"""

import ast
import re

from evolution.adopting.evaluations import LeftOut
from evolution.adopting.foreign_code import CodeUnit, ForeignRepo
from evolution.adopting.model_class import Kind
from evolution.adopting.naming import words_of
from evolution.adopting.training import TrainingProgram

# Classes of libraries -> the function that asks whether to stop, below the module that the program imports from.
LIBRARY_STOPPERS = {
    ("EarlyStopping", "lightning"): "lightning.pytorch.callbacks.early_stopping:EarlyStopping._run_early_stopping_check",
    ("EarlyStopping", "pytorch_lightning"): "pytorch_lightning.callbacks.early_stopping:EarlyStopping._run_early_stopping_check",
    ("EarlyStoppingCallback", "transformers"): "transformers.trainer_callback:EarlyStoppingCallback.on_evaluate",
}  # fmt: skip
ASKED = re.compile(r"__call__|on_\w+_end|step|update|check\w*")
PATIENCE = re.compile(r"(early_?)?stop(ping)?_(step|patience|epochs?|rounds?|num|count)s?|(\w+_)?patience|early_?stop(ping)?", re.I)  # fmt: skip
NOT_OF_STOPPING = re.compile(r"lr|sched|plateau|decay|anneal", re.I)
NEVER = 1_000_000  # evaluations without a gain, in the place of a patience


def stoppers_of(repo: ForeignRepo, program: TrainingProgram) -> list[LeftOut]:
    """Functions that end the training by the program's own figures, and can be left out."""
    made = [(unit, call) for unit in program.units for call in unit.calls]
    found: dict[str, LeftOut] = {}
    for unit, call in made:
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        if not {"early", "stopping"} <= set(words_of(name)) and "earlystop" not in name.lower():
            continue
        place = f"{unit.file.path}:{call.lineno}"
        own = repo.classes_called(unit.file, call.func)
        for asked in [one for one in _methods(own) if ASKED.fullmatch(one.name.rpartition(".")[2])]:
            gives = _gives(asked)
            if gives:
                path = f"{asked.file.path}:{asked.name}"
                found[path] = LeftOut(name=path, gives=gives, place=place)
        for (kind, library), path in LIBRARY_STOPPERS.items() if not own else ():
            modules = {module.partition(".")[0] for module, _ in unit.file.imports.values()}
            if kind == name and library in modules:
                found[path] = LeftOut(name=path, gives="None", place=place)
    return list(found.values())


def _methods(kinds: list[Kind]) -> list[CodeUnit]:
    return [unit for file, node in kinds[:1] for unit in file.units if unit.owner is node]


def _gives(unit: CodeUnit) -> str:
    """What a function that says whether to stop gives where it does not: "" where that cannot be told."""
    returned = [node.value for node in unit.nodes if isinstance(node, ast.Return) and node.value is not None]
    if not returned:
        return "None"
    truths = [isinstance(one, (ast.Compare, ast.BoolOp)) or getattr(one, "value", None) in (True, False) for one in returned]  # fmt: skip
    return "False" if all(truths) else ""


def is_patience(name: str, default: object) -> bool:
    """Whether an option or a setting says how many evaluations without a gain end the training."""
    counts = isinstance(default, int) and not isinstance(default, bool) and default > 1
    return counts and PATIENCE.fullmatch(name) is not None and not NOT_OF_STOPPING.search(name)
