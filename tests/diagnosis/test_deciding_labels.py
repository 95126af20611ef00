"""Labels that are turned stand on the lines that write them."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.findings import CodePlace

FILLED = """
class Feed:
    def epoch(self):
        items = np.concatenate([self.items, self.drawn()])
        labels = np.ones(len(items), dtype=np.float32)  # here
        labels[: len(self.items)] = 0.0  # here
        yield items, labels

class Engine:
    def train(self):
        self.criterion = nn.BCEWithLogitsLoss()
        for items, labels in self.feed.epoch():
            loss = self.criterion(self.model(items), labels)
"""
JOINED = """
def batches(right, wrong):
    labels = torch.cat([torch.zeros(len(right)), torch.ones(len(wrong))])  # here
    return torch.cat([right, wrong]), labels

def step(model, right, wrong):
    items, labels = batches(right, wrong)
    loss = F.binary_cross_entropy_with_logits(model(items), labels)
"""


@pytest.mark.parametrize("text", [FILLED, JOINED])
def test_turned_labels_stand_where_they_are_written(text: str) -> None:
    lines = text.split("\n")
    taken = next(n for n, line in enumerate(lines, 1) if "loss = " in line)
    expected = {n for n, line in enumerate(lines, 1) if line.endswith("# here")}
    places = decided(
        "learns-backwards", [CodePlace(path="m.py", line=taken)], {"m.py": text}, {"labels": True}
    )
    assert {place.line for place in places} - {taken} == expected
