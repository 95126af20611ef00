"""Command line options of a program, as its calls of `add_argument` (argparse), `option` (click) or absl flags declare them."""

import ast
from dataclasses import dataclass
from typing import Any

from diagnosis.syntax import dotted
from evolution.adopting.foreign_code import ForeignFile, ForeignRepo

REQUIRED = object()  # in the place of a default
OF_DATACLASSES = {"HfArgumentParser"}
MAKERS = {
    "add_argument": "argparse",
    "option": "click",
    "DEFINE_string": "absl",
    "DEFINE_integer": "absl",
    "DEFINE_float": "absl",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgramOption:
    """flag: "--lr", or the name of a positional argument. default: an expression in `file`, REQUIRED, or None.

    choices: what may be given, where constants say so. takes: whether a value follows the flag.
    """

    name: str
    flag: str
    default: Any
    file: ForeignFile
    line: int
    choices: tuple[Any, ...] = ()
    takes: bool = True
    kind: str = ""  # the name of what `type=` gives

    @property
    def place(self) -> str:
        return f"{self.file.path}:{self.line}"


def options_of(repo: ForeignRepo) -> dict[str, list[ProgramOption]]:
    """Name of an option (its `dest`) -> where it is declared."""
    found: dict[str, list[ProgramOption]] = {}
    for file in repo.files.values():
        for node in file.all_nodes:
            if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in OF_DATACLASSES:
                for option in _of_dataclasses(repo, file, node):
                    found.setdefault(option.name, []).append(option)
            if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] in MAKERS:
                option = _option(file, node)
                if option is not None:
                    found.setdefault(option.name, []).append(option)
    return found


def _of_dataclasses(repo: ForeignRepo, file: ForeignFile, call: ast.Call) -> list[ProgramOption]:
    """The fields of the repo's dataclasses that `HfArgumentParser((A, B))` makes options of."""
    named = [
        part for arg in call.args for part in (arg.elts if isinstance(arg, (ast.Tuple, ast.List)) else [arg])
    ]
    found = []
    for place, node in [kind for one in named for kind in repo.classes_called(file, one)]:
        for field in node.body:
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                name, default = field.target.id, _default_of_field(field.value)
                found.append(ProgramOption(name=name, flag=f"--{name}", default=default, file=place, line=field.lineno, kind=dotted(field.annotation)))  # fmt: skip
    return found


def _default_of_field(value: ast.expr | None) -> Any:
    """What stands in `field(default=...)`, or behind the name itself."""
    if isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] == "field":
        return next((word.value for word in value.keywords if word.arg == "default"), None)
    return REQUIRED if value is None else value


def _option(file: ForeignFile, call: ast.Call) -> ProgramOption | None:
    flags = [arg.value for arg in call.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    if not flags:
        return None
    given = {word.arg: word.value for word in call.keywords if word.arg}
    flag = next((one for one in flags if one.startswith("--")), flags[0])
    if dotted(call.func).rpartition(".")[2].startswith("DEFINE_"):
        flag, default = f"--{flags[0]}", call.args[1] if len(call.args) > 1 else None
        return ProgramOption(name=flags[0], flag=flag, default=default, file=file, line=call.lineno)
    name = _text(given.get("dest")) or flag.lstrip("-").replace("-", "_")
    action = _text(given.get("action"))
    needed = not flag.startswith("-") or _is_true(given.get("required"))
    missing = needed and "default" not in given and _text(given.get("nargs")) not in ("?", "*")
    default = REQUIRED if missing else given.get("default")
    if action.startswith("store_") and default is None:
        default = ast.Constant(value=action == "store_false")
    choices = given.get("choices")
    told = choices.elts if isinstance(choices, (ast.List, ast.Tuple, ast.Set)) else []
    return ProgramOption(
        name=name,
        flag=flag,
        default=default,
        file=file,
        line=call.lineno,
        choices=tuple(one.value for one in told if isinstance(one, ast.Constant)),
        takes=not action.startswith(("store_", "count", "help", "version")),
        kind=dotted(given["type"]) if "type" in given else "",
    )


def _text(node: ast.expr | None) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def fields_named(repo: ForeignRepo, name: str) -> list[tuple[ForeignFile, str, ast.expr]]:
    """(file, class, default) of fields with a name, `data_path: str = "log.tsv"` in a class of settings."""
    return [
        (file, node.name, inner.value)
        for kinds in repo.classes.values()
        for file, node in kinds
        for inner in node.body
        if isinstance(inner, ast.AnnAssign) and inner.value is not None and dotted(inner.target) == name
    ]
