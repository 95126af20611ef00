"""The editor shows what is known of the code that is there, whatever way it came to be there."""

import asyncio
import time

from lsprotocol import types

from evolution.domain.job import JobKind, JobState
from evolution.domain.proposal import ProposalState
from evolution.domain.trial import Metric


def two_versions(records, repo, sample):
    """Measured and diagnosed: the repo's code as it is, then a wider table, which stays on disk."""
    file = repo / "model.py"
    for name, text, code, age_s in (
        ("trial0000001", sample.model, "narrow-table", 900.0),
        ("trial0000002", sample.model.replace("dim=32", "dim=64"), "wide-table", 300.0),
    ):
        file.write_text(text)
        records.trial(name, age_s=age_s)
        records.feedback(records.finding(code), trial=name, age_s=age_s - 10)
        job = records.running_job(f"j-{name}", kind=JobKind.DIAGNOSE, created_at=time.time() - age_s)
        records.end(job, {"trial": name}, finished_at=time.time() - age_s + 20)
    return file


def codes(editor, uri):
    return [item.code for item in editor.shown(uri)]


def told_of(editor, uri):
    change = types.FileEvent(uri=uri, type=types.FileChangeType.Changed)
    editor.client.workspace_did_change_watched_files(types.DidChangeWatchedFilesParams(changes=[change]))


async def test_code_that_was_measured_before_has_its_findings_as_soon_as_it_is_back(
    connect, records, repo, sample
):
    file = two_versions(records, repo, sample)
    records.proposal("later", sample.patched)
    editor = await connect("neovim")
    uri = editor.open("model.py")
    await editor.wait(lambda: codes(editor, uri) == ["wide-table"])
    file.write_text(sample.model)
    editor.change(uri, sample.model)
    told_of(editor, uri)
    await editor.wait(lambda: codes(editor, uri) == ["narrow-table"])
    (lens, *_) = await editor.lenses(uri)
    assert "earlier version" not in lens.command.title and lens.command.title.endswith("1 finding")
    file.write_text(sample.model.replace("dim=32", "dim=64"))
    editor.change(uri, file.read_text())
    told_of(editor, uri)
    await editor.wait(lambda: codes(editor, uri) == ["wide-table"])
    assert [p["id"] for p in (await editor.ask("proposals"))["proposals"]] == ["later"]


async def test_a_server_that_starts_on_code_measured_before_the_newest_shows_what_is_known_of_it(
    connect, records, repo, sample
):
    two_versions(records, repo, sample).write_text(sample.model)
    editor = await connect("neovim")
    uri = editor.open("model.py")
    await editor.wait(lambda: codes(editor, uri) == ["narrow-table"])
    told = await editor.ask("findings")
    assert [f["code"] for cause in told["causes"] for f in cause["findings"]] == ["narrow-table"]


async def test_code_that_was_never_measured_keeps_the_newest_findings_as_those_of_an_earlier_version(
    connect, records, repo, sample
):
    two_versions(records, repo, sample).write_text(sample.model.replace("dim=32", "dim=16"))
    editor = await connect("neovim")
    uri = editor.open("model.py")
    await editor.wait(lambda: codes(editor, uri) == ["wide-table"])
    assert "measured on an earlier version" in (await editor.lenses(uri))[0].command.title


async def test_a_trained_version_that_nobody_diagnosed_is_not_said_to_have_no_findings(connect, records):
    records.trial()
    job = records.running_job()
    records.end(job, {"trial": "trial0000001"})
    editor = await connect("neovim")
    (lens, *_) = await editor.lenses(editor.open("model.py"))
    assert lens.command.title.endswith(", not diagnosed")


async def test_what_rules_object_to_in_a_file_that_is_not_open_counts_and_is_shown_alike(
    connect, records, repo, sample
):
    (repo / "loop.py").write_text(
        "import torch\n\n\ndef train(model, loader, optimizer):\n"
        "    for batch in loader:\n        loss = model.loss(*batch)\n        loss.backward()\n        optimizer.step()\n"
    )
    records.trial()
    records.feedback(records.finding())
    editor = await connect("neovim")
    (shown,) = await editor.wait(lambda: editor.shown(editor.uri("loop.py")))
    assert shown.code == "zero-grad-misplaced"
    (lens, *_) = await editor.lenses(editor.open("model.py"))
    (state,) = (await editor.ask("overview"))["repos"]
    assert lens.command.title.endswith("2 findings") and state["errors"] + state["warnings"] == 2


async def test_figures_are_said_to_be_of_other_settings_once_the_configuration_asks_for_others(
    connect, records, repo
):
    records.trial()
    records.feedback(records.finding())
    config = repo / "evolverec.toml"
    editor = await connect("neovim")
    uri = editor.open("model.py")
    assert "other settings" not in (await editor.lenses(uri))[0].command.title
    config.write_text(config.read_text() + "[training]\nmax_epochs = 3\n")
    told_of(editor, editor.uri("evolverec.toml"))
    assert "measured with other settings" in (await editor.lenses(uri))[0].command.title


async def test_the_hover_of_changed_code_has_the_words_that_its_diagnostic_cuts(connect, records, sample):
    finding = records.finding(
        "narrow-table", message="rank .412 of the table, " + "so that items are alike " * 2
    )
    records.trial()
    records.feedback(finding)
    editor = await connect("neovim")
    uri = editor.open("model.py")
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    editor.change(uri, sample.model.replace("n_items + 1, dim)", "n_items + 1, 2 * dim)"))
    await editor.wait(lambda: editor.shown(uri)[0].message != shown.message)
    (shown,) = editor.shown(uri)
    assert shown.message.startswith("earlier version: ") and shown.message.endswith("…")
    said = (await editor.hover(uri, sample.table)).contents.value
    assert finding.message.strip() in said.replace("\\", "")


async def test_a_patch_that_git_took_back_is_open_again_whether_or_not_a_server_saw_it(
    connect, records, repo, sample
):
    """In no buffer: the first state is found at the start, and the second when the files change."""
    file = repo / "model.py"
    records.trial("trial0000001", age_s=900)
    records.feedback(records.finding(), age_s=890)
    records.proposal("p1", sample.patched, state=ProposalState.APPLIED)
    editor = await connect("neovim")

    async def becomes(state):
        for _ in range(200):
            if [p["state"] for p in (await editor.ask("proposals"))["proposals"]] == [state]:
                return True
            await asyncio.sleep(0.05)
        return False

    assert await becomes("open")
    file.write_text(sample.patched)
    told_of(editor, editor.uri("model.py"))
    assert await becomes("applied")
    file.write_text(sample.model)
    told_of(editor, editor.uri("model.py"))
    assert await becomes("open")


async def test_a_further_seed_is_not_shown_as_the_figure_of_this_version_because_a_job_failed(
    connect, records
):
    """As where an interpreter without numpy was chosen after patches were measured."""
    records.trial("trial0000001", age_s=900)
    records.end(records.running_job("j1"), {"trial": "trial0000001"})
    other = {"NDCG@10": Metric(value=0.2, low=0.19, high=0.21)}
    records.trial("trial0000002", age_s=300, metrics=other)
    records.end(records.running_job("j2"), state=JobState.FAILED, error="numpy is missing")
    editor = await connect("neovim")
    (lens, *_) = await editor.lenses(editor.open("model.py"))
    assert lens.command.title.startswith("NDCG@10 .142 ± .004")
