import tomllib
from pathlib import Path
from typing import Any


def read_settings(path: Path, overrides: list[str]) -> dict[str, dict[str, Any]]:
    """The TOML file, with `section.key=value` put over it."""
    settings = tomllib.loads(path.read_text())
    for text in overrides:
        name, value = text.split("=", 1)
        section, key = name.split(".")
        settings[section][key] = tomllib.loads(f"value = {value}")["value"]
    return settings
