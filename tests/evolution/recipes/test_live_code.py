"""Recipes patch code that was seen to run, and leave nothing behind that nobody reads."""

import pytest

from evolution.domain.edits import apply_edits
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext

FACTS = Facts(n_users=20, n_items=80, has_categories=True, steps=1000)
SCRIPT = """
import torch
import torch.nn.functional as F


class Net(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.emb = torch.nn.Embedding(n + 1, 8, padding_idx=0)

    def encode(self, seq):
        return self.emb(seq)


def old_step(net, seq, pos, neg):
    h = net.encode(seq)
    loss = -F.logsigmoid((h * net.emb(pos)).sum(-1)).mean() - F.logsigmoid(-(h * net.emb(neg)).sum(-1)).mean()
    return loss


def step(net, batch, kind):
    seq, pos, neg = batch
    h = net.encode(seq)
    if kind == "bpr":
        loss = -F.logsigmoid((h * net.emb(pos)).sum(-1) - (h * net.emb(neg)).sum(-1)).mean()
    else:
        loss = F.softplus(-(h * net.emb(pos)).sum(-1)).mean() + F.softplus((h * net.emb(neg)).sum(-1)).mean()
    return loss
"""
LOOP = """
import torch
from torch import optim


def unused(model):
    opt = optim.SGD(model.parameters(), lr=0.1)
    opt.step()


class Trainer:
    def __init__(self, model, loader):
        self.model, self.loader = model, loader
        self.opt = optim.Adam(model.parameters(), lr=0.001)

    def epoch(self):
        for users, pos, neg in self.loader:
            self.opt.zero_grad()
            self.model(users, pos, neg).backward()
            self.opt.step()
"""


def lines_with(text: str, *parts: str) -> list[int]:
    return [n for n, line in enumerate(text.splitlines(), 1) if any(part in line for part in parts)]


def cook(code: str, text: str, ran: list[int], facts: Facts = FACTS) -> str:
    """The text after a recipe, where only these lines ran."""
    trace = {"executed": {"m.py": ran}, "executed_training": {"m.py": ran}}
    recipe = next(recipe for recipe in RECIPES if recipe.code == code)
    context = RecipeContext(sources={"m.py": text}, facts=facts, trace=trace)
    return apply_edits(context.sources, recipe.make(context).edits)["m.py"]


def test_the_loss_that_ran_is_patched_and_the_dead_one_above_it_is_not():
    ran = lines_with(
        SCRIPT, "self.emb = ", "return self.emb", "= batch", "h = net.encode", "F.softplus", "return loss"
    )
    ran = [
        line
        for line in ran
        if line > lines_with(SCRIPT, "def step")[0] or line < lines_with(SCRIPT, "def old")[0]
    ]
    after = cook("full-softmax", SCRIPT, ran)
    assert "def old_step(net, seq, pos, neg):\n    h = net.encode(seq)\n    loss = -F.logsigmoid" in after
    assert "F.softplus" not in after and 'kind == "bpr"' in after and after.count("logsigmoid") == 3


def test_a_branch_that_did_not_run_is_not_patched():
    ran = lines_with(SCRIPT, "self.emb = ", "return self.emb", "= batch")
    with pytest.raises(DoesNotFit, match=r"m.py:\d+ did not run in this trial"):
        cook("full-softmax", SCRIPT, ran)


def test_an_optimizer_that_nobody_uses_is_left_alone():
    ran = lines_with(LOOP, "self.opt", "self.model", "in self.loader")
    after = cook("warm-up", LOOP, ran)
    assert "LinearLR(self.opt, start_factor=0.01, total_iters=100)" in after
    assert "opt.step()\n\n\nclass Trainer" in after


def test_a_warm_up_that_would_fill_the_run_is_not_proposed():
    ran = lines_with(LOOP, "self.opt", "self.model", "in self.loader")
    with pytest.raises(DoesNotFit, match="no warm-up"):
        cook("warm-up", LOOP, ran, Facts(n_users=20, n_items=80, steps=60))


OPTIONS = """
import argparse
from torch import optim

parser = argparse.ArgumentParser()
parser.add_argument("--step-size", type=float, default=0.001)
args = parser.parse_args()
optimizer = optim.Adam(model.parameters(), lr=args.step_size)
"""
ADAPTER = """
import evolverec_kit as kit


def build(data, *, device, seed):
    run = kit.Program("m.py", argv=["--seed", seed, {option}])
"""


