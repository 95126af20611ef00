"""The micro shop with a Markov-like model, as evidence: columns of every kind are there.

What the fixtures cost: a second, once in a process. Nothing is trained and no process is started.
"""

import numpy as np
import pytest

from diagnosis.coevolution.subjects import Subjects, reference_rankings
from diagnosis.evidence import Artifacts, Evidence, TopLists
from seeds.metrics import seen_mask, top_lists
from seeds.references import NAMES, fit, rank
from seeds.shop import make
from seeds.split import LeaveLastTwoOut


@pytest.fixture(scope="session")
def shop() -> Evidence:
    split = LeaveLastTwoOut().split(make("micro").interactions)
    training, questions = split.training, split.validation
    rng = np.random.default_rng(0)
    histories = [questions.history(q) for q in range(len(questions))]
    last = np.array([history[-1] for history in histories])
    drawn = np.array([rng.choice(history) for history in histories])
    before = rng.normal(size=(training.n_items + 1,) * 2).astype(np.float32) * 0.01
    after = before + fit("markov", training).score(np.arange(len(before)), np.arange(len(before))[:, None])
    top = top_lists(after[last], seen_mask(questions.items, questions.offsets, training.n_items))
    references = {name: rank(fit(name, training), questions, training.n_items) for name in NAMES}
    return Evidence(
        training=training,
        questions=questions,
        artifacts=Artifacts(
            top=TopLists(items=top.items, scores=top.scores, ties=top.ties),
            dense_rows=np.arange(len(questions), dtype=np.int32),
            dense_scores=after[last],
            dense_shuffled=after[drawn],
            item_embeddings=None,
            untrained_dense_scores=before[last],
            untrained_item_embeddings=None,
            curves=(),
            trace={},
            reported={},
        ),
        references={
            name: TopLists(items=lists.items, scores=lists.scores, ties=lists.ties)
            for name, lists in references.items()
        },
        seed=0,
    )


@pytest.fixture(scope="session")
def subjects(shop: Evidence) -> Subjects:
    rows = np.arange(len(shop.questions))
    return Subjects(shop, reference_rankings(shop.training, shop.questions, rows))
