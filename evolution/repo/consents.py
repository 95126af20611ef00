"""What the user has agreed to on this machine beyond trusting a repo's code; kept in the user's own configuration.

Two things can be agreed to: a repo's own file as the interpreter that runs the repo, which is started outside of any
sandbox, and trials without a sandbox where bubblewrap does not work. Neither can be given by a repo.
"""

import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evolution.base.kept import hash_of, write_whole
from evolution.base.places import user_config_folder
from seeds.reading import RECORD_BYTES, parse_json, read_text

_LINKS = 40  # as many as the kernel follows
_MACHINE_ID = Path("/etc/machine-id")


def consents_file() -> Path:
    """The file to delete for being asked again."""
    return user_config_folder() / "consents.json"


def lies_inside(python: Path, repo: Path) -> bool:
    """Whether an interpreter is a file of the repo's, by its name or by a link on the way to it."""
    inside = repo.resolve()
    return any(step.is_relative_to(inside) for step in _steps(python))


def may_run(python: Path, repo: Path) -> bool:
    """Whether the user has agreed to this interpreter for this repo, and it is still the same."""
    agreed = _stored("interpreters").get(str(repo.resolve()), {})
    return isinstance(agreed, Mapping) and agreed.get(str(python)) == _identity(python)


def agree_to_interpreter(python: Path, repo: Path) -> None:
    """Remember that the user agrees to this interpreter for this repo, until one of its files changes."""
    known = dict(_stored("interpreters"))
    of_repo = known.get(str(repo.resolve()), {})
    known[str(repo.resolve())] = {
        **(of_repo if isinstance(of_repo, Mapping) else {}),
        str(python): _identity(python),
    }
    _store("interpreters", known)


def goes_without_sandbox() -> bool:
    """Whether the user has agreed to trials without a sandbox on this machine."""
    return _stored("without_sandbox").get(_machine()) is True


def agree_to_no_sandbox() -> None:
    """Remember that the user agrees to trials without a sandbox on this machine."""
    _store("without_sandbox", {**_stored("without_sandbox"), _machine(): True})


def _steps(python: Path) -> Iterator[Path]:
    """The interpreter, and what its links lead to; each with its folder resolved."""
    step = python.absolute()
    for _ in range(_LINKS):
        step = step.parent.resolve() / step.name
        yield step
        if not step.is_symlink():
            return
        step = step.parent / step.readlink()


def _identity(python: Path) -> str:
    """A digest of what decides which program an interpreter is: its links, its file, its `pyvenv.cfg`."""
    found = hashlib.sha256()
    for step in _steps(python):
        found.update(f"{step}\n".encode("utf-8", "surrogateescape"))
        for path in (step, step.parent.parent / "pyvenv.cfg"):
            if path.is_file() and not path.is_symlink():
                found.update(hash_of(path).encode())
    return found.hexdigest()


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
