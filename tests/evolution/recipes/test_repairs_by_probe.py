"""Repairs of what probes find, which are told the lines: attention that padding gets, and users that are drawn alike."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from evolution.domain.edits import apply_edits
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext
from tests.evolution.recipes.test_repairs import finding, texts

FOREIGN = Path(__file__).parents[2] / "foreign"
FACTS = Facts(n_users=10, n_items=200)
ENCODER = """
import torch
from torch import nn


class Encoder(nn.Module):
    def __init__(self, n, d):
        super().__init__()
        self.items = nn.Embedding(n + 1, d, padding_idx=0)
        self.layers = nn.ModuleList([nn.MultiheadAttention(d, 2) for _ in range(2)])

    def forward(self, log):
        x = self.items(log).transpose(0, 1)
        mask = ~torch.tril(torch.ones((log.shape[1], log.shape[1]), dtype=torch.bool))
        for i in range(2):
            x = x + self.layers[i](x, x, x, attn_mask=mask)[0]
        return x.transpose(0, 1)
"""
EPOCH = """
import numpy as np


def epoch(history, n_users, n):
    chosen = np.random.randint(n_users, size=n)
    rows = []
    for u in chosen:
        items = history[u]
        rows.append((u, items[np.random.randint(len(items))]))
    return rows
"""


def mended(sources: dict[str, str], code: str, path: str, text: str) -> dict[str, str]:
    """The files after the repair of a finding on the first line that holds a text. Raises DoesNotFit."""
    line = next(n for n, each in enumerate(sources[path].splitlines(), 1) if text in each)
    recipe = next(r for r in RECIPES if code in r.triggers and r.code in ("hide-padding", "users-by-events"))
    context = RecipeContext(sources=sources, facts=FACTS, findings=[finding(code, path, line)])
    return dict(apply_edits(sources, recipe.make(context).edits))


def test_events_see_no_padding_any_more(load: Callable[[str], Any]) -> None:
    before, after = ENCODER, mended({"m.py": ENCODER}, "padding-attended", "m.py", "attn_mask")["m.py"]
    short, padded = torch.tensor([[3, 4, 5]]), torch.tensor([[0, 0, 3, 4, 5]])
    for text, alike in ((before, False), (after, True)):
        torch.manual_seed(0)
        encoder = load(text).Encoder(9, 4)
        with torch.no_grad():
            alone, behind = encoder(short)[0], encoder(padded)[0]
        assert torch.isfinite(behind).all()
        assert torch.allclose(alone, behind[2:], atol=1e-5) is alike


def test_a_strangers_attention_hides_padding_where_it_compares_histories_with_it() -> None:
    sources = texts(FOREIGN / "sasrec_port")
    after = mended(sources, "padding-attended", "python/model.py", "attn_mask")["python/model.py"]
    assert "torch.as_tensor(seqs == 0, device=ahead.device)" in after
    assert "attn_mask=ahead.repeat_interleave(att.num_heads, 0)" in after


def test_what_is_compared_and_not_looked_up_holds_no_ids() -> None:
    text = ENCODER.replace("forward(self, log)", "forward(self, log, depth=2)").replace(
        "x = self.items", "deep = depth != 1\n        x = self.items"
    )
    assert (
        "torch.as_tensor(log == 0, "
        in mended({"m.py": text}, "padding-attended", "m.py", "attn_mask")["m.py"]
    )


def test_a_mask_of_numbers_stays() -> None:
    text = ENCODER.replace(
        "~torch.tril(torch.ones((log.shape[1], log.shape[1]), dtype=torch.bool))", "causal(log)"
    )
    with pytest.raises(DoesNotFit, match="boolean mask"):
        mended({"m.py": text}, "padding-attended", "m.py", "attn_mask")


def test_every_event_is_as_likely_as_any_other(load: Callable[[str], Any]) -> None:
    after = mended({"m.py": EPOCH}, "users-drawn-uniformly", "m.py", "chosen = ")["m.py"]
    np.random.seed(0)
    rows = load(after).epoch([[7], [8] * 9], 2, 2000)
    assert len(rows) == 2000
    assert np.mean([user for user, _ in rows]) == pytest.approx(0.9, abs=0.03)


def test_a_strangers_users_are_drawn_by_their_events() -> None:
    after = mended(texts(FOREIGN / "lightgcn"), "users-drawn-uniformly", "code/utils.py", "users = np.random")
    assert "[len(dataset.allPos[user]) for user in range(dataset.n_users)]" in after["code/utils.py"]
    assert "np.random.choice(dataset.n_users, dataset.trainDataSize, p=" in after["code/utils.py"]
