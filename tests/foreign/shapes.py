"""The shapes: repos of strangers, each with a log in its own format and the command that trains it.

A shape is copied to a folder of its own (`fresh`) before anything runs, as its programs write beside themselves.
"""

import csv
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from seeds.interactions import Interactions

HERE = Path(__file__).parent
_LEFT = shutil.ignore_patterns("__pycache__", ".evolverec")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One repo. `train` and `prepare` are arguments of python; `quick` ends the training soon."""

    name: str
    log: str  # where the log lies that its author would show, relative to the repo
    write: Callable[[Path, Interactions], None]  # the log in the repo's own format
    train: tuple[str, ...]
    folder: str = "."  # where its commands are given
    prepare: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()

    def fresh(self, to: Path, log: Interactions) -> Path:
        """A copy at `to` with a log, prepared as its README says."""
        shutil.copytree(HERE / self.name, to, ignore=_LEFT)
        path = to / self.log
        path.parent.mkdir(parents=True, exist_ok=True)
        self.write(path, log)
        if self.prepare:
            self.run(to, self.prepare)
        return to

    def run(self, repo: Path, arguments: Sequence[str]) -> str:
        """What the command prints; raises with its words where it fails."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=repo / self.folder,
            capture_output=True,
            text=True,
            env={"PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(arguments)}\n{done.stdout[-500:]}\n{done.stderr[-3000:]}")
        return done.stdout


def _rows(log: Interactions) -> list[tuple[int, int, int]]:
    """(user, item, seconds), by user and time."""
    times = log.timestamps if log.timestamps is not None else range(len(log.items))
    return [(int(u), int(i), int(t)) for u, i, t in zip(log.users, log.items, times)]


def _pairs(path: Path, log: Interactions) -> None:
    path.write_text("".join(f"{u} {i}\n" for u, i, _ in _rows(log)))


def _ratings(path: Path, log: Interactions) -> None:
    """Tokens of a shop: neither whole numbers nor in order of appearance."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user_id", "item_id", "timestamp"])
        out.writerows((f"u{u:05d}", f"B{i * 7919 % 10007:05d}", t) for u, i, t in _rows(log))


def _lists(path: Path, log: Interactions) -> None:
    """All but the last event of a user in train.txt, that one in test.txt, ids from 0."""
    by_user: dict[int, list[int]] = {}
    for u, i, _ in _rows(log):
        by_user.setdefault(u - 1, []).append(i - 1)
    path.write_text("".join(f"{u} {' '.join(map(str, mine[:-1]))}\n" for u, mine in by_user.items()))
    path.with_name("test.txt").write_text("".join(f"{u} {mine[-1]}\n" for u, mine in by_user.items()))


def _colons(path: Path, log: Interactions) -> None:
    (path.parent / "Data").mkdir(exist_ok=True)
    path.write_text("".join(f"{u}::{i}::5::{t}\n" for u, i, t in _rows(log)))


SHAPES = (
    Shape(
        name="sasrec_port",
        log="python/data/shop.txt",
        write=_pairs,
        folder="python",
        train=("main.py", "--dataset=shop", "--train_dir=first", "--maxlen=30", "--device=cpu"),
        quick=("--num_epochs=20",),
    ),
    Shape(
        name="gsasrec",
        log="datasets/shop/ratings.csv",
        write=_ratings,
        prepare=("preprocess.py", "datasets/shop/ratings.csv", "datasets/shop"),
        train=("train.py", "--config", "config_shop.py"),
    ),
    Shape(
        name="lightgcn",
        log="data/shop/train.txt",
        write=_lists,
        folder="code",
        train=("main.py", "--dataset=shop"),
        quick=("--epochs=11",),
    ),
    Shape(
        name="neumf",
        log="ratings.dat",
        write=_colons,
        prepare=("make_data.py", "ratings.dat"),
        train=("main.py",),
        quick=("--epochs=1",),
    ),
)


def shape(name: str) -> Shape:
    """The shape of that name; KeyError where there is none."""
    return {each.name: each for each in SHAPES}[name]
