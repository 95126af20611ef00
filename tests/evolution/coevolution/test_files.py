"""Accepted probes live in the repo's `probes/`, as files that a person can read, and load only with consent."""

from pathlib import Path

import pytest

from diagnosis.coevolution.spec import ProbeSpec
from evolution.base.errors import ConsentError, RepoError
from evolution.coevolution.files import load_probes
from evolution.coevolution.probe_text import probe_text, save_probe
from tests.evolution.coevolution.candidates import GOOD, TEMPLATES, WRITTEN

HOSTILE = 'ends with """ and # /// and\nnew = "lines" \\ \x7f \u2028 \x85'


@pytest.mark.parametrize("spec", [candidate.spec for candidate in GOOD], ids=lambda spec: spec.name)
def test_a_probe_is_the_same_after_saving_and_loading(tmp_path: Path, spec: ProbeSpec) -> None:
    save_probe(tmp_path, spec)
    assert load_probes(tmp_path, consented=True) == [spec]


def test_words_of_an_author_cannot_break_out_of_the_block(tmp_path: Path) -> None:
    from dataclasses import replace

    spec = replace(WRITTEN[0].spec, definition=HOSTILE, admitted_because=HOSTILE)
    save_probe(tmp_path, spec)
    assert load_probes(tmp_path, consented=True) == [spec]


def test_a_probe_that_the_user_wrote_is_no_evolved_one(tmp_path: Path) -> None:
    save_probe(tmp_path, TEMPLATES[0].spec)
    (tmp_path / "probes" / "own.py").write_text("import os\n\ndef measure(view):\n    return 1\n")
    assert load_probes(tmp_path, consented=True) == [TEMPLATES[0].spec]
    (tmp_path / "probes" / "other.py").write_text("x = 1\n")
    with pytest.raises(RepoError, match=r"probes/other\.py.*comment block"):
        load_probes(tmp_path, consented=True)


def test_loading_needs_consent(tmp_path: Path) -> None:
    assert load_probes(tmp_path, consented=False) == []
    save_probe(tmp_path, TEMPLATES[0].spec)
    with pytest.raises(ConsentError, match="trust"):
        load_probes(tmp_path, consented=False)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('complaint = "missed-price"', "complaint = ", "cannot be read"),
        ('# complaint = "missed-price"\n', "", "complaint"),
        ("import numpy as np", "import os", "may not run: line 1: import of os"),
        ('name = "w-', 'name = "../', "not kebab-case"),
        ("def measure", "# template\ndef probe", "exactly one function"),
    ],
)
def test_a_file_that_is_no_probe_is_named(tmp_path: Path, old: str, new: str, says: str) -> None:
    text = probe_text(WRITTEN[0].spec)
    assert old in text
    (tmp_path / "probes").mkdir()
    (tmp_path / "probes" / "own.py").write_text(text.replace(old, new, 1))
    with pytest.raises(RepoError, match=f"probes/own.py.*{says}"):
        load_probes(tmp_path, consented=True)
