"""The softmax over all items in place of losses on the other targets of a batch, in two shapes of code."""

import importlib
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from evolution.domain.edits import apply_edits
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext
from evolution.recipes.softmax import FullSoftmax
from seeds.new import TEMPLATES
from tests.imported import forgetting

FACTS = Facts(n_users=50, n_items=30)
TOWERS = """import torch
import torch.nn.functional as F


class Towers(torch.nn.Module):
    def __init__(self, n_users, n_items):
        super().__init__()
        self.of_users = torch.nn.Embedding(n_users + 1, 8)
        self.of_items = torch.nn.Embedding(n_items + 1, 8)

    def loss(self, users, items):
        query = self.of_users(users)
        key = self.of_items(items)
        similar = torch.matmul(query, key.t())
        classes = torch.arange(len(users))
        return F.cross_entropy(similar, classes)
"""


def patched(sources: dict[str, str]) -> dict[str, str]:
    return apply_edits(sources, FullSoftmax().make(RecipeContext(sources=sources, facts=FACTS)).edits)


def test_two_towers_are_asked_for_the_item_among_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = patched({"towers.py": TOWERS})["towers.py"]
    assert "arange" not in text and "similar" not in text
    (tmp_path / "towers.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    torch.manual_seed(0)
    with forgetting(tmp_path):
        towers = importlib.import_module("towers").Towers(50, 30)
    users, items = torch.tensor([1, 5, 9]), torch.tensor([30, 2, 2])
    expected = F.cross_entropy(towers.of_users(users) @ towers.of_items.weight.T, items)
    torch.testing.assert_close(towers.loss(users, items), expected)


def test_top1_at_every_place_becomes_a_softmax_over_the_events_that_count() -> None:
    folder = TEMPLATES / "gru4rec"
    sources = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.py")}
    text = patched(sources)["recommender.py"]
    loss = text[text.index("    def loss") : text.index("    @torch.no_grad")]
    assert "valid = targets != 0" in loss and "hidden[valid]" in loss and "targets[valid]" in loss
    assert not any(word in loss for word in ("TOP1", "diagonal", "sigmoid", "compared"))


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        ("similar, classes)", "similar / 0.1, classes)", "`similar` are scaled"),
        ("query = self.of_users(users)", "query = F.normalize(self.of_users(users))", "`similar` are scaled"),
        ("torch.arange(len(users))", "torch.randint(0, len(users), (len(users),))", "was found"),
    ],
)
def test_a_scale_that_a_softmax_would_lose_and_classes_that_are_no_diagonal_are_left(
    was: str, becomes: str, why: str
) -> None:
    assert was in TOWERS
    with pytest.raises(DoesNotFit, match=why):
        patched({"towers.py": TOWERS.replace(was, becomes)})
