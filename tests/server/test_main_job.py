"""What the user meets in the editor, under the capabilities of three editors."""

import time
from dataclasses import replace

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import client_capabilities

from evolution.domain.proposal import Effect

EDITORS = ("visual-studio-code", "neovim@v0.7.0", "emacs")
HINT, WARNING = types.DiagnosticSeverity.Hint, types.DiagnosticSeverity.Warning


@pytest.fixture(params=EDITORS)
def client_name(request):
    return request.param


def fixes(actions):
    return [action for action in actions if action.kind == types.CodeActionKind.QuickFix]


async def test_a_finding_stands_on_its_line_as_soon_as_the_editor_starts(
    connect, records, sample, client_name
):
    records.trial()
    records.feedback(records.finding())
    editor = await connect(client_name)
    uri = editor.open("model.py")
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert shown.range.start == types.Position(line=sample.table, character=8)
    assert (shown.code, shown.source, shown.severity) == ("embedding-collapse", "evolverec", WARNING)
    assert shown.message == "Embedding collapse: Item embeddings share a few directions"


async def test_a_finding_written_by_another_process_appears(connect, records, sample, client_name):
    editor = await connect(client_name)
    uri = editor.open("model.py")
    records.trial()
    records.feedback(records.finding("popularity-bias", sample.loss))
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert shown.range.start.line == sample.loss


async def test_taking_the_quickfix_changes_the_text_and_fades_the_finding(
    connect, records, sample, client_name
):
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", sample.patched)
    editor = await connect(client_name)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    (fix,) = fixes(await editor.actions(uri, sample.table))
    assert fix.title == "Full softmax loss: +20 % [+15, +25] objective, 1 seed"
    assert fix.is_preferred is False and not fix.disabled
    assert [found.code for found in fix.diagnostics] == ["embedding-collapse"]
    if fix.edit is None:
        fix = await editor.client.code_action_resolve_async(fix)
    assert editor.text_after(fix.edit, uri, sample.model) == sample.patched
    editor.change(uri, sample.patched)
    (faded,) = await editor.wait(lambda: [found for found in editor.shown(uri) if found.severity == HINT])
    assert not faded.tags  # no editor greys fresh lines as unused
    assert faded.message == "earlier version: Embedding collapse: Item embeddings share a few directions"
    await editor.wait(lambda: records.store.proposal("p1").state == "applied")
    assert not fixes(await editor.actions(uri, sample.table))


