"""How good a recommender of the contract is, beside the reference rankers."""

from typing import Any

from seeds.metrics import user_metrics
from seeds.references import rank
from seeds.split import Split


class Scorer:
    """A recommender of the contract as a reference ranker."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def score(self, users: Any, histories: Any) -> Any:
        return self.model.score(users, histories).numpy()


def ndcg(ranker: Any, parts: Split) -> float:
    """NDCG@10 of the test events, all items ranked."""
    top = rank(ranker, parts.test, parts.training.n_items)
    return float(user_metrics(top.items, top.scores, top.ties, parts.test.targets)["NDCG@10"].mean())
