"""Each rule's border: the nearest healthy code is left alone."""

import pytest

from diagnosis.rules.check import check_source, check_sources


def codes(text: str) -> list[tuple[int, str]]:
    return [(hit.start_line, hit.code) for hit in check_source("m.py", text)]


def loop(head: str, body: str = "loss(b).backward()") -> str:
    return f"from torch.utils.data import DataLoader\nimport torch\n{head}:\n    {body}\n"


@pytest.mark.parametrize("text", ["def f(:\n", "\0", "x = (", "\ud800"])
def test_text_that_is_no_python_yet_has_no_hits(text: str) -> None:
    assert check_source("m.py", text) == []


def test_other_files_have_no_hits() -> None:
    assert check_source("README.md", "import torch.nn.functional as F\nF.dropout(x)\n") == []


@pytest.mark.parametrize(
    "loader",
    [
        "DataLoader(d, shuffle=True)",
        "DataLoader(d, 64, True)",
        "DataLoader(d, sampler=s)",
        "DataLoader(d, batch_sampler=s)",
        "DataLoader(d, shuffle=not debug)",
        "DataLoader(d, **options)",
        "Other(d)",
    ],
)
def test_a_loader_with_an_order_of_its_own_is_healthy(loader: str) -> None:
    assert codes(loop(f"for b in {loader}")) == []


def test_a_loader_of_evaluation_needs_no_shuffle() -> None:
    assert codes(loop("for b in DataLoader(d)", "print(b)")) == []


@pytest.mark.parametrize(
    "loader", ["DataLoader(d)", "DataLoader(d, 64, False)", "DataLoader(d, shuffle=False)"]
)
def test_a_training_loader_in_fixed_order_is_found(loader: str) -> None:
    assert codes(loop(f"for i, b in enumerate({loader})")) == [(3, "no-shuffle")]


def test_a_loader_kept_on_self_is_followed_to_its_loop() -> None:
    text = """
from torch.utils import data
class T:
    def __init__(self, d):
        self.feed = data.DataLoader(d)
        self.check = data.DataLoader(d)
    def fit(self):
        for b in self.feed:
            self.loss(b).backward()
"""
    assert codes(text) == [(5, "no-shuffle")]


def test_strides_over_an_unpermuted_array_are_found() -> None:
    body = "    for i in range(0, n, 64):\n        loss(x[i:i + 64]).backward()\n"
    assert codes("def fit(x, n):\n" + body) == [(2, "no-shuffle")]
    assert codes("def fit(x, n):\n    x = x[torch.randperm(n)]\n" + body) == []


@pytest.mark.parametrize(
    "call",
    [
        "F.dropout(x, 0.5, self.training)",
        "F.dropout(x, training=self.training)",
        "F.dropout(x, training=False)",
        "nn.Dropout(0.5)(x)",
    ],
)
def test_dropout_that_knows_when_it_trains_is_healthy(call: str) -> None:
    assert codes(f"import torch.nn.functional as F\ny = {call}\n") == []


@pytest.mark.parametrize(
    "head",
    [
        "import torch.nn.functional as F",
        "from torch.nn import functional as F",
        "import torch\nF = None\nimport torch.nn.functional as F",
    ],
)
def test_dropout_is_known_under_any_import(head: str) -> None:
    assert [code for _, code in codes(f"{head}\ny = F.dropout(x)\n")] == ["functional-dropout"]
    assert [code for _, code in codes("from torch.nn.functional import dropout as d\ny = d(x)\n")] == [
        "functional-dropout"
    ]


def test_reads_outside_the_hot_loop_or_behind_a_condition_are_healthy() -> None:
    text = """
def fit(batches):
    for epoch in range(3):
        for b in batches:
            loss = f(b)
            loss.backward()
            if step % 100 == 0:
                print(loss.item())
        print(loss.item())
"""
    assert codes(text) == []


@pytest.mark.parametrize(("choice", "found"), [("total + loss.item()", True), ("total", False)])
def test_a_read_that_both_values_of_a_choice_make_is_made_at_every_step(choice: str, found: bool) -> None:
    text = f"""
for b in batches:
    loss = f(b)
    loss.backward()
    total = loss.item() if total is None else {choice}
"""
    assert codes(text) == ([(5, "loss-read-at-every-step")] if found else [])


