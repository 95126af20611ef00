"""From what a masked training reads and aims at back to the lines that choose the places, the mask, and the order."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.deciding.program import read_program
from diagnosis.deciding.statements import expressions_of
from diagnosis.deciding.walk import flow_into
from diagnosis.findings import CodePlace
from tests.diagnosis.marked import line_of

COLLATED = {
    "settings.py": """
from dataclasses import dataclass

@dataclass
class Config:
    num_items: int

    @property
    def mask_id(self):
        return self.num_items  # mask
""",
    "collator.py": """
import torch

class Collator:
    def __init__(self, mask_id, share):
        self.mask_id, self.share = mask_id, share

    def __call__(self, examples):
        ids = torch.zeros(len(examples), 20, dtype=torch.long)  # zeros
        for row, example in enumerate(examples):
            ids[row, -len(example):] = torch.tensor(example)
        chosen = torch.rand(ids.shape) < self.share  # chosen
        labels = ids.masked_fill(~chosen, -100)  # labels
        return ids.masked_fill(chosen, self.mask_id), labels  # read
""",
    "train.py": """
import numpy as np
from torch.utils.data import DataLoader
from collator import Collator
from settings import Config

class Trainer:
    def __init__(self, net, rows, collator):
        self.net = net
        self.rows = rows
        self.collator = collator

    def fit(self):
        for ids, labels in DataLoader(self.rows, collate_fn=self.collator):
            self.net.table(ids)  # looked up

def build(data):
    config = Config(num_items=data.n_items)
    items = data.items[np.lexsort((-data.timestamps, data.users))]  # order
    rows = [items[a:b] for a, b in data.bounds]
    return Trainer(Net(), rows, Collator(config.mask_id, 0.2))
""",
}
BY_HAND = {
    "m.py": """
import numpy as np

def batches(data, n):
    table = sorted(data.events, key=lambda e: e[1], reverse=True)  # order
    block = pad(table)
    hide = np.random.random(block.shape) < 0.2  # chosen
    goals = np.where(hide, block, -1)  # labels
    mask = n - 1  # mask
    block[hide] = mask  # read
    yield block, goals

def fit(data, net):
    for block, goals in batches(data, 9):
        net(block, goals)  # looked up
""",
}


def lines(sources: dict[str, str], code: str, *said: str) -> tuple[str, int]:
    seen = [CodePlace(path=path, line=line) for path, line in (line_of(sources, one) for one in said)]
    first = decided(code, seen, sources)[0]
    return first.path, first.line


@pytest.mark.parametrize("sources", [COLLATED, BY_HAND])
def test_a_mask_that_is_an_item_stands_where_its_id_is_made(sources: dict[str, str]) -> None:
    assert lines(sources, "mask-is-an-item", "# read", "# looked up") == line_of(sources, "# mask")


@pytest.mark.parametrize("sources", [COLLATED, BY_HAND])
def test_padding_that_is_a_target_stands_where_places_are_chosen(sources: dict[str, str]) -> None:
    assert lines(sources, "padding-is-a-target", "# looked up", "# labels") == line_of(sources, "# chosen")


def test_a_collator_handed_to_a_trainer_is_followed_to_the_rows_it_is_given() -> None:
    program = read_program(COLLATED)
    path, line = line_of(COLLATED, "# labels")
    starts = expressions_of(program, [CodePlace(path=path, line=line - 2)])
    walked = {(program.paths[at.node], at.node.lineno) for at in flow_into(program, starts)}
    assert line_of(COLLATED, "# order") in walked
