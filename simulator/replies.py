"""Schemas of the LLM's replies, and checks that a schema cannot express.

Only this file needs pydantic, and only jobs import it. A reply that fails a check is malformed; the owner of the call
may ask once more, with the check's message. The models' docstrings and descriptions are part of the question, so that models have
comments instead, and the many questions of users no descriptions beside those of their prompts.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, Field, create_model, model_validator

from simulator.signals import SignalName

M = TypeVar("M", bound=BaseModel)


# What the user says of one item of the page; the prompt says what the fields mean.
class ItemAnswer(BaseModel):
    item: int
    align: bool
    rating: Literal[1, 2, 3, 4, 5] | None
    reason: str


# One thing that the user says of the whole page.
class Point(BaseModel):
    signal: SignalName
    sentence: str


# The reply to the prompt `persona`: an answer to every item of the page, then the interview.
class PageReply(BaseModel):
    answers: list[ItemAnswer]
    positive_reasons: list[Point]
    negative_reasons: list[str]
    overused: list[Point]
    missing: list[Point]
    summary: str


# The reply to the prompt `persona-choice`.
class RankingReply(BaseModel):
    ranking: list[int]


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
    """The reply to a page of these items. A reply with another, a repeated or a missing item is malformed."""
    wanted = Counter(items)
    return _checked(
        PageReply, lambda said: _same("answers", [answer.item for answer in said.answers], wanted)
    )


def ranking_reply(items: Iterable[int]) -> type[RankingReply]:
    """The reply to a choice among these items, which must rank all of them and no others."""
    wanted = Counter(items)
    return _checked(RankingReply, lambda said: _same("ranking", said.ranking, wanted))


def summary_reply(*, complaints: Iterable[str], praise: Iterable[str]) -> type[SummaryReply]:
    """The wording of the results with these codes, which must word all of them and no others."""
    wrong, right = Counter(complaints), Counter(praise)

    def check(said: SummaryReply) -> None:
        _same("wrong", [point.code for point in said.wrong], wrong)
        _same("right", [point.code for point in said.right], right)
        for point in said.track:
            if not point.codes or not set(point.codes) <= set(wrong):
                raise ValueError(f"track: each needs one or more codes of {sorted(wrong)} and no other")

    return _checked(SummaryReply, check)


def _checked(model: type[M], check: Callable[[M], None]) -> type[M]:
    """A subclass with the same name and schema whose instances must also pass `check`, which raises ValueError."""

    def passes(self: M) -> M:
        check(self)
        return self

    validators: dict[str, Any] = {"passes": model_validator(mode="after")(passes)}
    return create_model(model.__name__, __base__=model, __doc__=model.__doc__, __validators__=validators)


def _same(field: str, given: list[int] | list[str], wanted: Counter[int] | Counter[str]) -> None:
    if Counter(given) != wanted:
        raise ValueError(f"{field}: each of {sorted(wanted)} must occur exactly once, and nothing else")
