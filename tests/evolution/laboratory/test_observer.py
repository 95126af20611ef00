"""What was said of a trial is said anew when what says it has changed."""

from diagnosis.findings import Role, Site
from evolution.laboratory.observer import ROLES_OF_SIGNAL, critique_anchors, observer_version
from simulator.critiques import Critique, Fidelity
from simulator.messages import MESSAGES


def critique(signal: str) -> Critique:
    fidelity = Fidelity(auc=0.9, low=0.8, high=0.95, users=10)
    return Critique(
        id="c", code=f"missed-{signal}", positive=False, signal=signal, message="m", count=5, users=10,
        share=0.5, low=0.2, high=0.8, quotes=(), fidelity=fidelity,
    )  # fmt: skip


def site(role: Role, line: int) -> Site:
    return Site(role=role, path="model.py", start_line=line, end_line=line)


SOURCES = {"model.py": "a\nb\nc\nd\n"}


def test_a_critique_stands_on_the_code_that_decides_about_its_signal() -> None:
    sites = (site(Role.ENTRY, 1), site(Role.ITEM_TABLE, 2), site(Role.ENCODER, 3))
    (anchor,) = critique_anchors(critique("category"), sites, SOURCES)
    assert (anchor.start_line, anchor.text, anchor.role) == (2, "b", Role.ITEM_TABLE)
    (anchor,) = critique_anchors(critique("sequence"), sites, SOURCES)
    assert anchor.role is Role.ENCODER


def test_a_critique_of_unplaced_code_stands_where_the_model_is_built() -> None:
    (anchor,) = critique_anchors(critique("variety"), (site(Role.ENTRY, 1),), SOURCES)
    assert anchor.role is Role.ENTRY


def test_every_signal_that_users_speak_of_has_its_place_in_the_code() -> None:
    signals = {code.split("-", 1)[1] for code in MESSAGES}
    assert signals <= set(ROLES_OF_SIGNAL)


def test_the_observers_version_is_that_of_its_code() -> None:
    assert len(observer_version()) == 16
