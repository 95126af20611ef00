"""Reference rankers that a correct model outperforms: popularity, first-order Markov, EASE."""

from seeds.references.rankers import NAMES, Ranker, fit
from seeds.references.ranking import rank

__all__ = ["NAMES", "Ranker", "fit", "rank"]
