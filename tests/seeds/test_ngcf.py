"""The seed `ngcf`: its graph, both kinds of layers and their gradients against dense matrices, and its loss by hand."""

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from seeds.split import Split

CPU = torch.device("cpu")


@pytest.fixture
def ngcf(entry_of: Any) -> Any:
    return entry_of("ngcf")


@pytest.fixture
def small(log_of: Any) -> Any:
    """Three users, two items; the first pair has two events."""
    return log_of([(1, 1, 1), (1, 1, 2), (1, 2, 3), (2, 1, 1), (3, 2, 1)])


def made(ngcf: Any, data: Any, **settings: Any) -> Any:
    torch.manual_seed(0)
    return ngcf.Recommender(data, replace(ngcf.Settings(), **settings), CPU, 0)


def test_the_graph_is_normalised_has_both_directions_and_counts_a_pair_once(ngcf: Any, small: Any) -> None:
    found = ngcf.normalized_graph(
        small, CPU
    ).to_dense()  # nodes: 0 is none, users 1 to 3, 4 is none, items 5 and 6
    expected = torch.zeros(7, 7)
    for user, item, weight in ((1, 5, 0.5), (1, 6, 0.5), (2, 5, 0.5**0.5), (3, 6, 0.5**0.5)):
        expected[user, item] = expected[item, user] = weight
    torch.testing.assert_close(found, expected)


def test_layers_are_those_of_the_publication(ngcf: Any, micro_split: Split) -> None:
    network = made(ngcf, micro_split.training).model.eval()
    graph = network.graph.to_dense()
    nodes = torch.cat([network.user_embedding.weight, network.item_embedding.weight])
    identity, kept = torch.eye(len(graph)), [nodes]
    for layer in network.layers:
        sums = (graph + identity) @ nodes @ layer.of_sums.weight.T + layer.of_sums.bias
        products = ((graph @ nodes) * nodes) @ layer.of_products.weight.T + layer.of_products.bias
        nodes = F.leaky_relu(sums + products, 0.2)
        kept.append(nodes / nodes.norm(dim=1, keepdim=True).clamp(min=1e-12))
    expected = torch.cat(kept, 1)
    users, items = network()
    n = micro_split.training.n_users + 1
    torch.testing.assert_close(users, expected[:n], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(items[1:], expected[n + 1 :], atol=1e-5, rtol=1e-4)


def test_simplified_it_is_lightgcn(ngcf: Any, micro_split: Split) -> None:
    network = made(ngcf, micro_split.training, simplified=True).model
    assert {name for name, _ in network.named_parameters()} == {
        "user_embedding.weight",
        "item_embedding.weight",
    }
    graph = network.graph.to_dense()
    nodes = torch.cat([network.user_embedding.weight, network.item_embedding.weight])
    powers = [torch.linalg.matrix_power(graph, n) @ nodes for n in range(4)]
    expected = torch.stack(powers).mean(0)
    torch.testing.assert_close(torch.cat(network()), expected, atol=1e-5, rtol=1e-4)


def test_the_gradient_of_a_propagation_is_that_of_the_dense_product(ngcf: Any, micro_split: Split) -> None:
    propagate = importlib.import_module("model").Propagate.apply
    graph = ngcf.normalized_graph(micro_split.training, CPU)
    nodes = torch.randn(graph.shape[0], 5, requires_grad=True)
    weights = torch.randn(graph.shape[0], 5)
    (found,) = torch.autograd.grad((propagate(graph, nodes) * weights).sum(), nodes)
    (expected,) = torch.autograd.grad(((graph.to_dense() @ nodes) * weights).sum(), nodes)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_the_loss_is_bpr_and_its_penalty_the_length_of_what_is_in_the_batch(
    ngcf: Any, micro_split: Split
) -> None:
    model = made(ngcf, micro_split.training)
    model.model.eval()
    users, good, bad = torch.tensor([3, 8]), torch.tensor([5, 9]), torch.tensor([1, 2])
    of_users, of_items = model.model()
    rows = [of_users[u] @ (of_items[g] - of_items[b]) for u, g, b in zip(users, good, bad, strict=True)]
    tables = (
        model.model.user_embedding.weight[users],
        *(model.model.item_embedding.weight[x] for x in (good, bad)),
    )
    length = torch.cat(tables).square().sum() / 4
    batch = ngcf.Batch(users, good, bad)
    torch.testing.assert_close(model.loss(batch), -F.logsigmoid(torch.stack(rows)).mean())
    torch.testing.assert_close(model.length(batch), length)


def test_the_number_of_steps_is_the_same_for_any_log(ngcf: Any, micro_split: Split, small: Any) -> None:
    training = micro_split.training
    batches = made(ngcf, training, n_steps=20).batches
    events = [
        pair for b in batches.epoch() for pair in zip(b.users.tolist(), b.positives.tolist(), strict=True)
    ]
    assert sorted(events) == sorted(zip(training.users.tolist(), training.items.tolist(), strict=True))
    assert len(list(batches.epoch())) == 20
    pairs = set(events)
    drawn = [
        pair for b in batches.epoch() for pair in zip(b.users.tolist(), b.negatives.tolist(), strict=True)
    ]
    assert sum(pair in pairs for pair in drawn) < 0.002 * len(drawn)
    assert len(list(made(ngcf, small).batches.epoch())) == 1, "no batch is smaller than smallest_batch"


def test_scores_are_products_of_the_vectors_that_are_handed_out(ngcf: Any, micro_split: Split) -> None:
    model = made(ngcf, micro_split.training)
    users, items = model.model.eval()()
    np.testing.assert_allclose(model.score(np.array([4]), None)[0], (items @ users[4]).detach(), rtol=1e-5)
    assert torch.equal(model.item_embeddings(), items)