def test_a_read_in_the_hot_loop_is_found_once() -> None:
    text = (
        "for b in batches:\n    loss = f(b)\n    loss.backward()\n    total += loss.detach().cpu().numpy()\n"
    )
    assert codes(text) == [(4, "loss-read-at-every-step")]


def test_a_vectorised_redraw_is_healthy() -> None:
    text = "while hit.any():\n    if k in seen:\n        neg = rng.integers(1, n, size=len(hit))\n"
    assert codes(text) == []


def test_validation_may_choose_the_model_and_latest_is_no_test() -> None:
    assert codes("if valid_ndcg > best:\n    torch.save(m, p)\n") == []
    assert codes("if latest > best:\n    torch.save(m, p)\n") == []


def test_evaluation_under_no_grad_is_healthy_wherever_it_stands() -> None:
    inside = "def f(m):\n    m.eval()\n    with torch.no_grad():\n        return m.s().topk(9)\n"
    outside = "def f(m):\n    m.eval()\n    return m.s().topk(9)\nwith torch.inference_mode():\n    f(m)\n"
    decorated = "@torch.no_grad()\ndef f(m):\n    m.eval()\n    return m.s().topk(9)\n"
    assert codes(inside) == codes(outside) == codes(decorated) == []


EPOCH_IN_A_FUNCTION = """
def epoch(net, optimizer, batches):
    total = 0
    for batch in batches:
        loss = net(batch)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total = total + loss.detach()
    return (total / len(batches)).item()


def fit(net, optimizer, batches):
    for number in range(20):
        yield {"loss": epoch(net, optimizer, batches), "number": number.item()}
"""
STEP_IN_A_HELPER = """
def step(net, optimizer, batch):
    loss = net(batch)
    loss.backward()
    optimizer.step()
    return loss.item()


def one(net, optimizer, batch):
    return step(net, optimizer, batch)


def fit(net, optimizer, batches):
    for batch in batches:
        one(net, optimizer, batch)
        batch.tolist()
"""


def test_a_value_that_is_read_once_an_epoch_is_not_read_at_every_step():
    assert [hit.code for hit in check_source("m.py", EPOCH_IN_A_FUNCTION)] == []


def test_a_step_in_a_helper_of_a_helper_belongs_to_the_loop():
    hits = [
        h
        for h in check_source("m.py", STEP_IN_A_HELPER)
        if h.code in ("host-device-traffic", "loss-read-at-every-step")
    ]
    assert [hit.start_line for hit in hits] == [6, 16]


RANKS = """
def evaluate(score, test, n, rng):
    hits = 0
    for user, target in test.items():
        candidates = [target, *rng.integers(1, n + 1, 100)]
        hits += (-score(user, candidates)).argsort()[0] == 0
    return hits / len(test)
"""
TRAINS = """
import numpy as np
from ranking import evaluate
class Trainer:
    def __init__(self):
        self.rng = np.random.default_rng(0)
    def validate(self):
        return evaluate(self.score, self.test, self.n, GENERATOR)
"""


@pytest.mark.parametrize(("generator", "anew"), [("self.rng", True), ("np.random.default_rng(7)", False)])
def test_a_generator_handed_in_from_another_file_is_followed_to_where_it_is_kept(
    generator: str, anew: bool
) -> None:
    hits = check_sources({"ranking.py": RANKS, "train.py": TRAINS.replace("GENERATOR", generator)})
    assert ("candidates-drawn-anew" in {hit.code for hit in hits}) == anew


SAMPLER_ELSEWHERE = """
class Generator:
    def __init__(self, users):
        self.rng = np.random.RandomState(0)
    def drawn(self, k):
        return {u: self.rng.choice(self.n_items, size=k) for u in self.users}
    def questions(self, part):
        negatives = self.drawn(99)
        for user in self.users:
            yield user, np.append(self.targets[user], negatives[user])
"""
JUDGE_ELSEWHERE = """
def hit_rate(model, rows):
    hits = 0
    for user, candidates in rows:
        order = np.argsort(-model.score(user, candidates), kind="stable")
        hits += np.flatnonzero(order == 0)[0] < 10
    return hits
"""
MAIN = """
def main(model, generator):
    return hit_rate(model, generator.questions("valid"))
"""


