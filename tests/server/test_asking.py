"""Explain: the page of a finding from a code action, in every editor, and what the user's LLM was asked about it."""

from dataclasses import replace

import pytest
from pygls.exceptions import JsonRpcException

from diagnosis.findings import Measurement
from evolution.domain.job import EventType, JobKind
from evolution.domain.request import ExplainRequest
from evolution.domain.trial import EpochRecord, Failure, FailureReason, Metric, TrialStatus
from evolution.jobs.consent import open_questions
from evolution.jobs.explain import explain_values
from server.lsp.pages import docs_address
from simulator.shown import Shown, ShownItem

SAID = {
    "code": "embedding-collapse", "program": "p", "model": "gpt-x", "tokens": 900,
    "cause": "Line 8 makes 32 dimensions.", "check": "Print the rank.", "change": "Use 64.",
}  # fmt: skip


@pytest.fixture
def found(records):
    records.trial()
    records.feedback(records.finding(), records.finding("popularity-bias"))
    return records


async def test_each_finding_can_be_explained_from_its_line(connect, found, sample):
    editor = await connect("neovim@v0.7.0")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    offers = await editor.actions(uri, sample.table)
    titles = [action.title for action in offers]
    assert titles[0] == "Explain…" and titles[-1] == "Dismiss…"
    assert not any("ask" in title for title in titles), "no LLM is set"
    editor.answers["Explain: which?"] = "embedding-collapse"
    told = await editor.command("explain", **offers[0].command.arguments[0])
    assert told["uri"] == docs_address("embedding-collapse", found.repo)
    for words in ("RankMe", "untrained model .600", "What usually helps"):
        assert words in told["text"]
    with pytest.raises(JsonRpcException, match='expected an object with "code"'):
        await editor.command("explain")


async def test_where_an_llm_is_set_it_can_be_asked_for_a_price_that_is_told(
    connect, found, sample, monkeypatch
):
    monkeypatch.setenv("EVOLVEREC_LLM_MODEL", "gpt-x")
    monkeypatch.setenv("EVOLVEREC_LLM_BASE_URL", "http://127.0.0.1:9/v1")
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    actions = await editor.actions(uri, sample.table)
    (ask,) = [a for a in actions if a.title.startswith("Explain embedding-collapse: ")]
    assert "ask gpt-x, about " in ask.title and "tokens" in ask.title
    assert ask.command.command == "evolverec.askLlm"
    assert ask.command.arguments[0]["code"] == "embedding-collapse"


async def test_what_the_llm_said_stands_on_the_page_and_is_told(connect, found):
    job = found.running_job(kind=JobKind.EXPLAIN, params={"code": "embedding-collapse"})
    editor = await connect("visual-studio-code", views=True)
    await editor.until("overview", lambda told: told["repos"][0]["jobs"])
    found.end(job, {**SAID, "program": found.program})
    found.event(job, EventType.FINISHED, "explain done", state="done", exit_code=0)
    await editor.wait(lambda: editor.told)
    (told,) = editor.told
    assert told.message == "gpt-x on embedding-collapse: Line 8 makes 32 dimensions"
    assert [(mend.kind, mend.code) for mend in told.mends] == [("page", "embedding-collapse")]
    text = (await editor.command("explain", code="embedding-collapse"))["text"].replace("\\", "")
    assert (
        "gpt-x says (an opinion, nothing of it is measured): Line 8" in text
        and "said of an earlier version" not in text
    )
    assert "gpt-x" not in (await editor.command("explain", code="popularity-bias"))["text"]


def test_asking_runs_nothing_of_the_repo_and_so_needs_no_consent(repo):
    assert list(open_questions(repo, ExplainRequest(code="x"))) == []


def test_only_code_that_patches_may_edit_is_sent(found, repo):
    finding = found.finding(anchors=(found.anchor("model.py", 7, found.finding().anchors[0].role),))
    feedback = found.feedback(finding, found.finding("popularity-bias"))
    values = explain_values(finding, feedback, {"other.py": "x = 1\n"})
    assert values["places"] == [] and [file["path"] for file in values["files"]] == ["other.py"]
    values = explain_values(finding, feedback, {"model.py": (repo / "model.py").read_text()})
    assert values["places"] == ["model.py:8"] and "8|" in values["files"][0]["text"]
    assert values["figure"] == "0.12 of the width, 95 % [0.1, 0.14]; untrained model 0.6"


