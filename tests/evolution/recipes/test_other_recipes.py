"""Recipes beside the loss: what they change, that it has the effect it claims, and where they decline."""

from collections.abc import Callable
from itertools import islice
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from evolution.domain.edits import apply_edits
from evolution.recipes.catalogue import RECIPES
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext

Cook = Callable[..., str]
Text = Callable[[str], str]
Load = Callable[[str], Any]

N = 80
LOADER = """
from torch.utils.data import DataLoader, IterableDataset, TensorDataset


class Stream(IterableDataset):
    pass


def loaders(a, b, sampler):
    train = DataLoader(TensorDataset(a), batch_size=2)
    more = DataLoader(TensorDataset(b), 2, False, num_workers=0)
    drawn = DataLoader(TensorDataset(b), sampler=sampler)
    stream = DataLoader(Stream(), batch_size=2)
    test_loader = DataLoader(TensorDataset(b), batch_size=2)
    return train, more, drawn, stream, test_loader
"""


def test_shuffling_turns_it_on_for_training_loaders_only(cook: Cook):
    after = cook("shuffling", LOADER)
    assert "train = DataLoader(TensorDataset(a), batch_size=2, shuffle=True)" in after
    assert "more = DataLoader(TensorDataset(b), 2, True, num_workers=0)" in after
    assert after.count("True") == 2


def test_shuffling_of_slices_visits_every_row_once_in_another_order(text: Text, cook: Cook, load: Load):
    module = load(cook("shuffling", text("attention_bce")))
    seen: list[int] = []

    class Reader(torch.nn.Linear):
        def cost(self, a, b):
            seen.extend(a[:, 0].tolist())
            return self.weight.sum()

    rows = torch.arange(50)[:, None].repeat(1, 3)
    list(module.train(Reader(1, 1), rows, rows, rounds=2))
    assert sorted(seen[:50]) == sorted(seen[50:]) == list(range(50))
    assert seen[:50] != seen[50:] != list(range(50))


def test_shuffling_of_an_order_made_by_arange(text: Text, cook: Cook):
    after = cook("shuffling", text("factorisation"))
    assert "    for rows in torch.randperm(len(people)).split(3):\n" in after


def test_shuffling_declines_where_nothing_is_in_order(text: Text, cook: Cook):
    with pytest.raises(DoesNotFit, match="no training DataLoader"):
        cook("shuffling", text("script_port"))


def test_functional_dropout_is_off_outside_training(text: Text, cook: Cook, load: Load):
    after = cook("functional-dropout", text("attention_bce"))
    assert "F.dropout(self.things(seen), 0.5, training=self.training)" in after
    reader = load(after).Reader(N, 4).eval()
    seen = torch.tensor([[1, 2, 3]])
    assert torch.equal(reader(seen), reader(seen))


def test_functional_dropout_declines_where_modules_are_used(text: Text, cook: Cook):
    with pytest.raises(DoesNotFit, match="functional dropout"):
        cook("functional-dropout", text("script_port"))


def test_decay_is_taken_off_the_tables_and_kept_elsewhere(text: Text, cook: Cook, load: Load):
    after = cook("embedding-decay", text("attention_bce"))
    module = load(after)
    groups: list[Any] = []
    original = torch.optim.Adam

    def recording(parameters: Any, **options: Any) -> torch.optim.Optimizer:
        optimizer = original(parameters, **options)
        groups.extend(optimizer.param_groups)
        return optimizer

    reader = module.Reader(N, 4)
    module.torch.optim.Adam = recording
    try:
        seen = torch.randint(1, N, (8, 3))
        next(module.train(reader, seen, seen))
    finally:
        module.torch.optim.Adam = original
    tables, others = groups
    assert tables["weight_decay"] == 0 and others["weight_decay"] == 1e-3
    assert [id(p) for p in tables["params"]] == [id(reader.things.weight)]
    assert len(others["params"]) == len(list(reader.parameters())) - 1
    assert tables["lr"] == others["lr"] == 1e-2


def test_decay_declines_where_there_is_none(text: Text, cook: Cook):
    with pytest.raises(DoesNotFit, match="no weight decay"):
        cook("embedding-decay", text("script_port"))


def test_initial_scale_shrinks_the_item_table_and_leaves_padding_at_zero(text: Text, cook: Cook, load: Load):
    reader = load(cook("initial-scale", text("attention_bce"))).Reader(5000, 8)
    assert reader.things.weight[1:].std().item() == pytest.approx(0.02, rel=0.05)
    assert not reader.things.weight[0].any()


def test_initial_scale_declines_where_the_repo_sets_its_own(text: Text, cook: Cook):
    with pytest.raises(DoesNotFit, match=r"m\.py:10 sets initial weights itself"):
        cook("initial-scale", text("einsum_softplus"))


