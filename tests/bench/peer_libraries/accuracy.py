"""Seeds against the same models of peer libraries: same split, same settings, same stopping, one ranking.

Each side is trained with several training seeds. What is compared is NDCG@10 on test, each user's mean over the seeds
of a side, paired over users.
"""

import ast
import hashlib
import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evolution.base import serial
from evolution.trials.bootstrap import mean_interval, pooled_paired_interval
from seeds.split import Split

from .environments import CONSTRAINTS, OURS, interpreter
from .handover import ndcg, write_split
from .matches import MATCHES, Contender, Match
from .training import Stopping

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
FLOOR = -0.03  # of the interval of the difference, as a share of the peer's figure
MAX_HISTORY = 50


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How a comparison is made.

    folder: where environments and what was trained stay, so that nothing is trained twice
    numbers: the training seeds. threads: of each training
    """

    folder: Path
    data: str
    numbers: tuple[int, ...]
    stopping: Stopping
    threads: int


def compared(plan: Plan, names: Sequence[str], parts: Split) -> dict[str, Any]:
    """The figures of each match that is named, by name."""
    handed = plan.folder / "handed" / plan.data
    write_split(parts, handed)
    return {name: _match(plan, MATCHES[name], handed, parts) for name in names}


def _match(plan: Plan, match: Match, handed: Path, parts: Split) -> dict[str, Any]:
    sides = {
        side: [_side(plan, match, contender, number, handed, parts) for number in plan.numbers]
        for side, contender in (("ours", match.ours), ("peer", match.peer))
    }
    ours, peer = ([one["per_user"] for one in sides[side]] for side in ("ours", "peer"))
    change = pooled_paired_interval(ours, peer, 0)
    level = float(np.mean(peer))
    figures = {
        side: _figures(contender, sides[side])
        for side, contender in (("ours", match.ours), ("peer", match.peer))
    }
    relative = {name: round(getattr(change, name) / level, 4) for name in ("value", "low", "high")}
    return {
        **figures,
        "difference": serial.plain(change),
        "relative": relative,
        "holds": relative["low"] >= FLOOR,
        "training_seeds": len(plan.numbers),
        "patience": plan.stopping.patience,
    }


def _figures(contender: Contender, runs: list[dict[str, Any]]) -> dict[str, Any]:
    pooled = np.mean([run["per_user"] for run in runs], axis=0)
    return {
        "library": contender.library,
        "model": contender.model,
        "note": contender.note,
        "test": serial.plain(mean_interval(pooled, 0)),
        "test_of_each": [round(float(run["per_user"].mean()), 5) for run in runs],
        "validation_of_each": [round(max(run["curve"]), 5) for run in runs],
        "epochs": [len(run["curve"]) for run in runs],
        "s_per_epoch": [round(run["train_s"] / len(run["curve"]), 2) for run in runs],
    }


def _side(
    plan: Plan, match: Match, contender: Contender, number: int, handed: Path, parts: Split
) -> dict[str, Any]:
    """One training, or what is stored of it: its curve and seconds, and NDCG@10 of each test question."""
    job = {
        **asdict(contender),
        "seed": match.seed,
        "number": number,
        **asdict(plan.stopping),
        "threads": plan.threads,
        "max_history": MAX_HISTORY,
        "handed": str(handed),
    }
    place = _place(plan, job, contender, match.seed)
    if not (place / "trained.json").exists():
        print(f"== {plan.data}: {contender.library} {contender.model}, training seed {number}", flush=True)
        _train(plan, job, contender.library, place)
    trained = json.loads((place / "trained.json").read_text(encoding="utf-8"))
    return {**trained, "per_user": _per_user(place, parts)}


def _place(plan: Plan, job: dict[str, Any], contender: Contender, seed: str) -> Path:
    """Where a training's result stands, or will."""
    name = f"{contender.library}-{contender.model}".replace(" ", "-").lower()
    return plan.folder / "trained" / plan.data / f"{name}-{job['number']}-{_key(job, contender, seed)}"


def _per_user(place: Path, parts: Split) -> NDArray[np.float64]:
    return ndcg(np.load(place / "test.npy", mmap_mode="r"), parts.test)


def _train(plan: Plan, job: dict[str, Any], library: str, place: Path) -> None:
    """Raises SystemExit with what the process said if it failed."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "job.json").write_text(json.dumps(job), encoding="utf-8")
    python = interpreter(library, plan.folder / "environments")
    log = place / "log.txt"
    with log.open("w", encoding="utf-8") as stream:
        command = [str(python), "-m", "peer_libraries.worker", "train", "job.json"]
        ended = subprocess.run(command, cwd=place, env=environment(plan.threads), stderr=stream, check=False)
    if ended.returncode:
        raise SystemExit(
            f"{library} {job['model']} failed; see {log}:\n{log.read_text(encoding='utf-8')[-2000:]}"
        )


def environment(threads: int) -> dict[str, str]:
    """Of a library's process: our tree and this folder on the module path."""
    path = os.pathsep.join([str(ROOT), str(HERE.parent)])
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": str(threads)}


def _key(job: dict[str, Any], contender: Contender, seed: str) -> str:
    """Changes with whatever changes a result: the job, the seed's code, or the code and versions that drive the peer."""
    folder = ROOT / "seeds" / "repos" / seed
    if contender.library == OURS:
        code = sorted(folder.glob("*.py"))
    else:
        code = [HERE / f"with_{contender.library}.py", folder / "recommender.py"]  # its settings
    told = {name: entry for name, entry in job.items() if name not in ("note", "handed", "threads")}
    read = [json.dumps(told, sort_keys=True), *(_meaning(path) for path in code)]
    if contender.library != OURS:
        read.append(CONSTRAINTS.read_text(encoding="utf-8"))
    return hashlib.sha256("\n".join(read).encode()).hexdigest()[:10]


def _meaning(path: Path) -> str:
    """The syntax of a file, which neither layout nor comments change."""
    return ast.dump(ast.parse(path.read_text(encoding="utf-8")))
