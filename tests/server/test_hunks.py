"""Hunk by hunk: each is taken exactly or not at all, and only the whole patch counts as applied."""

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcException

EDITOR = "visual-studio-code"
TAIL = "    return Model(data.n_items)  # 😀 last"  # no line feed at the end: columns count there


@pytest.fixture
def two_hunks(records, sample, repo):
    """A patch of the table and of the last line, which ends the file without a line feed."""
    before = sample.model.replace("    return Model(data.n_items)\n", TAIL)
    (repo / "model.py").write_text(before, encoding="utf-8")
    records.trial()
    records.feedback(records.finding())
    after = before.replace("(n_items + 1, dim)", "(n_items + 1, dim, padding_idx=0)").replace(
        TAIL, TAIL.replace("n_items)", "n_items, 64)")
    )
    records.proposal("p1", after)
    return before, after


async def opened(connect, path="model.py", **options):
    editor = await connect(EDITOR, **options)
    editor.carries_out = True
    return editor, editor.open(path)


async def the_proposal(editor):
    (told,) = (await editor.ask("proposals"))["proposals"]
    return told


def hunks_of(told):
    return [hunk for file in told["files"] for hunk in file["hunks"]]


async def test_one_hunk_is_taken_and_the_rest_still_fits(connect, records, sample, two_hunks):
    before, after = two_hunks
    editor, uri = await opened(connect)
    told = await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[1])
    assert (told["hunks"], told["whole"]) == ([1], False)
    assert told["message"] == "1 of 2 changes taken; this mix is unmeasured until you train."
    assert editor.texts[uri] == before.replace(TAIL, TAIL.replace("n_items)", "n_items, 64)"))
    seen = await the_proposal(editor)
    assert (seen["state"], seen["unfit"]) == ("open", "")
    assert [hunk["taken"] for hunk in hunks_of(seen)] == [False, True]
    assert records.store.proposal("p1").state == "open"
    told = await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[0])
    assert told["whole"] and told["message"] == "All of 'Full softmax loss' is in the text now."
    assert editor.texts[uri] == after
    assert records.store.proposal("p1").state == "applied"


async def test_after_a_hunk_apply_takes_what_is_left(connect, records, two_hunks):
    _, after = two_hunks
    editor, uri = await opened(connect)
    await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[0])
    await editor.command("apply", proposal="p1")
    assert editor.texts[uri] == after
    await editor.wait(lambda: records.store.proposal("p1").state == "applied")


async def test_a_hunk_that_was_undone_can_be_taken_again(connect, records, two_hunks):
    _before, after = two_hunks
    editor, uri = await opened(connect)
    await editor.command("apply", proposal="p1")
    await editor.wait(lambda: records.store.proposal("p1").state == "applied")
    editor.change(uri, after.replace(", padding_idx=0", ""))
    await editor.wait(lambda: records.store.proposal("p1").state == "open")
    seen = await the_proposal(editor)
    assert [hunk["taken"] for hunk in hunks_of(seen)] == [False, True]
    await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[0])
    assert editor.texts[uri] == after


async def test_edits_are_versioned_and_say_that_they_are_a_part(connect, records, two_hunks):
    editor, uri = await opened(connect)
    editor.change(uri, editor.texts[uri])
    await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[1])
    (sent,) = editor.applied
    assert sent.label == "1 hunk of Full softmax loss"
    (document,) = sent.edit.document_changes
    assert document.text_document.version == 2
    assert [len(document.edits), document.edits[0].range.end.line] == [
        1,
        len(editor.texts[uri].split("\n")) - 1,
    ]
    for annotation in (sent.edit.change_annotations or {}).values():
        assert "%" not in annotation.label, "the gain was measured with the whole"


async def test_a_buffer_that_moved_on_in_the_meantime_is_left_alone(connect, records, two_hunks):
    before, _ = two_hunks
    editor, uri = await opened(connect)
    editor.versions[uri] += 1  # typed something that the server has not heard of yet
    with pytest.raises(JsonRpcException, match="has changed in the meantime"):
        await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[0])
    assert editor.texts[uri] == before
    assert [hunk["taken"] for hunk in hunks_of(await the_proposal(editor))] == [False, False]


async def test_a_hunk_whose_lines_were_edited_is_refused_and_the_other_is_not(connect, records, two_hunks):
    before, _ = two_hunks
    editor, uri = await opened(connect)
    edited = before.replace("n_items + 1, dim)", "n_items + 2, dim)")
    editor.change(uri, edited)
    with pytest.raises(JsonRpcException, match="the lines to replace are not in the file"):
        await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[0, 1])
    assert editor.applied == [] and editor.texts[uri] == edited
    await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[1])
    assert editor.texts[uri] == edited.replace(TAIL, TAIL.replace("n_items)", "n_items, 64)"))


async def test_lines_that_only_look_like_a_patch_are_not_believed_to_be_taken(connect, records, two_hunks):
    before, _after = two_hunks
    editor, uri = await opened(connect)
    by_hand = before.replace("(n_items + 1, dim)", "(n_items + 1, dim, padding_idx=0)")
    editor.change(uri, by_hand)
    seen = await the_proposal(editor)
    assert [hunk["taken"] for hunk in hunks_of(seen)] == [False, False]
    assert "has changed since this patch was measured" in seen["unfit"]
    with pytest.raises(JsonRpcException, match="has changed since"):
        await editor.command("apply", proposal="p1")
    assert editor.texts[uri] == by_hand


