"""For a team: findings that the repo's baseline accepts, a patch as the text of a pull request, and as a new branch."""

import subprocess

import pytest
from pygls.exceptions import JsonRpcException

from evolution.domain.proposal import Corrected, Effect, Idea, Verified
from server.shown.pull_request import pull_request_text

EDITOR = "visual-studio-code"


@pytest.fixture
def found(records, sample):
    records.trial()
    records.feedback(records.finding(), records.finding("popularity-bias", sample.loss))
    return records


async def test_an_accepted_finding_is_gone_everywhere_and_comes_back_with_its_entry(connect, found):
    editor = await connect(EDITOR, views=True)
    uri = editor.open("model.py")
    await editor.wait(lambda: len(editor.shown(uri)) == 2)
    told = await editor.command("accept", code="popularity-bias", reason="Best sellers are wanted.")
    assert told["file"] == "evolverec.baseline.toml" and told["added"] is True
    await editor.wait(lambda: [one.code for one in editor.shown(uri)] == ["embedding-collapse"])
    state = await editor.until("overview", lambda told: told["repos"][0]["warnings"] == 1)
    assert ", 1 finding" in state["repos"][0]["summary"]
    causes = (await editor.ask("findings"))["causes"]
    assert [one["code"] for cause in causes for one in cause["findings"]] == ["embedding-collapse"]
    assert not (await editor.command("accept", code="popularity-bias", reason="Again."))["added"]
    with pytest.raises(JsonRpcException, match='expected an object with "reason"'):
        await editor.command("accept", code="embedding-collapse")
    (found.repo / "evolverec.baseline.toml").unlink()
    editor.client.workspace_did_change_watched_files(editor.file_changed("evolverec.baseline.toml"))
    await editor.wait(lambda: len(editor.shown(uri)) == 2)


async def test_a_finding_that_stands_nowhere_is_accepted_wherever_the_editor_shows_it(connect, records):
    records.trial()
    records.feedback(records.finding(anchors=()))
    editor = await connect(EDITOR, views=True)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    (cause,) = (await editor.ask("findings"))["causes"]
    path = cause["findings"][0]["places"][0]["path"]
    await editor.command("accept", code="embedding-collapse", reason="Known.", path=path)
    await editor.wait(lambda: not editor.shown(uri))
    with pytest.raises(JsonRpcException, match=r"there is no file 'nothing\.py'"):
        await editor.command("accept", code="embedding-collapse", reason="Known.", path="nothing.py")
    with pytest.raises(JsonRpcException, match=r"did you mean embedding-collapse\?"):
        await editor.command("accept", code="embedding-colapse", reason="Known.")


async def test_a_wrong_baseline_hides_nothing_and_is_told_once(connect, found):
    (found.repo / "evolverec.baseline.toml").write_text('[[accepted]]\ncode = "popularity-bias"\n')
    editor = await connect(EDITOR)
    uri = editor.open("model.py")
    await editor.wait(lambda: len(editor.shown(uri)) == 2)
    await editor.wait(lambda: editor.client.messages)
    (said,) = [one.message for one in editor.client.messages]
    assert said.startswith("evolverec: evolverec.baseline.toml:1: accepted.reason: missing")


async def test_the_extension_offers_to_accept_where_a_reason_can_be_asked(connect, found, sample):
    editor = await connect(EDITOR, views=True)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    (offer,) = [a for a in await editor.actions(uri, sample.table) if a.title.startswith("Accept")]
    assert offer.command.command == "evolverec.ui.accept"
    given = offer.command.arguments[0]
    assert (given["code"], given["path"]) == ("embedding-collapse", "model.py")


async def test_a_patch_is_committed_to_a_new_branch_and_nothing_else_moves(connect, found, sample):
    def git(*words):
        identity = ("-c", "user.name=U", "-c", "user.email=u@example.org")
        command = ["git", "-C", str(found.repo), *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    git("config", "user.name", "U")
    git("config", "user.email", "u@example.org")
    git("add", "model.py", "evolverec.toml")
    git("commit", "-q", "-m", "one")
    found.proposal("p1", sample.patched)
    editor = await connect(EDITOR)
    editor.open("model.py")
    told = await editor.command("branch", proposal="p1", branch="softmax")
    assert (told["branch"], told["files"]) == ("softmax", ["model.py"])
    assert git("show", "softmax:model.py") == sample.patched
    assert git("status", "--porcelain", "--untracked-files=no") == ""
    assert (found.repo / "model.py").read_text() == sample.model
    with pytest.raises(JsonRpcException, match="branch 'softmax' exists already"):
        await editor.command("branch", proposal="p1", branch="softmax")


async def test_the_text_of_a_pull_request_has_the_figures_and_what_is_fixed(connect, found, sample):
    found.proposal("p1", sample.patched, fixed=("embedding-collapse",), trials=("t1", "t2"))
    editor = await connect("emacs")
    editor.open("model.py")
    text = (await editor.command("pullRequest", proposal="p1"))["text"]
    assert text.splitlines()[0] == "Full softmax loss"
    assert "| objective | .142 | .171 | +20 %, 95 % [+15, +25] % |" in text
    for words in (
        "Fixes: `embedding-collapse`",
        "Now healthy: `embedding-collapse`",
        "2 seeds",
        "proposal p1",
    ):
        assert words in text


def test_words_of_an_llm_open_no_block_and_call_nobody(found, sample):
    idea = Idea(
        code="x", title="Title\n# two", rationale="<img src=x> for @everyone, HR@10", addresses=(), rests_on=(), proposer="gpt-x",
    )  # fmt: skip
    effect = Effect(metric="objective", before=0.1, after=0.11, low=-0.01, high=0.03)
    left = Corrected(candidates=9, change=0.002, low=-0.02, high=0.03, p=0.4)
    proposal = found.proposal(
        "p1", sample.patched, idea=idea, verified=Verified.NO, why_not="chance", effect=effect, corrected=left,
        effects={"HR@10": effect},
    )  # fmt: skip
    text = pull_request_text(proposal, {})
    assert text.splitlines()[0] == "Title # two"
    assert "<img" not in text and "@everyone" not in text and "| HR@10 |" in text
    assert "Not verified: chance." in text and "Proposed by gpt-x." in text
    assert "corrected for 9 candidates" in text
