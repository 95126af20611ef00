"""Words for the document of `simulate --session`, in the terminal as in the report."""

LEFT_WORDS = {
    "enough": "had enough",
    "disappointed": "too little fitted",
    "bored": "too much of the same",
    "ran-out": "nothing left to show",
    "last-page": "still there at the end",
}
RECOMMENDERS = {
    "model": "your model",
    "popularity": "best-sellers",
    "markov": "Markov",
    "random": "random",
}
LISTENING = {True: "your model was told", False: "your model offers no instruct() and was not told"}
EXPLAINED = (
    "Satisfy: 1 to 10, how much of a page users would take, from as much as of random items to all; "
    "View: shown items that they took; Depth: pages"
)
