from .base import SequenceModel
from .markov import MarkovFactors

MODELS = {"markov_factors": MarkovFactors}

__all__ = ["MODELS", "MarkovFactors", "SequenceModel"]
