"""What a settings file of a repo says: YAML and INI line by line, TOML and JSON as they are."""

import re
from typing import Any

from seeds.reading import parse_json, parse_toml

_YAML = re.compile(r"^\s*(?:-\s*)?([\w.-]+)\s*:\s*(.+?)\s*(?:#.*)?$", re.MULTILINE)
_INI = re.compile(r"^[ \t]*([\w.-]+)[ \t]*[=:][ \t]*(\S.*?)[ \t]*$", re.MULTILINE)


def parsed_settings(path: str, text: str) -> dict[str, Any]:
    """The keys of a settings file; those of inner tables stand beside those of outer ones. Raises ValueError."""
    if path.endswith((".yaml", ".yml")):
        return dict(_YAML.findall(text))
    if path.endswith((".ini", ".cfg", ".conf")):
        return dict(_INI.findall(text))
    told = parse_toml(text) if path.endswith(".toml") else parse_json(text)
    found: dict[str, Any] = {}
    waiting = [told]
    while waiting:
        table = waiting.pop()
        for key, value in table.items() if isinstance(table, dict) else ():
            found.setdefault(str(key), value)
            waiting.append(value)
    return found


def scalar(value: Any) -> Any:
    """The number that a text of a settings file stands for, or the text without its quotes."""
    if not isinstance(value, str):
        return value
    text = value.strip("'\"")
    if re.fullmatch(r"-?\d+", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d*\.\d+(e-?\d+)?", text) else text
