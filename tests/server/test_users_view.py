"""The Users view over the wire: who was asked, what they agree on, and each one's page and words."""

from dataclasses import replace

from diagnosis.findings import Role
from simulator.critiques import Interpretation, Status
from simulator.shown import Shown, ShownItem

EDITOR = "visual-studio-code"
HOSTILE = "<img src=x onerror=alert(1)> [win](command:evil) **now** | ``` \u202e😀"


def a_user(number=7, title="A lamp"):
    items = (
        ShownItem(rank=1, title=title, align=False, rating=None, reason="Too dear."),
        ShownItem(rank=3, title="A table", align=True, rating=4, reason="My kind."),
    )
    return Shown(
        user=number, persona="comes rarely", history=("A chair", "A rug"), page=items, words=("All alike.",)
    )


def interpreted(simulation):
    interpretation = Interpretation(
        status=Status.CRITICAL, because="20% of the shown items fit", fit=(0.2, 0.1, 0.3), fit_at_top=(0.3, 0.2, 0.4),
        reads_intent="", right=(), wrong=(), main_failure="", main_failure_code="", track=(),
    )  # fmt: skip
    return replace(simulation, interpretation=interpretation)


async def test_both_kinds_of_users_are_told_apart_with_their_pages(connect, records, sample):
    records.trial()
    said = interpreted(records.simulation())
    played = replace(said, kind="llm", model="gpt-x", users=18, failed=2, critiques=())
    anchor = records.anchor("model.py", sample.loss, Role.LOSS)
    records.feedback(simulation=said, interviews=played, critique_anchors={"critique-1": (anchor,)})
    records.store.put_personas("trial0000001", "statistical", [a_user(7), a_user(8)])
    records.store.put_personas("trial0000001", "llm", [a_user(9)])
    editor = await connect(EDITOR)
    told = await editor.ask("users")
    statistical, llm = told["groups"]
    assert told["trial"] == "trial0000001"
    assert (statistical["kind"], statistical["model"], statistical["asked"], statistical["failed"]) == (
        "statistical", "", 100, 0,
    )  # fmt: skip
    assert (llm["kind"], llm["model"], llm["asked"], llm["failed"]) == ("llm", "gpt-x", 20, 2)
    assert statistical["fidelity"]["text"] == ".650 AUC, 95 % [.600, .700]"
    assert (statistical["status"], statistical["because"]) == ("CRITICAL", "20% of the shown items fit")
    assert [one["user"] for one in statistical["personas"]] == [7, 8]
    assert [one["user"] for one in llm["personas"]] == [9]
    assert statistical["personas"][0] == {
        "user": 7,
        "persona": "comes rarely",
        "history": ["A chair", "A rug"],
        "page": [
            {"rank": 1, "title": "A lamp", "align": False, "rating": None, "reason": "Too dear."},
            {"rank": 3, "title": "A table", "align": True, "rating": 4, "reason": "My kind."},
        ],
        "words": ["All alike."],
    }
    (critique,) = statistical["critiques"]
    assert critique["share"]["text"] == "61 % of users, 95 % [51, 70] %"
    assert (critique["row"], critique["share"]["short"]) == (
        "61 % [51, 70] overused popularity",
        "61 % [51, 70]",
    )
    assert critique["quotes"] == [{"user": 7, "persona": "a collector", "text": "I own all of these."}]
    assert [(place["line"], place["role"]) for place in critique["places"]] == [(sample.loss, "loss")]
    assert critique["backing"] == ["not shared by 18 users that gpt-x plays, of whom 0 say so"]


async def test_users_that_were_asked_by_an_older_version_have_no_pages(connect, records):
    records.trial()
    records.feedback(simulation=records.simulation())
    editor = await connect(EDITOR)
    (group,) = (await editor.ask("users"))["groups"]
    assert (group["personas"], group["status"], len(group["critiques"])) == ([], "", 1)


async def test_users_without_a_vote_say_why_and_still_show_their_pages(connect, records):
    records.trial()
    said = replace(records.simulation(fidelity_low=0.4), critiques=(), no_vote="no better than chance")
    records.feedback(simulation=said)
    records.store.put_personas("trial0000001", "statistical", [a_user()])
    editor = await connect(EDITOR)
    (group,) = (await editor.ask("users"))["groups"]
    assert (group["noVote"], group["critiques"]) == ("no better than chance", [])
    assert len(group["personas"]) == 1


async def test_a_dismissed_critique_is_gone_and_titles_are_handed_on_as_they_are(connect, records):
    records.trial()
    records.feedback(simulation=records.simulation())
    records.store.put_personas("trial0000001", "statistical", [a_user(title=HOSTILE)])
    editor = await connect(EDITOR)
    await editor.command("dismiss", id="critique-1")
    (group,) = (await editor.ask("users"))["groups"]
    assert group["critiques"] == []
    assert group["personas"][0]["page"][0]["title"] == HOSTILE


async def test_before_anybody_was_asked_there_are_no_groups(connect, records, repo):
    editor = await connect(EDITOR)
    assert await editor.ask("users") == {"repo": str(repo), "trial": "", "groups": []}
    records.trial()
    records.feedback(records.finding())
    told = await editor.until("users", lambda told: told["trial"])
    assert (told["trial"], told["groups"]) == ("trial0000001", [])
