"""Programs that make their model by a name, `eval(name)(...)` or `getattr(import_module(path), name)()`: which class is meant.

Such a call hides the training from whoever follows names. One class that trains is taken for it: the one that the user names, else
the first that the README's commands, the options' defaults or the script's own texts name.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.syntax import called_name
from evolution.adopting.constants import assigned_in
from evolution.adopting.foreign_code import CodeUnit, ForeignFile, ForeignRepo, Kind, makes_by_name
from evolution.adopting.options import fields_named, options_of
from evolution.adopting.readme_commands import start_commands
from evolution.adopting.training import entered_by, has_main, is_of_tests, unreached_loops


@dataclass(frozen=True, kw_only=True)
class NamedModel:
    """kind: the class that trains. name: as the program is told it. why: one sentence with the place. asks: whether by `input()`.

    field: "file.py:Class.name" of the setting that names another class, which the adapter sets; "" for none.
    """

    kind: Kind
    name: str
    why: str
    asks: bool
    field: str = ""


def named_model(repo: ForeignRepo, asked: str = "") -> NamedModel | None:
    """The class that a program of the repo makes by its name. asked: FILE:CLASS or FILE:CLASS.METHOD, which alone is meant then."""
    kinds = list(_training_classes(repo))
    path, _, function = asked.partition(":")
    if asked:
        kinds = [
            kind for kind in kinds if kind[0].path == path and kind[1].name == function.partition(".")[0]
        ]
    for file in repo.files.values() if kinds else ():
        if is_of_tests(file.path) or not has_main(file):
            continue
        units = entered_by(repo, file.units[0])
        by_name = next((c for unit in units for c in unit.calls if makes_by_name(unit, c)), None)
        if by_name is None:
            continue
        asks = any(called_name(call) == "input" for unit in units for call in unit.calls)
        for name, place in _names(repo, file, units) if not asked else [(kinds[0][1].name, "as you said")]:
            for kind in kinds:
                stem = kind[0].path.rpartition("/")[2].removesuffix(".py")
                if name.lower() in (kind[1].name.lower(), stem.lower()):
                    why = f"{file.path} makes its model by a name, here {name} ({place}); init --train FILE:CLASS takes another"
                    field = next((one for unit in units for one in _fields(repo, unit, name)), "")
                    return NamedModel(kind=kind, name=name, why=why, asks=asks, field=field)
    return None


def _fields(repo: ForeignRepo, unit: CodeUnit, name: str) -> Iterator[str]:
    """The settings that another name stands in, of those that a call makes its model by: `getattr(models, config.model_name)`."""
    for call in unit.calls:
        if not makes_by_name(unit, call):
            continue
        told = call.func.slice if isinstance(call.func, ast.Subscript) else call.args[-1]
        values = [told, *(assigned_in(unit, told.id) if isinstance(told, ast.Name) else ())]
        for key in (one.attr for one in values if isinstance(one, ast.Attribute)):
            for file, owner, default in fields_named(repo, key):
                if (
                    isinstance(default, ast.Constant)
                    and isinstance(default.value, str)
                    and default.value != name
                ):
                    yield f"{file.path}:{owner}.{key}"


def _training_classes(repo: ForeignRepo) -> Iterator[Kind]:
    """Classes with a loop over epochs in a method of their own."""
    for end in unreached_loops(repo):
        owner = end.unit.owner if end.unit is not None else None
        if end.unit is not None and owner is not None:
            yield end.unit.file, owner


def _names(repo: ForeignRepo, file: ForeignFile, units: list[CodeUnit]) -> Iterator[tuple[str, str]]:
    """(text, place) of what may name a model, the likeliest first."""
    for command in start_commands(repo.root, repo.others):
        if file.path.endswith(command.script):
            for word in command.arguments:
                yield word.rpartition("=")[2], f"{command.path}:{command.line}"
    files = {unit.file for unit in units}
    for option in (one for found in options_of(repo).values() for one in found if one.file in files):
        if isinstance(option.default, ast.Constant) and isinstance(option.default.value, str):
            yield option.default.value, option.place
    for node in ast.walk(file.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 40:
            yield node.value, f"{file.path}:{node.lineno}"
