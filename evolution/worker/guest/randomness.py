"""Random states: seeded before a build, saved and restored around everything that is ours."""

from __future__ import annotations

import contextlib
import random
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np


def seed_everything(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch: Any = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


@contextlib.contextmanager
def kept_random_states() -> Iterator[None]:
    """Whatever is drawn inside, the candidate's next draw is the one it would have been."""
    torch: Any = sys.modules.get("torch")
    python_state, numpy_state = random.getstate(), np.random.get_state()
    torch_state: Any = torch.get_rng_state() if torch is not None else None
    gpu = _gpu_of(torch)
    gpu_state = gpu.get_rng_state() if gpu is not None else None
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)
        if torch is not None:
            torch.set_rng_state(torch_state)
        if gpu is not None:
            gpu.set_rng_state(gpu_state)


def _gpu_of(torch: Any) -> Any:
    """torch.cuda or torch.mps, where there is one and it is in use; None otherwise."""
    if torch is None:
        return None
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        return torch.cuda
    return torch.mps if torch.backends.mps.is_available() else None
