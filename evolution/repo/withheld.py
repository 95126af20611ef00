"""Which files of a repo were found to be copies of its log, for whoever stores or shows the repo's version on disk.

A job looks through the files, which takes the log; a language server and a report read here what it found.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from evolution.base.kept import write_whole
from evolution.base.places import store_folder
from seeds.reading import RECORD_BYTES, parse_json, read_text

NAME = "withheld.json"
SHOWN = 3  # files that a sentence names


@dataclass(frozen=True, kw_only=True)
class Copies:
    """withheld, exposed: relative path -> why it is taken for a copy of the log. exposed: those that the repo's
    evolverec.toml wants shown to the code all the same."""

    withheld: dict[str, str] = field(default_factory=dict)
    exposed: dict[str, str] = field(default_factory=dict)


def withheld_in_words(copies: Copies) -> tuple[str, ...]:
    """What a user is told of a trial's copies: one sentence for those withheld, one for those exposed."""
    said = []
    if copies.withheld:
        said.append(
            f"withheld from the model's code, as held-out events could be read there: {_listed(copies.withheld)}; "
            "if the code needs one, name it in data.exposed of evolverec.toml"
        )
    if copies.exposed:
        said.append(
            f"the labels were not secret: evolverec.toml exposes {_listed(copies.exposed)}, so the model's code could "
            "read the held-out events, and these figures rest on its not doing so"
        )
    return tuple(said)


def note_withheld(repo: Path, withheld: dict[str, str]) -> None:
    """Keep what a job found: relative path -> why the file is no part of a program."""
    if withheld != known_withheld(repo):
        write_whole(store_folder(repo) / NAME, json.dumps(withheld, ensure_ascii=False, sort_keys=True))


def known_withheld(repo: Path) -> dict[str, str]:
    """What the last job found; nothing where there was none, or where the record cannot be read."""
    try:
        found = parse_json(read_text(store_folder(repo) / NAME, most=RECORD_BYTES, inside=repo))
    except (OSError, ValueError):
        return {}
    return {str(path): str(why) for path, why in found.items()} if isinstance(found, dict) else {}


def _listed(files: dict[str, str]) -> str:
    named = [f"{path} ({why})" for path, why in sorted(files.items())[:SHOWN]]
    return ", ".join(named) + (f" and {len(files) - SHOWN} more" if len(files) > SHOWN else "")
