"""`evolverec library`: by words, by code, or all."""

import json

import pytest

from evolution.base.errors import UsageError
from server.cli.library import library_document, show_library


def test_by_code_the_best_are_shown_whole(capsys: pytest.CaptureFixture[str]):
    document = library_document("", "missed-price")
    assert document["meaning"] == "prices are away from what these users pay"
    assert all("missed-price" in technique["answers"] for technique in document["techniques"])
    show_library(document)
    shown = capsys.readouterr().out
    assert "https://arxiv.org/abs/2003.03975" in shown
    assert "When it hurts" in shown


def test_words_and_code_together_narrow():
    document = library_document("graph", "missed-price")
    assert document["techniques"][0]["id"] == "price-graph"
    assert all("missed-price" in technique["answers"] for technique in document["techniques"])


def test_without_words_everything_is_listed(capsys: pytest.CaptureFixture[str]):
    document = library_document("", "")
    assert len(document["techniques"]) >= 65
    assert json.loads(json.dumps(document)) == document
    show_library(document)
    assert len(capsys.readouterr().out.splitlines()) == len(document["techniques"])


def test_recipes_are_said(capsys: pytest.CaptureFixture[str]):
    show_library(library_document("gSASRec", "overconfidence"))
    assert "Recipe: gbce" in capsys.readouterr().out


def test_nothing_found_and_an_unknown_code_are_said(capsys: pytest.CaptureFixture[str]):
    show_library(library_document("zzzz", ""))
    assert "nothing in the library fits" in capsys.readouterr().out
    with pytest.raises(UsageError, match="'no-code' is no code of a finding or a critique"):
        library_document("", "no-code")
