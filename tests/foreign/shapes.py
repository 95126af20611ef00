"""The shapes: repos of strangers, each with a log in its own format and the command that trains it.

A shape is copied to a folder of its own (`fresh`) before anything runs, as its programs write beside themselves.
"""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from seeds.interactions import Interactions

HERE = Path(__file__).parent
_LEFT = shutil.ignore_patterns("__pycache__", ".evolverec")


@dataclass(frozen=True, kw_only=True)
class Shape:
    """One repo. `train` and `prepare` are arguments of python; `quick` ends the training soon."""

    name: str
    words: str  # what kind of repo it is
    log: str  # where the log lies that its author would show, relative to the repo
    write: Callable[[Path, Interactions], None]  # the log in the repo's own format
    train: tuple[str, ...]
    folder: str = "."  # where its commands are given
    prepare: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    path: str = ""  # what its installation would put on the module path

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
            env={"PATH": os.environ["PATH"], "OMP_NUM_THREADS": "1", "PYTHONPATH": str(repo / self.path)},
            timeout=120,
        )
        if done.returncode:
            raise RuntimeError(
                f"{self.name}: {' '.join(arguments)}\n{done.stdout[-500:]}\n{done.stderr[-3000:]}"
            )
        return done.stdout + done.stderr


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


def _inter(path: Path, log: Interactions) -> None:
    """RecBole's atomic files: events in any order, and a user's segment."""
    rows = sorted(_rows(log), key=lambda row: (row[2], row[0]))
    lines = [f"u{u}\ti{i}\t{t}.0\n" for u, i, t in rows]
    path.write_text("user_id:token\titem_id:token\ttimestamp:float\n" + "".join(lines))
    users = [f"u{u}\t{'abc'[u % 3]}\n" for u in range(1, log.n_users + 1)]
    path.with_suffix(".user").write_text("user_id:token\tsegment:token\n" + "".join(users))
    _benchmark(path, log)


def _benchmark(path: Path, log: Interactions) -> None:
    """The same log as a benchmark that is split: a target a row, with the list before it."""
    parts: dict[str, list[str]] = {"train": [], "valid": [], "test": []}
    by_user: dict[int, list[int]] = {}
    for u, i, _ in _rows(log):
        by_user.setdefault(u, []).append(i)
    for u, mine in by_user.items():
        for end in range(1, len(mine)):
            part = "train" if end < len(mine) - 2 else "valid" if end == len(mine) - 2 else "test"
            past = " ".join(f"i{i}" for i in mine[:end])
            parts[part].append(f"u{u}\t{past}\ti{mine[end]}\n")
    head = "user_id:token\titem_id_list:token_seq\titem_id:token\n"
    for part, lines in parts.items():
        path.with_name(f"{path.stem}.{part}.inter").write_text(head + "".join(lines))


def _frames(path: Path, log: Interactions) -> None:
    """Events with dates, and items with categories."""
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["user_id", "item_id", "datetime", "weight"])
        for u, i, t in _rows(log):
            when = datetime.fromtimestamp(t, UTC).strftime("%Y-%m-%d %H:%M:%S")
            out.writerow([u + 100, f"item-{i}", when, 1])
    with path.with_name("items.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["item_id", "category"])
        for i, categories in enumerate(log.item_columns.categories):
            if i:
                out.writerow([f"item-{i}", categories[-1] if categories else "none"])


def _udata(path: Path, log: Interactions) -> None:
    path.write_text("".join(f"{u}\t{i}\t5\t{t}\n" for u, i, t in _rows(log)))


def _visitors(path: Path, log: Interactions) -> None:
    rows = sorted(_rows(log), key=lambda row: (row[2], row[0]))
    lines = [json.dumps({"visitor": f"v{u}", "product": f"p{i}", "ts": t}) + "\n" for u, i, t in rows]
    path.write_text("".join(lines))


def _purchases(path: Path, log: Interactions) -> None:
    lines = [f"{u}\t{i + 5000}\t{t}\n" for u, i, t in _rows(log)]
    path.write_text("customer\tarticle\tt_dat\n" + "".join(lines))


# Its cells as Jupyter would run them; lines of the shell and magics are not for us.
_CELLS = """
import json
program = []
for cell in json.load(open("autoencoder.ipynb"))["cells"]:
    if cell["cell_type"] == "code":
        program += [line.rstrip("\\n") for line in cell["source"] if line[0] not in "!%"]
exec(compile("\\n".join(program), "autoencoder.ipynb", "exec"), {"__name__": "__main__"})
"""

SHAPES = (
    Shape(
        name="sasrec_port",
        words="A SASRec port: one script, one user at a time, batches from processes",
        log="python/data/shop.txt",
        write=_pairs,
        folder="python",
        train=("main.py", "--dataset=shop", "--train_dir=first", "--maxlen=30", "--device=cpu"),
        quick=("--num_epochs=20",),
    ),
    Shape(
        name="gsasrec",
        words="gSASRec: preprocessed text files, a padding id behind the items",
        log="datasets/shop/ratings.csv",
        write=_ratings,
        prepare=("preprocess.py", "datasets/shop/ratings.csv", "datasets/shop"),
        train=("train.py", "--config", "config_shop.py"),
    ),
    Shape(
        name="lightgcn",
        words="LightGCN: settings in globals, ids from 0, scores by user",
        log="data/shop/train.txt",
        write=_lists,
        folder="code",
        train=("main.py", "--dataset=shop"),
        quick=("--epochs=11",),
    ),
    Shape(
        name="neumf",
        words="NeuMF: pairs, and negatives in a file of the repo's own",
        log="ratings.dat",
        write=_colons,
        prepare=("make_data.py", "ratings.dat"),
        train=("main.py",),
        quick=("--epochs=1",),
    ),
    Shape(
        name="recbole_custom",
        words="A model on RecBole's interfaces, by configuration",
        log="dataset/shop/shop.inter",
        write=_inter,
        train=("run.py", "--config", "config/shop.yaml"),
        quick=("--epochs=2",),
    ),
    Shape(
        name="frames",
        words="Data frames, a trainer with callbacks, `recommend()`",
        log="data/events.csv",
        write=_frames,
        train=("train.py", "--events", "data/events.csv", "--items", "data/items.csv"),
        quick=("--max-epochs=3", "--out=lists.csv"),
    ),
    Shape(
        name="mf_numpy",
        words="Matrix factorisation in numpy",
        log="u.data",
        write=_udata,
        train=("mf.py", "u.data"),
        quick=("--sweeps=3",),
    ),
    Shape(
        name="hf_sequence",
        words="Hugging Face style: config, collator, `Trainer`",
        log="data/events.csv",
        write=_ratings,
        prepare=("make_sequences.py", "data/events.csv", "data/sequences.jsonl"),
        train=("run_train.py", "--train_file", "data/sequences.jsonl"),
        quick=("--num_train_epochs=2",),
    ),
    Shape(
        name="packages",
        words="Several packages under `src/`, with a command",
        log="data/events.jsonl",
        write=_visitors,
        train=("-m", "shoptrain", "--config", "configs/small.toml"),
        quick=("--set", "train.epochs=3"),
        path="src",
    ),
    Shape(
        name="notebook",
        words="A notebook",
        log="purchases.tsv",
        write=_purchases,
        train=("-c", _CELLS),
    ),
)


def shape(name: str) -> Shape:
    """The shape of that name; KeyError where there is none."""
    return {each.name: each for each in SHAPES}[name]
