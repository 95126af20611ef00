"""What holding a worker to its limits costs, and how far a worker that takes memory as fast as it can gets past its limit.

    python tests/bench/limits.py        under two minutes

`cpu_share`: of one core, that the job spends on watching a worker that does nothing. `overshoot_mb`: the worker's peak of
resident memory beyond its limit, the highest of the tries; the attack takes 2 GB at the speed of the kernel.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
from figures import record

from evolution.trials.enforcement import limits_in_words
from evolution.trials.failing import TrialFailed
from evolution.trials.process import Launch, WorkerProcess
from evolution.trials.request import Enforcement, WorkerLimits

LIMIT_BYTES = 256 << 20
WATCHED_S = 10.0
TRIES = 5
IDLE = {
    "one process": "import numpy",
    "one process with torch": "import torch",
    "17 processes": "import os; _ = [os.fork() or time.sleep(60) for _ in range(16)]",
    "one process, 1,000 open files": "import os; kept = [os.open(os.devnull, 0) for _ in range(1000)]",
}
ATTACKS = {
    "fresh pages": "import numpy; kept = numpy.ones((2 << 30) // 8)",
    "a file in memory": "import os; kept = os.memfd_create('x'); block = bytes(16 << 20); _ = [os.write(kept, block) for _ in range(128)]",
}


def main() -> None:
    if len(sys.argv) > 1:
        print(
            json.dumps({"idle": _idle, "attack": _attack}[sys.argv[1]](sys.argv[2], Enforcement(sys.argv[3])))
        )
        return
    watching = {
        what: {mode.value: _apart("idle", what, mode)["cpu_share"] for mode in Enforcement} for what in IDLE
    }
    figures = {
        "auto": limits_in_words(),
        "cpu_share": watching,
        "limit_mb": LIMIT_BYTES >> 20,
        "attacks": {what: {mode.value: _worst(what, mode) for mode in Enforcement} for what in ATTACKS},
    }
    record("limits", figures)


def _worst(what: str, mode: Enforcement) -> dict[str, Any]:
    tries = [_apart("attack", what, mode) for _ in range(TRIES)]
    return {
        "overshoot_mb": max(found["overshoot_mb"] for found in tries),
        "seconds_to_its_end": max(found["seconds"] for found in tries),
        "reasons": sorted({found["reason"] for found in tries}),
    }


def _apart(kind: str, what: str, mode: Enforcement) -> dict[str, Any]:
    """In a process of its own, whose children are the worker alone."""
    command = [sys.executable, __file__, kind, what, mode.value]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def _idle(what: str, mode: Enforcement) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        began = WATCHED_S / 5
        with _worker(Path(folder), IDLE[what], mode, memory_bytes=4 << 30) as process:
            process._deadline = time.monotonic() + 2 * began
            _until_its_end(process)
            process._deadline = time.monotonic() + WATCHED_S
            cpu_s = time.process_time()
            _until_its_end(process)
            return {"cpu_share": round((time.process_time() - cpu_s) / WATCHED_S, 4)}


def _attack(what: str, mode: Enforcement) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        with _worker(Path(folder), ATTACKS[what], mode, memory_bytes=LIMIT_BYTES) as process:
            reason = _until_its_end(process)
            peak = process.peak_memory_bytes
    resident = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
    return {
        "overshoot_mb": max(0, max(peak, resident) - LIMIT_BYTES) >> 20,
        "seconds": round(time.monotonic() - started, 2),
        "reason": reason,
    }


def _until_its_end(process: WorkerProcess) -> str:
    try:
        process.ask("anything")
    except TrialFailed as failed:
        return failed.failure.reason.value
    raise AssertionError("the worker never answers")


def _worker(folder: Path, code: str, mode: Enforcement, *, memory_bytes: int) -> WorkerProcess:
    launch = Launch(
        command=[sys.executable, "-c", f"import time; {code}; time.sleep(60)"],
        environment={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
        cwd=folder,
        log=folder / "log",
        writable=[folder],
        confined=False,
        token=uuid.uuid4().hex,
    )
    limits = WorkerLimits(timeout_s=60.0, memory_bytes=memory_bytes, enforcement=mode)
    return WorkerProcess(launch, limits, lambda: False)


if __name__ == "__main__":
    main()