def test_candidates_are_followed_to_the_file_that_ranks_them():
    files = {"data.py": SAMPLER_ELSEWHERE, "judge.py": JUDGE_ELSEWHERE, "main.py": MAIN}
    hits = {(hit.path, hit.start_line, hit.code) for hit in check_sources(files)}
    assert hits == {
        ("data.py", 6, "candidates-repeated"),
        ("data.py", 8, "candidates-drawn-anew"),
        ("data.py", 10, "target-always-first"),
    }


def test_candidates_that_were_drawn_at_the_start_and_ranked_against_ties_are_healthy():
    once = SAMPLER_ELSEWHERE.replace("negatives = self.drawn(99)", "negatives = self.negatives")
    once = once.replace(
        "np.random.RandomState(0)\n",
        "np.random.RandomState(0)\n        self.negatives = self.drawn(99)\n",
    )
    judge = "def hit_rate(model, rows):\n    return [(s[1:] >= s[0]).sum() for s in map(model.score, rows)]\n"
    assert check_sources({"data.py": once, "judge.py": judge, "main.py": MAIN}) == []


def test_eval_is_missing_where_the_model_is_asked_and_not_where_the_question_is_handed_on():
    trainer = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.items = nn.Embedding(9, 4)
        self.dropout = nn.Dropout(0.5)
    def forward(self, x):
        return self.dropout(self.items(x)).sum(1)
class Trainer:
    def __init__(self):
        self.model = Net()
    def epoch(self):
        self.model.train()
        return 0.0
    def full_sort(self, rows):
        return self.model(rows)
"""
    main = """
from trainer import Trainer
class Rec:
    def __init__(self):
        self.trainer = Trainer()
    def fit(self):
        while True:
            yield {"loss": self.trainer.epoch()}
    def score(self, users, histories):
        return self.trainer.full_sort(histories)
def build(data, *, device, seed):
    return Rec()
"""
    hits = check_sources({"trainer.py": trainer, "main.py": main})
    assert [(h.path, h.start_line) for h in hits if h.code == "eval-forgotten"] == [("trainer.py", 18)]
    healthy = trainer.replace(
        "        return self.model(rows)", "        self.model.eval()\n        return self.model(rows)"
    )
    assert check_sources({"trainer.py": healthy, "main.py": main}) == []


SPLIT = "import pandas as pd\ndf = pd.read_csv('log.csv')[['user', 'item', 'timestamp']]\ntrain, rest = train_test_split(df)\n"


@pytest.mark.parametrize(
    ("path", "tail"),
    [
        ("tests/conftest.py", "import pytest\n"),
        ("tests/test_parts.py", "def test_parts():\n    assert len(train) > len(rest)\n"),
    ],
)
def test_unit_tests_of_the_repo_train_no_recommender(path: str, tail: str) -> None:
    assert check_source(path, SPLIT + tail) == []


@pytest.mark.parametrize("path", ["test_model.py", "tests/run.py", "data.py"])
def test_a_script_that_is_called_test_is_judged_all_the_same(path: str) -> None:
    assert [hit.code for hit in check_source(path, SPLIT)] == ["random-split"]


NET = """
import torch
from torch import nn
class Net{number}(nn.Module):
    def __init__(self, size, d):
        super().__init__()
        self.items, self.drop = nn.Embedding(size, d), nn.Dropout(0.1)
    def forward(self, seqs):
        return self.drop(self.items(seqs)).mean(1)
    def cal_loss(self, batch):
        seqs, wanted = batch
        told = self.forward(seqs) @ self.items.weight.T
        hard = told.topk(8).indices
        return (told.gather(1, hard).mean(1) - told.gather(1, wanted)[:, 0]).relu().mean()
"""
TRAINER = """
import torch
class Trainer:
    def train_epoch(self, model, loader):
        for batch in loader:
            self.optimizer.zero_grad()
            loss = model.cal_loss(batch)
            loss.backward()
            self.optimizer.step()
"""


def test_a_loss_of_several_models_of_which_a_trainer_has_one_is_no_evaluation() -> None:
    """Which model it has cannot be seen, so that only its method's name says that it is trained."""
    nets = {f"net{number}.py": NET.format(number=number) for number in range(3)}
    hits = check_sources({**nets, "trainer.py": TRAINER})
    assert "eval-forgotten" not in {hit.code for hit in hits}
