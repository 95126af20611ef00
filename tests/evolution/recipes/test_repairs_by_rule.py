"""Repairs of what static rules find: on strangers' code and on short texts in other styles, the rule is silent afterwards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diagnosis.rules.check import check_sources
from evolution.domain.edits import apply_edits
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext
from tests.evolution.recipes.test_repairs import finding, texts

FOREIGN = Path(__file__).parents[2] / "foreign"
FACTS = Facts(n_users=10, n_items=200)
WHILE = """
import numpy as np


def pairs(rng, events, seen, n_items):
    rows = []
    {head}
        item = rng.integers(1, n_items + 1)
        while item in seen[user]:
            item = rng.integers(1, n_items + 1)
        rows.append((user, positive, item))
    return rows
"""
HELPER = """
import numpy as np


def other(n, mine):
    while True:
        t = np.random.randint(1, n)
        if t not in mine:
            return t


def batch(n, mine, k):
    return {asked}
"""
JUDGE = """
import random


def recall_at(model, users, items, k):
    hits = 0
    for user, goal in users:
        candidates = [goal, *random.sample(items, 99)]
        order = model.score(user, candidates).argsort()
        hits += 0 in order[-k:]
    return hits / len(users)
"""
TOLD = """
def fit(net, loader, opt, log):
    for epoch in range(9):
        running = 0.0
        for x, y in loader:
            opt.zero_grad()
            loss = net.loss(x, y)
            loss.backward()
            opt.step()
            running += loss.item()
        log.append(running / len(loader))
        print("loss: {:.3f}".format(running))
"""


def mended(sources: dict[str, str], repair: str, code: str) -> dict[str, str]:
    """The files after the repair of what the rule found in them. Raises DoesNotFit."""
    found = [(path, line) for path, line in hits(sources, code)]
    assert found
    context = RecipeContext(sources=sources, facts=FACTS, findings=[finding(code, *place) for place in found])
    recipe = next(recipe for recipe in RECIPES if recipe.code == repair)
    return dict(apply_edits(sources, recipe.make(context).edits))


def hits(sources: dict[str, str], code: str) -> list[tuple[str, int]]:
    return [(hit.path, hit.start_line) for hit in check_sources(sources) if hit.code == code]


@pytest.mark.parametrize(
    ("shape", "repair", "code"),
    [
        ("gsasrec", "sum-loss-as-tensor", "loss-read-at-every-step"),
        ("packages", "sum-loss-as-tensor", "loss-read-at-every-step"),
        ("hf_sequence", "sum-loss-as-tensor", "loss-read-at-every-step"),
        ("recbole_custom", "sum-loss-as-tensor", "loss-read-at-every-step"),
        ("sasrec_port", "same-candidates", "candidates-drawn-anew"),
        ("sasrec_port", "draw-at-once", "python-loop-sampling"),
        ("lightgcn", "draw-at-once", "python-loop-sampling"),
        ("neumf", "draw-at-once", "python-loop-sampling"),
    ],
)
def test_a_strangers_code_is_mended(shape: str, repair: str, code: str) -> None:
    sources = texts(FOREIGN / shape)
    after = mended(sources, repair, code)
    assert after != sources and not hits(after, code)
    for path, text in after.items():
        compile(text, path, "exec")


@pytest.mark.parametrize(
    "head", ["for user, positive in events[: len(events)]:", "for user, positive in events:"]
)
def test_only_a_loop_whose_length_is_known_is_drawn_at_once(head: str) -> None:
    with pytest.raises(DoesNotFit):
        mended({"m.py": WHILE.format(head=head)}, "draw-at-once", "python-loop-sampling")


def test_draws_go_to_an_array_as_long_as_the_loop() -> None:
    source = WHILE.format(head="print(len(events))\n    for user, positive in events:")
    after = mended({"m.py": source}, "draw-at-once", "python-loop-sampling")["m.py"]
    assert "drawn = rng.integers(1, n_items + 1, size=len(events))" in after
    assert "for at, (user, positive) in enumerate(events):" in after
    assert "while drawn[at] in seen[user]:\n            drawn[at] = rng.integers(1, n_items + 1)" in after
    assert "item" not in after.replace("n_items", "")


def test_a_helper_that_draws_one_draws_as_many_as_its_callers_want(load: Callable[[str], Any]) -> None:
    source = {"m.py": HELPER.format(asked="[other(n, mine) for _ in range(k)]")}
    module = load(mended(source, "draw-at-once", "python-loop-sampling")["m.py"])
    found = module.batch(8, {1, 2, 3}, 40)
    assert len(found) == 40 and set(found) == {4, 5, 6, 7}


def test_a_helper_that_is_asked_otherwise_stays() -> None:
    with pytest.raises(DoesNotFit):
        mended({"m.py": HELPER.format(asked="other(n, mine)")}, "draw-at-once", "python-loop-sampling")


def test_an_evaluation_draws_from_a_generator_of_its_own() -> None:
    after = mended({"m.py": JUDGE}, "same-candidates", "candidates-drawn-anew")
    assert "rng = random.Random(0)  # the same candidates at each evaluation" in after["m.py"]
    assert "*rng.sample(items, 99)" in after["m.py"] and not hits(after, "candidates-drawn-anew")


def test_a_sum_of_the_loss_is_read_where_a_number_is_asked_for() -> None:
    after = mended({"m.py": TOLD}, "sum-loss-as-tensor", "loss-read-at-every-step")["m.py"]
    assert "running += loss.detach()" in after
    assert "log.append(float(running) / len(loader))" in after
    assert '"loss: {:.3f}".format(running)' in after


def test_a_sum_may_be_begun_beside_others_and_read_already() -> None:
    source = TOLD.replace("running = 0.0", "running, seen = 0.0, 0").replace(
        "log.append(running", "log.append(float(running)"
    )
    assert "running, seen = 0.0, 0" in source and "float(running)" in source
    after = mended({"m.py": source}, "sum-loss-as-tensor", "loss-read-at-every-step")["m.py"]
    assert "running, seen = 0.0, 0" in after and "running += loss.detach()" in after
    assert after.count("float(") == 1
