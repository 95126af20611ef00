"""What answers and does not keep up with what learns is found in several shapes, on its line; healthy models are silent."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from evolution.trials.asked import batch_of
from evolution.trials.asking_following import CODE, with_followed
from evolution.trials.partings import behind_in
from evolution.worker.guest.following import Following, followed
from evolution.worker.guest.recommender import CheckedRecommender
from evolution.worker.guest.tracing_frames import Places
from tests.evolution.trials.asking import MAX_HISTORY, Edits, built
from tests.evolution.trials.test_asking_trained import FACTORS, HEALTHY, TORCH

pytestmark = pytest.mark.trains

EPOCHS = 8
READS_NET = "return self.net(torch.as_tensor(users), histories)"
OPTIMIZER = "self.optimizer = torch.optim.Adam(self.net.parameters(), lr=self.lr)"
STEP = "                self.optimizer.step()\n                total += loss.detach() * len(batch)"
YIELD = '            yield {"loss": float(total) / len(self.goals)}'
SECOND = f"{OPTIMIZER}\n        import copy\n        self.old = copy.deepcopy(self.net)"
SERVES = "self.old.eval()\n        return self.old(torch.as_tensor(users), histories)"
AVERAGES = (
    "                with torch.no_grad():\n"
    "                    for slow, fast in zip(self.old.parameters(), self.net.parameters()):\n"
    "                        slow.lerp_(fast, WEIGHT)\n"
)
KEEPS = "if getattr(self, 'kept', None) is None:\n            self.kept = (own.clone(), items.clone())\n        return self.kept[0][users] @ self.kept[1].T"
TABLES = "\n    def tables(self):\n        return self.users.weight, self.items.weight\n"
EMPTY = "        self.table = None\n" + TABLES
OF_ITEMS = (
    "if self.table is None:\n            self.table = items.clone()\n        return own[users] @ self.table.T"
)
IN_DICT = "known = self.__dict__.setdefault('known', {})\n        if 'all' not in known:\n            known['all'] = own @ items.T\n        return known['all'][users]"
COPIES = "            if not hasattr(self, 'served'):\n                self.served = True\n                self.old.load_state_dict(self.net.state_dict())\n"

# (what, kind, edits, the line that it must point at)
DEFECTS: list[tuple[str, str, Edits, str]] = [
    ("cache", "Bpr", ((FACTORS, KEEPS),), "self.kept = (own.clone(), items.clone())"),
    ("cache", "Bpr", ((TABLES, EMPTY.replace("table", "kept", 1)), (FACTORS, KEEPS)), "self.kept = (own.clone(), items.clone())"),
    ("cache", "Bpr", ((FACTORS, IN_DICT),), "known['all'] = own @ items.T"),
    ("cache", "Bpr", ((TABLES, EMPTY), (FACTORS, OF_ITEMS)), "self.table = items.clone()"),
    ("copy", "Gru", ((OPTIMIZER, SECOND), (READS_NET, SERVES), (YIELD, COPIES + YIELD)), "self.old.load_state_dict(self.net.state_dict())"),
    ("average", "Gru", ((OPTIMIZER, SECOND), (READS_NET, SERVES), (STEP, STEP + "\n" + AVERAGES.replace("WEIGHT", "1e-5"))), "slow.lerp_(fast, 1e-5)"),
    ("average", "Gru", ((OPTIMIZER, SECOND), (READS_NET, SERVES), (STEP, STEP + "\n" + AVERAGES.replace("slow.lerp_(fast, WEIGHT)", "slow.mul_(0.99999).add_(fast, alpha=1e-5)"))), "slow.mul_(0.99999).add_(fast, alpha=1e-5)"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "kind", "edits", "line"), DEFECTS)
def test_what_falls_behind_is_found_on_its_line(tmp_path, micro, what, kind, edits, line):
    found, text = _followed(tmp_path, micro, TORCH, kind, edits)
    assert found is not None and found["what"] == what
    assert text.splitlines()[found["line"] - 1].strip() == line
    behind = behind_in({"found": [found]})
    assert [check.code for check in with_followed([], lambda: behind)] == [CODE]


@pytest.mark.parametrize(("file", "kind"), HEALTHY)
def test_healthy_models_keep_up(tmp_path, micro, file, kind):
    assert _followed(tmp_path, micro, file, kind, ())[0] is None


def test_an_average_that_follows_is_healthy(tmp_path, micro):
    edits = (
        (OPTIMIZER, SECOND),
        (READS_NET, SERVES),
        (STEP, STEP + "\n" + AVERAGES.replace("WEIGHT", "0.1")),
    )
    assert _followed(tmp_path, micro, TORCH, "Gru", edits)[0] is None


def _followed(folder, data, file, kind, edits):
    build, text = built(folder, file, kind, edits)

    def make() -> CheckedRecommender:
        return CheckedRecommender(build, data.training, device="cpu", seed=0)

    batch = batch_of(data.validation, MAX_HISTORY)
    return followed(make, Places(str(folder)), batch, EPOCHS), text


def test_moments_of_an_optimizer_are_no_average_of_small_tables():
    rng = np.random.default_rng(0)
    start = rng.normal(0, 0.01, (50, 4)).astype(np.float32)
    ends = [start + rng.normal(0, 0.5, start.shape).astype(np.float32) * n for n in range(3)]
    moments = [np.full(start.shape, 1e-6 * n, np.float32) for n in range(3)]
    averages = [start + 1e-6 * (end - start) for end in ends]
    taken = [_taken(table=t, moment=m, average=a) for t, m, a in zip(ends, moments, averages, strict=True)]
    both: Any = object.__new__(Following)
    both._before, both._first, both._second = taken
    assert both._behind("average") is not None
    assert both._behind("moment") is None


def _taken(**tables):
    parts = {name: SimpleNamespace(value=torch.zeros(1, requires_grad=name == "table")) for name in tables}
    digests = {name: table.tobytes() for name, table in tables.items()}
    return SimpleNamespace(copies=tables, digests=digests, parts=parts)
