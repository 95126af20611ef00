"""The seed `sasrec`: its batches by hand, what its states hang on, and how well it learns."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from seeds.references import fit
from seeds.split import Split
from tests.seeds.scoring import Scorer, ndcg


@pytest.fixture
def batches(sasrec: Any, micro_split: Split) -> Any:
    return sasrec.Batches(micro_split.training, max_len=7, batch_size=16, device=torch.device("cpu"), seed=0)


def test_an_epoch_holds_every_transition_once(batches: Any, micro_split: Split) -> None:
    training = micro_split.training
    follows = training.users[1:] == training.users[:-1]
    expected = sorted(
        zip(training.items[:-1][follows].tolist(), training.items[1:][follows].tolist(), strict=True)
    )
    seen: list[tuple[int, int]] = []
    for batch in batches.epoch():
        present = batch.targets > 0
        seen += zip(batch.inputs[present].tolist(), batch.targets[present].tolist(), strict=True)
        assert batch.inputs.shape[1] <= 7
        assert bool((batch.inputs[:, -1] > 0).all()), "padding is on the left"
    assert sorted(seen) == expected


def test_epochs_are_shuffled_and_the_same_again(sasrec: Any, micro_split: Split) -> None:
    def two_epochs() -> list[list[int]]:
        made = sasrec.Batches(
            micro_split.training, max_len=50, batch_size=16, device=torch.device("cpu"), seed=3
        )
        return [[int(batch.targets.sum()) for batch in made.epoch()] for _ in range(2)]

    first, second = two_epochs()
    assert first != second
    assert two_epochs() == [first, second]


def test_negatives_are_items_the_user_has_not(batches: Any, micro_split: Split) -> None:
    training = micro_split.training
    pairs = set(zip(training.users.tolist(), training.items.tolist(), strict=True))
    users = batches.users[batches.ends]  # (W,)
    negatives = batches._negatives(users, torch.Size((len(users), 40)))
    drawn = [
        (user, item) for user, row in zip(users.tolist(), negatives.tolist(), strict=True) for item in row
    ]
    hits = sum(pair in pairs for pair in drawn)
    assert hits < 0.002 * len(drawn)
    assert {item for _, item in drawn} == set(range(1, training.n_items + 1)), "every item can be a negative"


def test_only_the_newest_of_too_many_events_count(sasrec: Any, micro_split: Split) -> None:
    model = sasrec.build(micro_split.training, device="cpu", seed=0)
    long = np.random.default_rng(0).integers(1, micro_split.training.n_items, (1, 80))
    scores = model.score(np.array([1]), long).numpy()
    np.testing.assert_allclose(model.score(np.array([1]), long[:, -50:]).numpy(), scores, atol=1e-6)
    long[0, -1] = long[0, -1] % 100 + 1
    assert not np.allclose(model.score(np.array([1]), long).numpy(), scores)


def test_no_event_sees_a_later_one(sasrec: Any, micro_split: Split) -> None:
    network = sasrec.build(micro_split.training, device="cpu", seed=0).model.eval()
    histories = torch.arange(1, 21).view(2, 10)
    changed = histories.clone()
    changed[:, 6:] = 50
    before, after = network(histories), network(changed)
    assert torch.allclose(before[:, :6], after[:, :6], atol=1e-5)
    assert not torch.allclose(before[:, 6:], after[:, 6:], atol=1e-3)


@pytest.mark.slow
@pytest.mark.timeout(900)  # half a minute on an idle core
def test_trained_well_it_beats_markov_in_the_demo_shop(sasrec: Any, demo_split: Split) -> None:
    """With a softmax over all items in place of one negative: the shop has order that counting cannot see."""
    training = demo_split.training
    model = sasrec.build(training, device="cpu", seed=0)

    def softmax_loss(batch: Any) -> Any:
        present = batch.targets > 0
        logits = model.model(batch.inputs)[present] @ model.model.item_embedding.weight.T
        return torch.nn.functional.cross_entropy(logits, batch.targets[present])

    model.loss = softmax_loss
    for _ in itertools.islice(model.fit(), 20):
        pass
    assert ndcg(Scorer(model), demo_split) > ndcg(fit("markov", training), demo_split)
