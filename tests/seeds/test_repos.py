"""What holds of every seed, whatever its model: a complete repo of its own that keeps the contract and learns."""

import ast
import itertools
import math
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evolution.repo.config import read_config
from seeds.new import TEMPLATES, all_seeds, seed_names
from seeds.references import fit
from seeds.split import Split
from tests.seeds.scoring import Scorer, ndcg

SEEDS = seed_names()
LONGEST_FILE = 250
USES = {"numpy", "torch", "sentence_transformers"}  # the last on request; beside Python's own


@pytest.fixture(params=SEEDS)
def seed(request: pytest.FixtureRequest, entry_of: Any) -> Any:
    """The entry module of each seed in turn."""
    return entry_of(request.param)


@pytest.fixture
def trained(seed: Any, micro_split: Split) -> Any:
    model = seed.build(micro_split.training, device="cpu", seed=0)
    next(model.fit())
    return model


def asked(parts: Split, n: int = 8) -> tuple[Any, Any]:
    """The first n questions: users (n,), histories (n, L)."""
    questions = parts.validation
    rows = [questions.history(q) for q in range(n)]
    width = max(map(len, rows))
    return questions.users[:n], np.stack([np.pad(row, (width - len(row), 0)) for row in rows])


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_is_a_small_repo_that_imports_nothing_of_ours(name: str) -> None:
    folder = TEMPLATES / name
    config = read_config(folder)
    assert config.recommender.editable == ("*.py",)
    files = sorted(folder.glob("*.py"))
    known = {path.stem for path in files} | USES | set(sys.stdlib_module_names)
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= LONGEST_FILE, path.name
        for node in ast.walk(ast.parse(text)):
            modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {module.partition(".")[0] for module in modules} <= known, (path.name, modules)


def test_every_seed_has_a_title_and_a_sentence_of_its_own() -> None:
    told = all_seeds()
    assert {"sasrec", "gru4rec"} <= {seed.name for seed in told} and told[0].name == "sasrec"
    for seed in told:
        assert seed.title != seed.name and seed.sentence.endswith(".") and len(seed.sentence) < 260, seed
    assert len({seed.sentence for seed in told}) == len(told)


@pytest.mark.trains
@pytest.mark.slow
def test_scores_do_not_depend_on_padding_company_or_a_second_pass(trained: Any, micro_split: Split) -> None:
    users, histories = asked(micro_split)
    scores = trained.score(users, histories).numpy()
    assert scores.shape == (8, micro_split.training.n_items + 1) and np.isfinite(scores).all()
    assert np.array_equal(scores, trained.score(users, histories).numpy())
    wider = np.pad(histories, ((0, 0), (9, 0)))
    np.testing.assert_allclose(trained.score(users, wider).numpy(), scores, atol=1e-5)
    alone = [trained.score(users[q : q + 1], histories[q : q + 1]).numpy() for q in range(8)]
    np.testing.assert_allclose(np.concatenate(alone), scores, atol=1e-5)


@pytest.mark.trains
@pytest.mark.slow
def test_the_same_seed_trains_the_same_model_and_its_state_restores_it(seed: Any, micro_split: Split) -> None:
    training = micro_split.training
    users, histories = asked(micro_split, 2)

    def train(number: int) -> Any:
        model = seed.build(training, device="cpu", seed=number)
        assert set(next(model.fit())) == {"loss"}
        return model

    first, second, other = train(0), train(0), train(1)
    scores = first.score(users, histories).numpy()
    assert np.array_equal(scores, second.score(users, histories).numpy())
    assert not np.array_equal(scores, other.score(users, histories).numpy())
    other.load_state_dict(first.state_dict())
    assert np.array_equal(scores, other.score(users, histories).numpy())
    if hasattr(first, "item_embeddings"):
        assert first.item_embeddings().shape[0] == training.n_items + 1
        assert not first.item_embeddings()[0].any(), "the padding row stays 0"


@pytest.mark.trains
@pytest.mark.slow
def test_users_with_a_single_event_break_nothing(seed: Any, log_of: Any) -> None:
    log = log_of([(1, 1, 1), (2, 2, 1)])
    titled = replace(log, item_columns=replace(log.item_columns, title=("", "a red hat", "a red shoe")))
    model = seed.build(titled, device="cpu", seed=0)
    assert math.isfinite(next(model.fit())["loss"])
    assert np.isfinite(model.score(np.array([1]), np.array([[1]])).numpy()).all()


@pytest.mark.trains
@pytest.mark.slow
def test_it_learns_more_than_popularity_in_the_micro_shop(seed: Any, micro_split: Split) -> None:
    model = seed.build(micro_split.training, device="cpu", seed=0)
    losses = [epoch["loss"] for epoch in itertools.islice(model.fit(), 30)]
    assert losses[-1] < 0.95 * losses[0]
    assert ndcg(Scorer(model), micro_split) > 1.3 * ndcg(fit("popularity", micro_split.training), micro_split)
