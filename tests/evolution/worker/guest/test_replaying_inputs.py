"""Models that are given numbers from outside: what scoring gives them, and what it computes where these differ by design."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from diagnosis.examination import Examination
from diagnosis.probes import inputs_out_of_range, serving_differs
from evolution.trials.replayed import keep_replay
from evolution.worker.guest.recommender import CheckedRecommender
from evolution.worker.guest.replaying import replay_step
from tests.evolution.worker.guest.toys import LENGTH, N_ITEMS, D, Toy, log

pytestmark = pytest.mark.trains

HERE = Path(__file__).parent
NOW = 50_000.0


class Bags(Toy):
    """A bag of the events so far and their age, through a layer that normalises batches; scoring asks at age 0."""

    def make(self):
        net = nn.Module()
        net.bag, net.first = nn.EmbeddingBag(N_ITEMS + 1, D, mode="mean"), nn.Linear(D + 1, D)
        net.normal, net.drop, net.last = nn.BatchNorm1d(D), nn.Dropout(0.2), nn.Linear(D, D)
        net.out, net.bias = nn.Embedding(N_ITEMS + 1, D), nn.Embedding(N_ITEMS + 1, 1)
        return net

    def tower(self, histories, age):
        lengths = torch.tensor([0, *(len(one) for one in histories)])
        flat = torch.as_tensor(np.concatenate(histories))
        bag = self.net.bag(flat, lengths.cumsum(0)[:-1])
        inputs = torch.cat([bag, age[:, None]], 1)
        return self.net.last(self.net.drop(F.relu(self.net.normal(self.net.first(inputs)))))

    def loss(self):
        rows = np.random.choice(np.flatnonzero(np.arange(len(self.data.items)) % LENGTH > 2), 64)
        histories = [self.data.items[row - row % LENGTH : row] for row in rows]
        age = torch.as_tensor(1 - (rows % LENGTH) / LENGTH, dtype=torch.float32)
        good, bad = torch.as_tensor(self.data.items[rows]), torch.randint(1, N_ITEMS + 1, (20,))
        ours = self.tower(histories, age)
        right = (ours * self.net.out(good)).sum(1, keepdim=True) + self.net.bias(good)
        wrong = ours @ self.net.out(bad).T + self.net.bias(bad).T
        several = [wrong, right] if self.has("exchanged") else [right, wrong]
        logits = torch.cat(several, 1) / 0.9
        return F.cross_entropy(logits, torch.zeros(64, dtype=torch.long))

    @torch.no_grad()
    def score(self, users, histories):
        rows = [row[row > 0] for row in np.asarray(histories)]
        ours = self.tower(rows, self.ages(len(rows)))
        if self.has("no bias"):
            return ours @ self.net.out.weight.T
        return ours @ self.net.out.weight.T + self.net.bias.weight.T

    def ages(self, n):
        return torch.full((n,), NOW if self.has("clock") else 0.0)


class Prices(Toy):
    """Padded histories through a recurrent encoder, and what a user spends, which both are given."""

    def make(self):
        net = nn.Module()
        net.items, net.rnn = nn.Embedding(N_ITEMS + 1, D, padding_idx=0), nn.GRU(D, D, batch_first=True)
        net.spent = nn.Linear(2, D)
        return net

    def states(self, rows, spent):
        found, _ = self.net.rnn(self.net.items(rows))
        return found[:, -1] + self.net.spent(spent)

    def loss(self):
        ends = np.random.choice(np.flatnonzero(np.arange(len(self.data.items)) % LENGTH > 4), 64)
        rows = torch.as_tensor(np.stack([self.data.items[end - 4 : end] for end in ends]))
        spent = torch.as_tensor(np.stack([rows.numpy().mean(1), rows.numpy().std(1)], 1) / N_ITEMS).float()
        return F.cross_entropy(
            self.states(rows, spent) @ self.net.items.weight.T, torch.as_tensor(self.data.items[ends])
        )

    @torch.no_grad()
    def score(self, users, histories):
        rows = torch.as_tensor(np.asarray(histories)[:, -4:])
        spent = np.stack([rows.numpy().mean(1), rows.numpy().std(1)], 1)
        if not self.has("cents"):
            spent = spent / N_ITEMS
        else:
            spent = spent * 100.0
        return self.states(rows, torch.as_tensor(spent).float()) @ self.net.items.weight.T


class Lanes(Toy):
    """An event of each history a step, with the state of the step before; an epoch begins with the oldest events."""

    def make(self):
        net = nn.Module()
        net.items, net.cell = nn.Embedding(N_ITEMS, D), nn.GRUCell(D, D)
        net.out = nn.Embedding(N_ITEMS, D)
        return net

    def fit(self):
        rows = self.data.items.reshape(-1, LENGTH)
        for _ in range(20):
            state, loss = torch.zeros(len(rows), D), torch.zeros(())
            for place in range(LENGTH - 1):
                seen, wanted = torch.as_tensor(rows[:, place] - 1), torch.as_tensor(rows[:, place + 1] - 1)
                state = self.net.cell(self.net.items(seen), state)
                scores = state @ self.net.out(torch.cat([wanted, torch.randint(0, N_ITEMS, (20,))])).T
                loss = F.cross_entropy(scores, torch.arange(len(rows)))
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
                state = state.detach()
            yield {"loss": float(loss.detach())}

    @torch.no_grad()
    def score(self, users, histories):
        state = torch.zeros(len(users), D)
        for column in torch.as_tensor(np.asarray(histories)).T:
            new = self.net.cell(self.net.items((column - 1).clamp(min=0)), state)
            state = torch.where(column[:, None] > 0, new, state)
        told = (state if not self.has("halved") else state * (torch.arange(D) % 2)) @ self.net.out.weight.T
        return F.pad(told, (1, 0))


def told_of(kind: Any, *options: str) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """The answers of a kept step, and code -> the lines where causes stand."""
    data = log()
    np.random.seed(0)
    made = CheckedRecommender(lambda data, device, seed: kind(data, *options), data, device="cpu", seed=0)
    training = iter(made.model.fit())
    for _ in range(6):
        next(training)
    told = replay_step(made, training, data, root=str(HERE), seconds=60.0, settled=True)
    assert told["error"] == ""
    evidence: Any = SimpleNamespace(examination=Examination(watched=None, replayed=told), watched=None)
    found = [one for probe in (serving_differs, inputs_out_of_range) for one in probe.PROBE.run(evidence)]
    lines = Path(__file__).read_text(encoding="utf-8").splitlines()
    return told, {
        one.code: [lines[place.line - 1].strip() for place in one.places]
        for one in found
        if one.healthy is False
    }


def test_lanes_of_sessions_are_held_against_scoring_by_their_first_step():
    told, causes = told_of(Lanes)
    assert told["serving"]["rows"] > 20 and told["serving"]["agreement"] > 0.9999 and causes == {}
    _, causes = told_of(Lanes, "halved")
    assert causes["scores-differ-from-training"][0].startswith("told = (state if not")


@pytest.mark.parametrize("kind", [Bags, Prices])
def test_a_model_that_is_asked_at_another_time_than_it_was_trained_at_serves_the_same_function(
    kind, tmp_path
):
    told, causes = told_of(kind)
    keep_replay({"replayed": told}, tmp_path)  # what a job accepts
    assert told["serving"]["agreement"] > 0.9999
    assert told["inputs"]["rows"] > 0
    assert causes == {}


def test_a_bias_that_scoring_leaves_out_is_found_beside_bags():
    _, causes = told_of(Bags, "no bias")
    assert causes["scores-differ-from-training"][0] == "return ours @ self.net.out.weight.T"


def test_scores_that_are_put_beside_each_other_in_the_wrong_order_are_found():
    told, _ = told_of(Bags, "exchanged")
    assert (told["wrong_class"]["right"], told["wrong_class"]["taken"]) == (20, 0)
    line = Path(__file__).read_text(encoding="utf-8").splitlines()[told["wrong_class"]["places"][0][1] - 1]
    assert line.strip() == "logits = torch.cat(several, 1) / 0.9"
    assert told_of(Bags)[0]["wrong_class"] == {}


def test_a_number_far_outside_of_what_was_trained_is_found_where_scoring_asks():
    told, causes = told_of(Bags, "clock")
    assert told["inputs"]["served"] == [NOW]
    assert causes == {"inputs-out-of-range": ['return torch.full((n,), NOW if self.has("clock") else 0.0)']}


def test_another_currency_is_found_beside_padded_histories():
    _, causes = told_of(Prices, "cents")
    assert list(causes) == ["inputs-out-of-range"]
    assert causes["inputs-out-of-range"][0].startswith("return self.states(rows, torch.as_tensor(spent)")
