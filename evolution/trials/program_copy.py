"""Copies a program for its worker, without the log and what holds its events.

A version may hold a copy of the log that the user's repo has no longer, or that no job had seen when it was stored.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from evolution.base.places import STORE_FOLDER
from evolution.repo.held_out import held_out
from evolution.repo.withheld import Copies
from evolution.trials.request import TrialRequest
from seeds.reading import leads_out, walk

NOT_COPIED = frozenset({".git", STORE_FOLDER, "__pycache__", "node_modules"})
BESIDE = 2_000  # files that are looked at around a log that lies among installed packages


def copy_program(request: TrialRequest, target: Path) -> Copies:
    """Copy the checkout, without git, environments, caches, the data's files and copies of them; returns these copies.

    Links that lead out of the program are not copied: in a sandbox they lead nowhere, elsewhere perhaps to the log.
    """
    checkout, data = request.checkout.resolve(), request.config.data
    labels = held_out(request.repo, data.source, checkout, exposed=data.exposed)
    found = (path.relative_to(checkout).as_posix() for path in walk(checkout, _is_entered))
    files = [name for name in found if not labels.holds(name) and not NOT_COPIED & set(name.split("/"))]
    copies = request.data.lookout.copies(checkout, files, data.exposed)
    target.mkdir(parents=True)
    for name in files:
        if name not in copies.withheld:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            _copy(checkout, name, target, request.repo.resolve())
    return copies


def copies_beside(request: TrialRequest, named: Sequence[Path], shown: Sequence[Path]) -> list[Path]:
    """Copies of the log in the folder of a log that lies below one of the folders `shown` to workers."""
    folders = {path if path.is_dir() else path.parent for path in (path.resolve() for path in named)}
    found: list[Path] = []
    for folder in folders:
        if any(folder.is_relative_to(place.resolve()) for place in shown):
            names = [path.relative_to(folder).as_posix() for path in walk(folder, most=BESIDE)]
            found += [folder / name for name in request.data.lookout.copies(folder, names, ()).withheld]
    return found


def _is_entered(folder: Path) -> bool:
    return folder.name not in NOT_COPIED and not os.path.lexists(folder / "pyvenv.cfg")


def _copy(checkout: Path, name: str, target: Path, repo: Path) -> None:
    source, copy = checkout / name, target / name
    if not source.is_symlink():
        shutil.copy2(source, copy, follow_symlinks=False)
        return
    inner = os.path.relpath(_aim(source, checkout, repo), source.parent)
    if not leads_out(source.parent / inner, checkout):
        copy.symlink_to(inner)


def _aim(link: Path, checkout: Path, repo: Path) -> Path:
    """What a link of the program points to, below the checkout where it names a place in the user's repo."""
    aim = Path(os.path.normpath(link.parent / link.readlink()))
    return checkout / aim.relative_to(repo) if aim.is_relative_to(repo) else aim
