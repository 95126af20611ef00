"""Each loss recipe on each style of code: the patched loss is the number that its formula gives, worked out apart."""

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
from torch import Tensor

N = 80
SEQUENCES = torch.tensor([[0, 0, 3, 5], [0, 7, 9, 2], [1, 4, 4, 8]])
COMING = torch.tensor([[0, 0, 5, 6], [0, 9, 2, 1], [4, 4, 8, 3]])
NEW_LOSSES = ["full-softmax", "gbce", "sampled-softmax", "more-negatives"]
EVERY = [*NEW_LOSSES, "mixed-negatives"]


def attention_bce(module: Any) -> tuple[float, Tensor, Tensor, Tensor]:
    """Loss, hidden states (P, d), wanted ids (P,), item table (rows, d) of one training step."""
    reader = module.Reader(N, 6)
    with patch.object(torch.nn.functional, "dropout", lambda x, *_args, **_named: x):
        state = reader(SEQUENCES)
        torch.manual_seed(1)
        loss = reader.cost(SEQUENCES, COMING) - 1e-4 * reader.things.weight.norm()
    loss.backward()
    keep = COMING != 0
    return loss.item(), state[keep], COMING[keep], reader.things.weight


def script_port(module: Any) -> tuple[float, Tensor, Tensor, Tensor]:
    args = SimpleNamespace(device="cpu", hidden_units=6, dropout_rate=0.0, lr=0.0, steps=1, l2_emb=0.0)
    model = module.SASRec(N, args)
    rows = [row.tolist() for row in SEQUENCES], [row.tolist() for row in COMING]
    sampler = SimpleNamespace(next_batch=lambda: ([1, 2, 3], *rows, [[1] * 4] * 3))
    state = model.log2feats(SEQUENCES.numpy()).detach()
    torch.manual_seed(1)
    (loss,) = module.run(model, sampler, args)
    keep = COMING != 0
    return loss, state[keep], COMING[keep], model.item_emb.weight


def factorisation(module: Any) -> tuple[float, Tensor, Tensor, Tensor]:
    net = module.Taste(20, N)
    people, films = torch.tensor([1, 2, 3]), torch.tensor([5, 6, 80])
    state, table = net.P(people).detach().clone(), net.Q.weight.detach().clone()
    torch.manual_seed(1)
    (loss,) = module.learn(net, people, films, N)
    return loss, state, films, table


def einsum_softplus(module: Any) -> tuple[float, Tensor, Tensor, Tensor]:
    model = module.Model(N + 1, 6)
    trainer = module.Trainer(model, N + 1)
    state, table = model.encode(SEQUENCES).detach().clone(), model.table.weight.detach().clone()
    torch.manual_seed(1)
    loss = trainer.step(SEQUENCES, COMING)
    keep = COMING > 0
    return loss.item(), state[keep], COMING[keep], table


def concatenated(module: Any) -> tuple[float, Tensor, Tensor, Tensor]:
    net = module.Net(N, 6)
    torch.manual_seed(1)
    loss = net.training_step((SEQUENCES, COMING, torch.ones_like(COMING)))
    loss.backward()
    keep = COMING.ne(0)
    return loss.item(), net(SEQUENCES)[keep], COMING[keep], net.emb.weight


def returned_rows(module: Any) -> tuple[float, Tensor, Tensor, Tensor]:
    net = module.Spread(20, N)
    people, films = torch.tensor([1, 2, 3]), torch.tensor([5, 6, 80])
    states, table = net.mixed()
    torch.manual_seed(1)
    loss, _ = net.cost(people, films, torch.tensor([7, 8, 9]))
    return loss.item(), states[people], films, table


STYLES = {
    step.__name__: step for step in (attention_bce, script_port, factorisation, einsum_softplus, concatenated)
}
PADDED = {"attention_bce", "script_port", "einsum_softplus", "concatenated"}


def full_softmax(scores: np.ndarray, wanted: np.ndarray, first: int) -> float:
    rows = [math.log(np.exp(row[first:]).sum()) - row[item] for row, item in zip(scores, wanted)]
    return sum(rows) / len(rows)


