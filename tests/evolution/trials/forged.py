"""A worker without a process, in whose place tests say what they like: any document, any bytes, any file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from evolution.domain.trial import FailureReason
from evolution.trials.failing import failed
from evolution.trials.process import Launch, WorkerProcess
from evolution.trials.request import WorkerLimits

TRACE: dict[str, Any] = {
    "format": 1,
    "kind": "torch",
    "note": "",
    "error": "",
    "seconds": 0.1,
    "steps": 2,
    "score": {"sources": ["o2"], "shape": [4, 9], "requires_grad": False},
    "executed": {"model.py": [1, 2, 3]},
    "executed_training": {"model.py": [2, 3]},
    "ops": [
        {
            "phase": phase, "function": function, "path": "model.py", "line": line, "scope": "fit", "inputs": inputs,
            "in": [[9, 4]], "out": [[4]], "dtype": "float32", "scalars": {"0": 1, "training": True}, "count": 3,
        }
        for phase, function, line, inputs in (
            ("build", "normal_", 2, [["p0"]]),
            ("train", "embedding", 3, [["p0"], []]),
            ("score", "matmul", 5, [["p0"], ["o1"]]),
            ("train", "cross_entropy", 6, [["o1"]]),
            ("train", "backward", 7, [["o3"]]),
        )
    ],
    "parameters": [
        {"path": "model.py", "line": 2, "shape": [9, 4], "name": "items.weight", "module": 0, "data": "o0"}
    ],
    "modules": [{"type": "Embedding", "path": "model.py", "line": 2, "name": "items", "library": True}],
    "optimizers": [
        {"type": "Adam", "path": "model.py", "line": 8, "defaults": {"lr": 0.1, "betas": [0.9, 0.98]}, "groups": 1,
         "parameters": ["p0"]}
    ],
    "loaders": [
        {"path": "model.py", "line": 9, "phase": "train", "sampler": "RandomSampler", "batch_size": 8, "trained": True}
    ],
    "step_sites": [{"path": "model.py", "line": 10, "type": "Adam"}],
}  # fmt: skip


class Honest:
    """Answers as our own half of a worker does, for a model of random scores."""

    def __init__(self, n_items: int) -> None:
        self._size, self._epochs = n_items + 1, 0
        self._rng = np.random.default_rng(0)
        self._table = self._rng.normal(size=(self._size, self._size)).astype(np.float32)

    def enter(self, **_: Any) -> dict[str, Any]:
        return {"python": "3.11.7", "numpy": "2.0.0", "pid": 7}

    def watch(self) -> dict[str, Any]:
        return {}

    def load(self, **_: Any) -> dict[str, Any]:
        return {"torch": "", "gpu": ""}

    def smoke(self, **_: Any) -> dict[str, Any]:
        return {"trace": TRACE}

    def walk(self, **_: Any) -> dict[str, Any]:
        return {"executed": {"model.py": [1, 2]}, "stopped": [["model.py", 3]], "reported": [{"loss": 1.0}]}

    def build(self, seed: int) -> dict[str, Any]:
        return {"seconds": 0.1, "parameters": 12, "has_state": True}

    def score(self, batch: str, path: str) -> dict[str, Any]:
        histories = np.load(Path(batch, "histories.npy"))
        np.save(path, self._table[histories[:, -1]])
        return {}

    def dense(self, questions: str, path: str) -> dict[str, Any]:
        np.save(path, self._table[np.arange(len(np.load(Path(questions, "users.npy")))) % self._size])
        return {"score_s": 0.1}

    def rank(self, questions: str, k: int, folder: str) -> dict[str, Any]:
        """The first unseen items, with falling scores."""
        users, items, offsets = (np.load(Path(questions, f"{n}.npy")) for n in ("users", "items", "offsets"))
        top = np.zeros((len(users), k), np.int32)
        for row in range(len(users)):
            unseen = np.setdiff1d(np.arange(1, self._size), items[offsets[row] : offsets[row + 1]])[:k]
            top[row, : len(unseen)] = unseen
        scores = np.where(top > 0, -np.arange(k, dtype=np.float32), -np.inf).astype(np.float32)
        ties = np.where((top[:, -1:] > 0), 1, 0).repeat(2, axis=1).astype(np.int32)
        for name, array in (("top_items", top), ("top_scores", scores), ("top_ties", ties)):
            np.save(Path(folder, f"{name}.npy"), array)
        return {"score_s": 0.1}

    def embeddings(self, path: str) -> dict[str, Any]:
        np.save(path, self._table[:, :3])
        return {"offered": True}

    def epoch(self) -> dict[str, Any]:
        self._epochs += 1
        reported = {"loss": 1.0 / self._epochs} if self._epochs <= 3 else None
        return {"reported": reported, "fit_s": 0.1, "fit_cpu_s": 0.1}

    def keep(self) -> dict[str, Any]:
        return {}

    restore = keep

    def save_state(self, path: str) -> dict[str, Any]:
        Path(path).write_bytes(b"state")
        return {}

    def load_state(self, path: str) -> dict[str, Any]:
        return {}

    def memory(self) -> dict[str, Any]:
        return {"peak_bytes": 1 << 20, "gpu_peak_bytes": 0}


Forge = Callable[
    [str, dict[str, Any], Path], bytes
]  # request, the honest reply, the wire's folder -> the line sent


class ForgedProcess(WorkerProcess):
    """Everything of a worker's process but the process: what it reads is what `forge` makes of an honest reply."""

    def __init__(
        self, launch: Launch, limits: WorkerLimits, cancelled: Any, *, worker: Honest, forge: Forge
    ) -> None:
        self._launch, self._worker, self._forge = launch, worker, forge
        self._answer = b""
        self._group = None

    @property
    def peak_memory_bytes(self) -> int:
        return 0

    def _send(self, request: bytes, wanted: str) -> None:
        asked = json.loads(request)
        honest = {"ok": getattr(self._worker, asked["do"])(**asked["with"])}
        self._answer = self._forge(wanted, honest, Path(self._launch.cwd, "wire"))

    def _line(self, wanted: str) -> bytes:
        if b"\n" in self._answer:
            raise failed(FailureReason.CRASH, "two lines, of which the second would be the next reply")
        return self._answer

    def end(self) -> None:
        pass
