"""Simulated users on the built-in shop: how well the true drivers of its customers are recovered, and how long asking takes.

    python tests/bench/simulator_drivers.py [--size demo] [--users 200]        seconds, on one thread

A driver is recovered as far as its true strength correlates, over the users of the choice model's panel, with the weight
the model gave them for the column that stands for it. The users are shown pages of the first-order Markov ranker.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))
import numpy as np
from figures import record

from evolution.base import serial
from seeds.references import fit, rank
from seeds.shop import Truth, make
from seeds.sizes import SIZES
from seeds.split import LeaveLastTwoOut, split
from simulator.choice import ChoiceModel
from simulator.population import build_population
from simulator.simulate import simulate

COLUMNS = {
    "taste": "category_labels",
    "price_sensitivity": "cheapness",
    "conformity": "popularity",
    "variety": "variety",
    "loyalty": "store",
}
ROUNDS = 3
LIMIT_S = 5.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", choices=SIZES, default="demo")
    parser.add_argument("--users", type=int, default=200)
    options = parser.parse_args()
    load_before = round(os.getloadavg()[0], 2)
    shop = make(options.size)
    parts = split(shop.interactions, LeaveLastTwoOut())
    pages = rank(fit("markov", parts.training), parts.validation, parts.training.n_items).items
    asked: dict[str, Any] = {"training": parts.training, "questions": parts.validation}
    rounds, cpu_s = [], []
    for _ in range(ROUNDS):
        started = time.process_time()
        rounds.append(simulate(**asked, top_items=pages, n_users=options.users))
        cpu_s.append(time.process_time() - started)
    simulation, wall_s = rounds[-1], [one.wall_s for one in rounds]
    model = build_population(**asked, n_users=options.users, seed=0).model
    record(
        f"simulator-shop-{options.size}",
        {
            "users": simulation.users,
            "load_before": load_before,
            "wall_s": round(min(wall_s), 2),
            "cpu_s": round(min(cpu_s), 2),
            "limit_s": LIMIT_S,
            "fidelity": serial.plain(simulation.fidelity),
            "recovered_drivers": recovered(model, shop.truth),
            "critiques": {critique.code: critique.share for critique in simulation.critiques},
        },
    )
    return 0 if min(wall_s) <= LIMIT_S else 1


def recovered(model: ChoiceModel, truth: Truth) -> dict[str, Any]:
    """Driver -> its correlation with its own column, and the strongest with a column of another driver."""
    found = {}
    for driver, own in COLUMNS.items():
        strengths = truth.drivers[driver][model.users]
        correlations = {
            column: float(np.corrcoef(strengths, model.user_weights[:, model.columns.index(column)])[0, 1])
            for column in COLUMNS.values()
        }
        others = max(value for column, value in correlations.items() if column != own)
        found[driver] = {"correlation": round(correlations[own], 3), "of_others_at_most": round(others, 3)}
    return found


if __name__ == "__main__":
    sys.exit(main())
