"""What a code means, what it is and was here, and what usually helps: in the terminal, on its page, in the documents."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from diagnosis.catalogue import CATALOGUE
from diagnosis.findings import Nature
from evolution.base.errors import UsageError
from server.cli.app import app
from server.cli.explaining import explain_document, show_explanation
from server.lsp.pages import page
from server.report.probes_page import PAGE, probes_page
from server.shown.explaining import explanation
from server.shown.plot import small_svg, sparkline


@pytest.fixture
def trained_three_times(repo, records):
    for number, value in enumerate((0.5, 0.3, 0.1)):
        name, age_s = f"trial000000{number}", 3000.0 - 1000 * number
        trial = records.trial(name, age_s=age_s)
        finding = records.finding(value=value, low=value - 0.02, high=value + 0.02)
        records.feedback(finding, trial=name, age_s=age_s, measurements=(records.measurement(value),))
        records.end(records.running_job(f"t000000{number}"), {"trial": trial.id})
    return records


def test_a_code_is_explained_with_what_it_is_and_was_here(trained_three_times, repo, capsys):
    document = explain_document(repo, "embedding-collapse")
    assert [found["value"] for found in document["history"]] == [0.5, 0.3, 0.1]
    assert document["here"][0]["places"] == ["model.py:8"]
    show_explanation(document)
    told = capsys.readouterr().out
    assert "█▅▁" in told or "█▄▁" in told
    assert ".500 → .300 → .100" in told and "95 % [.080, .120]; untrained model .600" in told
    assert "This is an outcome" in told and "recipe initial-scale" in told and "https://arxiv.org" in told


@pytest.mark.slow
def test_every_code_is_explained_without_a_repo(capsys):
    for code in CATALOGUE:
        document = explain_document(None, code)
        assert document["why"] and document["where"] and json.dumps(document)
        show_explanation(document)
    with pytest.raises(UsageError, match="is no code of a finding; expected one of"):
        explain_document(None, "nothing")


def test_the_command_explains_outside_of_a_repo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["explain", "same-list", "--json"])
    assert done.exit_code == 0 and json.loads(done.stdout)["code"] == "same-list"


def test_the_page_behind_a_code_has_a_plot_and_what_helps(trained_three_times, repo):
    from evolution.store.store import Store
    from server.shown.knowledge import read_knowledge
    from server.shown.stored_files import StoredFiles

    with Store.open(repo) as store:
        history = read_knowledge(repo, store, StoredFiles(repo)).history
    text = page(CATALOGUE["embedding-collapse"], history[0][1].findings[0], history)
    assert (
        "**Over 3 trials.** .500, 95 % [.480, .520] → .300" in text
        and "<svg " in text
        and "<polyline" in text
    )
    assert "What usually helps" in text and "](https://" in text and "RankMe" in text
    assert "<svg" not in page(CATALOGUE["embedding-collapse"], None, history[:1])


def test_a_plot_has_one_bar_for_each_value_and_is_one_line_of_svg():
    assert sparkline([1, 2, 3]) == "▁▅█" or sparkline([1, 2, 3]) == "▁▄█"
    assert sparkline([2, 2]) == "▅▅" or sparkline([2, 2]) == "▄▄"
    assert sparkline([1]) == "" == small_svg([1], "x")
    drawn = small_svg([0, 1], 'a"><script>')
    assert "script>" not in drawn and "\n" not in drawn and drawn.count(",") == 2


def test_an_explanation_says_where_each_nature_stands():
    kind = CATALOGUE["weaker-than-ease"]
    assert explanation(kind)["where"].startswith("On the entry function")
    assert explanation(replace(kind, nature=Nature.CAUSE))["where"].startswith(
        "On the lines that were seen at work"
    )


def test_the_documents_list_of_probes_is_current():
    assert PAGE.read_text(encoding="utf-8") == probes_page(), "write it anew: make docs"
