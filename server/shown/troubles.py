"""Why a job failed, in a line, and what mends it. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from evolution.base.errors import RepoError
from evolution.base.places import BASELINE_NAME, CONFIG_NAME
from server.shown.wording import headline

LONGEST = (
    200  # characters of a notification that are read; of a wrong value, which stands last, twice as many
)
NO_MODULE = re.compile(
    r"(?:No module named '[\w.]+'\. (?=\w+ is no file of the program)|(?=\b\w+ is missing in the interpreter that runs repos))(\w+)"
)
NAMES = {"torch": "PyTorch", "sklearn": "scikit-learn"}  # as people say them
PACKAGES = {
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
    "PIL": "pillow",
    "cv2": "opencv-python",
}  # as pip does


class Mend(StrEnum):
    """What a user can do about it."""

    CREATE = "create"  # the function that evolverec.toml names
    PICK_LOG = "pick"  # the log, where there is none of that name
    OPEN = "open"  # the line that is wrong
    INTERPRETER = "interpreter"  # choose another one
    INSTALL = "install"  # the package that is missing
    LOG = "log"
    PAGE = "page"  # that explains a finding


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """message: one line. path, line: what is wrong, relative to the repo and from 1; "" and 0 where it is no file's fault.

    package: what pip installs; "" where nothing is missing.
    """

    message: str
    mends: tuple[Mend, ...]
    path: str = ""
    line: int = 0
    package: str = ""


def trouble_of(doing: str, error: str, result: Mapping[str, Any] | None, python: str) -> Trouble:
    """Why a job failed.

    doing: the job in words ("training"). result: its document, of a trial that failed. python: the interpreter that ran the repo.
    """
    told = RepoError.read(error)
    found = result or {}
    path, line = str(found.get("path") or told.path), int(found.get("line") or told.line)
    if missing := NO_MODULE.search(error):
        module = missing[1]
        return Trouble(
            message=f"{NAMES.get(module, module)} is not installed in {python}",
            mends=(Mend.INTERPRETER, Mend.INSTALL, Mend.LOG),
            path=path,
            line=line,
            package=PACKAGES.get(module, module),
        )
    message = str(found.get("message") or told.said)
    if path in (CONFIG_NAME, BASELINE_NAME):
        place = f"{path}:{line}" if line else path
        return Trouble(
            message=f"{place} {headline(message, 2 * LONGEST)}", mends=(Mend.OPEN,), path=path, line=line
        )
    words = f"{doing[:1].upper()}{doing[1:]} failed: {headline(message, LONGEST)}"
    at = (Mend.OPEN,) if path else ()
    return Trouble(message=words, mends=(*at, Mend.LOG), path=path, line=line)
