"""The seed `sasrec`: its batches by hand, its contract, and that it learns."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from seeds.metrics import user_metrics
from seeds.references import fit, rank
from seeds.split import Split


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


def test_scores_do_not_depend_on_padding_company_or_a_second_pass(sasrec: Any, micro_split: Split) -> None:
    model = sasrec.build(micro_split.training, device="cpu", seed=0)
    next(model.fit())
    questions = micro_split.validation
    rows = [questions.history(q) for q in range(8)]
    width = max(map(len, rows))
    histories = np.stack([np.pad(row, (width - len(row), 0)) for row in rows])
    users = questions.users[:8]
    scores = model.score(users, histories).numpy()
    assert scores.shape == (8, micro_split.training.n_items + 1) and np.isfinite(scores).all()
    assert np.array_equal(scores, model.score(users, histories).numpy())
    wider = np.pad(histories, ((0, 0), (9, 0)))
    np.testing.assert_allclose(model.score(users, wider).numpy(), scores, atol=1e-5)
    alone = np.concatenate([model.score(users[q : q + 1], rows[q][None]).numpy() for q in range(8)])
    np.testing.assert_allclose(alone, scores, atol=1e-5)


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


def test_the_same_seed_trains_the_same_model_and_its_state_restores_it(
    sasrec: Any, micro_split: Split
) -> None:
    training = micro_split.training
    histories, users = np.array([[0, 3, 4]]), np.array([1])

    def trained(seed: int) -> Any:
        model = sasrec.build(training, device="cpu", seed=seed)
        assert set(next(model.fit())) == {"loss"}
        return model

    first, second, other = trained(0), trained(0), trained(1)
    scores = first.score(users, histories).numpy()
    assert np.array_equal(scores, second.score(users, histories).numpy())
    assert not np.array_equal(scores, other.score(users, histories).numpy())
    other.load_state_dict(first.state_dict())
    assert np.array_equal(scores, other.score(users, histories).numpy())
    assert first.item_embeddings().shape[0] == training.n_items + 1
    assert not first.item_embeddings()[0].any(), "the padding row stays 0"


def test_users_with_a_single_event_train_nothing_and_break_nothing(sasrec: Any, log_of: Any) -> None:
    model = sasrec.build(log_of([(1, 1, 1), (2, 2, 1)]), device="cpu", seed=0)
    assert next(model.fit()) == {"loss": 0.0}


class Scorer:
    """A recommender of the contract as a reference ranker."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def score(self, users: Any, histories: Any) -> Any:
        return self.model.score(users, histories).numpy()


def ndcg(ranker: Any, parts: Split) -> float:
    top = rank(ranker, parts.test, parts.training.n_items)
    return float(user_metrics(top.items, top.scores, top.ties, parts.test.targets)["NDCG@10"].mean())


@pytest.mark.slow
def test_it_learns_more_than_popularity_in_the_micro_shop(sasrec: Any, micro_split: Split) -> None:
    model = sasrec.build(micro_split.training, device="cpu", seed=0)
    losses = [epoch["loss"] for epoch in itertools.islice(model.fit(), 15)]
    assert losses[-1] < 0.8 * losses[0]
    assert ndcg(Scorer(model), micro_split) > 1.3 * ndcg(fit("popularity", micro_split.training), micro_split)


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
