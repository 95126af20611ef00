"""How long a large log takes to be read, divided and kept, and to be found again: seconds and memory at its height.

    python tests/bench/loading.py [--events 20000000] [--folder DIR]

Writes a log of the shape of MovieLens 25M (ids, half stars, seconds, a user's events together) once and prepares it as a job
does. The aims: under 60 s and 6 GiB for 20 million events, and under 1 s when it is found again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
sys.path.insert(0, str(Path(__file__).parent))

from figures import record

EVENTS = 20_000_000
PREPARE = """
import json, resource, sys, time
from pathlib import Path
from evolution.repo.config import Config, DataSection, RecommenderSection
from evolution.trials.data import prepare
started = time.perf_counter()
config = Config(recommender=RecommenderSection(entry="model:build"), data=DataSection(source=sys.argv[2]))
data = prepare(config, Path(sys.argv[1]))
events = data.training.n_events
found = {
    "seconds": round(time.perf_counter() - started, 1),
    "gib_at_its_height": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    "training_events": events,
}
print(json.dumps(found))
"""


def write_log(path: Path, n_events: int, piece: int = 2_000_000) -> None:
    import numpy as np
    import polars

    rng = np.random.default_rng(0)
    n_users, n_items = max(10, n_events // 150), max(50, n_events // 400)
    with path.open("wb") as file:
        file.write(b"userId,movieId,rating,timestamp\n")
        for first in range(0, n_events, piece):
            n = min(piece, n_events - first)
            users = (np.arange(first, first + n) * n_users) // n_events + 1
            items = np.minimum(rng.zipf(1.3, n), n_items)
            times = 1_000_000_000 + rng.integers(0, 500_000_000, n)
            frame = {"u": users, "i": items, "r": rng.integers(1, 11, n) / 2, "t": times}
            polars.DataFrame(frame).write_csv(file, include_header=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--folder", type=Path, default=None)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        log = Path(folder) / "ratings.csv"
        write_log(log, chosen.events)
        figures: dict[str, object] = {"events": chosen.events, "megabytes": round(log.stat().st_size / 1e6)}
        for what in ("first", "again"):
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-c", PREPARE, folder, str(log)],
                capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
            )  # fmt: skip
            figures[what] = json.loads(done.stdout) | {
                "whole_process_s": round(time.perf_counter() - started, 1)
            }
    if chosen.events == EVENTS:
        record("loading", figures)
    else:
        print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
