"""Repairs on the defect bench: the defect is known in reverse, so the mended repo must be the healthy one again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diagnosis.catalogue import kind_of
from diagnosis.findings import Anchor, Finding, Role, Severity
from evolution.domain.edits import apply_edits
from evolution.domain.proposal import Idea
from evolution.recipes.catalogue import RECIPES, mends
from evolution.recipes.recipe import DoesNotFit, Facts, RecipeContext
from tests.defects.variants import all_variants, places, plant, source_of

pytestmark = pytest.mark.slow

VARIANTS = {variant.id: variant for variant in all_variants()}
FACTS = Facts(n_users=10, n_items=200)


def finding(code: str, path: str, line: int) -> Finding:
    anchor = Anchor(path=path, start_line=line, end_line=line, blob="", text="", role=Role.ENTRY)
    return Finding(
        id=f"{code}:{line}", kind=kind_of(code), severity=Severity.WARNING, message="", anchors=(anchor,)
    )


def texts(folder: Path) -> dict[str, str]:
    found = sorted(folder.rglob("*.py"))
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in found}


@pytest.fixture
def mend(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """mend(repair, code of the finding, variant): the files of the planted repo after the repair. Raises DoesNotFit."""

    def mended(repair: str, code: str, variant: str, trace: dict[str, Any] | None = None) -> dict[str, str]:
        planted = tmp_path / "planted"
        plant(VARIANTS[variant], planted)
        accused = sorted(places(VARIANTS[variant].cause, planted, variant))
        context = RecipeContext(
            sources=texts(planted),
            facts=FACTS,
            findings=[finding(code, path, line) for path, line in accused],
            trace=trace or {},
        )
        recipe = next(recipe for recipe in RECIPES if recipe.code == repair)
        return dict(apply_edits(context.sources, recipe.make(context).edits))

    return mended


def softmax(path: str, line: int, shape: list[int], function: str = "softmax") -> dict[str, Any]:
    return {"ops": [{"path": path, "line": line, "function": function, "in": [shape]}]}


@pytest.mark.parametrize(
    ("repair", "code", "variant"),
    [
        ("clear-gradients", "gradients-not-cleared", "bert4rec_codes/zero-grad-not-called"),
        ("clear-gradients", "gradients-not-cleared", "sasrec_loader/never-cleared"),
        ("clear-gradients", "gradients-not-cleared", "nextitnet_lit/trainer-forgets-zero-grad"),
        ("connect-to-the-loss", "no-gradient", "bert4rec_codes/positions-by-data"),
        ("connect-to-the-loss", "no-gradient", "functional_stamp/long-term-detached"),
        ("connect-to-the-loss", "part-cut-off", "two_tower_factory/query-detached"),
        ("detach-the-sum", "graph-kept", "nextitnet_lit/meter-keeps-graphs"),
        ("detach-the-sum", "graph-kept", "mixer_pure/sums-losses-with-their-graphs"),
        ("logits-for-the-loss", "squashed-logits", "caser_sequences/net-ends-in-sigmoid"),
        ("logits-for-the-loss", "squashed-logits", "neumf_engine/sigmoid-at-the-end"),
        ("logits-for-the-loss", "probability-for-logit", "functional_stamp/probability-for-logit"),
        ("ignore-padding", "padding-is-a-target", "nextitnet_lit/padding-is-a-class"),
        ("ignore-padding", "padding-is-a-target", "bert4rec_codes/all-places-in-the-loss"),
        ("train-all-parameters", "not-in-optimizer", "functional_stamp/table-left-out"),
        ("train-all-parameters", "not-in-optimizer", "lightgcn_world/optimizer-names-two-tables"),
        ("train-all-parameters", "optimizer-of-a-part", "two_tower_factory/query-tower-alone"),
        ("register-layers", "layers-in-plain-list", "caser_sequences/convolutions-in-a-list"),
        ("register-layers", "not-in-optimizer", "sasrec_loader/plain-list-of-layers"),
        ("newest-events", "newest-kept", "din_ranker/serves-the-oldest-events"),
        ("newest-events", "newest-kept", "numpy_bpr/asks-with-the-oldest"),
        ("newest-events", "newest-kept", "neumf_engine/serves-the-first-ten"),
        ("score-in-evaluation-mode", "eval-forgotten", "sasrec_loader/serves-in-training-mode"),
        ("dropout-in-training-only", "functional-dropout", "functional_stamp/dropout-ignores-its-flag"),
    ],
)
def test_the_mended_repo_is_the_healthy_one(mend, repair, code, variant):
    healthy = texts(source_of(VARIANTS[variant]))
    mended = mend(repair, code, variant)
    assert {path: code_of(text) for path, text in mended.items()} == {
        path: code_of(text) for path, text in healthy.items()
    }


def code_of(text: str) -> list[str]:
    """Lines without empty ones, and without what a planted edit takes away that a repair need not bring back."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("repair", "code", "variant", "path", "line"),
    [
        (
            "clear-gradients",
            "zero-grad-misplaced",
            "srgnn_sessions/clears-too-early",
            "srgnn/engine.py",
            "self.optimizer.zero_grad()\n            loss.backward()",
        ),
        (
            "clear-gradients",
            "gradients-not-cleared",
            "mult_vae/cleared-once-an-epoch",
            "vae_rec.py",
            "self.optimizer.zero_grad()\n                loss.backward()",
        ),
        ("thaw-the-table", "frozen-at-random", "bert4rec_codes/table-from-pretrained", "models/bert.py", "freeze=False"),
        ("register-layers", "not-in-optimizer", "din_ranker/towers-in-a-list", "dinrec/model/layers.py", "nn.ModuleList(layers)"),
        ("logits-for-the-loss", "squashed-logits", "din_ranker/probability-into-logit-loss", "dinrec/model/din.py", "return deep + wide + self"),
    ],
)  # fmt: skip
def test_what_is_mended_another_way_than_it_was_written(mend, repair, code, variant, path, line):
    mended = mend(repair, code, variant)[path]
    assert line in mended
    if repair == "clear-gradients":
        assert mended.count("zero_grad") == 1


