"""What the tests of `seeds` share: small logs, real logs where they are, and a brute-force metric.

What the fixtures cost: half a second for the micro shop and a second or two for the demo shop, once in a process; `entry_of`
imports torch. Nothing is trained and no process is started.
"""

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seeds.assembly import Events, assemble, no_facts
from seeds.interactions import Interactions
from seeds.new import TEMPLATES
from seeds.shop import Shop, make
from seeds.split import LeaveLastTwoOut, Split, split
from tests.imported import forgetting

REPO = Path(__file__).parents[2]
DATA = REPO.parent / "shared" / "data"


@pytest.fixture
def data_folder() -> Path:
    """Real logs; they lie beside the repo and are never part of it."""
    if not DATA.exists():
        pytest.skip(f"needs the data sets, which are not at {DATA}")
    return DATA


@pytest.fixture(scope="session")
def micro() -> Shop:
    return make("micro")


@pytest.fixture(scope="session")
def demo_split() -> Split:
    return split(make("demo").interactions, LeaveLastTwoOut())


@pytest.fixture(scope="session")
def micro_split(micro: Shop) -> Split:
    return split(micro.interactions, LeaveLastTwoOut())


@pytest.fixture
def log_of() -> Callable[..., Interactions]:
    """A log from (user, item, time) triples, with optional ratings, in file order."""

    def build(
        triples: list[tuple[int, int, int]], *, ratings: list[float] | None = None, clock: bool = True
    ) -> Interactions:
        users, items, times = (np.array(column, np.int64) for column in zip(*triples, strict=True))
        events = Events(
            users=users,
            items=items,
            order=times,
            timestamps=times if clock else None,
            ratings=None if ratings is None else np.array(ratings, np.float32),
        )
        n_users, n_items = int(users.max()), int(items.max())
        return assemble(
            events,
            no_facts(n_items),
            user_names=("", *(f"u{user}" for user in range(1, n_users + 1))),
            item_names=("", *(f"i{item}" for item in range(1, n_items + 1))),
        )

    return build


@pytest.fixture
def entry_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """The entry module of the seed of this name, imported as a repo's code is: from its folder, under its own name."""
    import torch

    torch.set_num_threads(1)
    with ExitStack() as stack:

        def enter(name: str) -> Any:
            folder = TEMPLATES / name
            monkeypatch.syspath_prepend(folder)
            stack.enter_context(forgetting(folder))
            return importlib.import_module("recommender")

        yield enter


@pytest.fixture
def sasrec(entry_of: Callable[[str], Any]) -> Any:
    return entry_of("sasrec")
