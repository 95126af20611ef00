"""What is said beside a critique: measurements, whose it is, and whether the other kind of users shares it."""

from dataclasses import replace

from diagnosis.findings import Measurement, Severity
from evolution.domain.feedback import Feedback
from simulator.critiques import Cell, Critique, Fidelity, Simulation, Voice

FIDELITY = Fidelity(auc=0.8, low=0.7, high=0.9, users=20)
CELL = Cell(trait="comes rarely", count=30, users=40, low=0.6, high=0.86, others=0.2)
LEANS = Critique(
    id="c", code="overused-popularity", positive=False, signal="popularity", message="m", count=5, users=10,
    share=0.5, low=0.2, high=0.8, quotes=(), fidelity=FIDELITY, cells=(CELL,),
)  # fmt: skip
SAID = Simulation(
    users=10, seed=0, fidelity=FIDELITY, critiques=(LEANS,), mean_align=None, mean_rating=None, wall_s=0.0
)
MEASURED = Measurement(
    code="popularity-bias", value=0.5, low=None, high=None, reference=0.6, reference_name="", unit="share",
    higher_is_better=False, healthy=True, severity=Severity.WARNING, message="no more popular than real choices",
)  # fmt: skip


def told(played: Simulation | None) -> list[str]:
    feedback = Feedback(
        trial="t", program="p", created_at=0.0, measurements=(MEASURED,), simulation=SAID, interviews=played
    )
    return feedback.bearing_on(LEANS)


def test_what_contradicts_it_and_whose_it_is() -> None:
    assert told(None) == [
        "contradicted by popularity-bias: no more popular than real choices",
        "said most by users with the trait “comes rarely”: 75 % [60, 86] of 40, 20 % of the others",
    ]


def test_the_other_kind_of_users_shares_it_or_not() -> None:
    voice = Voice(
        code="overused-popularity", signal="popularity", count=2, users=20, control_count=0, control_users=20
    )
    played = replace(SAID, kind="llm", model="M", users=20, critiques=(), voices=(voice,))
    assert told(played)[2:] == ["not shared by 20 users that M plays, of whom 2 say so"]
    theirs = replace(LEANS, id="d", count=15, users=20)
    assert told(replace(played, critiques=(theirs,)))[2:] == [
        "shared by 20 users that M plays, of whom 15 say so"
    ]
    assert told(replace(played, no_vote="they guess"))[2:] == []
