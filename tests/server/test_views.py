"""What the editor's own views are told: overview, findings and proposals, over the wire."""

import asyncio
import itertools
import shutil
import sqlite3
from dataclasses import replace

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import client_capabilities

from diagnosis.findings import Nature, Severity
from evolution.domain.job import EventType
from evolution.domain.proposal import Effect, Idea, Verified
from evolution.domain.trial import Failure, FailureReason, TrialStatus

EDITOR = "visual-studio-code"


def the_findings(answer):
    return [finding for cause in answer["causes"] for finding in cause["findings"]]


async def test_the_overview_tells_of_every_repo_what_stands_there(connect, records, sample, repo, tmp_path):
    other = tmp_path / "second"
    shutil.copytree(repo, other, ignore=shutil.ignore_patterns(".evolverec"))
    records.trial()
    records.feedback(records.finding(), records.finding("few-items", severity=Severity.ERROR))
    records.proposal("p1", sample.patched)
    editor = await connect(EDITOR, folders=[repo, other], trusted=True)
    first, second = sorted(
        (await editor.client.protocol.send_request_async("evolverec/overview"))["repos"],
        key=lambda state: state["name"],
        reverse=True,
    )
    assert (first["repo"], first["name"], first["trusted"]) == (str(repo), "shop repo", True)
    assert (first["errors"], first["warnings"], first["informations"], first["proposals"]) == (1, 1, 0, 1)
    assert first["summary"] == "NDCG@10 .142 ± .004, 12 min ago, 2 findings"
    assert first["objective"]["text"] == ".150, 95 % [.140, .160]"
    assert first["objective"]["short"] == ".150 [.140, .160]"
    assert not first["edited"] and not first["trouble"] and first["jobs"] == []
    assert second["objective"] is None and second["summary"] == "evolverec: not trained yet"


async def test_an_untrusted_repo_is_said_to_be_one(connect, records):
    editor = await connect(EDITOR)
    (state,) = (await editor.ask("overview"))["repos"]
    assert state["trusted"] is False


async def test_the_overview_tells_how_far_jobs_are(connect, records):
    job = records.running_job()
    records.event(job, EventType.EPOCH, "epoch 5/20", epoch=5, epochs=20, loss=0.5)
    editor = await connect(EDITOR)
    answer = await editor.until("overview", lambda told: told["repos"][0]["jobs"][0]["share"])
    (shown,) = answer["repos"][0]["jobs"]
    assert shown == {
        "job": job.id,
        "kind": "train",
        "label": "training 25 %: epoch 5/20, loss .500",
        "share": 0.25,
    }


async def test_findings_are_grouped_by_their_cause_and_what_has_none_apart(connect, records, sample):
    records.trial()
    records.feedback(
        records.finding(),
        records.finding("flat-table", severity=Severity.ERROR),
        records.finding("from-nowhere", anchors=()),
        records.finding("weak", sample.entry, nature=Nature.SYMPTOM),
        records.finding("mild", sample.entry, nature=Nature.ADVICE),
        simulation=records.simulation(),
    )
    records.proposal("p1", sample.patched)
    editor = await connect(EDITOR)
    causes = (await editor.ask("findings"))["causes"]
    assert [(cause["role"], cause["title"]) for cause in causes] == [
        ("item table", "Flat table"),
        ("item table", "Embedding collapse"),
        ("", "From nowhere"),
        ("", "Unexplained"),
        ("", "What users say"),
        ("", "Advice"),
    ]
    assert len({cause["id"] for cause in causes}) == len(causes)
    (worst,), (collapse,) = causes[0]["findings"], causes[1]["findings"]
    assert (worst["code"], worst["severity"]) == ("flat-table", "error")
    assert collapse["row"] == ".120 [.100, .140] embedding collapse", "its words have no number"
    assert collapse["figure"] == ".120 of the width, 95 % [.100, .140]"
    assert collapse["against"] == "untrained model .600"
    assert collapse["fixes"] == ["p1"] and worst["fixes"] == []
    assert collapse["places"] == [
        {
            "uri": editor.uri("model.py"),
            "path": "model.py",
            "line": sample.table,
            "endLine": sample.table,
            "role": "item table",
        }
    ]
    nowhere = {finding["code"]: finding for cause in causes[2:] for finding in cause["findings"]}
    assert [place["line"] for place in nowhere["from-nowhere"]["places"]] == [sample.entry]
    assert nowhere["overused-popularity"]["source"] == "users"
    assert nowhere["overused-popularity"]["byLlm"] is False