async def test_windows_line_ends_stay(connect, records, sample, repo):
    before = sample.model.replace("\n", "\r\n")
    (repo / "model.py").write_bytes(before.encode())
    records.trial()
    records.feedback(records.finding())
    after = before.replace("(0.2)", "(0.1)").replace(
        "(n_items + 1, dim)", "(n_items + 1, dim, padding_idx=0)"
    )
    records.proposal("p1", after.replace("data.n_items)", "data.n_items, 64)"))
    editor, uri = await opened(connect)
    told = await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[0])
    assert told["whole"] is False
    assert editor.texts[uri] == after


async def test_a_hunk_that_only_adds_has_no_old_lines(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    lines = sample.model.splitlines(keepends=True)
    added = "        # one more\n"
    records.proposal("p1", "".join([*lines[: sample.table], added, *lines[sample.table :]]))
    editor, _uri = await opened(connect)
    (hunk,) = hunks_of(await the_proposal(editor))
    assert (hunk["old"], hunk["new"]) == ("", added)
    assert hunk["startLine"] == hunk["endLine"] == sample.table
    await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[0])
    (hunk,) = hunks_of(await the_proposal(editor))
    assert (hunk["startLine"], hunk["endLine"], hunk["taken"]) == (sample.table, sample.table + 1, True)


async def test_what_the_proposed_file_shows_is_the_text_with_what_is_left(connect, records, two_hunks):
    _, after = two_hunks
    editor, _uri = await opened(connect)
    await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[0])
    address = (await the_proposal(editor))["files"][0]["proposed"]
    shown = await editor.client.workspace_text_document_content_async(
        types.TextDocumentContentParams(uri=address)
    )
    assert shown.text == after


async def test_hunks_of_other_files_are_taken_file_by_file(connect, records, sample, repo):
    (repo / "other.py").write_text("x = 1\n")
    records.trial()
    records.feedback(records.finding())
    first = records.proposal("p0", sample.patched)
    second = records.proposal("p9", "x = 2\n", path="other.py")
    edits = (*first.patch.edits, *second.patch.edits)
    records.proposal("p1", sample.patched, patch=type(first.patch)(base=records.program, edits=edits))
    editor, uri = await opened(connect, "other.py")
    told = await editor.command("applyHunks", proposal="p1", path="other.py", hunks=[0])
    assert (told["whole"], editor.texts[uri]) == (False, "x = 2\n")
    seen = next(p for p in (await editor.ask("proposals"))["proposals"] if p["id"] == "p1")
    assert {file["path"]: [h["taken"] for h in file["hunks"]] for file in seen["files"]} == {
        "model.py": [False],
        "other.py": [True],
    }


async def test_an_editor_that_says_yes_and_does_nothing_is_found_out(connect, records, two_hunks):
    editor, _uri = await opened(connect)
    editor.carries_out = False
    told = await editor.command("applyHunks", proposal="p1", path="model.py", hunks=[0])
    assert "but the text does not show it" in told["message"] and told["whole"] is False
    assert [hunk["taken"] for hunk in hunks_of(await the_proposal(editor))] == [False, False]


async def test_an_editor_that_answers_with_an_error_is_told_of_in_its_own_words(connect, records, two_hunks):
    before, _ = two_hunks
    editor, uri = await opened(connect)

    def refuse(_):
        raise JsonRpcException("The user said no.")

    editor.carry_out = refuse
    for command in ({"name": "apply"}, {"name": "applyHunks", "path": "model.py", "hunks": [0]}):
        with pytest.raises(JsonRpcException) as raised:
            await editor.command(proposal="p1", **command)
        assert "did not apply" in raised.value.message and ": The user said no. Save" in raised.value.message
    assert editor.texts[uri] == before
    assert [hunk["taken"] for hunk in hunks_of(await the_proposal(editor))] == [False, False]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"proposal": "p2", "path": "model.py", "hunks": [0]}, "'p2' is not among those"),
        (
            {"proposal": "p1", "path": "other.py", "hunks": [0]},
            "does not change other.py; it changes model.py",
        ),
        ({"proposal": "p1", "path": "model.py", "hunks": [2]}, "numbers from 0 to 1"),
        ({"proposal": "p1", "path": "model.py", "hunks": []}, "numbers from 0 to 1"),
        ({"proposal": "p1", "path": "model.py", "hunks": [True]}, "numbers from 0 to 1"),
        ({"proposal": "p1", "path": "model.py"}, "hunks is None"),
    ],
)
async def test_what_is_no_hunk_is_refused_in_words(connect, records, two_hunks, asked, words):
    editor, _ = await opened(connect)
    with pytest.raises(JsonRpcException, match=words):
        await editor.command("applyHunks", **asked)
    assert editor.applied == []


async def test_a_hunk_is_not_taken_twice(connect, records, two_hunks):
    editor, _ = await opened(connect)
    ask = {"proposal": "p1", "path": "model.py", "hunks": [0]}
    await editor.command("applyHunks", **ask)
    with pytest.raises(JsonRpcException, match="is in the text already"):
        await editor.command("applyHunks", **ask)
    assert len(editor.applied) == 1
