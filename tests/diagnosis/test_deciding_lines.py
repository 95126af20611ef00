"""The lines that decide: masks that know time alone, parameters listed by hand, histories cut in a helper, states of one of two models."""

import pytest

from diagnosis.deciding.decide import decided
from diagnosis.findings import CodePlace

ONLY_TIME = """
class Encoder(nn.Module):
    def forward(self, items):
        causal = torch.ones(9, 9, dtype=torch.bool).tril()
        allowed = causal[None, None]  # decides
        return self.attend(self.item(items), allowed)

    def attend(self, x, allowed):
        logits = self.q(x) @ self.k(x).transpose(1, 2)
        logits = logits.masked_fill(~allowed, -1e9)
        return torch.softmax(logits, dim=-1) @ x  # seen
"""
ONLY_TIME_IN_A_FUNCTION = """
def encode(items, x):
    later = torch.triu(torch.ones(9, 9), 1).bool()
    hidden = later[None]  # decides
    scores = torch.bmm(x, x.transpose(1, 2))
    weights = torch.softmax(scores.masked_fill(hidden, -1e9), -1)  # seen
    return weights @ x
"""
ONLY_TIME_OF_A_WIDTH = """
class Encoder(nn.Module):
    def __init__(self, d):
        self.attention = nn.MultiheadAttention(d, 1)

    def forward(self, items):
        width = items.shape[1]
        x = self.item(items) + self.place(torch.arange(width))
        later = torch.ones((width, width), dtype=torch.bool).triu(1)  # decides
        told, _ = self.attention(x, x, x, attn_mask=later)  # seen
        return told
"""
LISTED = """
class Engine:
    def __init__(self, model, opt):
        tables = [model.table.weight]  # decides
        dense = [*model.numeric.parameters(), *model.deep.parameters()]
        self.adam = torch.optim.Adam([{"params": tables, "lr": 1e-2}, {"params": dense}])  # seen
"""
LISTED_IN_A_FUNCTION = """
def trained(net):
    return [net.users.weight, net.items.weight]  # decides

def fit(net):
    sgd = torch.optim.SGD(trained(net), lr=0.1)  # seen
"""
LISTED_BY_NAME = """
def groups(weights):
    decayed = [p for k, p in weights.items() if p.dim() > 1 and k != "items"]
    rest = [p for k, p in weights.items() if p.dim() == 1]  # decides
    return torch.optim.AdamW([{"params": decayed}, {"params": rest, "weight_decay": 0.0}], lr=0.1)  # seen
"""
LISTED_BY_ITS_CLASS = """
class Factors:
    def __iter__(self):
        yield from (self.users, self.items)  # decides

def learner(factors):
    return torch.optim.Adagrad(list(factors), lr=0.1)  # seen
"""
IN_A_HELPER = """
class Shop:
    def fit(self):
        yield {}

    def score(self, users, histories):
        hist = pad([row[row > 0] for row in np.asarray(histories)], self.width)  # seen
        return self.engine.scores(users, hist)

def pad(histories, width):
    out = np.zeros((len(histories), width), dtype=np.int64)
    for row, items in zip(out, histories):
        items = items[:width]  # decides
        row[-len(items):] = items
    return out
"""
IN_A_COMPREHENSION = """
class Shop:
    def fit(self):
        yield {}

    def score(self, users, histories):
        return self.answer([list(h) for h in histories])  # seen

    def answer(self, lists):
        short = [one[:20] for one in lists]  # decides
        return self.model(short)
"""


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("padding-attended", ONLY_TIME),
        ("padding-attended", ONLY_TIME_OF_A_WIDTH),
        ("more-padding", ONLY_TIME),
        ("padding-attended", ONLY_TIME_IN_A_FUNCTION),
        ("not-in-optimizer", LISTED),
        ("not-in-optimizer", LISTED_IN_A_FUNCTION),
        ("not-in-optimizer", LISTED_BY_NAME),
        ("not-in-optimizer", LISTED_BY_ITS_CLASS),
        ("newest-kept", IN_A_HELPER),
        ("newest-kept", IN_A_COMPREHENSION),
    ],
)
def test_the_line_that_decides_comes_first(code: str, text: str) -> None:
    lines = text.split("\n")
    seen, wanted = (
        next(n for n, line in enumerate(lines, 1) if line.endswith(mark)) for mark in ("# seen", "# decides")
    )
    places = decided(code, [CodePlace(path="m.py", line=seen)], {"m.py": text})
    assert places[0].line == wanted


FILTERED_DATA = """
class Batch:
    def __iter__(self):
        yield from (self.users, self.items)

def train(histories):
    net = Net([h for h in histories.values() if len(h) > 3])
    return net, make(net)

def make(net):
    return torch.optim.Adam(net.parameters(), lr=0.1)  # seen
"""


def test_lists_of_data_are_no_parameters() -> None:
    line = (
        FILTERED_DATA.split("\n").index("    return torch.optim.Adam(net.parameters(), lr=0.1)  # seen") + 1
    )
    places = decided("not-in-optimizer", [CodePlace(path="m.py", line=line)], {"m.py": FILTERED_DATA})
    assert [place.line for place in places] == [line]


SECOND = """
class Average:
    def __init__(self, model):
        self.shadow = copy.deepcopy(model)

class Rec:
    def __init__(self, data):
        self.net = Net(data)
        self.average = Average(self.net)

    def fit(self):
        yield {}

    def score(self, users, histories):
        return self.average.shadow(histories)

    def state_dict(self):
        return STATE
"""
OWN_COPY = """
class Rec:
    def __init__(self, data):
        self.net = Net(data)
        self.served = torch.optim.swa_utils.AveragedModel(self.net)

    def fit(self):
        yield {}

    def score(self, users, histories):
        return self.answer(histories)

    def answer(self, histories):
        return self.served(histories)

    def state_dict(self):
        return STATE
"""


@pytest.mark.parametrize("text", [SECOND, OWN_COPY])
def test_the_state_of_one_of_two_models_stands_where_it_is_handed_on(text: str) -> None:
    one = text.replace("STATE", "self.net.state_dict()")
    places = decided("state-restored", (), {"m.py": one})
    assert [one.split("\n")[place.line - 1].strip() for place in places] == ["return self.net.state_dict()"]


def test_the_state_of_the_model_that_answers_is_innocent() -> None:
    whole = SECOND.replace("STATE", "self.average.shadow.state_dict()")
    assert decided("state-restored", (), {"m.py": whole}) == ()
