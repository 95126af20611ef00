"""The signals that people choose by, in words, for personas of every kind: their meaning, and what to measure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

SignalName = Literal["popularity", "price", "category", "store", "sequence", "variety", "quality"]


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One reason of choice.

    meaning: the fact about an item that the user goes by
    too_much, too_little: how a page that has too much or too little of the signal looks to the user
    read_as: the signal as something that lists read users' intent from
    track: kind of complaint ("overused", "missed") -> the measurement that would show it
    """

    meaning: str
    too_much: str
    too_little: str
    read_as: str
    track: Mapping[str, str]


SIGNALS: Mapping[str, Signal] = {
    "popularity": Signal(
        meaning="how many people take a thing",
        too_much="the page leans on what everybody takes, more than you do",
        too_little="the page shows things that hardly anybody takes, while you go by what is well known",
        read_as="what everybody takes",
        track={
            "overused": "how much more popular the listed items are than those a user chose himself",
            "missed": "how often listed items are far less popular than those a user chose himself",
        },
    ),
    "price": Signal(
        meaning="what a thing costs, against what you usually pay",
        too_much="the page goes by price more than you do, and other reasons of yours are crowded out",
        too_little="the prices on the page are away from what you pay",
        read_as="price",
        track={
            "overused": "how far prices of listed items are from those a user pays",
            "missed": "how far prices of listed items are from those a user pays",
        },
    ),
    "category": Signal(
        meaning="what kind of thing it is",
        too_much="the page is filled with one kind of thing, though you come for more than that",
        too_little="the kinds of things that you come for are missing",
        read_as="the kind of thing",
        track={
            "overused": "how alike in category the items of one list are, against a user's own choices",
            "missed": "the share of listed items from the categories a user comes for",
        },
    ),
    "store": Signal(
        meaning="who sells or makes it",
        too_much="the page is filled from one store, though you buy elsewhere too",
        too_little="the stores that you keep to are missing",
        read_as="the store",
        track={
            "overused": "how many items of one list are from the same store, against a user's own choices",
            "missed": "the share of listed items from the stores a user keeps to",
        },
    ),
    "sequence": Signal(
        meaning="what naturally follows from your last few picks",
        too_much="everything follows from your last pick, and all that you did before is forgotten",
        too_little="what would follow from your last few picks is missing",
        read_as="the last pick",
        track={
            "overused": "how much a list depends on the last event alone, against the events before it",
            "missed": "how high a list ranks what usually follows a user's last events, and how it changes with them",
        },
    ),
    "variety": Signal(
        meaning="how far a thing is from what you had lately: a change, or more of the same",
        too_much="the page jumps around, while you want to stay with what you are at",
        too_little="the page repeats what you just had, while you want a change",
        read_as="change from what came before",
        track={
            "overused": "how far in category listed items are from a user's last events, against his own choices",
            "missed": "how near in category listed items are to a user's last events, against his own choices",
        },
    ),
    "quality": Signal(
        meaning="how others rate a thing",
        too_much="the page goes by high ratings, which is not how you choose",
        too_little="the page shows things that others rate low, while you go by ratings",
        read_as="other people's ratings",
        track={
            "overused": "how closely scores follow average ratings, against a user's own choices",
            "missed": "average ratings of listed items against those of a user's own choices",
        },
    ),
}
# What users go by in sessions alone: nobody complains of it, and an LLM is not asked about it.
SESSION_SIGNALS = ("together",)  # what people take who have what the user has
assert set(SIGNALS) == set(get_args(SignalName))
