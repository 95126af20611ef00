"""Every surface tells the same findings: terminal, JSON, SARIF, exit code, the editor's margin, hover and view, the report."""

from pathlib import Path

import pytest
from pytest_lsp import client_capabilities

from diagnosis.findings import FoundBy, Nature, Severity
from diagnosis.rules.check import check_source
from diagnosis.rules.findings import rule_findings
from evolution.store.documents import diagnose_document
from server.cli.output import reaches
from server.cli.sarif import sarif
from server.cli.show_diagnosis import show_diagnosis
from server.report.document import report_document

LAYERS = """\
import torch.nn.functional as F


def hidden(x):
    return F.dropout(x)


def answer(x):
    return hidden(x)
"""


@pytest.fixture
def stored(repo, records, sample):
    """Findings of every origin on two files, one of them dismissed; the worst is an evolved probe's."""
    (repo / "layers.py").write_text(LAYERS, encoding="utf-8")
    trial = records.trial()
    evolved = records.finding("evolved-price-gap", severity=Severity.ERROR, details={"probe": "p1"})
    feedback = records.feedback(
        records.finding(explains=("order-unused",)),
        records.finding("order-unused", sample.entry, nature=Nature.SYMPTOM),
        records.finding("more-padding", sample.loss, found_by=FoundBy.CONTRACT, value=None),
        records.finding("same-list", sample.entry),
        *rule_findings(check_source("layers.py", LAYERS), {"layers.py": LAYERS}),
        evolved_findings={"p1": (evolved,)},
    )
    records.store.dismiss("id-same-list")
    return trial, feedback


def told(trial, feedback):
    return diagnose_document(trial, feedback, {"id-same-list"})


def test_the_terminal_json_sarif_and_exit_code_tell_the_same(stored, repo, capsys):
    document = told(*stored)
    ids = {finding["id"] for finding in document["findings"]}
    codes = [finding["code"] for finding in document["findings"]]
    assert codes[0] == "evolved-price-gap" and len(ids) == len(codes) == 5
    (run,) = sarif(document)["runs"]
    assert {result["partialFingerprints"]["evolverecFinding/v1"] for result in run["results"]} == ids
    show_diagnosis(repo, document)
    shown = capsys.readouterr().out
    assert [code for code in codes if f": {code}" in shown] == codes and "same-list" not in shown
    told_with = {result["ruleId"]: result["properties"]["explained_by"] for result in run["results"]}
    assert told_with["order-unused"] == ["id-embedding-collapse"] and told_with["more-padding"] == []
    assert document["verdict"]["status"] in shown and "    i information: order-unused" in shown
    assert reaches(document, "error")
    without = {"findings": [f for f in document["findings"] if not f["probe"]]}
    assert reaches(without, "warning") and not reaches(without, "error")


async def test_the_editor_and_the_report_tell_what_the_terminal_tells(stored, records, repo, connect):
    document = told(*stored)
    ids = {finding["id"] for finding in document["findings"]}
    codes = {finding["code"] for finding in document["findings"]}

    editor = await connect(client_capabilities("visual-studio-code"))
    uris = [editor.open(path) for path in ("model.py", "layers.py")]
    for uri in uris:
        await editor.wait(lambda uri=uri: editor.shown(uri))
    marks = [(uri, mark) for uri in uris for mark in editor.shown(uri)]
    assert {mark.data["id"] for _, mark in marks} == ids
    for uri, mark in marks:
        assert mark.code in (await editor.hover(uri, mark.range.start.line)).contents.value
    viewed = [finding for cause in (await editor.ask("findings"))["causes"] for finding in cause["findings"]]
    assert {finding["id"] for finding in viewed} == ids

    uri, symptom = next((uri, mark) for uri, mark in marks if mark.code == "order-unused")
    hovered = (await editor.hover(uri, symptom.range.start.line)).contents.value
    assert "Explained by: Embedding collapse." in hovered.replace("\\", "")  # as Markdown shows it
    assert [one.message for one in symptom.related_information] == ["explained by embedding-collapse"]

    report = report_document(Path(repo), records.store, stored[0])
    assert {row["code"] for row in report["findings"]} == codes
    assert [row["code"] for row in report["findings"] if row["below"]] == ["order-unused"]
    assert report["verdict"] == document["verdict"]
