"""A kept training step says what is wrong with it, in several shapes of each defect, and nothing of healthy models."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from diagnosis.examination import Examination
from diagnosis.probes import (
    future_visible,
    learns_backwards,
    loss_terms,
    padding_attended,
    padding_in_loss,
    serving_differs,
)
from evolution.trials.replayed import keep_replay
from evolution.worker.guest.recommender import CheckedRecommender
from evolution.worker.guest.replaying import replay_step
from tests.evolution.worker.guest.toys import Baskets, Coder, Kept, Matched, Neighbours, Pairs, Sequences, log

# torch warns once of sparse tensors that it does not check
pytestmark = [
    pytest.mark.trains,
    pytest.mark.filterwarnings("ignore:Sparse invariant checks:UserWarning"),
]

HERE = Path(__file__).parent
PROBES = (future_visible, learns_backwards, loss_terms, padding_attended, padding_in_loss, serving_differs)


@pytest.fixture(autouse=True)
def one_thread():
    """Small products are slower on many threads than on one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def causes(told: dict[str, Any]) -> dict[str, list[Any]]:
    """code -> places, of what the probes find wrong."""
    evidence: Any = SimpleNamespace(examination=Examination(watched=None, replayed=told), watched=None)
    measured = [one for probe in PROBES for one in probe.PROBE.run(evidence)]
    return {
        one.code: [[place.path, place.line] for place in one.places]
        for one in measured
        if one.healthy is False
    }


def replayed(kind: Any, *options: str, epochs: int = 8) -> dict[str, Any]:
    """What is told of the first step after some epochs; it must be what a job accepts."""
    data = log()
    candidate = CheckedRecommender(
        lambda data, device, seed: kind(data, *options), data, device="cpu", seed=0
    )
    training = iter(candidate.model.fit())
    for _ in range(epochs):
        next(training)
    told = replay_step(candidate, training, data, root=str(HERE), seconds=60.0, settled=True)
    assert told["error"] == ""
    return told


def line(place: list[Any]) -> str:
    return (HERE / place[0]).read_text(encoding="utf-8").splitlines()[place[1] - 1].strip()


HEALTHY = [
    (Pairs, ()), (Pairs, ("bce",)), (Pairs, ("tower",)), (Pairs, ("penalty",)),
    (Pairs, ("tower", "faint norm")), (Pairs, ("bce", "added in place")), (Sequences, ()), (Sequences, ("candidates",)),
    (Sequences, ("squashed",)), (Sequences, ("laid flat",)), (Sequences, ("laid flat by products",)), (Coder, ()),
    (Baskets, ()),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "options"), HEALTHY)
def test_a_healthy_step_says_nothing(kind, options, tmp_path):
    told = replayed(kind, *options)
    keep_replay({"replayed": told}, tmp_path)
    assert told["serving"]["agreement"] > 0.9999
    assert causes(told) == {}


@pytest.mark.parametrize(
    ("kind", "option", "expected"),
    [
        (Pairs, "heavy", "return loss + 2.0 * self.net.users(users).pow(2).sum()"),
        (Pairs, "heavy in place", "loss += weight * self.net.users(users).pow(2).sum()"),
        (Pairs, "heavy norms", "loss = loss + 5.0 * norms"),
        (Coder, "heavy", "return fit + weight * apart"),
    ],
)
def test_a_penalty_that_outweighs_is_found_where_it_is_weighed(kind, option, expected):
    found = causes(replayed(kind, option, epochs=3))
    assert line(found["penalty-outweighs"][0]) == expected


def test_a_term_without_weight_is_found_where_it_is_weighed():
    found = causes(replayed(Coder, "faint"))
    assert list(found) == ["term-without-weight"]
    assert line(found["term-without-weight"][0]) == "return fit + weight * apart"


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("signs", "loss = -F.logsigmoid(theirs - ours).mean()"),
        ("exchanged", "loss = -F.logsigmoid(ours - theirs).mean()"),
    ],
)
def test_a_loss_that_learns_backwards_lowers_what_users_chose(option, expected):
    found = causes(replayed(Pairs, option))
    assert list(found) == ["learns-backwards"]
    assert line(found["learns-backwards"][0]) == expected


def test_signs_are_told_where_scores_are_set_against_each_other_and_not_where_they_are_weighed():
    found = causes(replayed(Baskets, "signs"))
    assert list(found) == ["learns-backwards"]
    assert line(found["learns-backwards"][0]) == "margin = 1 + good - bad"


def test_scoring_without_the_past_that_training_reads_newest_first_is_another_function():
    found = causes(replayed(Baskets, "past forgotten"))
    assert list(found) == ["scores-differ-from-training"]


def test_the_direction_is_asked_of_a_model_that_answers_from_what_it_kept():
    assert replayed(Kept)["direction"]["gain"] > 0
    found = causes(replayed(Kept, "signs"))
    assert line(found["learns-backwards"][0]) == "loss = -F.logsigmoid(theirs - ours).mean()"


