"""Why a program whose code has not changed is trained again is said, and nothing where it is not."""

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from evolution.laboratory.laboratory import Laboratory
from tests.evolution.laboratory.stored import trial


@pytest.fixture
def said(tmp_path):
    """A function: what is said of a stored trial, where the terms now have these changes."""
    stored = trial(tmp_path, "p", np.ones(3))

    def of(**changes):
        words: list[str] = []
        laboratory = SimpleNamespace(
            context=SimpleNamespace(
                store=SimpleNamespace(trials=lambda program: [stored]), store_lock=threading.RLock()
            ),
            config=SimpleNamespace(training=SimpleNamespace(seed=0)),
            _key=lambda program, seed: replace(stored.key, **changes),
            _log=words.append,
        )
        Laboratory._say_what_else_changed(cast(Laboratory, laboratory), [stored])
        return words

    return of


def test_the_same_terms_are_nothing_to_talk_of(said):
    assert said() == []
    assert said(seed=7) == []


def test_other_slots_are_named_with_both_numbers_of_threads(said):
    (words,) = said(device="cpu/4")
    assert "is not taken" in words and "cpu/4, and was cpu/1" in words


def test_other_settings_and_data_are_named(said):
    (words,) = said(training="other", data="other")
    assert "[training] has changed" in words and "its split has changed" in words