async def test_a_cause_and_what_it_explains_are_one_group_with_the_verdict_above(connect, records, sample):
    records.trial()
    records.feedback(
        records.finding(explains=("weak",)), records.finding("weak", sample.entry, nature=Nature.SYMPTOM)
    )
    told = await (await connect(EDITOR)).ask("findings")
    (cause,) = told["causes"]
    assert [finding["code"] for finding in cause["findings"]] == ["embedding-collapse", "weak"]
    head, below = cause["findings"]
    assert (below["explained_by"], below["blame"]) == ([head["id"]], "Explained by: Embedding collapse.")
    assert [place["line"] for place in below["places"]] == [sample.entry]  # what is explained accuses no line
    assert below["severity"] == "information"
    assert told["verdict"]["status"] == "needs improvement"
    (line,) = told["verdict"]["lines"]
    assert line.startswith("Embedding collapse: ") and line.endswith("Explains: Weak")


async def test_what_to_know_beside_the_findings_is_told(connect, records):
    note = {
        "ties": {"users": 50, "tied": 7},
        "sandbox": "none: bubblewrap does not work here",
        "trace": "no training step was traced",
    }
    records.trial(note=note)
    records.feedback(records.finding())
    editor = await connect(EDITOR)
    assert (await editor.ask("findings"))["remarks"] == [
        "7 of 50 users have a tie in time at a held-out event; file order decided",
        "sandbox: none: bubblewrap does not work here",
        "no training step was traced",
    ]
    records.trial(
        "trial0000002", note={"ties": {"users": 50, "tied": 0}, "sandbox": "bubblewrap", "trace": ""}
    )
    records.feedback(records.finding(), trial="trial0000002", age_s=10)
    await editor.until("findings", lambda told: told["remarks"] == [])


async def test_findings_move_fade_and_lose_their_place_with_the_text(connect, records, sample):
    records.trial()
    records.feedback(records.finding(), records.finding("bad-loss", sample.loss))
    editor = await connect(EDITOR)
    uri = editor.open("model.py")
    edited = "# one\n# two\n" + sample.model.replace(
        "self.items = torch.nn.Embedding(n_items + 1, dim)", "self.items = torch.nn.Embedding(n_items, dim)"
    )
    editor.change(uri, edited)
    told = {finding["code"]: finding for finding in the_findings(await editor.ask("findings"))}
    assert told["bad-loss"]["faded"] is False and told["bad-loss"]["places"][0]["line"] == sample.loss + 2
    assert told["embedding-collapse"]["faded"] is True
    lines = sample.model.splitlines(keepends=True)
    editor.change(
        uri, "".join(line for at, line in enumerate(lines) if at not in (sample.table, sample.loss))
    )
    told = the_findings(await editor.ask("findings"))
    assert [(finding["faded"], finding["places"]) for finding in told] == [(True, []), (True, [])]
    (state,) = (await editor.ask("overview"))["repos"]
    assert (state["warnings"], state["edited"]) == (0, True)


async def test_static_rules_speak_of_the_text_as_it_is_typed(connect, records, sample):
    records.trial()
    editor = await connect(EDITOR)
    uri = editor.open("model.py")
    assert not the_findings(await editor.ask("findings"))
    careless = "import torch.nn.functional as F\n\n\ndef forward(x):\n    return F.dropout(x, 0.5)\n"
    editor.change(uri, careless)
    (found,) = the_findings(await editor.ask("findings"))
    assert found["figure"] == "" and found["places"][0]["line"] == 4
    editor.change(uri, careless.replace("0.5)", "0.5, training=False)"))
    assert not the_findings(await editor.ask("findings"))


async def test_what_is_not_a_number_is_no_invalid_json(connect, records):
    records.trial()
    records.feedback(records.finding(value=float("nan"), low=None, high=None))
    editor = await connect(EDITOR)
    (found,) = the_findings(await editor.ask("findings"))
    assert found["value"] is None and found["figure"] == "not a number"