@pytest.mark.parametrize(
    ("variant", "path", "shape"),
    [
        ("sasrec_loader/softmax-over-queries", "network.py", [8, 2, 20, 20]),
        ("two_tower_factory/pool-over-the-batch", "towers/layers.py", [8, 20, 1]),
        ("din_ranker/softmax-over-candidates", "dinrec/model/attention.py", [8, 5, 20]),
    ],
)
def test_the_softmax_is_taken_over_the_last_axis_that_holds_more_than_one(
    mend, tmp_path, variant, path, shape
):
    plant(VARIANTS[variant], tmp_path / "seen")
    line = min(line for _, line in places(VARIANTS[variant].cause, tmp_path / "seen", variant))
    mended = mend("softmax-axis", "softmax-axis", variant, softmax(path, line, shape))
    assert mended[path] == texts(source_of(VARIANTS[variant]))[path]


def test_a_softmax_whose_shape_nobody_saw_is_left_alone(mend):
    with pytest.raises(DoesNotFit, match="whose shape was traced"):
        mend("softmax-axis", "softmax-axis", "sasrec_loader/softmax-over-queries")


@pytest.mark.parametrize(
    ("variant", "was", "now"),
    [
        ("neumf_engine/" + next(v.name for v in VARIANTS.values() if v.repo == "neumf_engine" and v.kind == "learning-rate-too-high"), 0.8, '"adam_lr": 0.001'),
        ("gru4rec_sessions/rate-of-a-ten-millionth", 3e-7, 'default=0.001'),
    ],
)  # fmt: skip
def test_a_rate_far_off_becomes_the_usual_one_where_it_is_set(mend, variant, was, now):
    trace = {"optimizers": [{"type": "Adam", "defaults": {"lr": was}}]}
    mended = mend("usual-learning-rate", "learning-rate-too-high", variant, trace)
    assert any(now in text for text in mended.values())


def test_lines_that_did_not_run_are_not_mended(mend):
    with pytest.raises(DoesNotFit):
        mend(
            "logits-for-the-loss",
            "squashed-logits",
            "caser_sequences/net-ends-in-sigmoid",
            {"executed": {"caser.py": [1]}, "executed_training": {"caser.py": [1]}},
        )


def test_targets_that_are_all_zero_are_no_padding(mend):
    with pytest.raises(DoesNotFit):
        mend("ignore-padding", "padding-in-loss", "mixer_pure/mean-over-all-places")


def test_only_what_a_recipe_made_counts_as_a_repair():
    def idea(code: str, proposer: str) -> Idea:
        return Idea(code=code, title="", rationale="", addresses=(), rests_on=(), proposer=proposer)

    assert mends(idea("clear-gradients", "recipe"))
    assert mends(idea("clear-gradients+shuffling", "recipe"))
    assert not mends(idea("clear-gradients+full-softmax", "recipe"))
    assert not mends(idea("clear-gradients", "some-model"))
