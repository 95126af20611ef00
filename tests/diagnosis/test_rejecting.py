"""Hits by chance are advice, and a cause where the code that draws asks for them."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.deciding.rejecting import told_in_vain
from diagnosis.findings import CodePlace
from diagnosis.probes.measured import measured

STOPS_EARLY = """
class Rows:
    def __getitem__(self, index):
        return self.drawn(self.items[index], 8)

    def drawn(self, seen, size):
        found = rng.integers(1, self.n + 1, size)
        for _ in range(20):
            clash = np.isin(found, seen)
            if clash.any():
                break
            found[clash] = rng.integers(1, self.n + 1, clash.sum())
        return found

def step(items, table):
    rows = Rows(items)
    return table(rows[0])
"""
OF_ANOTHER = """
def negative(user, met, n):
    item = random.randint(1, n)
    while item in met[user + 1]:
        item = random.randint(1, n)
    return item

def step(user, met, table):
    return table(torch.tensor([negative(user, met, 9)]))
"""
TABLE = """
def step(users, met, table):
    drawn = torch.randint(1, 100, users.shape)
    hit = met[users, drawn]
    return table(drawn)
"""
FIRST_OF_FOUR = """
def step(users, met, table):
    drawn = rng.integers(1, 100, size=(len(users), 4))
    hit = met[users, drawn[:, 0]]
    drawn[hit] = rng.integers(1, 100, size=(hit.sum(), 4))
    return table(drawn)
"""
RETURNED = """
def sampler(users, n, met):
    def draw(size):
        return rng.integers(1, n + 1, size=size)

    def negatives(users):
        drawn = draw(len(users))
        hit = met[users, drawn]
        drawn[hit] = draw(hit.sum())
        return drawn

    return negatives

def step(users, table, negatives):
    return table(negatives(users))
"""
PLAIN = """
def step(users, met, table, modes):
    drawn = torch.randint(1, 100, users.shape)
    if "bpr" in modes and users[0] in met:
        users = users[:5]
    return table(drawn)
"""


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (STOPS_EARLY, "negatives-hit-positives"),
        (OF_ANOTHER, "negatives-hit-positives"),
        (TABLE, "negatives-hit-positives"),
        (FIRST_OF_FOUR, "negatives-hit-positives"),
        (RETURNED, "negatives-hit-positives"),
        (PLAIN, "negatives-not-rejected"),
    ],
)
def test_hits_by_chance_are_a_cause_where_the_code_asks_for_them(text: str, code: str) -> None:
    lines = text.split("\n")
    looked_up = next(n for n, line in enumerate(lines, 1) if "table(" in line)
    drawn = next(n for n, line in enumerate(lines, 1) if "integers(" in line or "randint(" in line)
    places = tuple(CodePlace(path="m.py", line=line) for line in (drawn, looked_up))
    advice = measured("negatives-not-rejected", 0.1, "10 %", unit="", healthy=False, places=places)
    assert told_in_vain(advice, {"m.py": text}).code == code


def test_a_few_hits_are_no_fault_of_code_that_draws_them_again() -> None:
    places = tuple(CodePlace(path="m.py", line=line) for line in (3, 5))
    advice = measured("negatives-not-rejected", 0.004, ".4 %", unit="", healthy=True, places=places)
    assert told_in_vain(advice, {"m.py": TABLE}) is advice


@pytest.mark.parametrize("text", [TABLE, FIRST_OF_FOUR, RETURNED])
def test_the_test_of_a_table_is_the_line_that_decides(text: str) -> None:
    lines = text.split("\n")
    places = [CodePlace(path="m.py", line=lines.index(line) + 1) for line in lines if "table(" in line]
    first = decided("negatives-hit-positives", places, {"m.py": text})[0]
    assert "hit = met[" in lines[first.line - 1]
