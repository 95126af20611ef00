import torch
from torch import nn


class Dice(nn.Module):
    """Data-adaptive activation of the DIN paper, with layer instead of batch statistics."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width, elementwise_affine=False)
        self.alpha = nn.Parameter(torch.zeros(width))

    def forward(self, x):
        gate = torch.sigmoid(self.norm(x))
        return gate * x + (1 - gate) * self.alpha * x


class FullyConnected(nn.Module):
    def __init__(self, width, hidden, out, dropout=0.0):
        super().__init__()
        layers = []
        for size in hidden:
            layers += [nn.Linear(width, size), Dice(size), nn.Dropout(dropout)]
            width = size
        layers.append(nn.Linear(width, out))
        self.layers = nn.Sequential(*layers)

    def forward(self, x):
        return self.layers(x)
