"""Finds the probes that the user has written: files of `probes/` that define `measure`, apart from kept evolved ones.

They judge programs and are no part of them: a program's snapshot leaves them out, so a change of one makes no new version.
"""

from pathlib import Path

from diagnosis.encoding import unmarked
from diagnosis.user_probes.probe import Fault, UserProbe
from diagnosis.user_probes.reading import defines_measure, read_user_probe
from evolution.base.errors import RepoError
from evolution.base.places import PROBE_HEADER, PROBES_FOLDER
from evolution.repo.files import read_code


def is_user_probe(path: str, text: str) -> bool:
    """Whether a file, by its path in the repo, is a probe that the user has written. `_name.py` is none."""
    folder, _, name = path.rpartition("/")
    if folder != PROBES_FOLDER or not name.endswith(".py") or name.startswith("_"):
        return False
    return not text.startswith(PROBE_HEADER) and defines_measure(text)


def read_user_probes(repo: Path) -> list[UserProbe]:
    """The user's probes, by file name. A file that is not to be read is one with a fault. None of them is run."""
    found = list[UserProbe]()
    for file in sorted((repo / PROBES_FOLDER).glob("*.py")):
        path = f"{PROBES_FOLDER}/{file.name}"
        try:
            text = unmarked(read_code(repo, path) or "")
        except RepoError as error:
            fault = Fault(line=1, message=error.said)
            found.append(UserProbe(path=path, text="", title=file.stem, definition="", faults=(fault,)))
            continue
        if is_user_probe(path, text):
            found.append(read_user_probe(path, text))
    return found
