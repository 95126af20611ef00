"""Which files of a repo were found to be copies of its log, for whoever stores or shows the repo's version on disk.

A job looks through the files, which takes the log; a language server and a report read here what it found.
"""

import json
from pathlib import Path

from evolution.base.kept import write_whole
from evolution.base.places import store_folder
from seeds.reading import RECORD_BYTES, parse_json, read_text

NAME = "withheld.json"


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
