"""The gutter: one mark a line for findings, the worst of them, and what differs from the measured code."""

import pytest
from pygls.exceptions import JsonRpcException

from diagnosis.findings import Severity

EDITOR = "visual-studio-code"


async def gutter(editor, uri):
    return await editor.ask("gutter", uri=uri)


async def test_a_line_has_one_mark_of_its_worst_finding_and_all_in_words(connect, records, sample):
    records.trial()
    records.feedback(
        records.finding(), records.finding("overconfidence", severity=Severity.ERROR),
        records.finding("popularity-bias", sample.loss, severity=Severity.INFORMATION),
    )  # fmt: skip
    editor = await connect(EDITOR, views=True)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    told = await gutter(editor, uri)
    marks = {one["line"]: one for one in told["marks"]}
    assert marks[sample.table]["severity"] == "error" and marks[sample.loss]["severity"] == "information"
    assert [words.partition(":")[0] for words in marks[sample.table]["words"]] == [
        "embedding-collapse",
        "overconfidence",
    ]
    assert told["changed"] == []


async def test_what_differs_from_the_measured_code_is_told_as_it_is_typed(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    editor = await connect(EDITOR, views=True)
    uri = editor.open("model.py")
    lines = sample.model.split("\n")
    edited = [
        "# new",
        *lines[: sample.table],
        lines[sample.table].replace("dim)", "2 * dim)"),
        *lines[sample.table + 2 :],
    ]
    editor.change(uri, "\n".join(edited))
    told = await gutter(editor, uri)
    assert {"line": 0, "endLine": 0, "kind": "added"} in told["changed"]
    there = [one for one in told["changed"] if one["line"] <= sample.table + 1 <= one["endLine"]]
    assert [one["kind"] for one in there] == ["changed"]
    faded = next(one for one in told["marks"] if one["line"] == sample.table + 1)
    assert faded["severity"] == "" and "earlier version" in faded["words"][0]
    editor.change(uri, "\n".join([*lines[:3], *lines[4:]]))
    assert (await gutter(editor, uri))["changed"] == [{"line": 2, "endLine": 2, "kind": "removed"}]
    editor.change(uri, sample.model)
    assert (await gutter(editor, uri))["changed"] == []


async def test_a_file_of_no_repo_or_of_no_measured_program_has_none(connect, repo, tmp_path):
    editor = await connect(EDITOR, views=True)
    uri = editor.open("model.py")
    assert (await gutter(editor, uri))["changed"] == []
    other = tmp_path / "elsewhere.py"
    other.write_text("x = 1\n")
    assert await gutter(editor, other.as_uri()) == {"marks": [], "changed": []}
    with pytest.raises(JsonRpcException, match="expected the URI of a file"):
        await editor.ask("gutter", repo=str(repo))
