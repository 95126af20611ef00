"""Groups of symptoms, for the `explains` of causes: which outcomes a kind of fault brings about.

A cause takes the groups that fit, `explains=(*WEAK, *NARROW)`, or names single codes.
"""

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
