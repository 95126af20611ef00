"""Finds the number in the code that sets what an optimizer was seen to work with: its rate, its weight decay.

The number may be the argument itself, a constant, an option's default, a field of a dataclass or an entry of a dict: it is
the one literal that has the traced value and stands beside a name by which the optimizer's call asks for it. Where the
adapter's command line gives an option (`argv=["--lr=0.01"]`), the number is that, as the option's default is never used.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import RecipeFile, argument, bare, call_name, dotted, last_name
from evolution.recipes.flow import parameters
from evolution.recipes.recipe import RecipeContext
from evolution.recipes.training_step import OPTIMIZERS

Literal = cst.Integer | cst.Float | cst.SimpleString


@dataclass(frozen=True, kw_only=True, eq=False)
class Setting:
    """A literal of a file, its value, and the type of the optimizer that works with it.

    literal: a number, or the text of a command line's option with its number, "--lr=0.01".
    """

    source: RecipeFile
    literal: Literal
    value: float
    optimizer: str

    def set_to(self, number: str) -> cst.BaseExpression:
        """What stands in the place of the literal to set another number, as it is written in code."""
        if isinstance(self.literal, cst.SimpleString):
            option, _, _ = _text(self.literal).partition("=")
            quote = self.literal.quote
            return cst.SimpleString(f"{quote}{option}={number}{quote}")
        return cst.parse_expression(number)


def find_setting(context: RecipeContext, sources: Sequence[RecipeFile], name: str) -> Setting | None:
    """The literal that sets argument `name` of the traced optimizer; None where none or several may be meant.

    A repo with several optimizers has no one answer.
    """
    traced = context.trace.get("optimizers", ())
    if len(traced) != 1 or not isinstance(traced[0]["defaults"].get(name), (int, float)):
        return None
    value, kind = float(traced[0]["defaults"][name]), str(traced[0]["type"])
    for source, call in optimizer_calls(sources):
        given = argument(call, name, 1 if name == "lr" else None)
        if given is None:
            continue
        literals: list[tuple[RecipeFile, Literal]] = [*_literals(source, given, value)]
        asked = _last_key(given)
        if not literals and asked:
            options = _on_command_line(sources, asked)
            literals += [(owner, text) for owner, text in options if _is_given_number(text, value)]
            if not options:
                literals += [found for other in sources for found in _named(other, asked, value)]
        if len(literals) == 1:
            owner, literal = literals[0]
            return Setting(source=owner, literal=literal, value=value, optimizer=kind)
    return None


def find_unset(
    context: RecipeContext, sources: Sequence[RecipeFile], name: str
) -> tuple[RecipeFile, cst.Call, float] | None:
    """The call of the only optimizer, which leaves argument `name` to torch, and torch's value; else None."""
    traced, calls = context.trace.get("optimizers", ()), optimizer_calls(sources)
    if len(traced) != 1 or len(calls) != 1 or not isinstance(traced[0]["defaults"].get(name), (int, float)):
        return None
    source, call = calls[0]
    plain = len(call.args) == 1 and call.args[0].keyword is None and not call.args[0].star
    return (source, call, float(traced[0]["defaults"][name])) if plain else None


def optimizer_calls(sources: Sequence[RecipeFile]) -> list[tuple[RecipeFile, cst.Call]]:
    """The calls that made an optimizer in the trial, with their files."""
    return [
        (source, call)
        for source in sources
        for call in source.all_of(cst.Call)
        if call_name(call) in OPTIMIZERS and source.ran(call)
    ]


def _literals(
    source: RecipeFile, node: cst.CSTNode, value: float
) -> list[tuple[RecipeFile, cst.Integer | cst.Float]]:
    found = [one for kind in (cst.Float, cst.Integer) for one in source.all_of(kind, node)]
    return [(source, one) for one in found if float(one.evaluated_value) == value]


def _last_key(node: cst.BaseExpression) -> str:
    """`lr` for `args.lr`, `LR`, `config["lr"]`, and `config.get("lr")`; "" for anything else."""
    node = bare(node)
    if isinstance(node, cst.Subscript) and len(node.slice) == 1:
        index = node.slice[0].slice
        return _text(index.value) if isinstance(index, cst.Index) else ""
    if call_name(node) == "get" and isinstance(node, cst.Call) and node.args:
        return _text(node.args[0].value)
    return last_name(node)


def _text(node: cst.BaseExpression) -> str:
    value = node.evaluated_value if isinstance(node, cst.SimpleString) else ""
    return value if isinstance(value, str) else ""


