"""What is kept of a user's page is what was shown and said, in plain words of bounded length."""

from simulator.behaviour import Answer, Judgement, Remark
from simulator.opinions import Opinion
from simulator.pages import Page, PageItem, RecentEvent
from simulator.shown import HISTORY, KEPT, SENTENCE, TITLE, as_shown, kept

HOSTILE = "<img src=x>\n[win](command:evil) **now**"


def item(number: int, title: str = "") -> PageItem:
    return PageItem(
        item=number, title=title or f"item {number}", categories=(), price=None, store="", popularity=1,
        popularity_rank=0.5, average_rating=None,
    )  # fmt: skip


def page(*items: PageItem, recent: int = 3) -> Page:
    past = tuple(RecentEvent(shown=item(100 + at), rating=None, timestamp=None) for at in range(recent))
    return Page(user=7, items=items, recent=past)


def judgement(*answers: Answer, remarks: tuple[str, ...] = (), words: tuple[str, ...] = ()) -> Judgement:
    opinion = Opinion(code="missed-price", signal="price", positive=False, strength=1.0)
    said = tuple(Remark(opinion=opinion, text=text) for text in remarks)
    return Judgement(user=7, persona="comes rarely", answers=answers, remarks=said, words=words)


def test_the_page_keeps_its_order_and_the_history_ends_with_the_newest():
    said = judgement(
        Answer(item=2, align=True, rating=4, reason="My kind."),
        Answer(item=1, align=False, rating=None, reason="Too dear."),
        remarks=("All too dear.",),
        words=("All too dear.", "Not for me."),
    )
    shown = as_shown(page(item(1), item(2)), said)
    assert (shown.user, shown.persona) == (7, "comes rarely")
    assert [(one.rank, one.title, one.align, one.rating, one.reason) for one in shown.page] == [
        (1, "item 1", False, None, "Too dear."),
        (2, "item 2", True, 4, "My kind."),
    ]
    assert shown.history == ("item 102", "item 101", "item 100"), "the page tells the newest first"
    assert shown.words == ("All too dear.", "Not for me.")


def test_items_without_an_answer_are_left_out_and_the_others_keep_their_place():
    shown = as_shown(page(item(1), item(2)), judgement(Answer(item=2, align=True, rating=None, reason="")))
    assert [one.rank for one in shown.page] == [2]


def test_titles_stay_as_they_are_but_for_their_length_and_lines():
    answers = [Answer(item=number, align=True, rating=None, reason="x" * 1000) for number in (1, 2)]
    shown = as_shown(page(item(1, HOSTILE), item(2, "t" * 1000), recent=50), judgement(*answers))
    assert shown.page[0].title == "<img src=x> [win](command:evil) **now**"
    assert len(shown.page[1].title) == TITLE and shown.page[1].title.endswith("…")
    assert len(shown.page[0].reason) == SENTENCE
    assert len(shown.history) == HISTORY


def test_of_many_users_some_of_all_are_kept():
    shown = [
        as_shown(page(), Judgement(user=user, persona="", answers=(), remarks=())) for user in range(500)
    ]
    users = [one.user for one in kept(shown)]
    assert len(users) == KEPT and users == sorted(set(users))
    assert users[0] == 0 and users[-1] > 490
    assert kept(shown[:3]) == tuple(shown[:3])
