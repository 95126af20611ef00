"""NGCF (Wang et al., SIGIR 2019), and LightGCN (He et al., SIGIR 2020), which is NGCF without what is learned in a layer.

Shapes: n_nodes users and items, D dimensions of a layer, V = (1 + n_layers) * D of NGCF's vectors, V = D of LightGCN's.
"""

import torch
import torch.nn.functional as F
from graph import Propagate
from torch import Tensor, nn

PADDING = 0


class Layer(nn.Module):
    """What a node takes over from itself and its neighbours, and from what it has in common with these (eq. 7)."""

    def __init__(self, dim: int, dropout: float) -> None:
        super().__init__()
        self.of_sums = nn.Linear(dim, dim)
        self.of_products = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, nodes: Tensor, neighbours: Tensor) -> Tensor:
        """Both (n_nodes, D) -> (n_nodes, D)."""
        messages = self.of_sums(nodes + neighbours) + self.of_products(nodes * neighbours)
        return self.dropout(F.leaky_relu(messages, 0.2))


class GraphRecommender(nn.Module):
    """User and item ids run from 1."""

    def __init__(
        self,
        graph: Tensor,
        n_users: int,
        n_items: int,
        *,
        dim: int,
        n_layers: int,
        dropout: float,
        simplified: bool,
    ) -> None:
        """simplified: LightGCN, whose layers pass vectors on as they are and whose answer is the layers' mean."""
        super().__init__()
        self.graph = graph  # no buffer: a state is the same with any graph
        self.n_layers = n_layers
        self.user_embedding = nn.Embedding(n_users + 1, dim, padding_idx=PADDING)
        self.item_embedding = nn.Embedding(n_items + 1, dim, padding_idx=PADDING)
        self.layers = nn.ModuleList(() if simplified else (Layer(dim, dropout) for _ in range(n_layers)))
        self.apply(_initialize)

    def forward(self) -> tuple[Tensor, Tensor]:
        """The vectors of all users, (n_users + 1, V), and of all items, (n_items + 1, V)."""
        nodes = torch.cat([self.user_embedding.weight, self.item_embedding.weight])  # (n_nodes, D)
        found = self._learned(nodes) if self.layers else self._passed_on(nodes)
        users, items = found.split([self.user_embedding.num_embeddings, self.item_embedding.num_embeddings])
        return users, F.pad(items[1:], (0, 0, 1, 0))  # biases reach the row of padding as well

    def _learned(self, nodes: Tensor) -> Tensor:
        kept = [nodes]
        for layer in self.layers:
            nodes = layer(nodes, Propagate.apply(self.graph, nodes))
            kept.append(F.normalize(nodes))
        return torch.cat(kept, 1)

    def _passed_on(self, nodes: Tensor) -> Tensor:
        total = nodes
        for _ in range(self.n_layers):
            nodes = Propagate.apply(self.graph, nodes)
            total = total + nodes
        return total / (self.n_layers + 1)


def _initialize(module: nn.Module) -> None:
    if isinstance(module, (nn.Linear, nn.Embedding)):
        nn.init.xavier_uniform_(module.weight)
    if isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)
    if isinstance(module, nn.Embedding):
        with torch.no_grad():
            module.weight[PADDING].zero_()