def _named(source: RecipeFile, name: str, value: float) -> list[tuple[RecipeFile, cst.Integer | cst.Float]]:
    """Literals of this value that a file gives to something of this name."""
    given = _given(source, lambda one: one == name)
    return [found for node in given for found in _literals(source, node, value)]


def _on_command_line(sources: Sequence[RecipeFile], name: str) -> list[tuple[RecipeFile, cst.SimpleString]]:
    """The texts by which an adapter gives an option on the program's command line: `argv=["--lr=0.01"]`, `argv=["--lr", rate]`."""
    return [
        (source, text)
        for source in sources
        for call in source.all_of(cst.Call)
        if call_name(call) == "Program" and (argv := argument(call, "argv")) is not None
        for text in source.all_of(cst.SimpleString, argv)
        if _text(text).startswith("-") and _text(text).partition("=")[0].lstrip("-").replace("-", "_") == name
    ]


def _is_given_number(text: cst.SimpleString, value: float) -> bool:
    try:
        return float(_text(text).partition("=")[2]) == value
    except ValueError:
        return False


def named_numbers(
    sources: Sequence[RecipeFile], is_meant: Callable[[str], bool]
) -> list[tuple[RecipeFile, cst.Integer | cst.Float]]:
    """Numbers that files give, as they are, to something whose name is meant: constants, fields, options, defaults.

    Not the default of a parameter that every call gives another value, nor of an option that the adapter's command line gives.
    """
    given = [(source, bare(node)) for source in sources for node in _given(source, is_meant)]
    return [
        (source, node)
        for source, node in given
        if isinstance(node, (cst.Integer, cst.Float))
        and not _is_overridden(sources, source, node)
        and not _on_command_line(sources, _option_with(source, node))
    ]


def _option_with(source: RecipeFile, default: cst.CSTNode) -> str:
    """The name of the option of which a number is the default; "" for other numbers."""
    call = source.enclosing(default, cst.Call)
    text = _text(call.args[0].value) if call is not None and call.args else ""
    return text.lstrip("-").replace("-", "_") if text.startswith("-") else ""


def _is_overridden(sources: Sequence[RecipeFile], source: RecipeFile, default: cst.CSTNode) -> bool:
    """Whether the number is a parameter's default, and the repo calls the function, or makes the class, always with the argument."""
    param, function = source.parents.get(default), source.enclosing(default, cst.FunctionDef)
    if not isinstance(param, cst.Param) or param.default is not default or function is None:
        return False
    owner, names = source.enclosing(function, cst.ClassDef), parameters(function)
    is_made = owner is not None and function.name.value == "__init__"
    name = owner.name.value if owner is not None and is_made else function.name.value
    place = names.index(param.name.value) - (owner is not None) if param.name.value in names else None
    calls = [
        call for one in sources for call in one.all_of(cst.Call) if call_name(call) == name and one.ran(call)
    ]
    return bool(calls) and all(argument(call, param.name.value, place) is not None for call in calls)


def _given(source: RecipeFile, is_meant: Callable[[str], bool]) -> list[cst.BaseExpression]:
    """What a file gives to names that are meant, as far as it may have run."""
    given: list[cst.BaseExpression] = []
    for node in source.all_of(cst.Assign):
        given += [node.value for target in node.targets if is_meant(last_name(target.target))]
    given += [n.value for n in source.all_of(cst.AnnAssign) if n.value and is_meant(last_name(n.target))]
    given += [n.value for n in source.all_of(cst.DictElement) if is_meant(_text(n.key))]
    given += [n.value for n in source.all_of(cst.Arg) if n.keyword is not None and is_meant(n.keyword.value)]
    given += [n.default for n in source.all_of(cst.Param) if n.default is not None and is_meant(n.name.value)]
    for call in source.all_of(cst.Call):
        option = _text(call.args[0].value).lstrip("-").replace("-", "_") if call.args else ""
        default = argument(call, "default", 1 if dotted(call.func).endswith("option") else None)
        given += [default] if is_meant(option) and default is not None else []
    return [node for node in given if source.ran(node) or not _in_function(source, node)]


def _in_function(source: RecipeFile, node: cst.CSTNode) -> bool:
    """Whether the node runs when a function does; what runs when its file is imported, nobody saw."""
    return source.enclosing(node, cst.FunctionDef) is not None


def written(value: float) -> str:
    """A number as code, short: 0.003, 1e-06."""
    return repr(float(f"{value:.3g}"))
