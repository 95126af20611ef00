"""The seed `ncf`: its logits and its loss by hand, and whom it compares."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F

from seeds.split import Split


@pytest.fixture
def ncf(entry_of: Any) -> Any:
    return entry_of("ncf")


def test_an_epoch_holds_every_event_once_with_items_that_its_user_has_not(
    ncf: Any, micro_split: Split
) -> None:
    training = micro_split.training
    batches = ncf.Batches(training, n_negatives=4, batch_size=100, device=torch.device("cpu"), seed=0)
    events, drawn = [], []
    for batch in batches.epoch():
        events += zip(batch.users.tolist(), batch.positives.tolist(), strict=True)
        assert batch.negatives.shape == (len(batch.users), 4)
        users = batch.users[:, None].expand_as(batch.negatives)
        drawn += zip(users.reshape(-1).tolist(), batch.negatives.reshape(-1).tolist(), strict=True)
    assert sorted(events) == sorted(zip(training.users.tolist(), training.items.tolist(), strict=True))
    assert sum(pair in set(events) for pair in drawn) < 0.002 * len(drawn)
    assert {item for _, item in drawn} == set(range(1, training.n_items + 1)), "every item can be a negative"


def test_a_logit_is_that_of_the_published_network(ncf: Any, micro_split: Split) -> None:
    """The first layer reads user and item side by side; it is computed in two parts."""
    network = ncf.build(micro_split.training, device="cpu", seed=0).model
    users, items = torch.tensor([3, 8]), torch.tensor([[5, 6, 7], [9, 5, 1]])
    first = torch.cat([network.of_user.weight, network.of_item.weight], 1)  # (32, 64)
    pairs = users[:, None].expand_as(items)
    side_by_side = torch.cat([network.user_embedding(pairs), network.item_embedding(items)], -1)
    deep = network.network(F.linear(side_by_side, first, network.of_user.bias))
    both = torch.cat([network.user_factors(pairs) * network.item_factors(items), deep], -1)
    expected = network.output(both).squeeze(-1)
    torch.testing.assert_close(network(users, items), expected)
    torch.testing.assert_close(network.scores(users).gather(1, items), expected)


def test_the_loss_is_the_mean_of_one_positive_and_four_negatives(ncf: Any, micro_split: Split) -> None:
    model = ncf.build(micro_split.training, device="cpu", seed=0)
    users, positives = torch.tensor([3, 8]), torch.tensor([5, 9])
    negatives = torch.tensor([[1, 2, 3, 4], [6, 7, 8, 10]])
    taken = F.logsigmoid(model.model(users, positives[:, None]))
    not_taken = F.logsigmoid(-model.model(users, negatives))
    found = model.loss(ncf.Batch(users, positives, negatives))
    torch.testing.assert_close(found, -(taken.sum() + not_taken.sum()) / 10)


def test_more_users_than_are_scored_at_once_keep_their_order(ncf: Any, micro_split: Split) -> None:
    model = ncf.build(micro_split.training, device="cpu", seed=0)
    users = torch.randint(1, micro_split.training.n_users + 1, (3 * ncf.USERS_AT_ONCE + 5,))
    alone = torch.cat([model.score(users[i : i + 1], None) for i in range(len(users))])
    torch.testing.assert_close(model.score(users, None), alone)
