"""`tune --list`: what would be tuned and what is left, read without running the repo; and how a search is printed."""

import shutil

import pytest

from evolution.tuning.documents import setting_document, space_document
from evolution.tuning.space import find_space
from server.cli.show_tuning import show_tuning
from tests.conftest import ROOT

NOISY = ROOT / "tests" / "evolution" / "jobs" / "repos" / "noisy"
TEXT = "LR = 0.001\nDROPOUT = 0.2\nSEED = 3\nuse(LR, DROPOUT)\n"


@pytest.fixture
def noisy(tmp_path):
    repo = tmp_path / "noisy"
    shutil.copytree(NOISY, repo, ignore=shutil.ignore_patterns("__pycache__"))
    return repo


def test_the_list_needs_no_consent_and_tells_places_ranges_and_reasons(evolverec, noisy):
    with (noisy / "noisy.py").open("a") as code:
        code.write("raise SystemExit('it was run')\n")
    document = evolverec("tune", noisy, "--list", "--json").document
    tuned = {one["name"]: one for one in document["tuned"]}
    assert set(tuned) == {"Settings.learning_rate", "Settings.init_std"}
    rate = tuned["Settings.learning_rate"]
    assert (rate["kind"], rate["range"]["low"], rate["range"]["high"]) == ("learning rate", 0.001, 0.1)
    assert rate["places"][0]["path"] == "noisy.py"
    assert (
        (noisy / "noisy.py")
        .read_text()
        .split("\n")[rate["places"][0]["line"] - 1]
        .strip()
        .startswith("learning_rate")
    )
    left = {one["name"]: one["why"] for one in document["left"]}
    assert "[training]" in left["Settings.epochs"] and "evaluation" in left["Settings.top_k"]
    shown = evolverec("tune", noisy, "--list")
    assert shown.code == 0 and "0.001 to 0.1" in shown.out and "left noisy.py:" in shown.out


@pytest.mark.parametrize("words", [["--trials", "0"], ["--seed", "-1"], ["--budget-gpu-s", "0"]])
def test_a_wrong_option_is_refused(evolverec, noisy, words):
    answer = evolverec("tune", noisy, *words)
    assert answer.code == 2 and words[0] in answer.err


def searched(**given):
    space = find_space({"main.py": TEXT}, entry="main:build", editable=("*.py",))
    tried = setting_document(
        space, (0.004, 0.2), trial="t1", status="pruned", objective=None, why="pruned [after] 8 epochs"
    )
    document = {"proposals": [], "more_training": None, "did_not_fit": [], "space": space_document(space)}
    return {**document, "own": {"trial": "t0", "objective": 0.25}, "settings": [tried], **given}


def test_settings_are_shown_with_the_reason_why_they_are_not_offered(capsys):
    show_tuning(searched())
    out = capsys.readouterr().out
    assert "LR = 0.004" in out and "[after] 8 epochs" in out and "no setting was better than yours" in out
    assert ".250" in out and "interval" in out


def test_a_configuration_without_numbers_says_what_was_found(capsys):
    space = find_space({"main.py": "SEED = 3\nuse(SEED)\n"}, entry="main:build", editable=("*.py",))
    show_tuning(searched(space=space_document(space), settings=[]))
    out = capsys.readouterr().out
    assert "no number of the configuration can be tuned" in out and "SEED = 3: a seed is no setting" in out
