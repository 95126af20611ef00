"""Repairs on the rules' own examples: what is mended is silent afterwards, and what is healthy or unknown stays as it is."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from diagnosis.rules.check import check_sources
from evolution.domain.edits import apply_edits
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext
from tests.diagnosis.test_rule_examples import examples
from tests.evolution.recipes.test_repairs import finding

FACTS = Facts(n_users=10, n_items=200)
BAD = "bad"


def accused(text: str, code: str) -> list[int]:
    return [hit.start_line for hit in check_sources({"m.py": text}) if hit.code == code]


def mended(repair: str, code: str, text: str) -> str:
    """The text after the repair of all that the rule finds in it. Raises DoesNotFit."""
    return at_lines(repair, code, text, accused(text, code))


def at_lines(repair: str, code: str, text: str, lines: list[int]) -> str:
    sources = {"m.py": text}
    findings = [finding(code, "m.py", line) for line in lines]
    recipe = next(recipe for recipe in RECIPES if recipe.code == repair)
    return apply_edits(
        sources, recipe.make(RecipeContext(sources=sources, facts=FACTS, findings=findings)).edits
    )["m.py"]


@pytest.mark.parametrize(
    ("repair", "code", "least"),
    [
        ("keep-the-parameter", "parameter-lost", 2),
        ("begin-apart", "tables-begin-alike", 7),
        ("negate-the-likelihood", "likelihood-minimised", 4),
        ("mean-once", "mean-divided-again", 2),
        ("arguments-in-order", "arguments-swapped", 3),
        ("likelihood-of-logits", "likelihood-of-scores", 3),
        ("divide-by-temperature", "temperature-multiplied", 3),
        ("term-as-tensor", "term-as-number", 3),
        ("not-its-own-negative", "self-among-negatives", 2),
        ("clip-in-time", "clipped-in-vain", 2),
        ("one-optimizer", "optimizer-recreated", 2),
        ("train-again", "train-forgotten", 3),
        ("call-the-method", "not-called", 1),
        ("copy-the-state", "state-kept-by-reference", 6),
        ("seed-once", "reseeded-in-training", 3),
        ("schedule-each-epoch", "decay-at-every-batch", 5),
        ("step-the-schedule", "schedule-never-stepped", 1),
        ("mask-seen-wholly", "seen-masked-weakly", 3),
        ("turn-the-mask", "mask-misread", 4),
        ("drop-the-rate", "dropout-keeps-rate", 3),
        ("drop-less", "dropout-drops-most", 2),
        ("keep-the-result", "result-dropped", 7),
        ("add-every-update", "updates-lost", 2),
        ("draw-collisions-again", "redraw-skipped", 3),
        ("times-in-double", "timestamps-in-float32", 8),
        ("bend-between-layers", "activation-missing", 5),
        ("count-to-k", "cutoff-off-by-one", 4),
        ("best-first", "worst-ranked-first", 3),
    ],
)
def test_bad_examples_are_mended_and_the_rule_is_silent(repair: str, code: str, least: int) -> None:
    done = 0
    for known, word, marked in examples():
        text = marked.replace("  # here", "")
        if known != code or word != BAD:
            continue
        try:
            after = mended(repair, code, text)
        except DoesNotFit:
            continue  # a shape that it does not know is left alone
        compile(after, "m.py", "exec")
        assert not accused(after, code), after
        done += 1
    assert done >= least


def test_a_product_without_a_temperature_is_left_alone() -> None:
    text = "def scores(a, b, weight):\n    return (a @ b.T) * weight\n"
    with pytest.raises(DoesNotFit):
        at_lines("divide-by-temperature", "temperature-multiplied", text, [2])


@pytest.mark.parametrize(
    ("repair", "code", "line"),
    [
        ("term-as-tensor", "term-as-number", "loss = loss + float(2.0)"),
        ("mean-once", "mean-divided-again", "loss = loss + x.mean()"),
        ("not-its-own-negative", "self-among-negatives", "return x @ x.T"),
        ("seed-once", "reseeded-in-training", "order = draw(x)"),
        ("turn-the-mask", "mask-misread", "y = attend(x, x, x)"),
    ],
)
def test_another_line_is_left_alone(repair: str, code: str, line: str) -> None:
    text = f"def step(x, loss, draw, attend):\n    for _ in range(3):\n        {line}\n"
    with pytest.raises(DoesNotFit):
        at_lines(repair, code, text, [3])


def test_an_optimizer_that_needs_what_the_loop_binds_stays() -> None:
    text = (
        "import torch\ndef fit(nets):\n    for net in nets:\n        opt = torch.optim.Adam(net.parameters())\n"
        "        net.loss().backward()\n        opt.step()\n"
    )
    with pytest.raises(DoesNotFit):
        at_lines("one-optimizer", "optimizer-recreated", text, [4])


def test_a_row_that_is_no_negative_of_itself_has_a_finite_loss(load: Callable[[str], Any]) -> None:
    bad = next(text for code, word, text in examples() if code == "self-among-negatives" and word == BAD)
    before, after = load(bad), load(mended("not-its-own-negative", "self-among-negatives", bad))
    a, b = torch.randn(6, 4, requires_grad=True), torch.randn(6, 4)
    loss = after.contrast(a, b)
    loss.backward()
    assert torch.isfinite(loss) and a.grad is not None and torch.isfinite(a.grad).all()
    assert loss < before.contrast(a, b)


def test_what_no_layer_made_gets_no_activation() -> None:
    text = (
        "from torch import nn\nclass Net(nn.Module):\n    def __init__(self, d):\n        self.a = nn.Linear(d, d)\n"
        "    def forward(self, x):\n        return self.a(x)\n"
    )
    with pytest.raises(DoesNotFit):
        at_lines("bend-between-layers", "activation-missing", text, [6])


def test_updates_of_an_id_that_is_twice_in_a_batch_add_up(load: Callable[[str], Any]) -> None:
    bad = "import numpy as np\ndef step(V, ids, g):\n    V[ids] -= 0.5 * g\n"
    table = np.zeros((3, 2))
    load(at_lines("add-every-update", "updates-lost", bad, [3])).step(
        table, np.array([1, 1]), np.ones((2, 2))
    )
    assert table[1].tolist() == [-1.0, -1.0]


def test_a_likelihood_that_was_minimised_falls_when_it_should(load: Callable[[str], Any]) -> None:
    bad = [text for code, word, text in examples() if code == "likelihood-minimised" and word == BAD][1]
    loss = load(mended("negate-the-likelihood", "likelihood-minimised", bad)).ranking_loss
    assert loss(torch.tensor([3.0]), torch.tensor([0.0])) < loss(torch.tensor([0.0]), torch.tensor([3.0]))


def test_a_softmax_before_the_likelihood_becomes_its_logarithm(load: Callable[[str], Any]) -> None:
    bad = [text for code, word, text in examples() if code == "likelihood-of-scores" and word == BAD][2]
    loss = load(mended("likelihood-of-logits", "likelihood-of-scores", bad)).loss
    hidden, table, goals = torch.randn(4, 3), torch.randn(5, 3), torch.tensor([0, 1, 2, 3])
    wanted = torch.nn.functional.cross_entropy(hidden @ table.T, goals)
    assert loss(hidden, table, goals) == pytest.approx(float(wanted), abs=1e-5)