@pytest.mark.parametrize(
    ("line", "fits"),
    [
        ("nn.init.normal_(self.mix.weight_hh_l0)", True),
        ("for part in self.modules():\n            if isinstance(part, nn.Linear): nn.init.xavier_normal_(part.weight)", True),
        ("for weight in self.parameters():\n            nn.init.xavier_normal_(weight)", False),
        ("nn.init.uniform_(self.things.weight)", False),
    ],
)  # fmt: skip
def test_initial_scale_asks_whether_the_table_is_what_is_initialised(
    text: Text, cook: Cook, line: str, fits: bool
):
    made = "self.mix = nn.GRU(width, width, batch_first=True)"
    source = text("attention_bce").replace(made, f"{made}\n        {line}")
    if fits:
        assert "self.things.weight.mul_(0.02)" in cook("initial-scale", source)
    else:
        with pytest.raises(DoesNotFit, match="sets initial weights itself"):
            cook("initial-scale", source)


def test_warm_up_starts_small_and_reaches_the_full_rate(text: Text, cook: Cook, load: Load):
    after = cook("warm-up", text("einsum_softplus"))
    assert "self.warmup.step()" in after
    trainer = load(after).Trainer(load(after).Model(N + 1, 4), N + 1)
    ids = torch.randint(1, N, (2, 3))
    rates = [trainer.opt.param_groups[0]["lr"]]
    for _ in range(201):
        trainer.step(ids, ids)
        rates.append(trainer.opt.param_groups[0]["lr"])
    assert rates[0] == pytest.approx(1e-5)
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(1e-3)


def test_warm_up_declines_where_the_rate_is_scheduled(text: Text, cook: Cook):
    source = text("einsum_softplus").replace(
        "    def step(", "        self.plan = torch.optim.lr_scheduler.StepLR(self.opt, 5)\n\n    def step("
    )
    with pytest.raises(DoesNotFit, match="scheduler"):
        cook("warm-up", source)


def test_clipping_bounds_the_step(text: Text, cook: Cook, load: Load):
    after = cook("gradient-clipping", text("factorisation"))
    assert (
        "bpr.backward(); torch.nn.utils.clip_grad_norm_(net.parameters(), max_norm=1.0); opt.step()" in after
    )
    net = load(after).Taste(20, N)
    with torch.no_grad():
        net.P.weight.mul_(100)
    before = [parameter.detach().clone() for parameter in net.parameters()]
    next(load(after).learn(net, torch.tensor([1, 2]), torch.tensor([3, 4]), N))
    moved = sum(((a - b) ** 2).sum().item() for a, b in zip(before, net.parameters())) ** 0.5
    assert 0 < moved <= 0.1 * 1.0001  # learning rate times the norm


def test_clipping_has_a_line_of_its_own_before_the_step(text: Text, cook: Cook):
    after = cook("gradient-clipping", text("einsum_softplus"))
    clip, step = after[after.index("loss.backward()") :].splitlines()[2:4]
    assert clip.strip().startswith("torch.nn.utils.clip_grad_norm_(self.model.parameters(), max_norm=1.0)")
    assert step.strip() == "self.opt.step()"


def in_epochs(text: Text) -> str:
    """Training without end, one epoch of batches after the other."""
    head, loop = text("factorisation").split("    for rows in", 1)
    whole = f"    for rows in{loop}".replace("        yield", "    yield")
    return f"{head}    while True:\n" + "".join(f"    {line}\n" for line in whole.splitlines())


def test_the_average_answers_between_epochs_and_training_goes_on_as_before(
    text: Text, cook: Cook, load: Load
):
    plain, averaged = load(in_epochs(text)), load(cook("weight-averaging", in_epochs(text)))
    people, films = torch.arange(1, 13), torch.arange(1, 13)

    def run(module: Any) -> tuple[list[float], list[torch.Tensor]]:
        torch.manual_seed(3)
        net = module.Taste(20, N)
        losses, shown = [], []
        for loss in islice(module.learn(net, people, films, N), 3):
            losses.append(loss)
            shown.append(net.P.weight.detach().clone())
        return losses, shown

    losses, trained = run(plain)
    same_losses, shown = run(averaged)
    assert same_losses == losses  # what trains is as it was
    assert not any(torch.equal(one, other) for one, other in zip(shown, trained, strict=True))
    torch.manual_seed(3)
    begun = plain.Taste(20, N).P.weight.detach()
    assert all(
        (one - begun).norm() < (other - begun).norm() for one, other in zip(shown, trained, strict=True)
    )


