"""The user's settings in the editor, validated: a wrong one is reported, and its default is used. Pure.

The interpreter and the trust that run a repo's code must never come from the repo, and some editors send settings of
the folder they have open. So trust comes from `initializationOptions` only, and
`evolverec.interpreter` counts only if `initializationOptions` has `"machineSettings": true`, by which
the client asserts that it reads the user's own settings.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from evolution.base.errors import UsageError
from evolution.repo.settings import is_relative

INTERPRETER_IGNORED = (
    "evolverec.interpreter was not used: this editor has not said that it comes from your own settings rather than "
    "from a folder's. Set `python` in initializationOptions or in the config.toml of your own settings"
)


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """Validated settings.

    trusted: the client vouches for its workspace
    interpreter: the Python that runs repos, "" if none is set
    machine_settings: the client asserts that no folder can set the interpreter that its configuration names
    """

    trusted: bool = False
    interpreter: str = ""
    inlay_hints: bool = False
    machine_settings: bool = False


OPTIONS: Mapping[str, tuple[str, type, str]] = {
    "trusted": ("trusted", bool, "true or false"),
    "python": ("interpreter", str, "the absolute path of a Python"),
    "interpreter": ("interpreter", str, "the absolute path of a Python"),
    "inlayHints": ("inlay_hints", bool, "true or false"),
    "machineSettings": ("machine_settings", bool, "true or false"),
}
CHANGEABLE = ("interpreter", "inlayHints")  # by workspace/configuration; the others are fixed at the start


def from_options(given: Any) -> tuple[ClientSettings, list[str]]:
    """The settings from `initializationOptions`, and sentences on wrong ones."""
    return _overlay(ClientSettings(), given, tuple(OPTIONS), "initializationOptions.")


def from_configuration(start: ClientSettings, given: Any) -> tuple[ClientSettings, list[str]]:
    """The start's settings overlaid with those of `workspace/configuration`, and sentences on wrong ones."""
    found, wrong = _overlay(start, given, CHANGEABLE, "evolverec.")
    if found.interpreter != start.interpreter and not start.machine_settings:
        return replace(found, interpreter=start.interpreter), [*wrong, INTERPRETER_IGNORED]
    return found, wrong


def interpreter(settings: ClientSettings, environment: Mapping[str, str]) -> str:
    """The interpreter for a job's request, "" for that of the user's own settings outside of the editor.

    Raises UsageError: EVOLVEREC_PYTHON is relative. An editor starts the server in a folder of its own choice, mostly the
    repo's, which is not the folder that whoever set the variable meant.
    """
    variable = environment.get("EVOLVEREC_PYTHON", "")
    if not settings.interpreter and is_relative(variable):
        raise UsageError(
            f"EVOLVEREC_PYTHON is {variable!r}; an editor needs an absolute path, or a name to look up in PATH. Set "
            "evolverec.interpreter in your own settings, or mend the variable and restart the editor"
        )
    return settings.interpreter


def _overlay(
    start: ClientSettings, given: Any, names: tuple[str, ...], prefix: str
) -> tuple[ClientSettings, list[str]]:
    """Overlay the settings in `names`.

    Other keys are ignored as the client's own; None and "" mean that nothing is set.
    """
    if not isinstance(given, Mapping):
        return start, []
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name in names:
        field, kind, expected = OPTIONS[name]
        value = given.get(name)
        if value is None or value == "":
            continue
        if isinstance(value, kind) and not (field == "interpreter" and is_relative(value)):
            values[field] = value
        else:
            wrong.append(f"{prefix}{name} is {value!r}; expected {expected}")
    return replace(start, **values), wrong
