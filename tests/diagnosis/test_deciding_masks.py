"""From an attention that sees too much back to the line that makes its mask."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.findings import CodePlace
from tests.diagnosis.marked import line_of

LIBRARY = {
    "net.py": """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, n, d):
        super().__init__()
        self.table = nn.Embedding(n, d)
        layer = nn.TransformerEncoderLayer(d, 2, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)

    def forward(self, seq):
        pad = seq.eq(-1)  # test
        future = torch.triu(torch.ones(seq.size(1), seq.size(1)), diagonal=2).bool()  # triangle
        x = self.table(seq)
        return self.encoder(x, mask=future, src_key_padding_mask=pad)  # attention
""",
}
ADDED = {
    "masks.py": """
import torch

def hidden(ids, causal):
    at = torch.arange(ids.shape[1])
    later = at[None, :] > at[:, None] + 1  # triangle
    shut = later[None] if causal else torch.zeros_like(later)[None]
    shut = shut | (ids < 0)[:, None, :]  # test
    return shut[:, None].float() * -1e9
""",
    "attention.py": """
import math
from masks import hidden

class Heads:
    def __init__(self, d):
        self.q, self.k = Linear(d, d), Linear(d, d)

    def __call__(self, x, bias):
        scores = self.q(x) @ self.k(x).transpose(-1, -2) / math.sqrt(x.size(-1))
        scores = scores + bias
        return scores.softmax(-1) @ x  # attention

class Model:
    def __init__(self, table, d):
        self.table = table
        self.blocks = [Heads(d) for _ in range(2)]

    def encode(self, ids):
        bias = hidden(ids, True)
        x = self.table[ids]
        for block in self.blocks:
            x = block(x, bias)
        return x
""",
}
WEAK = {
    "m.py": """
import torch

def attend(q, k, v, ids):
    w = q @ k.transpose(1, 2)
    w = w.masked_fill((ids == 0)[:, None], -1.0)  # fill
    p = torch.softmax(w, -1)  # attention
    return p @ v
""",
}
NO_PADDING = {
    "m.py": """
import torch

def attend(q, k, v):
    n = q.size(1)
    shut = torch.ones(n, n).triu(1).bool()  # triangle
    w = (q @ k.transpose(1, 2)).masked_fill(shut, float("-inf"))
    p = torch.softmax(w, -1)  # attention
    return p @ v
""",
}
PLACES = {
    "net.py": """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, n, d):
        super().__init__()
        self.table, self.places = nn.Embedding(n, d), nn.Embedding(50, d)
        self.q, self.k = nn.Linear(d, d), nn.Linear(d, d)

    def forward(self, ids):
        at = torch.arange(ids.shape[1])  # places
        x = self.table(ids) + self.places(at)
        w = self.q(x) @ self.k(x).transpose(1, 2)
        w = w.masked_fill(ids.eq(0)[:, None], float("-inf"))
        return torch.softmax(w, -1) @ x  # attention
""",
}
COUNTED = {
    "net.py": """
from torch import nn

def positions(ids):
    return (ids >= 0).long().cumsum(1) - 1  # places

class Net(nn.Module):
    def __init__(self, n, d):
        super().__init__()
        self.table, self.places = nn.Embedding(n, d), nn.Embedding(50, d)
        self.heads = nn.MultiheadAttention(d, 2, batch_first=True)

    def forward(self, ids):
        x = self.table(ids) + self.places(positions(ids))
        return self.heads(x, x, x, key_padding_mask=ids == 0)  # attention
""",
}
BEHIND = {
    "net.py": """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, n, d):
        self.items, self.places = nn.Embedding(n, d), nn.Embedding(50, d)
        self.layer = nn.TransformerEncoderLayer(d, 2)

    def encode(self, ids):
        at = PLACES  # places
        return self.layer(self.items(ids) + self.places(at), src_key_padding_mask=ids == 0)

    def forward(self, ids):
        return self.encode(ids)[:, -1] @ self.items.weight.t()  # attention
""",
}
FROM_THE_FIRST = ("torch.arange(ids.size(1))", "torch.arange(0, ids.shape[1], device=ids.device)")
FROM_THE_LAST = (
    "torch.arange(ids.size(1) - 1, -1, -1)",
    "torch.arange(ids.size(1)).flip(0)",
    "ids.size(1) - 1 - torch.arange(ids.size(1))",
)
NONE = {
    "m.py": "import torch\n\ndef attend(q, k, v):\n    w = q @ k.transpose(1, 2)\n    return torch.softmax(w, -1) @ v  # attention\n"
}
MEAN = {
    "m.py": "def pool(e, x):\n    mask = (x > 0).float()\n    e = e * mask\n    return e.mean(1)  # attention\n"
}


def first(code: str, sources: dict[str, str]) -> tuple[str, int]:
    path, line = line_of(sources, "# attention")
    best = decided(code, [CodePlace(path=path, line=line)], sources)[0]
    return best.path, best.line


@pytest.mark.parametrize(
    ("code", "sources", "decides"),
    [
        ("future-visible", LIBRARY, "# triangle"),
        ("future-visible", ADDED, "# triangle"),
        ("future-visible", WEAK, "# fill"),
        ("future-visible", NO_PADDING, "# triangle"),
        ("future-visible", NONE, "# attention"),
        ("more-padding", LIBRARY, "# test"),
        ("more-padding", ADDED, "# test"),
        ("more-padding", WEAK, "# fill"),
        ("more-padding", PLACES, "# places"),
        ("more-padding", COUNTED, "# places"),
        ("more-padding", NONE, "# attention"),
        ("more-padding", MEAN, "# attention"),
    ],
)
def test_attention_that_sees_too_much_goes_back_to_its_mask(
    code: str, sources: dict[str, str], decides: str
) -> None:
    assert first(code, sources) == line_of(sources, decides)


@pytest.mark.parametrize("counted", FROM_THE_FIRST)
def test_line_behind_the_attention_goes_back_to_places_that_move_with_padding(counted: str) -> None:
    sources = {path: text.replace("PLACES", counted) for path, text in BEHIND.items()}
    assert first("more-padding", sources) == line_of(sources, "# places")


@pytest.mark.parametrize("counted", FROM_THE_LAST)
def test_places_that_are_counted_from_the_newest_are_innocent(counted: str) -> None:
    sources = {path: text.replace("PLACES", counted) for path, text in BEHIND.items()}
    assert first("more-padding", sources) == line_of(sources, "# attention")