def drawn(style: str, *shape: int) -> np.ndarray:
    """What the patched code draws first after the seed that each style sets."""
    torch.manual_seed(1)
    return torch.randint(1 if style in PADDED else 0, N + 1, shape).numpy()


def sampled_softmax(scores: np.ndarray, wanted: np.ndarray, sampled: np.ndarray, correction: float) -> float:
    total = 0.0
    for row, item in zip(scores, wanted):
        others = [math.exp(row[other] + correction) for other in sampled if other != item]
        total += math.log(math.exp(row[item]) + sum(others)) - row[item]
    return total / len(wanted)


def gbce(scores: np.ndarray, wanted: np.ndarray, sampled: np.ndarray, n_others: int) -> float:
    alpha = len(sampled) / n_others
    beta = alpha * (0.75 * (1 - 1 / alpha) + 1 / alpha)
    total = 0.0
    for row, item in zip(scores, wanted):
        total += beta * np.logaddexp(
            0.0, -row[item]
        )  # -log of the sigmoid, which 1 - sigmoid would lose digits of
        total += sum(np.logaddexp(0.0, row[other]) for other in sampled if other != item)
    return total / len(wanted) / (len(sampled) + 1)


def expected(code: str, style: str, scores: np.ndarray, wanted: np.ndarray) -> float:
    first = 1 if style in PADDED else 0
    if code == "full-softmax":
        return full_softmax(scores, wanted, first)
    if code == "gbce":
        return gbce(scores, wanted, drawn(style, 16), N + 1 - first - 1)
    if code == "sampled-softmax":
        return sampled_softmax(scores, wanted, drawn(style, 16), math.log((N + 1) / 16))
    if code == "more-negatives":
        sampled = drawn(style, len(wanted), 16)
        own = [math.log1p(math.exp(-row[item])) for row, item in zip(scores, wanted)]
        other = [math.log1p(math.exp(row[item])) for row, items in zip(scores, sampled) for item in items]
        return sum(own) / len(own) + sum(other) / len(other)
    raise AssertionError(code)


@pytest.mark.parametrize("style", [*STYLES, "returned_rows"])
@pytest.mark.parametrize("code", NEW_LOSSES)
def test_the_patched_loss_is_its_formula(
    code: str, style: str, text: Callable[[str], str], cook: Callable[..., str], load: Callable[[str], Any]
):
    step = STYLES.get(style, returned_rows)
    loss, states, wanted, table = step(load(cook(code, text(style))))
    scores = (states @ table.T).detach().double().numpy()
    assert math.isfinite(loss)
    assert loss == pytest.approx(expected(code, style, scores, wanted.numpy()), rel=1e-4)


@pytest.mark.parametrize("style", STYLES)
def test_mixed_negatives_change_half_of_the_negatives_and_nothing_else(
    style: str, text: Callable[[str], str], cook: Callable[..., str], load: Callable[[str], Any]
):
    before, after = text(style), cook("mixed-negatives", text(style))
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert set(before.splitlines()) <= set(after.splitlines()) and len(added) <= 5
    loss, *_ = STYLES[style](load(after))
    assert math.isfinite(loss)
    with patch.object(torch, "rand", torch.ones), patch.object(np.random, "rand", lambda *n: np.ones(n)):
        as_drawn, *_ = STYLES[style](load(after))  # none of them by popularity
    assert loss != as_drawn


def test_negatives_that_are_cast_by_a_method_of_tensors_are_mixed_as_tensors(
    text: Callable[[str], str], cook: Callable[..., str], load: Callable[[str], Any]
):
    loss, *_ = returned_rows(load(cook("mixed-negatives", text("returned_rows"))))
    assert math.isfinite(loss)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("code", EVERY)
def test_lines_apart_from_the_loss_stay_as_they_are(
    code: str, style: str, text: Callable[[str], str], cook: Callable[..., str]
):
    before, after = text(style).splitlines(), cook(code, text(style)).splitlines()
    kept = [line for line in after if line in set(before)]
    assert len(before) - len(kept) <= 11
    assert [line for line in before if line in set(after)] == kept


