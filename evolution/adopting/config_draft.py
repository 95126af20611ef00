"""The text of a drafted evolverec.toml."""

import json
import re
from collections.abc import Mapping

from evolution.adopting.findings_of_repo import Adoption
from evolution.adopting.log_choice import ChosenLog
from evolution.repo.config import key_line
from seeds.reading import parse_toml

MOST_EPOCHS = 1000
USUAL_HISTORY = 50


def config_draft(found: Adoption, log: ChosenLog, entry: str) -> str:
    """evolverec.toml for an entry, "module:function"; each guess with its reason."""
    length = found.numbering.length if found.numbering else None
    history = (
        f"max_history = {min(length, 1000)}  # the histories that the model takes\n"
        if length and found.uses_histories
        else ""
    )
    epochs = (
        f"max_epochs = {min(found.epochs, MOST_EPOCHS)}  # {found.program.end.why}\n"
        if found.epochs and found.program
        else ""
    )
    rare = found.evaluation
    ranked = (
        f"eval_every = {rare.eval_every}  # {rare.place} evaluates every {rare.epochs} epochs\n"
        if rare.eval_every > 1
        else ""
    )
    is_notebook = found.program is not None and found.program.script.endswith(".ipynb")
    editable = 'editable = ["*.py", "*.ipynb"]  # the program is a notebook\n' if is_notebook else ""
    training = f"\n[training]\n{epochs}{ranked}" if epochs or ranked else ""
    data = "".join(f"{line}\n" for line in log.settings)
    return (
        "# Drafted by `evolverec init`, which runs again without overwriting what you edit. The README lists all keys.\n\n"
        f'[recommender]\nentry = "{entry}"\n{editable}{history}'
        f"\n[data]\nsource = {json.dumps(log.source, ensure_ascii=False)}  # {log.why}\n{data}{training}"
    )


def config_with(text: str, settings: Mapping[str, str | int]) -> str:
    """A config as `config_draft` writes it, with other values: "section.key" or "data.columns.key" -> value.

    A line whose value changes keeps its place and loses its reason, which was of the old value.
    """
    columns = {**parse_toml(text)["data"].get("columns", {})}
    columns |= {name.rpartition(".")[2]: value for name, value in settings.items() if name.count(".") == 2}
    lines = text.rstrip("\n").split("\n")
    for name, value in settings.items():
        if name.count(".") == 1:
            section, _, key = name.partition(".")
            _set(lines, section, key, json.dumps(value, ensure_ascii=False))
    if columns:
        told = ", ".join(f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in columns.items())
        _set(lines, "data", "columns", f"{{ {told} }}")
    return "\n".join(lines) + "\n"


def _set(lines: list[str], section: str, key: str, value: str) -> None:
    """Replace the line of a key, or add one at the head of its section, which is made where it is missing."""
    text = "\n".join(lines)
    at, head = key_line(text, (section, key)), key_line(text, (section,))
    new = f"{key} = {value}"
    if re.match(rf"\s*{key}\s*=", lines[at - 1]):
        if not lines[at - 1].startswith((new + " ", new + "\n")) and lines[at - 1] != new:
            lines[at - 1] = new
    elif lines[head - 1].strip() == f"[{section}]":
        lines.insert(head, new)
    else:
        lines += ["", f"[{section}]", new]
