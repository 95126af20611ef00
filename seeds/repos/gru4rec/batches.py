"""Training batches: windows of histories, shuffled. Negatives are the other targets of a batch, so none are drawn here.

All events stay on the training device; a batch is cut out of them by index.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Batch(NamedTuple):
    """Both (B, L) int64, left-padded with 0: what was seen and what came next."""

    inputs: Tensor
    targets: Tensor


class Batches:
    """Windows of at most max_len events. Longer histories make several, so that every event is learned from."""

    def __init__(self, data, *, max_len: int, batch_size: int, device: torch.device, seed: int) -> None:
        self.batch_size = batch_size
        self.generator = torch.Generator(device=device).manual_seed(seed)
        self.items = torch.as_tensor(data.items, device=device)  # (N,)
        ends, lengths = _windows(np.asarray(data.offsets), max_len)
        self.ends = torch.as_tensor(ends, device=device)  # (W,) place of a window's last target
        self.lengths = torch.as_tensor(lengths, device=device)  # (W,) its number of targets

    def epoch(self) -> Iterator[Batch]:
        """Every window once, in random order; windows of like length share a batch, to save padding."""
        if not len(self.ends):  # nobody has two events
            return
        order = self._shuffle(len(self.ends))
        pool = 16 * self.batch_size
        pools = [part[torch.argsort(self.lengths[part])] for part in order.split(pool)]
        batches = [batch for part in pools for batch in part.split(self.batch_size)]
        widths = self.lengths[torch.stack([batch[-1] for batch in batches])].tolist()
        for place in self._shuffle(len(batches)).tolist():
            yield self._batch(batches[place], widths[place])

    def _shuffle(self, n: int) -> Tensor:
        return torch.randperm(n, generator=self.generator, device=self.ends.device)

    def _batch(self, windows: Tensor, width: int) -> Batch:
        back = torch.arange(width - 1, -1, -1, device=windows.device)  # (L,)
        present = back < self.lengths[windows, None]  # (B, L)
        places = (self.ends[windows, None] - back).clamp(min=1)  # (B, L) of the targets
        return Batch(self.items[places - 1] * present, self.items[places] * present)


def _windows(offsets: np.ndarray, max_len: int) -> tuple[np.ndarray, np.ndarray]:
    """Where windows end and how many targets they hold, both (W,); cut from a user's newest event backwards.

    The first event of a user is nobody's target.
    """
    n_targets = np.maximum(np.diff(offsets) - 1, 0)  # (n_users + 1,)
    n_windows = -(-n_targets // max_len)
    owner = np.repeat(np.arange(len(n_targets)), n_windows)  # (W,)
    nth = np.arange(len(owner)) - np.repeat(np.cumsum(n_windows) - n_windows, n_windows)  # 0 is the newest
    lengths = np.minimum(n_targets[owner] - nth * max_len, max_len)
    return offsets[owner + 1] - 1 - nth * max_len, lengths
