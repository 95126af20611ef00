"""The signals are listed in simulator/signals.py alone; whoever speaks of one knows each of them and no other."""

import pytest

from simulator.critiques import Critique
from simulator.features import SIGNAL_OF_COLUMN
from simulator.messages import MESSAGES, Scene, praise_item, reject_item, remark_on_page
from simulator.pages import Page, PageItem
from simulator.signals import SESSION_SIGNALS, SIGNALS

KINDS = ("overused", "missed", "liked")
ITEM = PageItem(
    item=1,
    title="A thing",
    categories=("Things",),
    price=2.0,
    store="Acme",
    popularity=3,
    popularity_rank=0.5,
    average_rating=4.0,
)
SCENE = Scene(
    page=Page(user=1, items=(ITEM,), recent=()), shown=ITEM, wished=ITEM, usual_store="Acme", usual_price=2.0
)


def test_every_signal_that_a_choice_is_explained_by_is_one_of_the_list_and_none_is_left_over() -> None:
    assert set(SIGNAL_OF_COLUMN.values()) == {*SIGNALS, *SESSION_SIGNALS}
    assert set(MESSAGES) == {f"{kind}-{signal}" for kind in KINDS for signal in SIGNALS}


@pytest.mark.parametrize("signal", [*SIGNALS, *SESSION_SIGNALS])
def test_users_have_words_for_every_signal(signal: str) -> None:
    for little in (False, True):
        assert praise_item(signal, SCENE, little=little) and reject_item(signal, SCENE, little=little)


@pytest.mark.parametrize("signal", SIGNALS)
def test_users_have_words_on_a_page_for_every_signal_that_they_complain_of(signal: str) -> None:
    assert all(remark_on_page(f"{kind}-{signal}", SCENE) for kind in KINDS)


def test_what_a_critique_is_about_is_said_by_naming_the_list() -> None:
    """A second list in the docstring had two signals that no user speaks of, and lacked one that they do."""
    said = Critique.__doc__ or ""
    assert "simulator.signals.SIGNALS" in said
    assert not [signal for signal in SIGNALS if f'"{signal}"' in said]
