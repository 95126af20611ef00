"""The graph of users and items, an edge for each pair that has an event, and its product with the vectors of all nodes.

Node u is user u, and node n_users + 1 + i is item i. The nodes of id 0 have no edges.
"""

import warnings

import numpy as np
import torch
from torch import Tensor


def normalized_graph(data, device: torch.device) -> Tensor:
    """Sparse CSR (n_nodes, n_nodes): 1 / sqrt(degree * degree) at each edge, in both directions."""
    first_item = data.n_users + 1
    n_nodes = first_item + data.n_items + 1
    pairs = np.unique(
        np.stack([np.asarray(data.users), np.asarray(data.items) + first_item]), axis=1
    )  # (2, E)
    degree = np.bincount(pairs.reshape(-1), minlength=n_nodes)
    weight = (degree[pairs[0]] * degree[pairs[1]]) ** -0.5  # (E,)
    edges = torch.from_numpy(np.concatenate([pairs, pairs[::-1]], 1))  # (2, 2 E)
    weights = torch.from_numpy(np.concatenate([weight, weight]).astype(np.float32))
    graph = torch.sparse_coo_tensor(edges, weights, (n_nodes, n_nodes), check_invariants=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return graph.coalesce().to_sparse_csr().to(device)


class Propagate(torch.autograd.Function):
    """graph @ nodes, (n_nodes, D), for a symmetric graph: its gradient needs no transposed copy, which takes most of the time."""

    @staticmethod
    def forward(ctx, graph: Tensor, nodes: Tensor) -> Tensor:
        ctx.graph = graph
        return torch.sparse.mm(graph, nodes)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, Tensor]:
        return None, torch.sparse.mm(ctx.graph, gradient)