def test_scoring_that_turns_the_sign_is_told_apart():
    found = causes(replayed(Pairs, "negated"))
    assert list(found) == ["learns-backwards"]
    assert line(found["learns-backwards"][0]) == "return -scores - self.net.bias.weight.T"


def test_the_class_that_the_loss_takes_for_the_right_one_is_a_negative():
    told = replayed(Sequences, "wrong class")
    assert (told["wrong_class"]["right"], told["wrong_class"]["taken"]) == (4, 0)
    assert line(causes(told)["learns-backwards"][0]) == "several = torch.cat(columns, -1)"


def test_without_negatives_all_scores_rise():
    found = causes(replayed(Pairs, "only positives"))
    assert line(found["nothing-pushed-down"][0]) == "return F.softplus(-ours).mean()"


def test_shares_of_a_row_push_the_others_down_though_each_share_is_pushed_up():
    told = replayed(Coder)
    assert not told["direction"]["one_way"]
    told["direction"]["lifted"] = 0.9
    assert causes(told) == {}


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("negatives detached", "theirs = theirs.detach()"),
        ("negatives without a graph", "return scores + self.net.bias(items)[:, 0]"),
    ],
)
def test_negatives_without_a_graph_are_found_where_they_lose_it(option, expected):
    found = causes(replayed(Pairs, "bce", option))
    assert line(found["nothing-pushed-down"][0]) == expected


def test_a_softmax_pushes_down_what_it_does_not_raise():
    assert replayed(Coder)["direction"]["one_way"] is False


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        (Pairs, ("no bias",), "scores = users @ table.T"),
        (Pairs, ("no bias", "bce"), "scores = users @ table.T"),
        (Sequences, ("no bias",), "scores = last @ self.net.items.weight.T"),
        (Pairs, ("raw",), "scores = users @ table.T"),
        (Sequences, ("mean", "laid flat"), 'last = states.mean(1) if self.has("mean") else states[:, -1]'),
        (Sequences, ("mean",), 'last = states.mean(1) if self.has("mean") else states[:, -1]'),
        (Sequences, ("branch",), "return found + self.net.out(found) if self.net.training else found"),
        (Pairs, ("cosine",), "return F.normalize(users, dim=-1) @ F.normalize(table, dim=-1).T"),
    ],
)
def test_another_function_that_is_served_is_found_where_scores_are_made(kind, options, expected):
    found = causes(replayed(kind, *options))
    assert list(found) == ["scores-differ-from-training"]
    assert line(found["scores-differ-from-training"][0]) == expected


def test_other_vectors_in_a_function_that_training_runs_as_well_are_found_where_they_are_handed_over():
    assert causes(replayed(Matched)) == {}
    found = causes(replayed(Matched, "raw"))
    assert (
        line(found["scores-differ-from-training"][0])
        == "return self.match(self.net.users(users), self.net.items.weight)"
    )


def test_a_product_that_only_training_normalises_is_found_while_it_hardly_matters():
    told = replayed(Pairs, "unit", epochs=0)
    assert told["serving"]["agreement"] < 0.9999
    assert line(causes(told)["scores-differ-from-training"][0]) == "scores = users @ table.T"


def test_a_mask_that_is_multiplied_in_hides_what_is_behind_it():
    assert "padding-in-loss" not in causes(replayed(Sequences, "no bias", "mask multiplied"))


@pytest.mark.parametrize("option", ["padding counts", "padding counts too", "mask forgotten"])
def test_padding_in_the_loss_is_found_where_places_become_one_number(option):
    found = causes(replayed(Sequences, option))
    assert line(found["padding-in-loss"][0]).startswith(
        ("return F.cross_entropy(logits.flatten", "return -chosen.mean()", "return each.mean()")
    )


def test_a_graph_that_training_thins_is_no_other_function():
    assert "scores-differ-from-training" not in causes(replayed(Neighbours))


def test_raw_vectors_are_found_behind_a_graph_that_training_thins():
    found = causes(replayed(Neighbours, "raw"))
    assert line(found["scores-differ-from-training"][0]) == "return ours @ self.net.items.weight.T"


@pytest.mark.parametrize(
    ("option", "product"),
    [
        ("cosine", "return F.normalize(ours, dim=-1) @ F.normalize(self.net.items.weight, dim=-1).T"),
        (
            "lengths",
            "return (ours / ours.norm(dim=-1, keepdim=True)) @ (table / table.norm(dim=-1, keepdim=True)).T",
        ),
    ],
)
def test_cosines_are_found_behind_a_graph_that_training_thins(option, product):
    found = causes(replayed(Neighbours, option))
    assert line(found["scores-differ-from-training"][0]) == product


def test_cosines_in_training_and_scoring_are_one_function():
    assert "scores-differ-from-training" not in causes(replayed(Neighbours, "cosines"))


def test_a_training_that_has_ended_is_begun_anew():
    data = log()
    candidate = CheckedRecommender(lambda data, device, seed: Pairs(data), data, device="cpu", seed=0)
    told = replay_step(candidate, iter(()), data, root=str(HERE), seconds=60.0, settled=True)
    assert told["note"] == "" and told["terms"]