async def test_a_failed_trial_is_an_error_on_its_line(connect, records, sample):
    failure = Failure(reason=FailureReason.CRASH, message="boom <b>", path="model.py", line=sample.loss + 1)
    records.trial(status=TrialStatus.FAILED, failure=failure, objective=None)
    records.end(records.running_job(), {"trial": "trial0000001"})
    editor = await connect(EDITOR)
    (found,) = the_findings(await editor.ask("findings"))
    assert (found["severity"], found["message"]) == ("error", "boom <b>")
    assert found["places"][0]["line"] == sample.loss


async def test_proposals_tell_gain_targets_and_hunks(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    records.proposal(
        "p1",
        sample.patched,
        effects={"HR@5": Effect(metric="HR@5", before=0.2, after=0.25, low=0.01, high=0.09)},
    )
    editor = await connect(EDITOR)
    (told,) = (await editor.ask("proposals"))["proposals"]
    assert told["gain"]["text"] == "objective .142 → .171 (+20 %, 95 % [+15, +25] %)"
    assert (told["row"], told["gain"]["short"]) == ("+20 % [+15, +25] full softmax loss", "+20 % [+15, +25]")
    assert told["gain"]["unit"] == "%" and round(told["gain"]["value"]) == 20
    assert told["metrics"] == [
        {"name": "HR@5", "before": ".200", "after": ".250", "change": "+25 %, 95 % [+5, +45] %"}
    ]
    assert told["addresses"] == [{"id": "id-embedding-collapse", "code": "embedding-collapse"}]
    assert (told["verified"], told["state"], told["unfit"], told["byLlm"]) == ("gain", "open", "", False)
    (file,) = told["files"]
    assert (file["path"], file["uri"]) == ("model.py", editor.uri("model.py"))
    assert file["proposed"].startswith("evolverec-proposal:/p1/model.py?")
    before, after = sample.model.splitlines(keepends=True), sample.patched.splitlines(keepends=True)
    assert file["hunks"] == [
        {
            "startLine": sample.table,
            "endLine": sample.table + 1,
            "old": before[sample.table],
            "new": after[sample.table],
            "taken": False,
            "unfit": "",
        }
    ]


async def test_proposals_of_a_model_and_unverified_ones_say_so(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    idea = Idea(
        code="x",
        title="<b>[x](command:evil)",
        rationale="",
        addresses=("gone",),
        rests_on=(),
        proposer="gpt-x",
    )
    records.proposal(
        "p1", sample.patched, idea=idea, verified=Verified.NO, effect=None, why_not="it was pruned"
    )
    editor = await connect(EDITOR)
    (told,) = (await editor.ask("proposals"))["proposals"]
    assert (told["byLlm"], told["proposer"], told["gain"]) == (True, "gpt-x", None)
    assert (told["verified"], told["whyNot"]) == ("no", "it was pruned")
    assert told["title"] == "<b>[x](command:evil)", "titles are data: handed on as they are"


async def test_a_patch_whose_lines_were_edited_says_why_it_does_not_fit(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", sample.patched)
    editor = await connect(EDITOR)
    uri = editor.open("model.py")
    editor.change(uri, sample.model.replace("n_items + 1, dim", "n_items + 2, dim"))
    (told,) = (await editor.ask("proposals"))["proposals"]
    assert "has changed since this patch was measured" in told["unfit"]
    (hunk,) = told["files"][0]["hunks"]
    assert "are not in the file" in hunk["unfit"] and hunk["startLine"] == sample.table


async def test_an_applied_patch_has_its_hunks_taken(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", sample.patched)
    editor = await connect(EDITOR)
    uri = editor.open("model.py")
    editor.change(uri, sample.patched)
    await editor.wait(lambda: records.store.proposal("p1").state == "applied")
    answer = await editor.until("proposals", lambda told: told["proposals"][0]["state"] == "applied")
    (told,) = answer["proposals"]
    (hunk,) = told["files"][0]["hunks"]
    assert (told["state"], told["unfit"], hunk["taken"]) == ("applied", "", True)
    assert (hunk["startLine"], hunk["endLine"]) == (sample.table, sample.table + 1)


@pytest.mark.parametrize("view", ["findings", "proposals"])
async def test_without_a_repo_views_are_told_in_words(connect, tmp_path, view):
    empty = tmp_path / "empty"
    empty.mkdir()
    editor = await connect(EDITOR, folders=[empty])
    with pytest.raises(JsonRpcException, match=r"has no evolverec\.toml"):
        await editor.ask(view, repo=str(empty))
    with pytest.raises(JsonRpcException, match=r"this workspace has no evolverec\.toml"):
        await editor.client.protocol.send_request_async(f"evolverec/{view}")
    assert (await editor.ask("overview"))["repos"] == []


async def test_looking_at_a_repo_does_not_make_it_the_one_worked_in(connect, repo, tmp_path):
    other = tmp_path / "second"
    shutil.copytree(repo, other, ignore=shutil.ignore_patterns(".evolverec"))
    editor = await connect(EDITOR, folders=[repo, other])
    editor.open("model.py")
    await editor.ask("findings", repo=str(other))
    told = await editor.client.protocol.send_request_async("evolverec/findings")
    assert told["repo"] == str(repo)


async def test_views_that_are_wanted_are_told_of_changes_at_most_five_times_a_second(
    connect, records, sample
):
    editor = await connect(EDITOR, views=True)
    await editor.wait(lambda: editor.changed)
    editor.changed.clear()
    for name in range(30):
        records.trial(f"trial00000{name:02}")
        records.feedback(records.finding(), trial=f"trial00000{name:02}")
        await asyncio.sleep(0.05)
    await editor.wait(lambda: editor.changed)
    times = [at for at, _ in editor.changed]
    assert {root for _, root in editor.changed} == {str(records.repo)}
    assert all(later - earlier > 0.15 for earlier, later in itertools.pairwise(times))


async def test_typing_and_a_jobs_progress_are_changes(connect, records, sample):
    editor = await connect(EDITOR, views=True)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.changed)
    await asyncio.sleep(0.3)
    editor.changed.clear()
    editor.change(uri, sample.patched)
    await editor.wait(lambda: editor.changed)
    job = records.running_job()
    await editor.wait(lambda: len(editor.changed) > 1)
    await asyncio.sleep(0.3)
    editor.changed.clear()
    records.event(job, EventType.EPOCH, "epoch 5/20", epoch=5, epochs=20)
    await editor.wait(lambda: editor.changed)


async def test_views_that_are_not_wanted_hear_nothing(connect, records, sample):
    editor = await connect(EDITOR)
    uri = editor.open("model.py")
    records.trial()
    records.feedback(records.finding())
    await editor.wait(lambda: editor.shown(uri))
    await asyncio.sleep(0.3)
    assert editor.changed == []


async def test_what_changes_nothing_shown_is_told_to_views_but_shows_nothing_anew(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    editor = await connect(capabilities_with_refresh(), views=True)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    await asyncio.sleep(1.0)
    editor.changed.clear()
    before = editor.lens_refreshes
    records.store.put_trial(replace(records.store.trial("trial0000001"), id="candidate001"))
    await editor.wait(lambda: editor.changed)
    await asyncio.sleep(0.5)
    assert editor.lens_refreshes == before
    records.feedback(records.finding(), records.finding("bad-loss", sample.loss))
    await editor.wait(lambda: editor.lens_refreshes > before)


def capabilities_with_refresh():
    capabilities = client_capabilities(EDITOR)
    capabilities.workspace.code_lens = types.CodeLensWorkspaceClientCapabilities(refresh_support=True)
    return capabilities


async def test_a_store_that_cannot_be_read_is_said_and_the_last_findings_stand(connect, records, repo):
    records.trial()
    records.feedback(records.finding())
    editor = await connect(EDITOR, views=True)
    assert the_findings(await editor.ask("findings"))
    editor.changed.clear()
    with sqlite3.connect(repo / ".evolverec" / "store.sqlite") as db:
        db.execute("alter table trials rename to gone")
    answer = await editor.until("overview", lambda told: told["repos"][0]["trouble"])
    assert "move it away" in answer["repos"][0]["trouble"]
    assert answer["repos"][0]["warnings"] == 1
    assert the_findings(await editor.ask("findings"))
    await editor.wait(lambda: editor.changed)
