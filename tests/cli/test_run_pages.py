"""Runs and comparisons as people read them: in the terminal, and as one page."""

import re

import pytest

from evolution.base.amounts import number
from evolution.evolving.strategy_comparison import compare_document
from evolution.store.run_document import run_document
from server.cli.show_runs import show_comparison, show_run
from server.report.curves import plot
from server.report.strategies_page import comparison_page
from tests.evolution.evolving.test_curves import run_of


@pytest.fixture
def document():
    runs = {
        "directional": [run_of(0.1, 0.4), run_of(0.1, 0.2, 0.4, seed=1)],
        "<script>": [run_of(0.1, 0.1, strategy="nas"), run_of(0.1, 0.1, 0.2, strategy="nas", seed=1)],
    }
    judged = {
        "model": "some-model",
        "program": "p",
        "scores": {"insight": 7},
        "because": {"insight": "Line 1."},
    }
    found = compare_document(runs, trials=3)
    return {**found, "judged": [{"run": "r1", "strategy": "directional", **judged}]}


def test_the_page_needs_no_network_escapes_what_it_shows_and_marks_opinions(document):
    page = comparison_page(document)
    assert "<script>" not in page and "&lt;script&gt;" in page
    assert not re.search(r"https?://|src=|@import|url\(", page)
    assert "prefers-color-scheme: dark" in page and "@media print" in page
    assert "Opinions of a language model on programs" in page
    assert page.count("<polyline") == 2 and page.count("<polygon") == 2
    for row in document["strategies"].values():
        assert number(row["final"]["value"]) in page


def test_lines_differ_in_dash_and_not_in_colour_alone(document):
    lines = plot({name: row["curve"] for name, row in document["strategies"].items()}).lines
    assert len({line.dash for line in lines}) == len({line.colour for line in lines}) == 2


def test_a_flat_curve_and_one_seed_are_drawn_too():
    flat = [{"value": 0.2, "low": None, "high": None}] * 3
    (line,) = plot({"nas": flat}).lines
    assert line.band == "" and len(line.line.split()) == 3


def test_the_terminal_shows_the_table_and_the_ratio(document, capsys):
    show_comparison(document)
    said = capsys.readouterr().out
    assert "directional" in said and "2 of 2" in said
    assert "the best other" in said and "opinion of some-model" in said


def test_the_terminal_shows_what_came_from_what(capsys):
    run = run_of(0.1, 0.4, None)
    show_run(run_document(run))
    said = capsys.readouterr().out
    assert run.id in said and "your version: .100 (no interval)" in said
    assert "A: .400" in said and "pruned" in said


def test_a_replay_that_differs_says_where(capsys):
    from evolution.evolving.replay import replay_document

    show_run(replay_document(run_of(0.1, 0.4), run_of(0.1, 0.3)))
    assert "replays to something else, from node 1 on" in capsys.readouterr().out
