"""What an adapter of a model's may contain, and which comments of the draft it keeps."""

import pytest

from evolution.adopting.foreign_code import read_foreign
from evolution.proposers.adapting.allowed import importable, not_allowed
from evolution.proposers.adapting.guesses import with_guesses
from tests.evolution.proposers.adapting.conftest import RIGHT
from tests.foreign.shapes import HERE

MODULES = frozenset({"evolverec_kit", "numpy", "torch", "json", "loader"})


def test_an_adapter_of_the_kit_is_allowed():
    assert not_allowed(RIGHT, "build", MODULES) == ""
    assert not_allowed(f"import json\nfrom loader import rows\n{RIGHT}", "build", MODULES) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"import os\n{RIGHT}", "line 1 imports os; only evolverec_kit"),
        (f"from subprocess import run\n{RIGHT}", "imports subprocess"),
        (f"from . import loader\n{RIGHT}", "imports ."),
        (f"exec('1')\n{RIGHT}", "line 1 uses exec"),
        (f"{RIGHT}\nkit.__dict__\n", "reaches for kit.__dict__"),
        ("import evolverec_kit\n", "does not define build"),
        ("def build(:\n", "line 1 is not valid Python"),
        (RIGHT + "# no more\n" * 400, "too long"),
    ],
)
def test_what_no_adapter_needs_is_refused_with_its_line(text, said):
    assert said in not_allowed(text, "build", MODULES)


@pytest.mark.parametrize(
    ("shape", "own", "package"), [("frames", "recsys", "polars"), ("packages", "shoptrain", "torch")]
)
def test_the_repos_own_modules_and_packages_may_be_imported(shape, own, package):
    modules = importable(read_foreign(HERE / shape))
    assert {own, package} <= modules and not {"os", "subprocess", "shutil"} & modules


def test_comments_stay_on_lines_that_are_kept_and_nowhere_else():
    draft = "# why a\na = 1\nb = 2  # why b\nc = 3  # why c\n"
    text = "a = 1\nb = 20\nif a:\n    c = 3  # because\n"
    assert with_guesses(draft, text) == "# why a\na = 1\nb = 20\nif a:\n    c = 3  # because\n"


def test_a_text_that_looks_like_a_line_of_the_draft_stays_a_text():
    draft, text = "a = 1  # why\n", 't = """\na = 1\n"""\n'
    assert with_guesses(draft, text) == text
