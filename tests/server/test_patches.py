"""A patch lands exactly, in the form the client understands, or says why it does not."""

from dataclasses import replace

from lsprotocol import types
from pytest_lsp import client_capabilities

SAID = "Compared at equal steps: 160 optimizer steps, within the 240 that your version had."


async def fix_at(editor, uri, line):
    return (await editor.actions(uri, line, only=["quickfix"]))[0]


async def ready(connect, records, sample, capabilities):
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", sample.patched)
    editor = await connect(capabilities)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    return editor, uri


async def test_the_edit_names_the_version_it_was_made_for_and_is_annotated(connect, records, sample):
    editor, uri = await ready(connect, records, sample, "visual-studio-code")
    fix = await fix_at(editor, uri, sample.table)
    assert fix.edit is None
    editor.change(uri, "# one line more\n" + sample.model)
    resolved = await editor.client.code_action_resolve_async(fix)
    (document,) = resolved.edit.document_changes
    assert document.text_document.version == 2
    (edit,) = document.edits
    assert edit.range.start == types.Position(line=sample.table + 1, character=0)
    annotation = resolved.edit.change_annotations[edit.annotation_id]
    assert annotation.label.startswith("Full softmax loss: +20 %")
    assert annotation.needs_confirmation is False


async def test_the_title_says_under_which_terms_the_patch_was_measured(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", sample.patched, details={"terms": "equal steps", "compared": SAID})
    editor = await connect("visual-studio-code")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    assert (await fix_at(editor, uri, sample.table)).title.endswith("1 seed, equal steps")
    assert SAID in (await editor.hover(uri, sample.table)).contents.value
    (told,) = (await editor.ask("proposals"))["proposals"]
    assert (told["terms"], told["compared"]) == ("equal steps", SAID)
    shown = await editor.command("preview", proposal="p1")
    first, second, rest = shown["diff"].split("\n", 2)
    assert (first, second) == ("Full softmax loss: +20 % [+15, +25] objective, 1 seed, equal steps", SAID)
    assert rest.startswith("diff --git ")


async def test_a_file_that_is_not_open_is_edited_without_a_version(connect, records, sample):
    other = records.repo / "train.py"
    other.write_text("lr = 1\n")
    records.trial()
    records.feedback(records.finding())
    records.proposal("p1", "lr = 2\n", path="train.py")
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    (document,) = (await fix_at(editor, uri, sample.table)).edit.document_changes
    assert document.text_document.uri == editor.uri("train.py")
    assert document.text_document.version is None


async def test_a_patch_whose_lines_changed_is_disabled_with_the_reason(connect, records, sample):
    editor, uri = await ready(connect, records, sample, "visual-studio-code")
    editor.change(uri, sample.model.replace("# 😀 table", "# mine"))
    fix = await fix_at(editor, uri, sample.table)
    assert "the code has changed since this patch was measured" in fix.disabled.reason
    assert fix.edit is None and fix.command is None


async def test_a_client_that_knows_no_disabled_actions_is_offered_a_new_proposal(connect, records, sample):
    editor, uri = await ready(connect, records, sample, "neovim@v0.7.0")
    editor.change(uri, sample.model.replace("# 😀 table", "# mine"))
    fix = await fix_at(editor, uri, sample.table)
    assert fix.command.command == "evolverec.propose" and fix.edit is None


async def test_a_client_without_code_action_literals_gets_commands(connect, records, sample):
    capabilities = client_capabilities("emacs")
    capabilities.text_document.code_action = None
    editor, uri = await ready(connect, records, sample, capabilities)
    first = await fix_at(editor, uri, sample.table)
    assert isinstance(first, types.Command) and first.command == "evolverec.apply"


async def test_patches_are_offered_best_first(connect, records, sample):
    editor, uri = await ready(connect, records, sample, "emacs")
    from evolution.domain.proposal import Effect

    better = Effect(metric="objective", before=0.142, after=0.2, low=0.05, high=0.07)
    records.proposal("p2", sample.model.replace("dim=32", "dim=64"), effect=better)
    fixes = []
    while len(fixes) < 2:
        fixes = [a for a in await editor.actions(uri, sample.table) if a.kind == "quickfix"]
    assert ["+41 %" in fix.title for fix in fixes] == [True, False]


async def test_preview_dismiss_and_verify_stand_beside_the_fix(connect, records, sample):
    editor, uri = await ready(connect, records, sample, "emacs")
    offered = await editor.actions(uri, sample.table, only=["quickfix"])
    commands = [action.command.command for action in offered if action.command]
    assert commands == ["evolverec.preview", "evolverec.explain", "evolverec.verify", "evolverec.dismiss"]
    assert not await editor.actions(uri, sample.table, only=["source.fixAll"])


async def test_a_dismissed_patch_is_not_offered(connect, records, sample):
    editor, uri = await ready(connect, records, sample, "emacs")
    await editor.command("dismiss", proposal="p1")
    assert not [a for a in await editor.actions(uri, sample.table) if a.kind == "quickfix"]
    assert records.store.proposal("p1").state == "dismissed"


async def test_the_proposed_file_can_be_read_as_a_document(connect, records, sample):
    capabilities = client_capabilities("visual-studio-code")
    capabilities.workspace.text_document_content = types.TextDocumentContentClientCapabilities()
    editor, _ = await ready(connect, records, sample, capabilities)
    shown = await editor.command("preview", proposal="p1")
    (opened,) = editor.client.shown_documents
    texts = [
        (
            await editor.client.workspace_text_document_content_async(
                types.TextDocumentContentParams(uri=uri)
            )
        ).text
        for uri in (shown["files"][0]["proposed"], opened.uri)
    ]
    assert texts == [sample.patched, shown["diff"]]


async def test_a_patch_written_by_an_llm_says_so(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    recipe = records.proposal("p1", sample.patched)
    records.proposal("p2", sample.patched + "\n", idea=replace(recipe.idea, proposer="some-model"))
    capabilities = client_capabilities("visual-studio-code")
    llm_tag = types.CodeActionTagOptions(value_set=[types.CodeActionTag.LlmGenerated])
    capabilities.text_document.code_action.tag_support = llm_tag
    editor = await connect(capabilities)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    by_title = {action.title.partition(":")[0]: action for action in await editor.actions(uri, sample.table)}
    written = by_title["Full softmax loss (by an LLM)"]
    assert list(written.tags) == [types.CodeActionTag.LlmGenerated]
    assert by_title["Full softmax loss"].tags is None


async def test_at_the_entry_a_patch_is_a_rewrite_since_it_fixes_nothing_there(connect, records, sample):
    editor, uri = await ready(connect, records, sample, "emacs")
    (rewrite,) = await editor.actions(uri, sample.entry, only=["refactor"])
    assert rewrite.kind == "refactor.rewrite" and not rewrite.diagnostics
    assert editor.text_after(rewrite.edit, uri, sample.model) == sample.patched
    assert not await editor.actions(uri, sample.entry, only=["quickfix"])
    assert not await editor.actions(uri, sample.table, only=["refactor"])


async def test_saving_a_file_starts_nothing(connect, records, sample):
    """Editors can run all source actions on save; ours start jobs, so they are for asking only."""
    editor, uri = await ready(connect, records, sample, "visual-studio-code")
    at = types.Position(sample.entry, 0)
    for kind, offered in (
        (types.CodeActionTriggerKind.Automatic, 0),
        (types.CodeActionTriggerKind.Invoked, 6),
    ):
        context = types.CodeActionContext(diagnostics=[], only=["source"], trigger_kind=kind)
        params = types.CodeActionParams(types.TextDocumentIdentifier(uri), types.Range(at, at), context)
        assert len(await editor.client.text_document_code_action_async(params) or ()) == offered