@pytest.mark.parametrize("code", EVERY)
def test_a_score_that_is_no_inner_product_gets_no_patch(
    code: str, text: Callable[[str], str], cook: Callable[..., str]
):
    from evolution.recipes.recipe import DoesNotFit

    with pytest.raises(DoesNotFit, match="no inner product"):
        cook(code, text("tower"))


def test_rows_that_a_method_returns_are_replaced_by_the_table_that_it_looks_them_up_in(
    text: Callable[[str], str], cook: Callable[..., str]
):
    after = cook("full-softmax", text("returned_rows"))
    assert "logits = a @ self.mixed()[1].T" in after and "cross_entropy(logits, liked.long())" in after
    assert "a, _, _, plain = self.rows(" in after and "far" not in after and "near" not in after


def test_what_only_fed_the_old_loss_is_gone_and_what_others_read_stays(
    text: Callable[[str], str], cook: Callable[..., str]
):
    after = cook("full-softmax", text("attention_bce"))
    assert "randint" not in after and "bad =" not in after
    assert "loss += 1e-4 * self.things.weight.norm()   # stays as it is" in after
    assert (
        '"""Cross-entropy of the item that came next against the whole catalogue, mean over events."""'
        in after
    )


def test_a_name_that_is_taken_is_not_taken_again(text: Callable[[str], str], cook: Callable[..., str]):
    source = (
        text("attention_bce")
        .replace("state = self(seen)", "states = logits = self(seen)")
        .replace("(state *", "(states *")
    )
    after = cook("full-softmax", source.replace("torch.sum(state *", "torch.sum(states *"))
    assert "valid_states = states[keep]" in after
    assert "item_logits = valid_states @" in after


def test_windows_line_ends_are_kept(text: Callable[[str], str], cook: Callable[..., str]):
    plain = cook("full-softmax", text("concatenated"))
    assert cook("full-softmax", text("concatenated").replace("\n", "\r\n")) == plain.replace("\n", "\r\n")


STRANGE = {
    "another term": (
        "return self.bce(logits, labels)",
        "return self.bce(logits, labels) + self.other()",
        "contains",
    ),
    "soft labels": (
        "torch.ones_like(pos_logits)",
        "torch.rand_like(pos_logits)",
        "neither all ones nor all zeros",
    ),
    "a bias": (
        "(h * self.emb(pos)).sum(-1)[mask]",
        "((h * self.emb(pos)).sum(-1) + self.bias(pos))[mask]",
        "no inner product",
    ),
    "two hidden states": ("(h * self.emb(neg))", "(self.forward(pos) * self.emb(neg))", "do not share"),
    "two masks": (
        "(h * self.emb(neg)).sum(-1)[mask]",
        "(h * self.emb(neg)).sum(-1)[neg > 0]",
        "masked in several ways",
    ),
    "no table": ("nn.Embedding(n + 1, d, padding_idx=0)", "make_table(n)", "no lookup in an embedding table"),
    "not python": ("def forward(self, seq):", "def forward(self seq):", "syntax error"),
}


@pytest.mark.parametrize("name", STRANGE)
def test_strange_code_gets_a_reason_and_no_patch(
    name: str, text: Callable[[str], str], cook: Callable[..., str]
):
    from evolution.recipes.recipe import DoesNotFit

    old, new, reason = STRANGE[name]
    source = text("concatenated")
    assert old in source
    with pytest.raises(DoesNotFit, match=reason):
        cook("full-softmax", source.replace(old, new))


def test_full_softmax_refuses_a_catalogue_that_would_not_fit(
    text: Callable[[str], str], cook: Callable[..., str]
):
    from evolution.recipes.recipe import DoesNotFit, Facts

    with pytest.raises(DoesNotFit, match="2,000,000 items would not fit"):
        cook("full-softmax", text("concatenated"), Facts(n_users=5, n_items=2_000_000))