async def test_two_trials_stand_side_by_side(connect, records, sample):
    curve = tuple(
        EpochRecord(epoch=n, wall_s=1.0, reported={"loss": 1.0 / n}, metrics={"NDCG@10": 0.05 * n})
        for n in (1, 2, 3)
    )
    records.trial("trial0000001", age_s=7200, epochs=curve)
    known = (records.finding(), records.finding("popularity-bias"))
    records.feedback(*known, age_s=7100, simulation=records.simulation())
    better = {"NDCG@10": Metric(value=0.216, low=0.2, high=0.232)}
    records.trial("trial0000002", age_s=600, metrics=better)
    records.feedback(records.finding(), records.finding("overconfidence"), trial="trial0000002", age_s=500)
    editor = await connect("emacs")
    editor.open("model.py")
    told = await editor.command("compareTrials", trials=["trial0000002", "trial0000001"])
    text = told["text"]
    assert "/Compared%20trials.md?" in told["uri"], "what a tab is called"
    told_first = "# NDCG@10 .142 → .216\n\nTrials `trial0000001`, 2 h ago, and `trial0000002`, 10 min ago; "
    assert text.startswith(told_first), "the earlier one first"
    for words in (
        "| NDCG@10 | .142 ± .004 | .216 ± .016 | +.074 |", "- Healed: `popularity-bias`", "- New: `overconfidence`",
        "- In both: `embedding-collapse`", "the same code", "loss 1 → .333 <svg", "First: 3 epochs, best 3, 3 s",
        "Users were asked about the first only",
    ):  # fmt: skip
        assert words in text
    new = records.finding("overconfidence")
    records.feedback(*known[:1], new, trial="trial0000002", age_s=400, simulation=records.simulation())
    text = (await editor.command("compareTrials", trials=["trial0000001", "trial0000002"]))["text"]
    assert "- In both: `embedding-collapse`, `overused-popularity`" in text and "first only" not in text
    failure = Failure(reason=FailureReason.CRASH, message="KeyError: `x`", path="", line=0, traceback="")
    broken = records.trial(
        "trial0000003", status=TrialStatus.FAILED, failure=failure, metrics={}, objective=None
    )
    records.store.put_trial(replace(broken, key=replace(broken.key, data="other")))
    text = (await editor.command("compareTrials", trials=["trial0000001", "trial0000003"]))["text"]
    assert "Second: failed (crash): `KeyError: 'x'`" in text and "other data or another split" in text
    with pytest.raises(JsonRpcException, match="no two trials"):
        await editor.command("compareTrials", trials=["trial0000001", "nothing"])
    with pytest.raises(JsonRpcException, match="a list of two ids"):
        await editor.command("compareTrials", trials="trial0000001")


async def test_two_trials_have_their_slices_and_the_lists_of_users_side_by_side(connect, records):
    def slices(rare: float) -> Measurement:
        told = [
            {"slice": "targets in books", "questions": 120, "model": 0.2},
            {"slice": "users with 2 to 4 events", "questions": 60, "model": rare},
        ]
        return replace(records.measurement(0.1), code="slice-gap", details={"slices": told})

    def shown(user: int, *titles: str) -> Shown:
        items = (
            ShownItem(rank=at, title=title, align=at == 1, rating=None, reason="")
            for at, title in enumerate(titles, 1)
        )
        return Shown(user=user, persona="comes often", history=("Old Book",), page=tuple(items), words=())

    for trial, rare, pages in (
        ("trial0000001", 0.1, [shown(1, "A", "B"), shown(2, "A", "B"), shown(3, "A")]),
        ("trial0000002", 0.15, [shown(1, "A", "B"), shown(2, "C|x", "D", "E")]),
    ):
        records.trial(trial, age_s=7200 if trial.endswith("1") else 600)
        records.feedback(records.finding(), trial=trial, measurements=(slices(rare),))
        records.store.put_personas(trial, "statistical", pages)
    editor = await connect("emacs")
    editor.open("model.py")
    text = (await editor.command("compareTrials", trials=["trial0000001", "trial0000002"]))["text"]
    for words in (
        "| users with 2 to 4 events | 60 | .100 | .150 | +.050 |", "| targets in books | 120 | .200 | .200 | 0 |",
        "Of 2 users that were asked about both", "Newest of the history: Old Book.",
        "| 1 | ✓ A | ✓ C\\|x |\n| 2 | B | D |\n| 3 |  | E |",
    ):  # fmt: skip
        assert words in text, text
    assert text.index("User 2, comes often") < text.index("User 1, comes often"), (
        "those that differ most first"
    )
    records.trial("trial0000003", age_s=60)
    text = (await editor.command("compareTrials", trials=["trial0000001", "trial0000003"]))["text"]
    assert "**Slices.** Not both have slices" in text and "The same users were not asked about both" in text
