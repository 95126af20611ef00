"""Slices and traits of lists: silent on a healthy model and on noise, and speaking where a part of the lists is spoilt."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from diagnosis.evidence import Evidence
from diagnosis.findings import Measurement, Severity
from diagnosis.measure import measure
from diagnosis.probes import list_traits
from diagnosis.probes.list_traits import Trait
from diagnosis.probes.slices import PROBE as SLICES
from tests.diagnosis.conftest import N_ITEMS, lists_of

CLASSES = 20


@pytest.fixture
def described(healthy: Evidence) -> Evidence:
    """The healthy trial, with categories and prices by class, and bestsellers that are bought late."""
    training = healthy.training
    classes = np.arange(training.n_items + 1) % CLASSES
    columns = replace(
        training.item_columns,
        categories=((), *((f"class {c}",) for c in classes[1:])),
        price=np.exp(classes + 1.0).astype(np.float32),
    )
    described = replace(training, item_columns=columns, timestamps=1_000_000 - 1_000 * training.items)
    return replace(healthy, training=described)


def by_code(evidence: Evidence) -> dict[str, Measurement]:
    return {m.code: m for m in measure(evidence)}


def with_scores(evidence: Evidence, scores: np.ndarray) -> Evidence:
    lists = lists_of(scores, evidence.questions)
    return replace(evidence, artifacts=replace(evidence.artifacts, top=lists, dense_scores=scores))


def suited(evidence: Evidence, factory: Callable[[Evidence], Trait | None]) -> Evidence:
    """The trial with choices, references and a model that follow one trait, each with noise of its own."""
    trait = factory(evidence)
    assert trait is not None
    rows = np.arange(len(evidence.questions))
    every = np.broadcast_to(np.arange(N_ITEMS + 1), (len(rows), N_ITEMS + 1))
    off = np.nan_to_num(trait(rows, every), nan=9.0)
    rng = np.random.default_rng(0)
    scores = [(-off + 0.05 * off.std() * rng.standard_normal(off.shape)).astype(np.float32) for _ in range(3)]
    targets = lists_of(scores[0], evidence.questions).items[:, 0].astype(np.int64)
    references = {**evidence.references, "markov": lists_of(scores[1], evidence.questions)}
    references.pop("ease")
    questions = replace(evidence.questions, targets=targets)
    return with_scores(replace(evidence, questions=questions, references=references), scores[2])


@pytest.mark.parametrize(
    ("code", "factory"),
    [
        ("off-category", list_traits._category),
        ("off-price", list_traits._price),
        ("stale-lists", list_traits._age),
    ],
)
def test_a_trait_is_healthy_in_lists_that_follow_it_and_not_in_lists_at_random(
    described: Evidence, code: str, factory: Callable[[Evidence], Trait | None]
) -> None:
    good = suited(described, factory)
    scores = np.random.default_rng(3).random(good.artifacts.dense_scores.shape).astype(np.float32)
    told = [
        {m.code: m for m in list_traits.PROBE.run(one)}[code] for one in (good, with_scores(good, scores))
    ]
    assert [found.healthy for found in told] == [True, False]


def test_traits_that_the_data_does_not_have_are_not_judged(healthy: Evidence) -> None:
    found = by_code(healthy)
    assert [found[code].healthy for code in ("off-price", "stale-lists")] == [None, None]


def test_one_category_that_is_ranked_at_random_is_the_slice_that_is_named(healthy: Evidence) -> None:
    scores = healthy.artifacts.dense_scores.copy()
    categories = healthy.training.item_columns.categories
    bad = np.array([categories[target] == ("toys",) for target in healthy.questions.targets])
    scores[bad] = np.random.default_rng(0).random(scores[bad].shape)
    found = by_code(with_scores(healthy, scores))["slice-gap"]
    assert (found.healthy, found.severity) == (False, Severity.INFORMATION)
    assert "targets in toys" in found.message


def test_users_with_long_histories_that_are_ranked_at_random_are_named(healthy: Evidence) -> None:
    questions = healthy.questions
    short = np.arange(len(questions)) % 2 == 0
    starts = questions.offsets[:-1] + np.where(short, 4, 0)
    kept = np.concatenate([np.arange(a, b) for a, b in zip(starts, questions.offsets[1:], strict=True)])
    lengths = questions.offsets[1:] - starts
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    cut = replace(questions, items=questions.items[kept], offsets=offsets)
    scores = healthy.artifacts.dense_scores.copy()
    scores[~short] = np.random.default_rng(0).random(scores[~short].shape)
    found = by_code(with_scores(replace(healthy, questions=cut), scores))["slice-gap"]
    assert found.healthy is False and "users with" in found.message


def test_among_many_slices_by_chance_none_is_told(described: Evidence) -> None:
    rng = np.random.default_rng(1)
    for _ in range(30):
        names = rng.integers(0, 8, described.training.n_items)
        columns = replace(described.training.item_columns, categories=((), *((f"c{n}",) for n in names)))
        shuffled = replace(described, training=replace(described.training, item_columns=columns))
        (found,) = SLICES.run(shuffled)
        assert found.healthy is True and len(found.details["slices"]) > 8
