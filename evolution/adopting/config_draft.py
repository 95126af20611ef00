"""The text of a drafted evolverec.toml."""

import json

from evolution.adopting.findings_of_repo import Adoption
from evolution.adopting.log_choice import ChosenLog

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
    training = f"\n[training]\n{epochs}" if epochs else ""
    data = "".join(f"{line}\n" for line in log.settings)
    return (
        "# Drafted by `evolverec init`, which runs again without overwriting what you edit. The README lists all keys.\n\n"
        f'[recommender]\nentry = "{entry}"\n{history}'
        f"\n[data]\nsource = {json.dumps(log.source, ensure_ascii=False)}  # {log.why}\n{data}{training}"
    )
