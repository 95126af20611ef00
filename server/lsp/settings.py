"""The user's settings in the editor, checked: a wrong one is told, and counts as not given. Pure.

What runs the repo's code must never come from the repo, and some editors answer with settings of the folder they have
open. So trust comes from `initializationOptions` alone, and `evolverec.interpreter` counts only where those say
`"machineSettings": true`: this client takes it from the user's own settings, never from a folder's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

INTERPRETER_IGNORED = (
    "evolverec.interpreter was not used: this editor has not said that it comes from your own settings rather than "
    "from a folder's. Set `python` in initializationOptions or in the config.toml of your own settings"
)


@dataclass(frozen=True, kw_only=True)
class Settings:
    """trusted: the client vouches for its workspace. interpreter: that runs repos, "" for none.
    machine_settings: it also vouches that no folder can set what its configuration says of the interpreter."""

    trusted: bool = False
    interpreter: str = ""
    inlay_hints: bool = False
    machine_settings: bool = False


OPTIONS: Mapping[str, tuple[str, type, str]] = {
    "trusted": ("trusted", bool, "true or false"),
    "python": ("interpreter", str, "the path of a Python"),
    "interpreter": ("interpreter", str, "the path of a Python"),
    "inlayHints": ("inlay_hints", bool, "true or false"),
    "machineSettings": ("machine_settings", bool, "true or false"),
}
CHANGEABLE = ("interpreter", "inlayHints")  # by configuration; the rest is known when the server starts


def from_options(given: Any) -> tuple[Settings, list[str]]:
    """Of `initializationOptions`, and what is wrong with them."""
    return _overlay(Settings(), given, tuple(OPTIONS), "initializationOptions.")


def from_configuration(start: Settings, given: Any) -> tuple[Settings, list[str]]:
    """Of `workspace/configuration` for the section `evolverec`, over those of the start."""
    found, wrong = _overlay(start, given, CHANGEABLE, "evolverec.")
    if found.interpreter != start.interpreter and not start.machine_settings:
        return replace(found, interpreter=start.interpreter), [*wrong, INTERPRETER_IGNORED]
    return found, wrong


def _overlay(start: Settings, given: Any, names: tuple[str, ...], prefix: str) -> tuple[Settings, list[str]]:
    """Other keys are the client's own. None and "" say that nothing is set."""
    if not isinstance(given, Mapping):
        return start, []
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name in names:
        field, kind, expected = OPTIONS[name]
        value = given.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, kind):
            values[field] = value
        else:
            wrong.append(f"{prefix}{name} is {value!r}; expected {expected}")
    return replace(start, **values), wrong