async def test_undoing_a_patch_opens_it_again(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", sample.patched)
    editor = await connect("neovim@v0.7.0")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    editor.change(uri, sample.patched)
    await editor.wait(lambda: records.store.proposal("p1").state == "applied")
    editor.change(uri, sample.model)
    await editor.wait(lambda: records.store.proposal("p1").state == "open")


async def test_lenses_tell_the_figure_and_what_can_be_started(connect, records, sample, client_name):
    records.trial(age_s=720)
    records.feedback(records.finding())
    editor = await connect(client_name)
    uri = editor.open("model.py")
    titles = [lens.command.title for lens in await editor.lenses(uri)]
    assert titles == [
        "NDCG@10 .142 ± .004, 12 min ago, 1 finding",
        "Improve",
        "Train",
        "Diagnose",
        "Ask users",
        "Propose",
        "Evolve",
    ]
    assert {lens.range.start.line for lens in await editor.lenses(uri)} == {sample.entry}
    editor.change(uri, sample.model.replace("0.2", "0.3"))
    titles = [lens.command.title for lens in await editor.lenses(uri)]
    assert titles[0] == "NDCG@10 .142 ± .004, 12 min ago, measured on an earlier version, 1 finding"


async def test_the_lens_offers_the_best_patch_that_fits_next_to_the_figures(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    stale = sample.model.replace("# 😀 table", "# mine")
    best = records.proposal("p1", sample.patched)
    other = replace(best.idea, title="Add a line", addresses=())
    lesser = replace(best.effect, after=0.16)
    shown = {"NDCG@10": Effect(metric="NDCG@10", before=0.15, after=0.2, low=0.01, high=0.09)}
    records.proposal("p2", sample.model + "# a line more\n", idea=other, effect=lesser, effects=shown)
    editor = await connect("visual-studio-code")
    uri = editor.open("model.py")
    offers = [lens.command for lens in await editor.lenses(uri)]
    assert offers[1].title == "Apply best patch: +20 % [+15, +25] objective"
    editor.change(uri, stale)
    offers = [lens.command for lens in await editor.lenses(uri)]
    assert (offers[1].title, offers[1].arguments[0]["proposal"]) == (
        "Apply best patch: NDCG@10 +.050 [+.010, +.090]",
        "p2",
    )
    assert offers[2].title == "Improve"


async def test_what_lenses_offer_is_reachable_by_code_action(connect, records, sample):
    editor = await connect("emacs")
    uri = editor.open("model.py")
    offered = await editor.actions(uri, sample.entry)
    assert [action.command.command for action in offered] == [
        "evolverec.improve",
        "evolverec.train",
        "evolverec.diagnose",
        "evolverec.askUsers",
        "evolverec.propose",
        "evolverec.evolve",
    ]


async def test_hover_tells_definition_reference_history_and_users_words(
    connect, records, sample, client_name
):
    records.trial("trial0000001", age_s=7200)
    records.feedback(records.finding(), measurements=(records.measurement(0.2),), age_s=7200)
    (records.repo / "other.py").write_text("x = 1\n")
    simulation = records.simulation()
    anchors = {"critique-1": (records.anchor("model.py", sample.table, records.finding().anchors[0].role),)}
    records.trial("trial0000002", age_s=65)
    records.feedback(
        records.finding(),
        trial="trial0000002",
        measurements=(records.measurement(0.12),),
        simulation=simulation,
        critique_anchors=anchors,
        age_s=50,
    )
    job = records.running_job("done0001")
    records.end(job, {"trial": "trial0000001"}, finished_at=time.time() - 7000)
    editor = await connect(client_name)
    uri = editor.open("model.py")
    said = (await editor.hover(uri, sample.table)).contents.value.replace("\\", "")  # as Markdown shows it
    for words in (
        "RankMe of the centred item embeddings.",
        "untrained model .600",
        "95 % [.100, .140]",
        ".200 [.180, .220] 2 h ago → .120 [.100, .140] 1 min ago",
        "61 of 100 simulated users say so.",
        "I own all of these.",
        "AUC .650, 95 % [.600, .700]",
    ):
        assert words in said
    assert await editor.hover(uri, sample.loss) is None


async def test_users_at_the_level_of_chance_have_no_vote(connect, records, sample):
    records.trial()
    anchors = {"critique-1": (records.anchor("model.py", sample.table, records.finding().anchors[0].role),)}
    records.feedback(
        records.finding(), simulation=records.simulation(fidelity_low=0.49), critique_anchors=anchors
    )
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    assert [found.code for found in editor.shown(uri)] == ["embedding-collapse"]


async def test_a_dismissed_finding_stays_away(connect, records, client_name):
    records.trial()
    records.feedback(records.finding())
    editor = await connect(client_name)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    assert await editor.command("dismiss", id="id-embedding-collapse") == {
        "dismissed": "id-embedding-collapse"
    }
    await editor.wait(lambda: not editor.shown(uri))
    assert records.store.dismissed() == {"id-embedding-collapse"}


async def test_of_several_findings_on_a_line_the_user_picks_which_to_dismiss(connect, records, sample):
    records.trial()
    records.feedback(records.finding(), records.finding("popularity-bias"))
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: len(editor.shown(uri)) == 2)
    (offer,) = [a for a in await editor.actions(uri, sample.table) if a.title.startswith("Dismiss")]
    arguments = offer.command.arguments[0]
    with pytest.raises(JsonRpcException, match="nothing was picked"):
        await editor.command("dismiss", **arguments)
    editor.answers["Dismiss: which?"] = "popularity-bias"
    assert await editor.command("dismiss", **arguments) == {"dismissed": "id-popularity-bias"}
    await editor.wait(lambda: [item.code for item in editor.shown(uri)] == ["embedding-collapse"])


async def test_apply_has_the_editor_carry_out_the_patch(connect, records, sample, client_name):
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", sample.patched)
    editor = await connect(client_name)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    assert await editor.command("apply", proposal="p1") == {"applied": "p1"}
    (asked,) = editor.applied
    assert editor.text_after(asked.edit, uri, sample.model) == sample.patched


async def test_preview_is_the_diff_of_the_text_as_it_is(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", sample.patched)
    editor = await connect("neovim@v0.7.0")
    uri = editor.open("model.py")
    editor.change(uri, "import os\n" + sample.model)
    shown = await editor.command("preview", proposal="p1")
    assert "-        self.items = torch.nn.Embedding(n_items + 1, dim)  # 😀 table\n" in shown["diff"]
    assert "import os" not in [line[1:] for line in shown["diff"].splitlines() if line[:1] in "+-"]


async def test_unverified_proposals_are_no_quickfixes(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", sample.patched, verified="no", effect=None)
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    assert not fixes(await editor.actions(uri, sample.table))


async def test_a_failed_trial_stands_on_the_line_that_failed(connect, records, sample):
    from evolution.domain.trial import Failure, FailureReason, TrialStatus

    failure = Failure(
        reason=FailureReason.CRASH, message="IndexError: index out of range", path="model.py", line=12
    )
    records.trial(status=TrialStatus.FAILED, failure=failure, metrics={}, objective=None)
    records.end(records.running_job(), {"trial": "trial0000001"})
    editor = await connect("visual-studio-code")
    uri = editor.open("model.py")
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert (shown.range.start.line, shown.code, shown.severity) == (
        11,
        "trial-crash",
        types.DiagnosticSeverity.Error,
    )
    assert shown.message.startswith("IndexError: index out of range")


async def test_files_that_are_not_open_show_their_findings_too(connect, records):
    records.trial()
    records.feedback(records.finding())
    editor = await connect("visual-studio-code")
    await editor.wait(lambda: editor.shown(editor.uri("model.py")))


async def test_a_patched_version_is_judged_by_its_own_measurement_once_the_user_asks(
    connect, records, sample
):
    """Candidates are measured too; their findings must not stand in the code of a user who did not ask."""
    trial = records.trial()
    records.feedback(records.finding())
    (records.repo / "model.py").write_text(sample.patched)
    child = records.programs.snapshot().tree
    (records.repo / "model.py").write_text(sample.model)
    records.proposal("p1", sample.patched, child=child)
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    editor.change(uri, sample.patched)
    (records.repo / "model.py").write_text(sample.patched)
    measured = records.trial("trial0000002", age_s=1)
    assert measured.key.program == child != trial.key.program
    records.feedback(records.finding("popularity-bias", sample.loss), trial=measured.id, age_s=0)
    await editor.wait(lambda: records.store.proposal("p1").state == "applied")
    await editor.wait(lambda: [found for found in editor.shown(uri) if found.severity == HINT])
    assert [found.code for found in editor.shown(uri)] == ["embedding-collapse"]
    records.end(records.running_job(), {"trial": measured.id})
    await editor.wait(lambda: [found.code for found in editor.shown(uri)] == ["popularity-bias"])


async def test_a_client_that_pulls_is_not_pushed_to_and_is_told_to_pull_again(connect, records, sample):
    capabilities = client_capabilities("visual-studio-code")
    capabilities.text_document.diagnostic = types.DiagnosticClientCapabilities()
    capabilities.workspace.diagnostics = types.DiagnosticWorkspaceClientCapabilities(refresh_support=True)
    records.trial()
    editor = await connect(capabilities)
    uri = editor.open("model.py")
    await editor.lenses(uri)
    await editor.ask("findings")  # answered once the start's refreshes are sent
    refreshes = editor.client.diagnostic_refresh_count
    records.feedback(records.finding())
    await editor.wait(lambda: editor.client.diagnostic_refresh_count > refreshes)
    pulled = await editor.client.text_document_diagnostic_async(
        types.DocumentDiagnosticParams(types.TextDocumentIdentifier(uri))
    )
    assert [found.range.start.line for found in pulled.items] == [sample.table]
    assert not editor.shown(uri)


async def test_static_rules_judge_the_text_as_it_is_typed(connect, records, sample):
    editor = await connect("emacs")
    uri = editor.open("model.py")
    careless = "import torch.nn.functional as F\n\n\ndef forward(x):\n    return F.dropout(x, 0.5)\n"
    editor.change(uri, careless)
    (shown,) = await editor.wait(lambda: editor.shown(uri))
    assert shown.range.start.line == 4
    editor.change(uri, careless.replace("0.5)", "0.5, training=False)"))
    await editor.wait(lambda: not editor.shown(uri))
