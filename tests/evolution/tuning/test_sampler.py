"""Settings are drawn by TPE: the same for the same tries, never twice, within their ranges, and better with every try."""

import math

from evolution.tuning.sampler import Tried, suggest
from evolution.tuning.space import find_space

TEXT = "LR = 0.001\nDROPOUT = 0.2\nWEIGHT_DECAY = 0.0\nNEGATIVES = 4\nuse(LR, DROPOUT, WEIGHT_DECAY, NEGATIVES)\n"
SPACE = find_space({"main.py": TEXT}, entry="main:build", editable=("*.py",))


def objective(values) -> float:
    rate, dropout, _, negatives = values
    return 1 - abs(math.log10(rate) + 2.3) - abs(dropout - 0.5) + 0.1 * math.log(negatives)


def searched(rounds: int, seed: int) -> list[Tried]:
    tried = [Tried(values=SPACE.values, objective=objective(SPACE.values))]
    for _ in range(rounds):
        drawn = suggest(SPACE, tried, count=2, seed=seed)
        tried += [Tried(values=values, objective=objective(values)) for values in drawn]
    return tried


def test_the_same_tries_and_seed_give_the_same_settings():
    tried = searched(3, seed=1)
    assert searched(3, seed=1) == tried and searched(2, seed=1) == tried[:5]
    assert suggest(SPACE, tried, count=2, seed=2) != suggest(SPACE, tried, count=2, seed=1)


def test_settings_are_within_their_ranges_and_never_tried_twice():
    tried = searched(8, seed=0)
    assert len({one.values for one in tried}) == len(tried) == 17
    for one in tried:
        assert all(d.range.holds(value) for d, value in zip(SPACE.dimensions, one.values))
        assert isinstance(one.values[3], int)


def test_the_search_finds_better_settings_than_it_began_with():
    for seed in range(3):
        tried = searched(8, seed=seed)
        assert max(one.objective for one in tried) > tried[0].objective + 0.3


def test_a_small_space_is_used_up():
    space = find_space({"main.py": "N_LAYERS = 2\nuse(N_LAYERS)\n"}, entry="main:build", editable=("*.py",))
    tried = [Tried(values=(2,), objective=0.0)]
    drawn = suggest(space, tried, count=5, seed=0)
    assert sorted(drawn) == [(1,), (3,)]
