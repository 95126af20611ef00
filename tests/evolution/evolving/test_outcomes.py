"""What is told of complaints that an idea addressed: only shares that were measured, and "healthy" only of what it means."""

from dataclasses import replace
from typing import Any

import pytest

from evolution.domain.feedback import Feedback
from evolution.domain.proposal import Idea
from evolution.domain.run import Moved
from evolution.evolving.outcomes import moved
from simulator.critiques import Critique, Fidelity, Simulation, Voice

SURE = Fidelity(auc=0.8, low=0.7, high=0.9, users=20)
CODE = "overused-category"


def voice(count: int, users: int = 20) -> Voice:
    return Voice(code=CODE, signal="category", count=count, users=users, control_count=2, control_users=18)


def critique(name: str, count: int, users: int = 20) -> Critique:
    return Critique(
        id=name, code=CODE, positive=False, signal="category", message="", count=count, users=users,
        share=count / users, low=0.4, high=0.9, quotes=(), fidelity=SURE,
    )  # fmt: skip


def asked(*said: Voice, critiques: tuple[Critique, ...] = (), **more: Any) -> Simulation:
    return Simulation(
        users=20, seed=0, fidelity=SURE, critiques=critiques, mean_align=None, mean_rating=None, wall_s=0.0,
        voices=said, **more,
    )  # fmt: skip


def feedback(**kinds: Any) -> Feedback:
    return Feedback(trial="t", program="p", created_at=0.0, **kinds)


IDEA = Idea(code="x", title="x", rationale="", addresses=("c1", "c2"), rests_on=(), proposer="llm")
BEFORE = asked(voice(14), critiques=(critique("c1", 14),))


def test_a_complaint_below_the_level_of_reporting_is_told_with_its_share() -> None:
    (found,) = moved(IDEA, feedback(simulation=BEFORE), feedback(simulation=asked(voice(9))))
    assert (found.before, found.after, found.healthy, found.as_intended) == (0.7, 0.45, True, True)
    assert found.words == (
        f"{CODE}: 70 % of users said so, now 45 % (as intended, so few that it no longer counts as a complaint)"
    )
    still = asked(voice(13), critiques=(critique("c1", 13),))
    (found,) = moved(IDEA, feedback(simulation=BEFORE), feedback(simulation=still))
    assert not found.healthy and found.words.endswith("now 65 % (as intended)")


@pytest.mark.parametrize("after", [{}, {"interviews": asked(no_vote="no better than chance")}])
def test_nothing_is_told_of_users_who_were_not_asked_again(after) -> None:
    """Neither by a zero, nor by what users of the other kind say."""
    before = feedback(interviews=asked(voice(14), critiques=(critique("c2", 14),), kind="llm"))
    assert moved(IDEA, before, feedback(simulation=asked(voice(3)), **after)) == ()


def test_a_measurement_is_told_as_before() -> None:
    found = Moved(code="overfit", before=0.5, after=0.25, as_intended=True, healthy=True)
    assert found.words == "overfit moved from .500 to .250 (as intended, now healthy)"
    assert replace(found, healthy=False).words == "overfit moved from .500 to .250 (as intended)"
