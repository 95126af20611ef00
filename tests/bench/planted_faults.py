"""Do simulated users name the fault of a ranking? Faults are planted in a good one of the built-in shop.

    python tests/bench/planted_faults.py [--size demo] [--users 200] [--seeds 10]        some minutes on one core

Each seed is another shop with other users. The good ranking is that of the shop's own chances (`shop_oracle.py`); it must draw
no complaint. Each fault must bring its complaint to the top in at least 9 of 10 seeds. A page that stays the same from visit
to visit shows in sessions alone: there, "the list ran out" must be why most users leave, and rarely so with the good ranking.
Exit code 1 where a fault is named in fewer seeds, or a good ranking is complained of in more than one of 10.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))
import numpy as np
from figures import record
from numpy.typing import NDArray
from shop_oracle import LAST_EVENTS, PRICE, Oracle

from seeds.interactions import Int64, Interactions, Questions
from seeds.shop import make
from seeds.sizes import SIZES
from seeds.split import LeaveLastTwoOut, split
from simulator.pages import PAGE_SIZE
from simulator.population import build_population
from simulator.sessions.figures import figures_of
from simulator.sessions.records import Exit
from simulator.sessions.sessions import gather_participants
from simulator.simulate import ask
from simulator.transitions import Float64

GOOD, SAME_PAGE = "good", "same page every time"
# fault -> the complaints of which one must be the most shared
NAMED_BY: Mapping[str, tuple[str, ...]] = {
    "price ignored": ("missed-price", "overused-price"),
    "one store repeated": ("overused-store",),
    "last events ignored": ("missed-sequence",),
    "best-sellers only": ("overused-popularity",),
    "off-category": ("missed-category",),
}
ENOUGH = 0.9  # of the seeds


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--size", choices=SIZES, default="demo")
    asked.add_argument("--users", type=int, default=200)
    asked.add_argument("--seeds", type=int, default=10)
    options = asked.parse_args()
    told = [_one_seed(options.size, options.users, seed) for seed in range(options.seeds)]
    least = ENOUGH * options.seeds
    named = {
        fault: sum(bool(one[fault]) and next(iter(one[fault])) in codes for one in told)
        for fault, codes in NAMED_BY.items()
    }
    named[SAME_PAGE] = sum(one[SAME_PAGE] > 0.5 > 5 * one["ran out of the good"] for one in told)
    blameless = sum(not one[GOOD] for one in told)
    firsts = {
        fault: dict(Counter(next(iter(one[fault]), "nothing") for one in told)) for fault in (GOOD, *NAMED_BY)
    }
    record(
        f"planted-faults-{options.size}",
        {
            "users": options.users,
            "seeds": options.seeds,
            "named": named,
            "good_without_complaint": blameless,
            "first_complaints": firsts,
            "complaints_by_seed": told,
        },
    )
    return 0 if min(*named.values(), blameless) >= least else 1


def _one_seed(size: str, users: int, seed: int) -> dict[str, Any]:
    """Ranking -> complaint -> its share, most shared first; for SAME_PAGE the share that left because the list ran out."""
    shop = make(size, seed=seed)
    parts = split(shop.interactions, LeaveLastTwoOut())
    training, questions = parts.training, parts.validation
    oracle = Oracle.of(shop, size, seed)
    population = build_population(training, questions, n_users=users, seed=seed)
    who = {persona.user for persona in population.personas}
    told: dict[str, Any] = {}
    for ranking in (GOOD, *NAMED_BY):
        pages = _pages(oracle, ranking, training, questions, who)
        simulation = ask(population, questions=questions, top_items=pages, seed=seed)
        told[ranking] = {one.code: round(one.share, 3) for one in simulation.critiques if not one.positive}
        print(f"seed {seed}, {ranking}: {told[ranking]}", file=sys.stderr, flush=True)
    return told | _sessions(oracle, training, questions, users, seed)


def _pages(
    oracle: Oracle, ranking: str, training: Interactions, questions: Questions, who: set[int]
) -> NDArray[np.int32]:
    """The pages (Q, PAGE_SIZE) of the users who are asked; all others' are empty."""
    pages = np.zeros((len(questions), PAGE_SIZE), dtype=np.int32)
    for row, user in enumerate(questions.users.tolist()):
        if user in who:
            history = questions.history(row)
            pages[row] = best(_scores(oracle, ranking, training, user, history), history, PAGE_SIZE)
    return pages


def best(scores: Float64, history: Int64, k: int) -> Int64:
    """The k best items that the user never had."""
    scores = scores.copy()
    scores[0] = scores[history] = -np.inf
    return np.argsort(-scores, kind="stable")[:k]


def _scores(oracle: Oracle, ranking: str, training: Interactions, user: int, history: Int64) -> Float64:
    if ranking == "price ignored":
        return oracle.chances(user, history, ignored=frozenset({PRICE}))
    if ranking == "last events ignored":
        return oracle.chances(user, history, ignored=frozenset({LAST_EVENTS}))
    if ranking == "best-sellers only":
        return np.bincount(training.items, minlength=training.n_items + 1).astype(np.float64)
    chances = oracle.chances(user, history)
    if ranking == "one store repeated":
        store = oracle.catalog.store[oracle.kept]
        first = best(chances, history, 1)[0]
        return chances + (store == store[first])
    if ranking == "off-category":
        shelf = oracle.catalog.shelf[oracle.kept]
        return chances + ~np.isin(shelf, shelf[history])
    return chances


def _sessions(
    oracle: Oracle, training: Interactions, questions: Questions, users: int, seed: int
) -> dict[str, float]:
    """The shares of users who leave because the list has nothing new."""
    walk = gather_participants(training=training, questions=questions, n_users=users, seed=seed).walk
    first = {
        user: best(oracle.chances(user, walk.questions.history(row)), walk.questions.history(row), PAGE_SIZE)
        for row, user in enumerate(walk.questions.users.tolist())
    }

    def good(page: int, asked: Questions) -> Int64:
        return np.stack(
            [
                best(oracle.chances(user, asked.history(row)), asked.history(row), 100)
                for row, user in enumerate(asked.users.tolist())
            ]
        )

    def same(page: int, asked: Questions) -> Int64:
        return np.stack([first[user] for user in asked.users.tolist()])

    shares = {
        name: round(figures_of(walk.sessions(one), seed).exits[Exit.RAN_OUT].value, 3)
        for name, one in ((SAME_PAGE, same), ("ran out of the good", good))
    }
    print(f"seed {seed}: {shares}", file=sys.stderr, flush=True)
    return shares


if __name__ == "__main__":
    sys.exit(main())
