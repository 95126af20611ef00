"""A worker without a process, in whose place tests say what they like: any document, any bytes, any file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evolution.domain.trial import FailureReason
from evolution.trials import session
from evolution.trials.failing import failed
from evolution.trials.process import Launch, WorkerProcess
from evolution.trials.request import SandboxMode, Supervision, WorkerLimits
from evolution.trials.run import run_trial
from evolution.worker.guest.ranking import top_unseen
from evolution.worker.guest.training_data import QuestionSet

SOURCE = "import numpy as np\n\n\ndef build(data, *, device, seed):\n    return None\n" + "x = 1\n" * 10
WIDTH = 3
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
        {"path": "model.py", "line": 9, "phase": "train", "sampler": "RandomSampler", "batch_size": 8, "rows": 90,
         "drops_last": False, "trained": True}
    ],
    "step_sites": [{"path": "model.py", "line": 10, "type": "Adam"}],
}  # fmt: skip


class Honest:
    """Answers as our own half of a worker does, for a model of random embeddings: what follows is like what was last."""

    def __init__(self, n_items: int) -> None:
        self._size, self._epochs = n_items + 1, 0
        self._rng = np.random.default_rng(0)
        self._table = self._rng.normal(size=(self._size, WIDTH)).astype(np.float32)

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

    def find_bad_value(self, **_: Any) -> dict[str, Any]:
        return {"found": {}}

    def build(self, seed: int) -> dict[str, Any]:
        return {"parameters": 12, "has_state": True}

    def score(self, batch: str, path: str, seed: int | None = None) -> dict[str, Any]:
        histories = np.load(Path(batch, "histories.npy"))
        np.save(path, self.scores_of(histories[:, -1]))
        return {}

    def part(self, **_: Any) -> dict[str, Any]:
        return {"parts": [], "loses": []}

    def changes(self, **_: Any) -> dict[str, Any]:
        return {"changed": []}

    def mode_left(self, **_: Any) -> dict[str, Any]:
        return {"moved": 0, "places": []}

    def padding(self, batch: str) -> dict[str, Any]:
        return {"scores": [None] * len(np.load(Path(batch, "users.npy")))}

    def scores_of(self, last: Any) -> Any:
        """last: int64 (B,), the newest item of each history -> float32 (B, n_items + 1)."""
        return self._table[last] @ self._table.T

    def dense(self, questions: str, path: str) -> dict[str, Any]:
        scores = self.scores_of(QuestionSet(questions).histories(self._rows(questions), 1)[:, 0])
        scores[:, 0] = 0.0
        np.save(path, scores)
        return {"score_s": 0.1}

    def rank(self, questions: str, k: int, folder: str) -> dict[str, Any]:
        asked, rows = QuestionSet(questions), self._rows(questions)
        lists = top_unseen(self.scores_of(asked.histories(rows, 1)[:, 0]), asked.seen(rows), k, rows)
        for name, array in zip(("top_items", "top_scores", "top_ties"), lists):
            np.save(Path(folder, f"{name}.npy"), array)
        return {"score_s": 0.1}

    @staticmethod
    def _rows(questions: str) -> Any:
        return np.arange(len(np.load(Path(questions, "users.npy"))))

    def embeddings(self, path: str) -> dict[str, Any]:
        np.save(path, self._table)
        return {"offered": True}

    def epoch(self) -> dict[str, Any]:
        self._epochs += 1
        reported = {"loss": 1.0 / self._epochs} if self._epochs <= 3 else None
        return {"reported": reported, "steps": 0}

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
        self._asked = 0

    @property
    def peak_memory_bytes(self) -> int:
        return 0

    def left_s(self) -> float:
        return 3600.0

    def _send(self, request: bytes, wanted: str) -> None:
        asked = json.loads(request)
        honest = {"ok": getattr(self._worker, asked["do"])(**asked["with"])}
        line = self._forge(wanted, honest, Path(self._launch.cwd, "wire"))
        number = f'"id": {asked["id"]}'.encode()
        self._answer = self._numbered(line, number)

    @staticmethod
    def _numbered(line: bytes, number: bytes) -> bytes:
        """Forgers know the number of the question as well."""
        if line == b"{}":
            return b"{" + number + b"}"
        return b"{" + number + b", " + line[1:] if line.startswith(b'{"') and b'"id"' not in line else line

    def _line(self, wanted: str) -> bytes:
        if b"\n" in self._answer:
            raise failed(FailureReason.CRASH, "two lines, of which the second would be the next reply")
        return self._answer

    def cpu_s(self) -> float:
        return 0.0

    def end(self) -> None:
        pass


def honest(wanted: str, reply: dict[str, Any], wire: Path) -> bytes:
    return json.dumps(reply).encode()


@pytest.fixture
def forge(bench, monkeypatch):
    """Call it with what is forged: the trial that comes of it. work: what is asked. kind: of worker."""

    def run(forging=honest, work=run_trial, kind=Honest) -> Any:
        bench.write(SOURCE)
        request = bench.request(sandbox=SandboxMode.NONE, max_epochs=4)
        worker = kind(request.data.training.n_items)
        monkeypatch.setattr(
            session, "WorkerProcess", lambda *given: ForgedProcess(*given, worker=worker, forge=forging)
        )
        return work(request, Supervision())

    return run
