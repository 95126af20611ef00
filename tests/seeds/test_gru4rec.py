"""The seed `gru4rec`: its loss by hand, and what its states hang on."""

from typing import Any

import numpy as np
import pytest
import torch

from seeds.split import Split


@pytest.fixture
def gru4rec(entry_of: Any) -> Any:
    return entry_of("gru4rec")


def test_an_epoch_holds_every_transition_once(gru4rec: Any, micro_split: Split) -> None:
    training = micro_split.training
    batches = gru4rec.Batches(training, max_len=7, batch_size=16, device=torch.device("cpu"), seed=0)
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


def test_the_loss_is_top1_against_the_other_targets_of_the_batch(gru4rec: Any, micro_split: Split) -> None:
    model = gru4rec.build(micro_split.training, device="cpu", seed=0)
    model.model.eval()
    inputs = torch.tensor([[0, 3], [5, 7], [0, 2]])
    targets = torch.tensor([[0, 4], [7, 9], [0, 4]])  # two rows share a target, two are padded
    hidden, table = model.model(inputs), model.model.item_embedding.weight

    def against(row: int, other: int) -> torch.Tensor:
        wanted, rival = hidden[row, 1] @ table[targets[row, 1]], hidden[row, 1] @ table[targets[other, 1]]
        return torch.sigmoid(rival - wanted) + torch.sigmoid(rival**2)

    # At the older place there is one target, which has nothing to be held against and costs nothing.
    per_event = [torch.zeros(()), against(0, 1), (against(1, 0) + against(1, 2)) / 2, against(2, 1)]
    found = model.loss(gru4rec.Batch(inputs, targets))
    torch.testing.assert_close(found, torch.stack(per_event).mean())


def test_no_event_sees_a_later_one(gru4rec: Any, micro_split: Split) -> None:
    network = gru4rec.build(micro_split.training, device="cpu", seed=0).model.eval()
    histories = torch.arange(1, 21).view(2, 10)
    histories[1, :4] = 0
    changed = histories.clone()
    changed[:, 6:] = 50
    before, after = network(histories), network(changed)
    assert torch.allclose(before[:, 4:6], after[:, 4:6], atol=1e-5)
    assert not torch.allclose(before[:, 6:], after[:, 6:], atol=1e-3)


def test_the_order_of_a_history_counts(gru4rec: Any, micro_split: Split) -> None:
    model = gru4rec.build(micro_split.training, device="cpu", seed=0)
    forward, backward = np.array([[1, 2, 3, 4]]), np.array([[4, 3, 2, 1]])
    assert not np.allclose(
        model.score(np.array([1]), forward).numpy(), model.score(np.array([1]), backward).numpy()
    )
