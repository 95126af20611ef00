"""Groups of symptoms, for the `explains` of causes: which outcomes a kind of fault brings about.

A cause takes the groups that fit, `explains=(*WEAK, *NARROW)`, or names single codes.
"""

from collections.abc import Mapping

# What is measured -> the complaints of simulated users that it is about: it bears them out where it is unhealthy, and
# contradicts them where it is healthy.
VERIFIES: Mapping[str, tuple[str, ...]] = {
    "exposure-concentration": ("overused-popularity",),
    "off-category": ("missed-category",),
    "off-price": ("missed-price",),
    "order-unused": ("missed-sequence",),
    "popularity-bias": ("overused-popularity",),
    "popularity-reversed": ("missed-popularity",),
    "stale-lists": ("missed-recency",),
    "weaker-than-markov": ("missed-sequence",),
}
# The model ranks worse than what costs a second: it has not learned what the data says.
WEAK = ("weaker-than-popularity", "weaker-than-markov", "weaker-than-ease", "ranking-margin")
# The lists are too much alike, or too near to the bestsellers.
NARROW = ("popularity-bias", "exposure-concentration", "same-list", "overused-popularity")
# The order of events is lost or of no use.
UNORDERED = ("weaker-than-markov", "order-unused", "missed-sequence")
# Nothing, or too little, reaches the weights.
UNTRAINED = ("not-learning", "not-converged", "untrained-rows", "embedding-collapse")
# Not outcomes but causes, which a model that has not learned shows as well: what made it so stands before them.
UNLEARNED = (
    "scores-frozen",
    "scores-inverted",
    "scores-tied",
    "history-window",
    "history-holes",
    "input-ignored",
    "newest-kept",
    "order-ignored",
    "nothing-pushed-down",
    "learns-backwards",
)
# One question, two answers: the figures of one model do not agree.
UNSTEADY = (
    "figures-disagree",
    "same-answer-twice",
    "scores-in-training-mode",
    "batch-companions",
    "scores-differ-from-training",
)
