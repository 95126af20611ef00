"""A difference is explained by the protocol that was used, and by no other; what no protocol gives is not explained."""

import numpy as np
import pytest

from diagnosis.figures.comparing import Outcome, compared
from diagnosis.figures.lines import lines_of
from diagnosis.figures.printed import Group, Printed
from diagnosis.figures.protocols import Among, Protocol, Scored, Ties, Worth
from seeds.assembly import user_offsets
from seeds.interactions import Interactions, ItemColumns, Questions

USERS, ITEMS, MET = 400, 600, 6


@pytest.fixture(scope="module")
def scored():
    """A model that knows something of its targets, and likes what users have met; a tenth of its scores are equal."""
    rng = np.random.default_rng(3)
    met = np.stack([rng.choice(ITEMS, MET + 1, replace=False) + 1 for _ in range(USERS)])
    histories, targets = met[:, :-1], met[:, -1]
    dense = rng.normal(size=(USERS, ITEMS + 1)).astype(np.float32)
    dense[np.arange(USERS), targets] += 2.0
    np.put_along_axis(dense, histories, 3.0 + np.take_along_axis(dense, histories, axis=1), axis=1)
    dense[: USERS // 4] = np.round(dense[: USERS // 4])
    users = np.repeat(np.arange(1, USERS + 1), MET)
    nothing = ("",) * (ITEMS + 1)
    unknown = np.full(ITEMS + 1, np.nan, np.float32)
    columns = ItemColumns(
        title=nothing, categories=((),) * (ITEMS + 1), store=nothing, price=unknown, average_rating=unknown
    )
    training = Interactions(
        users=users, items=histories.ravel(), timestamps=None, ratings=None, offsets=user_offsets(users, USERS),
        n_users=USERS, n_items=ITEMS, item_columns=columns, user_names=("",) * (USERS + 1), item_names=nothing,
    )  # fmt: skip
    offsets = np.arange(0, USERS * MET + 1, MET)
    questions = Questions(
        users=np.arange(1, USERS + 1), items=histories.ravel(), offsets=offsets, targets=targets
    )
    return Scored(dense=dense, rows=np.arange(USERS, dtype=np.int32), questions=questions, training=training)


def printed(scored, protocol, names=(("HR", 10), ("NDCG", 10))):
    asked = [Printed(metric=metric, k=k, value=0.0, half_unit=0.00005) for metric, k in names]
    figures = tuple(
        Printed(
            metric=f.metric, k=f.k, value=round(scored.figure(protocol, f).value, 4), half_unit=f.half_unit
        )
        for f in asked
    )
    return Group(line=1, last_line=1, part="", epoch=0, text="", figures=figures)


def test_our_own_figures_agree(scored):
    assert compared(printed(scored, Protocol()), scored, {}, {}).outcome is Outcome.AGREES


@pytest.mark.parametrize(
    ("protocol", "names"),
    [
        (Protocol(among=Among.SAMPLED_100), (("HR", 10), ("NDCG", 10))),
        (Protocol(among=Among.ALL), (("HR", 10), ("NDCG", 10))),
        (Protocol(ties=Ties.WON), (("HR", 10), ("NDCG", 10))),
        (Protocol(worth=Worth.IDEAL_OF_K), (("HR", 10), ("NDCG", 10))),
        (Protocol(worth=Worth.BY_K), (("Recall", 10), ("NDCG", 10))),
    ],
)
def test_the_protocol_that_was_used_is_among_the_explanations(scored, protocol, names):
    found = compared(printed(scored, protocol, names), scored, {}, {})
    if (
        protocol.ties is Ties.WON
    ):  # a quarter of the users have equal scores: within the interval of ours, or named
        assert found.outcome is Outcome.AGREES or protocol in found.explained_by
        return
    assert found.outcome is Outcome.EXPLAINED and protocol in found.explained_by
    assert all(len(other.deviations) == 1 for other in found.explained_by)


def test_uniform_negatives_are_told_from_full_ranking_without_the_filter(scored):
    (found,) = compared(printed(scored, Protocol(among=Among.ALL)), scored, {}, {}).explained_by
    assert found == Protocol(among=Among.ALL)


def test_figures_that_no_protocol_gives_together_are_not_explained(scored):
    group = printed(scored, Protocol(among=Among.SAMPLED_100))
    hr, ndcg = group.figures
    mixed = Group(line=1, last_line=1, part="", epoch=0, text="", figures=(
        hr, Printed(metric="NDCG", k=10, value=0.999, half_unit=0.0005),
    ))  # fmt: skip
    found = compared(mixed, scored, {}, {})
    assert found.outcome is Outcome.NOT_EXPLAINED and not found.explained_by
    assert ndcg.value < 0.9


def test_an_earlier_epoch_of_ours_is_named(scored):
    ours = {"HR@10": scored.figure(Protocol(), Printed(metric="HR", k=10, value=0, half_unit=0))}
    late = Group(line=1, last_line=1, part="", epoch=0, text="", figures=(
        Printed(metric="HR", k=10, value=0.05, half_unit=0.005),
    ))  # fmt: skip
    found = compared(late, scored, ours, {3: {"HR@10": 0.05}, 4: {"HR@10": 0.9}})
    assert found.outcome is Outcome.EXPLAINED and found.epoch == 3


SAMPLES = """
import random
import numpy as np

def evaluate(model, train, test, n_items):
    hits = 0
    users = random.sample(sorted(test), 1000)
    for user in users:
        candidates = [test[user]]
        for _ in range(100):
            drawn = np.random.randint(1, n_items + 1)
            candidates.append(drawn)
        scores = model.predict(user, candidates)
        hits += scores.argsort()[::-1][:10].tolist().count(0)
    return hits / len(users)
"""
TRAINS = """
import torch

def batch(n_items):
    order = torch.argsort(torch.rand(9))
    return torch.randint(1, n_items, (9,))[order]

def fit(model, optimizer, n_items):
    for _ in range(9):
        loss = model(batch(n_items)).mean()
        loss.backward()
        optimizer.step()

def ndcg(ranks):
    return ranks
"""


def test_candidates_are_drawn_where_a_judging_function_draws_items():
    found = lines_of([Among.SAMPLED_100], {"run.py": SAMPLES, "train.py": TRAINS})
    assert [(place.path, place.line) for place in found[Among.SAMPLED_100]] == [("run.py", 11)]
