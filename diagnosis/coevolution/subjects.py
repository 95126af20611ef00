"""The subjects on which a probe is tried: the trained model, reference rankers, and models whose faults are known.

All of them rank the same users, those with dense scores, so that values can be compared user by user.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np

from diagnosis.coevolution.faulty_models import FaultyModels, ScoredRanking
from diagnosis.coevolution.sampled_users import SampledUsers, locked
from diagnosis.coevolution.view import Float32, Int64, ProbeView
from diagnosis.evidence import Evidence, TopLists
from seeds.interactions import Interactions, Questions
from seeds.metrics import top_lists
from seeds.references import fit
from seeds.references.ranking import padded_histories

MODEL = "model"
LIST_LENGTH = 50
EASE_ITEMS = 5_000  # with more items, EASE would cost more than all other subjects together
HISTORY = 200  # newest events that a reference ranker is given
TITLES: Mapping[str, str] = {
    MODEL: "the trained model",
    "untrained": "the model before training",
    "popularity": "the most popular items for everyone",
    "following": "what most often followed the last pick (first-order Markov)",
    "ease": "EASE",
    "random": "items at random",
    "constant": "the same score for every item",
    "reversed": "the model's order reversed",
    "strangers": "each user's list given to another user",
    "lookalikes": "items like the user's own past",
    "oracle": "the model with the real next choice on top",
    "popular": "the model, leaning on popular items",
    "popular-mildly": "the model, leaning a little on popular items",
    "unpopular": "the model, leaning on what hardly anybody takes",
    "unpopular-mildly": "the model, leaning a little on what hardly anybody takes",
    "own-popularity": "the model, leaning on items as popular as the user's own",
    "least-popular": "the least popular items for everyone",
    "one-kind": "pages filled with the user's favourite kind of thing",
    "one-kind-mildly": "the model, leaning on the user's favourite kind of thing",
    "last-kind": "pages filled with the kind of the last pick",
    "last-kind-mildly": "the model, leaning on the kind of the last pick",
    "last-pick-only": "what followed the last pick, of the kind of the last pick",
    "other-kinds": "kinds of things that the user never took",
    "other-kinds-mildly": "the model, leaning away from the user's kinds of things",
    "one-store": "pages filled from the user's favourite store",
    "one-store-mildly": "the model, leaning on the user's favourite store",
    "one-store-for-all": "pages filled from the largest store",
    "other-stores": "stores that the user never bought from",
    "other-stores-mildly": "the model, leaning away from the user's stores",
    "other-prices": "prices far from what the user pays",
    "other-prices-mildly": "the model, leaning away from the user's prices",
    "own-prices": "the model, leaning on what the user pays",
    "dear": "the model, leaning on dear items",
    "cheap": "the model, leaning on cheap items",
    "dearest": "the dearest items for everyone",
    "off-sequence": "what never follows the last pick",
    "high-rated": "the model, leaning on high ratings",
    "high-rated-mildly": "the model, leaning a little on high ratings",
    "best-rated": "the best rated items for everyone",
    "low-rated": "the model, leaning on low ratings",
    "low-rated-mildly": "the model, leaning a little on low ratings",
    "worst-rated": "the worst rated items for everyone",
}
UNMASKED = "unmasked"  # the model's lists with seen items left in, which serving never shows


def reference_rankings(training: Interactions, questions: Questions, rows: Int64) -> dict[str, ScoredRanking]:
    """Dense scores of the fitted reference rankers for the questions `rows`, the same for every trial on this data.

    The first-order Markov ranker scores a shuffled history by a randomly drawn event in place of the last one.
    """
    rng = np.random.default_rng(0)
    histories = padded_histories(questions, rows, HISTORY)  # (S, L)
    drawn = np.array([rng.choice(questions.history(int(q))) for q in rows], dtype=np.int64)
    users = questions.users[rows]
    markov = fit("markov", training)
    found = {
        "following": ScoredRanking(
            scores=markov.score(users, histories[:, -1:]), shuffled=markov.score(users, drawn[:, None])
        )
    }
    if training.n_items <= EASE_ITEMS:
        scores = fit("ease", training).score(users, histories)
        found["ease"] = ScoredRanking(scores=scores, shuffled=scores)
    return found


class Subjects:
    """The views of one trial's evidence, by subject.

    references: what `reference_rankings` returns for the rows of `SampledUsers`.
    seed: `seed` of the views, and the source of chance in faulty models; ties are broken alike in all of them.
    """

    def __init__(self, evidence: Evidence, references: Mapping[str, ScoredRanking], seed: int = 0) -> None:
        self._evidence, self._references, self._seed = evidence, references, seed
        self._sampled = SampledUsers(evidence)

    @property
    def names(self) -> tuple[str, ...]:
        """The subjects that this trial has evidence for."""
        lacking = {"untrained"} if self._evidence.artifacts.untrained_dense_scores is None else set()
        lacking |= {"ease"} - set(self._references)
        return tuple(name for name in TITLES if name not in lacking)

    def view(self, name: str) -> ProbeView:
        """One subject as an evolved probe sees it. Raises KeyError if this trial has no such subject."""
        if name == UNMASKED:
            return self._viewed(self._model, masked=False)
        view = self._viewed(self._ranking(name), masked=True)
        table = self._evidence.artifacts.untrained_item_embeddings
        if name == "untrained" and view.item_embeddings is not None and table is not None:
            return replace(view, item_embeddings=locked(table))
        return view

    def evidence(self, name: str) -> Evidence:
        """One subject as the built-in probes see it, restricted to the sampled users."""
        view, ranking, rows = self.view(name), self._ranking(name), self._sampled.rows
        top = top_lists(ranking.scores, ~self._sampled.unseen, LIST_LENGTH, seed=0)
        shuffled = ranking.shuffled
        return replace(
            self._evidence,
            questions=self._sampled.questions,
            artifacts=replace(
                self._evidence.artifacts,
                top=TopLists(items=top.items, scores=top.scores, ties=top.ties),
                dense_rows=np.arange(len(rows), dtype=np.int32),
                dense_scores=ranking.scores.astype(np.float32),
                dense_shuffled=None if shuffled is None else shuffled.astype(np.float32),
                item_embeddings=view.item_embeddings,
            ),
            references={
                name: TopLists(items=top.items[rows], scores=top.scores[rows], ties=top.ties[rows])
                for name, top in self._evidence.references.items()
            },
        )

    def _ranking(self, name: str) -> ScoredRanking:
        if name == MODEL:
            return self._model
        if name == "untrained":
            return self._untrained
        return self._references[name] if name in self._references else self._makings.make(name)

    @cached_property
    def _makings(self) -> FaultyModels:
        return FaultyModels(self._sampled, self._model, self._references["following"], self._seed)

    @cached_property
    def _model(self) -> ScoredRanking:
        artifacts, places = self._evidence.artifacts, self._sampled.places
        shuffled = artifacts.dense_shuffled
        return ScoredRanking(
            scores=artifacts.dense_scores[places], shuffled=None if shuffled is None else shuffled[places]
        )

    @property
    def _untrained(self) -> ScoredRanking:
        scores = self._evidence.artifacts.untrained_dense_scores
        if scores is None:
            raise KeyError("untrained")
        return ScoredRanking(scores=scores[self._sampled.places], shuffled=None)

    def _viewed(self, ranking: ScoredRanking, *, masked: bool) -> ProbeView:
        sampled, table = self._sampled, self._evidence.artifacts.item_embeddings
        scores = self._shown(ranking.scores, masked=masked)
        shuffled = None if ranking.shuffled is None else self._shown(ranking.shuffled, masked=masked)
        return ProbeView(
            n_items=self._evidence.training.n_items,
            users=locked(sampled.questions.users),
            lists=self._listed(scores),
            shuffled_lists=None if shuffled is None else self._listed(shuffled),
            scores=scores,
            shuffled_scores=shuffled,
            histories=sampled.histories,
            targets=locked(sampled.questions.targets),
            item_embeddings=None if table is None else locked(table),
            seed=self._seed,
            **sampled.columns,
        )

    def _shown(self, scores: np.ndarray, *, masked: bool) -> Float32:
        allowed = self._sampled.unseen if masked else np.arange(scores.shape[1])[None, :] > 0
        return locked(np.where(allowed, scores, -np.inf).astype(np.float32))

    def _listed(self, scores: Float32) -> Int64:
        nothing = np.zeros(scores.shape, dtype=bool)
        return locked(top_lists(scores, nothing, LIST_LENGTH, seed=0).items.astype(np.int64))