def test_a_short_run_is_not_averaged(text: Text, cook: Cook):
    with pytest.raises(DoesNotFit, match="began with"):
        cook("weight-averaging", in_epochs(text), Facts(n_users=20, n_items=N, steps=300))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("yield bpr.item()", "print(bpr.item())"), "`yield`"),
        (("opt.step()", "opt.step(); ema.update_parameters(net)"), "averaged already"),
        (("net.parameters()", "[net.P.weight, net.Q.weight]"), "does not name a model"),
        (("while True:", "for epoch in range(9):"), "ends by itself"),
        (("lr=0.1)\n", "lr=0.1)\n    other = optim.SGD(net.Q.parameters(), lr=0.1)\n"), "several optimizers"),
    ],
)
def test_weight_averaging_declines_where_nothing_says_what_answers(
    text: Text, cook: Cook, change: tuple[str, str], reason: str
):
    with pytest.raises(DoesNotFit, match=reason):
        cook("weight-averaging", in_epochs(text).replace(*change))


def test_item_dropout_hides_a_tenth_of_the_input_and_no_target(text: Text, cook: Cook, load: Load):
    module = load(cook("item-dropout", text("attention_bce")))
    reader = module.Reader(N, 4)
    inputs: list[torch.Tensor] = []
    reader.register_forward_pre_hook(lambda _module, given: inputs.append(given[0]))
    seen = torch.randint(1, N, (100, 20))
    reader.cost(seen, seen)
    assert (inputs[0] == 0).float().mean().item() == pytest.approx(0.1, abs=0.03)
    assert torch.equal(inputs[0][inputs[0] != 0], seen[inputs[0] != 0])


@pytest.mark.parametrize(
    ("style", "reason"), [("script_port", "one call|arrays"), ("factorisation", "no padding row")]
)
def test_item_dropout_declines_without_a_history_of_tensors(style: str, reason: str, text: Text, cook: Cook):
    with pytest.raises(DoesNotFit, match=reason):
        cook("item-dropout", text(style))


BUILDER = """

def build(data, *, device, seed):
    reader = Reader(data.n_items, 4)
    return reader
"""


def test_categories_enter_inputs_and_scores_alike(text: Text, cook: Cook, load: Load):
    after = cook("category-embedding", text("attention_bce") + BUILDER)
    module = load(after)
    categories = [[], *[["Books", "Fantasy"] if item % 2 else ["Music"] for item in range(1, N + 1)]]
    data = SimpleNamespace(n_items=N, item_columns={"categories": categories})
    reader = module.build(data, device="cpu", seed=0)
    table = reader.things
    ids = torch.tensor([[0, 1, 2]])
    assert torch.equal(table(ids), table.items(ids)), "at first categories change nothing"
    reader.cost(ids, ids).backward()
    assert table.categories.weight.grad is not None and table.categories.weight.grad.any()
    assert not table.items.weight.grad[0].any()
    with torch.no_grad():
        table.categories.weight[1:] = torch.arange(1.0, 4.0)[:, None]  # Books 1, Fantasy 2, Music 3
    added = (table.weight - table.items.weight)[:, 0]
    assert added[:3].tolist() == pytest.approx([0.0, 1.5, 3.0])
    assert torch.equal(table(ids), table.weight[ids])
    assert not any(name.endswith("rows") for name in reader.state_dict())


def test_categories_decline_without_data_at_hand(text: Text, cook: Cook):
    with pytest.raises(DoesNotFit, match="no `data`"):
        cook("category-embedding", text("script_port"))


def test_categories_decline_where_the_data_has_none(text: Text, cook: Cook):
    from evolution.recipes.recipe import Facts

    with pytest.raises(DoesNotFit, match="no categories"):
        cook("category-embedding", text("attention_bce") + BUILDER, Facts(n_users=3, n_items=N))


TRACED = {"optimizers": [{"type": "Adam", "defaults": {"lr": 0.001, "weight_decay": 0}}]}


def decayed(source: str, trace: Any) -> str:
    recipe = next(recipe for recipe in RECIPES if recipe.code == "weight-decay")
    context = RecipeContext(sources={"m.py": source}, facts=Facts(n_users=20, n_items=80), trace=trace)
    return apply_edits({"m.py": source}, recipe.make(context).edits)["m.py"]


def test_weights_decay_where_they_did_not(text: Text):
    assert "lr=args.lr, betas=(0.9, 0.98), weight_decay=1e-4)" in decayed(text("script_port"), TRACED)
    by_number = text("attention_bce").replace("weight_decay=1e-3", "weight_decay=0.0")
    assert "lr=1e-2, weight_decay=1e-4)" in decayed(by_number, TRACED)


def test_weights_that_decay_or_whose_optimizer_nobody_saw_are_left_alone(text: Text):
    decays = {"optimizers": [{"type": "Adam", "defaults": {"lr": 0.01, "weight_decay": 1e-3}}]}
    for trace in ({}, decays):
        with pytest.raises(DoesNotFit, match="no single optimizer without weight decay"):
            decayed(text("attention_bce"), trace)
