"""Small real repositories with other names and styles than the seed; comments mark roles and defects.

What the fixtures cost: importing torch, seconds, once in a process; then a second for each model that `traced` trains for
two steps, in the process of the tests.
"""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from diagnosis.findings import Site
from diagnosis.roles import find_sites
from evolution.worker.guest.tracing import trace_smoke

REPOS = Path(__file__).parent / "repos"
N_ITEMS = 300


def events(n_users: int = 60, length: int = 9) -> SimpleNamespace:
    """A random log as `build` gets it; every user has `length` events."""
    rng = np.random.default_rng(0)
    ends = np.arange(0, n_users * length + 1, length)
    return SimpleNamespace(
        n_users=n_users,
        n_items=N_ITEMS,
        users=np.repeat(np.arange(1, n_users + 1), length),
        items=rng.integers(1, N_ITEMS + 1, n_users * length),
        offsets=np.concatenate([[0], ends]),
        timestamps=None,
        ratings=None,
    )


def read_sources(root: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(root.glob("*.py"))}


@pytest.fixture
def traced() -> Iterator[Callable[[Path, str], tuple[dict[str, Any], dict[str, str], list[Site]]]]:
    """Trace a repo: folder, module of `build` -> trace, sources, sites. Its modules are forgotten afterwards."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    path, modules = list(sys.path), set(sys.modules)

    def trace(root: Path, module: str) -> tuple[dict[str, Any], dict[str, str], list[Site]]:
        sys.path.insert(0, str(root))
        build = import_module(module).build
        batch = (np.array([1, 2]), np.full((2, 7), 5))
        found = trace_smoke(
            lambda: build(events(), device="cpu", seed=0), root=str(root), seconds=30.0, score_batch=batch
        )
        sources = read_sources(root)
        return found, sources, find_sites(found, sources, N_ITEMS)

    yield trace
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        origin = getattr(sys.modules[name], "__file__", None) or ""
        if any(part in origin for part in (str(REPOS), "seeds/repos", "tests/foreign")):
            del sys.modules[name]
