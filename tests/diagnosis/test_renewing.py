"""Negatives that two epochs share are a cause where they are drawn once, and none where they are drawn anew every few epochs."""

import pytest

from diagnosis.deciding.renewing import renewed_later
from diagnosis.findings import CodePlace
from diagnosis.probes.measured import measured
from diagnosis.probes.negatives import OF_EPOCHS

EVERY_SECOND = """
class Feed:
    def __init__(self, sampler):
        self.sampler, self.begun = sampler, 0

    def epoch(self):
        if self.begun % 2 == 0:
            self.negatives = self.sampler.draw(self.users)
        self.begun += 1
        return self.negatives

class Sampler:
    def draw(self, users):
        return rng.integers(1, 100, len(users))

def step(feed, table):
    return table(feed.epoch())
"""
COUNTED_DOWN = """
class Pool:
    def __init__(self, every):
        self.every, self.left = every, 0

    def items(self, n):
        if self.left <= 0:
            self.kept = torch.randint(1, 100, (n,))
            self.left = self.every
        self.left -= 1
        return self.kept

def step(pool, table):
    return table(pool.items(9))
"""
LEFT_EARLY = """
class Draws(Callback):
    def on_epoch_start(self, run):
        if run.epoch % run.every:
            return
        run.negatives = np.random.randint(1, 100, run.n)

def step(run, table):
    return table(run.negatives)
"""
IN_BLOCKS = """
def fit(n, table):
    for block in range(20):
        drawn = torch.randint(1, 100, (n,))
        for _ in range(5):
            yield step(table, drawn)

def step(table, drawn):
    return table(drawn)
"""
KEPT_FOR_EVER = """
class Pool:
    def __init__(self):
        self.kept, self.asked = None, 0

    def items(self, n):
        self.asked += 1
        if self.kept is None or self.asked == 1:
            self.kept = torch.randint(1, 100, (n,))
        return self.kept

def step(pool, table):
    return table(pool.items(9))
"""
IN_THE_FIRST_EPOCH = """
def fit(n, table):
    for epoch in range(20):
        if epoch == 0:
            drawn = torch.randint(1, 100, (n,))
        for part in range(5):
            loss = table(drawn)
        yield loss
"""


@pytest.mark.parametrize(
    ("text", "healthy"),
    [
        (EVERY_SECOND, True),
        (COUNTED_DOWN, True),
        (LEFT_EARLY, True),
        (IN_BLOCKS, True),
        (KEPT_FOR_EVER, False),
        (IN_THE_FIRST_EPOCH, False),
    ],
)
def test_what_is_drawn_anew_later_is_no_cause(text: str, healthy: bool) -> None:
    lines = text.split("\n")
    looked_up = next(n for n, line in enumerate(lines, 1) if "table(" in line)
    drawn = next(n for n, line in enumerate(lines, 1) if "integers(" in line or "randint(" in line)
    places = tuple(CodePlace(path="m.py", line=line) for line in (drawn, looked_up))
    shared = measured(
        "negatives-repeated", 1.0, "all", unit="", healthy=False, places=places, details={OF_EPOCHS: True}
    )
    assert renewed_later(shared, {"m.py": text}).healthy is healthy


def test_what_is_alike_in_one_epoch_stays_a_cause() -> None:
    places = (CodePlace(path="m.py", line=8), CodePlace(path="m.py", line=17))
    alike = measured("negatives-repeated", 1.0, "one item", unit="", healthy=False, places=places)
    assert renewed_later(alike, {"m.py": EVERY_SECOND}).healthy is False
