"""Where the repo lies, what it is made with, and the folder in which its program runs."""

import functools
import importlib
import importlib.util
import itertools
import os
import random
import re
import shutil
import sys
import tempfile
import weakref
from pathlib import Path

import numpy as np


def _root():
    """The repo's folder: the nearest one above this file that has an evolverec.toml."""
    here = Path(__file__).resolve().parent
    return next((one for one in (here, *here.parents) if (one / "evolverec.toml").is_file()), here)


ROOT = _root()

LEFT_OUT = {"__pycache__", "node_modules", "venv", "env", "site-packages", "dist-packages"}

MOST_ENTRIES, LARGEST_COPY = (
    400,
    1 << 20,
)  # of a folder that is taken over file by file; bytes of a file that is copied

TRAINS_WITH_TORCH = re.compile(
    rb"^\s*(?:import|from)\s.*?\b(?:torch|lightning|pytorch_lightning|transformers|recbole|accelerate)\b",
    re.M,
)


def _own_files(folder):
    """Python files of the repo; folders that are no part of it are passed over."""
    for entry in os.scandir(folder):
        if entry.name.startswith(".") or entry.name in LEFT_OUT:
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _own_files(entry.path)
        elif entry.name.endswith((".py", ".ipynb")) and entry.is_file():
            yield Path(entry.path)


def _in_own_files(pattern):
    files = itertools.islice((one for one in _own_files(ROOT) if one.name != "evolverec_kit.py"), 500)
    return any(pattern.search(one.read_bytes()) for one in files)


if importlib.util.find_spec("torch") is not None and _in_own_files(TRAINS_WITH_TORCH):
    import torch  # noqa: F401 - evolverec looks whether it is there before the program itself is run


def seed_all(seed):
    """Seed everything that a repo may draw from."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)


def _torch():
    return sys.modules.get("torch")


@functools.cache  # asked of every module at every switch
def _in_repo(path):
    path = os.path.realpath(path)
    return path.startswith(str(ROOT) + os.sep) and not LEFT_OUT.intersection(
        Path(path).relative_to(ROOT).parts
    )


class Scratch:
    """A mirror of the repo that may be written to: folders are real, code is linked, small files are copied."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="evolverec-kit-")).resolve()
        weakref.finalize(self, _remove, str(self.folder), os.getpid())
        _mirror(ROOT, self.folder)

    def path(self, relative):
        """A file in the mirror that may be written; the folders above it are there."""
        path = Path(os.path.normpath(self.folder / relative))
        if self.folder not in path.parents:
            raise ValueError(
                f"{relative} lies outside of the repo; give a path relative to the repo's folder"
            )
        for part in reversed(path.parents):
            if part.is_symlink():  # a folder that was too large to take over
                original = part.resolve()
                part.unlink()
                part.mkdir()
                for entry in os.scandir(original):
                    os.symlink(entry.path, part / entry.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            path.unlink()
        return path


def _remove(folder, process):
    if os.getpid() == process:  # not in a forked loader of batches
        shutil.rmtree(folder, ignore_errors=True)


def _mirror(source, target):
    entries = [e for e in os.scandir(source) if not e.name.startswith(".") and e.name not in LEFT_OUT]
    for entry in entries:
        there = target / entry.name
        if entry.is_dir() and not entry.is_symlink() and len(os.listdir(entry.path)) <= MOST_ENTRIES:
            there.mkdir()
            _mirror(Path(entry.path), there)
        elif (
            entry.is_file()
            and not entry.name.endswith((".py", ".ipynb"))
            and entry.stat().st_size <= LARGEST_COPY
        ):
            shutil.copyfile(entry.path, there)
        else:
            os.symlink(entry.path, there)


_next_scratch = []  # the one that the next program will run in


def scratch():
    """The scratch folder of the program that will be started next."""
    if not _next_scratch:
        _next_scratch.append(Scratch())
    return _next_scratch[0]