@pytest.mark.parametrize(
    ("option", "rate", "patched"),
    [
        ('"--name=a"', 0.001, ("m.py", "default=0.003")),
        ("'--step-size=0.002'", 0.002, ("adapter.py", "'--step-size=0.006'")),
        ("'--step-size', '0.001'", 0.001, None),
    ],
)
def test_a_default_that_the_command_line_hides_is_not_patched(
    option: str, rate: float, patched: tuple[str, str] | None
) -> None:
    sources = {"m.py": OPTIONS, "adapter.py": ADAPTER.format(option=option)}
    ran = {path: list(range(1, 20)) for path in sources}
    trace = {
        "executed": ran,
        "executed_training": ran,
        "optimizers": [{"type": "Adam", "defaults": {"lr": rate}}],
    }
    recipe = next(recipe for recipe in RECIPES if recipe.code == "faster-learning")
    context = RecipeContext(sources=sources, facts=FACTS, trace=trace)
    if patched is None:
        with pytest.raises(DoesNotFit):
            recipe.make(context)
        return
    after = apply_edits(context.sources, recipe.make(context).edits)
    assert [path for path in sources if after[path] != sources[path]] == [patched[0]]
    assert patched[1] in after[patched[0]]


UNPACKED = SCRIPT.replace("    seq, pos, neg = batch\n", "    u, seq, pos, neg = batch.next()\n")
PAIRED = SCRIPT.replace(
    "    seq, pos, neg = batch\n",
    "    seq, pos, neg = batch\n    seq, pos, neg = torch.as_tensor(seq), torch.as_tensor(pos), torch.as_tensor(neg)\n",
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (SCRIPT, ["    seq, pos, _ = batch\n"]),
        (UNPACKED, ["    u, seq, pos, _ = batch.next()\n"]),
        (
            PAIRED,
            ["    seq, pos, _ = batch\n", "    seq, pos = torch.as_tensor(seq), torch.as_tensor(pos)\n"],
        ),
    ],
)
def test_negatives_that_nobody_reads_any_more_go_with_the_loss(text, left):
    text = text.replace('    if kind == "bpr":\n', "    if True:\n").replace("    else:\n        loss = F.softplus", "    if 0:\n        loss = F.softplus")  # fmt: skip
    text = text[: text.index("    if 0:")] + "    return loss\n"
    text = text[: text.index("def old_step")] + text[text.index("def step") :]
    after = cook("full-softmax", text, list(range(1, 99)))
    assert all(line in after for line in left)
    code = [line.partition("#")[0] for line in after[after.index("def step") :].splitlines()]
    assert "neg" not in "\n".join(code[1:])  # the parameters stay: callers give them


MADE = """
import torch


class Net(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.emb = torch.nn.Embedding(n + 1, 8, padding_idx=0)


def build(data, device, seed):
    net = Net(data.n_items)
    for p in net.parameters():
        torch.nn.init.xavier_normal_(p)
    opt = torch.optim.Adam(net.parameters())
    return net, opt
"""


def test_vectors_that_start_at_zero_are_added_after_the_initialisation():
    after = cook("category-embedding", MADE, list(range(1, 99)))
    made = after[after.index("def build") :]
    assert made.index("xavier_normal_") < made.index("CategoryAwareEmbedding(net.emb") < made.index("Adam")


def test_padding_in_another_row_than_0_is_no_candidate():
    text = SCRIPT[: SCRIPT.index("def old_step")] + SCRIPT[SCRIPT.index("def step") :]
    after = cook("full-softmax", text.replace("padding_idx=0", "padding_idx=n"), list(range(1, 99)))
    assert 'logits[:, net.emb.padding_idx] = float("-inf")' in after and "pos != net.emb.padding_idx" in after
    with pytest.raises(DoesNotFit, match="padding row"):
        cook("sampled-softmax", text.replace("padding_idx=0", "padding_idx=n"), list(range(1, 99)))


@pytest.mark.parametrize("code", ["full-softmax", "category-embedding"])
def test_a_table_with_sparse_gradients_is_not_made_dense(code):
    text = (SCRIPT if code == "full-softmax" else MADE).replace("padding_idx=0", "padding_idx=0, sparse=True")
    with pytest.raises(DoesNotFit, match="sparse gradients"):
        cook(code, text, list(range(1, 99)))
