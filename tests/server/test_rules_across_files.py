"""The static rules at typing time follow calls into the other files of a measured program."""

from server.lsp.view import MOST_BESIDE, beside, check_rules

NET = """
from torch import nn
class Net(nn.Module):
    def __init__(self):
        self.act = nn.Sigmoid()
        self.out = nn.Linear(8, 1)
    def forward(self, x):
        return self.act(self.out(x))
"""
TRAIN = """
import torch.nn.functional as F
from net import Net
def loss(x, y):
    net = Net()
    return F.binary_cross_entropy_with_logits(net(x), y)
"""


def test_a_fault_is_shown_in_the_file_that_has_it_whichever_is_open() -> None:
    assert check_rules("train.py", TRAIN, (("net.py", NET),)) == ()
    (note,) = check_rules("net.py", NET, (("train.py", TRAIN),))
    assert (note.code, note.anchors[0].start_line) == ("probability-for-logit", 8)
    assert check_rules("net.py", NET) == ()


def test_other_files_are_read_as_the_user_sees_them_and_not_where_they_are_long() -> None:
    program = {"net.py": "1", "train.py": "2", "README.md": "3"}
    texts = {"net.py": NET, "train.py": TRAIN, "README.md": "words"}
    assert beside(program, "net.py", texts.get) == (("train.py", TRAIN),)
    assert beside({}, "net.py", texts.get) is None
    assert beside(program, "net.py", (texts | {"train.py": "#" * (MOST_BESIDE + 1)}).get) is None
