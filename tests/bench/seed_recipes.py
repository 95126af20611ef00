"""Which recipe fits which seed: each is tried on each, and what fits trains one epoch on the smallest shop.

    python tests/bench/seed_recipes.py        about two minutes

The table is also what tests/evolution/recipes/test_on_seeds.py holds the recipes to.
"""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent))
from figures import ROOT, record

sys.path.insert(0, str(ROOT))
import torch

from seeds.new import seed_names
from seeds.shop import make
from seeds.split import LeaveLastTwoOut, split
from tests.evolution.recipes.on_seeds import context_of, tried


def main() -> None:
    torch.set_num_threads(1)
    training = split(make("micro").interactions, LeaveLastTwoOut()).training
    table = {}
    for seed in seed_names():
        with TemporaryDirectory() as scratch:
            table[seed] = tried(context_of(seed, training), Path(scratch), training)
    record("seed-recipes", {"data": "shop-micro, one epoch of each", "seeds": table})


if __name__ == "__main__":
    main()
