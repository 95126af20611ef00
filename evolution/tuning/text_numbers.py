"""Finds the numbers of settings files: YAML, TOML, JSON and INI, by their lines.

A line-based reading keeps comments and layout, needs no parser of a format that the user's Python may not have, and meets what
settings files hold: a key and a number beside each other.
"""

import re

from evolution.tuning.number import Number, Where, read_number

SUFFIXES = (".yaml", ".yml", ".toml", ".json", ".ini", ".cfg", ".conf", ".gin")
NOT_SETTINGS = (
    "pyproject.toml",
    "evolverec.toml",
    "setup.cfg",
    "tox.ini",
    "pytest.ini",
    "mypy.ini",
    "package.json",
    "package-lock.json",
)
LONGEST = 200_000  # characters; a longer file holds data
_NUMBER = r"[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_PAIR = re.compile(
    rf"""(?P<quote>["']?)(?P<key>[A-Za-z_][\w.-]*)(?P=quote)[ \t]*[:=][ \t]*(?P<value>{_NUMBER})(?=[ \t]*(?:[,}}#;\r]|$))"""
)
_SECTION = re.compile(r"^\s*\[+\s*([\w.\"' -]+?)\s*\]+|^([A-Za-z_][\w-]*):\s*(?:#.*)?$")


def is_settings_file(path: str) -> bool:
    """Whether a path may be a file of settings."""
    name = path.rsplit("/", 1)[-1]
    return name.endswith(SUFFIXES) and name not in NOT_SETTINGS


def text_numbers(path: str, text: str) -> list[Number]:
    """The numbers beside keys, in the order of the text."""
    if len(text) > LONGEST:
        return []
    found: list[Number] = []
    section, indented = "", path.endswith((".yaml", ".yml"))
    for at, line in enumerate(text.split("\n"), start=1):
        if heading := _SECTION.match(line):
            section = heading.group(1) or heading.group(2)
        elif indented and line[:1].isalpha():  # YAML: back at the outermost level
            section = ""
        if line.lstrip().startswith(("#", ";", "//")):
            continue
        code = line.split(" #", 1)[0]
        for pair in _PAIR.finditer(code):
            value = read_number(pair.group("value"))
            if value is None:
                continue
            word = pair.group("key").rsplit(".", 1)[-1].replace("-", "_")
            start, end = pair.span("value")
            found.append(
                Number(
                    path=path, line=at, start=start, end=end, text=pair.group("value"), value=value,
                    name=f"{section}.{word}" if section else word, word=word, where=Where.FILE, lines=(at, at),
                )
            )  # fmt: skip
    return found
