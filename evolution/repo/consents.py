"""What the user has agreed to on this machine beyond trusting a repo's code; kept in the user's own configuration.

Two things can be agreed to: a repo's own file as the interpreter that runs the repo, which is started outside of any
sandbox, and trials without a sandbox where bubblewrap does not work. Neither can be given by a repo.
"""

import hashlib
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from evolution.base.kept import write_whole
from evolution.base.locking import alone
from evolution.base.places import answers_lock, user_config_folder
from evolution.repo.interpreter_identity import identity_of, links_of
from seeds.reading import RECORD_BYTES, parse_json, read_text

_MACHINE_ID = Path("/etc/machine-id")


def consents_file() -> Path:
    """The file to delete for being asked again."""
    return user_config_folder() / "consents.json"


def lies_inside(python: Path, repo: Path) -> bool:
    """Whether an interpreter is a file of the repo's, by its name or by a link on the way to it."""
    inside = repo.resolve()
    return any(step.is_relative_to(inside) for step in links_of(python))


def may_run(python: Path, repo: Path) -> bool:
    """Whether the user has agreed to this interpreter for this repo, and it is still the same."""
    agreed = _stored("interpreters").get(str(repo.resolve()), {})
    return isinstance(agreed, Mapping) and agreed.get(str(python)) == identity_of(python, repo)


def agree_to_interpreter(python: Path, repo: Path) -> None:
    """Remember that the user agrees to this interpreter for this repo, until one of the files that decide what it runs changes."""
    identity = identity_of(python, repo)
    with alone(answers_lock()):
        known = dict(_stored("interpreters"))
        of_repo = known.get(str(repo.resolve()), {})
        known[str(repo.resolve())] = {
            **(of_repo if isinstance(of_repo, Mapping) else {}),
            str(python): identity,
        }
        _store("interpreters", known)


def goes_without_sandbox() -> bool:
    """Whether the user has agreed to trials without a sandbox on this machine."""
    return _stored("without_sandbox").get(_machine()) is True


def agree_to_no_sandbox() -> None:
    """Remember that the user agrees to trials without a sandbox on this machine."""
    with alone(answers_lock()):
        _store("without_sandbox", {**_stored("without_sandbox"), _machine(): True})


def _machine() -> str:
    """A configuration folder may be shared by machines, and each has its own bubblewrap."""
    try:
        named = _MACHINE_ID.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        named = ""
    return hashlib.sha256(f"{named or platform.node()}/{getattr(os, 'getuid', int)()}".encode()).hexdigest()[
        :32
    ]


def _stored(name: str) -> Mapping[str, Any]:
    found = _all().get(name, {})
    return found if isinstance(found, Mapping) else {}


def _all() -> Mapping[str, Any]:
    """Damaged consents are none: the user is asked again."""
    try:
        found = parse_json(read_text(consents_file(), most=RECORD_BYTES))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _store(name: str, value: Mapping[str, Any]) -> None:
    consents_file().parent.mkdir(parents=True, exist_ok=True)
    write_whole(consents_file(), json.dumps({**_all(), name: value}, indent=1) + "\n")
