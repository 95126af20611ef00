"""A range of draws that ends too early stands on the draw, and beside it on the call that hands its function another number."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.findings import CodePlace

DRAWS = """
def drawn(rng, n_items, size):
    return rng.randint(1, n_items + 1, size)  # draw

def step(table, rng, GIVEN):
    ids = drawn(rng, GIVEN, 8)  # call
    return table(ids)  # use
"""
METHODS = """
class Sampler:
    def drawn(self, n_items, size):
        return torch.randint(1, n_items, (size,))  # draw

    def batch(self, table):
        ids = self.drawn(self.GIVEN, 8)  # call
        return table(ids)  # use
"""


@pytest.mark.parametrize("text", [DRAWS, METHODS])
@pytest.mark.parametrize(("given", "beside"), [("maxlen", ["# call"]), ("n_items", [])])
def test_bound_by_another_name_is_told_beside_the_draw(text: str, given: str, beside: list[str]) -> None:
    text = text.replace("GIVEN", given)
    lines = {mark: 1 + text[: text.index(mark)].count("\n") for mark in ("# draw", "# call", "# use")}
    seen = [CodePlace(path="m.py", line=lines[mark]) for mark in ("# draw", "# use")]
    found = [place.line for place in decided("negatives-out-of-range", seen, {"m.py": text})]
    assert found == [lines[mark] for mark in ("# draw", *beside, "# use")]
