"""What a model has to answer: schemas, and the checks that no schema can state.

Only this file needs pydantic, and only jobs load it. A check that fails makes a reply malformed; whoever owns
the exchange may ask once more, with the check's message. The descriptions are part of what the model reads.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, create_model, model_validator

from simulator.signals import SignalName

M = TypeVar("M", bound=BaseModel)


class ItemAnswer(BaseModel):
    """What you say of one item of the page."""

    item: int = Field(description="The item's id, copied from the page.")
    align: bool = Field(description="true if you could well take it as one of your next items, false if not.")
    rating: Literal[1, 2, 3, 4, 5] | None = Field(
        description="1 (bad) to 5 (excellent): how you would rate it after having it. null where align is false, "
        "or where the instructions say that nobody rates."
    )
    reason: str = Field(description="One short sentence in the first person that names what decided it.")


class Point(BaseModel):
    """One thing you say of the whole page."""

    signal: SignalName = Field(description="What it is about: one of the signals in the instructions.")
    sentence: str = Field(
        description="One sentence in the first person, naming an item or a fact of the page."
    )


class PageReply(BaseModel):
    """Your answer to every item of the page, then the interview."""

    answers: list[ItemAnswer] = Field(description="One answer per item of the page, each item exactly once.")
    positive_reasons: list[Point] = Field(description="Why the page suits you. Empty if it does not.")
    negative_reasons: list[str] = Field(
        description="Why the page does not suit you, one sentence each, in your own words. Empty if it does."
    )
    overused: list[Point] = Field(
        description="Signals that the page goes by too much for you. Empty if there is none."
    )
    missing: list[Point] = Field(
        description="Signals that matter to you and that the page leaves out or gives too little weight. "
        "Empty if there is none."
    )
    summary: str = Field(description="One sentence that sums up how well the page knows you.")


class RankingReply(BaseModel):
    """The items in the order in which you would take them."""

    ranking: list[int] = Field(
        description="The ids of all the items, each exactly once, the most likely next choice first."
    )


class WordedPoint(BaseModel):
    """One counted result in words."""

    code: str = Field(description="The code of the counted result, copied.")
    sentence: str = Field(description="One sentence without numbers that says it as these users mean it.")


class TrackedPoint(BaseModel):
    """One thing worth measuring from now on."""

    signal: SignalName = Field(description="The signal it is about.")
    sentence: str = Field(
        description="What to measure, over the lists shown to users, their histories and the facts of items, so "
        "that the number moves when the complaint is cured. One sentence without numbers."
    )
    codes: list[str] = Field(description="Codes of the counted complaints it stems from, at least one.")


class SummaryReply(BaseModel):
    """The interviews of all users, put into words."""

    reads_intent: str = Field(
        description="One or two sentences without numbers: by what the lists seem to guess what users want."
    )
    right: list[WordedPoint] = Field(description="One entry for each counted praise, no other code.")
    wrong: list[WordedPoint] = Field(description="One entry for each counted complaint, no other code.")
    main_failure: str = Field(
        description="One sentence without numbers: what most goes wrong with the first items of the lists."
    )
    track: list[TrackedPoint] = Field(description="One to five things worth measuring from now on.")


def page_reply(items: Iterable[int]) -> type[PageReply]:
    """The reply to a page of these items: any other, twice or missing item makes it malformed."""
    wanted = Counter(items)
    return _checked(
        PageReply, lambda said: _same("answers", [answer.item for answer in said.answers], wanted)
    )


def ranking_reply(items: Iterable[int]) -> type[RankingReply]:
    """The reply to a choice among these items: it has to rank all of them and no other."""
    wanted = Counter(items)
    return _checked(RankingReply, lambda said: _same("ranking", said.ranking, wanted))


def summary_reply(*, complaints: Iterable[str], praise: Iterable[str]) -> type[SummaryReply]:
    """The wording of these counted codes and of no others."""
    wrong, right = Counter(complaints), Counter(praise)

    def check(said: SummaryReply) -> None:
        _same("wrong", [point.code for point in said.wrong], wrong)
        _same("right", [point.code for point in said.right], right)
        for point in said.track:
            if not point.codes or not set(point.codes) <= set(wrong):
                raise ValueError(f"track: each needs one or more codes of {sorted(wrong)} and no other")

    return _checked(SummaryReply, check)


def _checked(model: type[M], check: Callable[[M], None]) -> type[M]:
    """The same model, of the same name and schema, that also passes a check, which raises ValueError."""

    def passes(self: M) -> M:
        check(self)
        return self

    validators: dict[str, Any] = {"passes": model_validator(mode="after")(passes)}
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, __validators__=validators)


def _same(field: str, given: list[int] | list[str], wanted: Counter[int] | Counter[str]) -> None:
    if Counter(given) != wanted:
        raise ValueError(f"{field}: each of {sorted(wanted)} must occur exactly once, and nothing else")
