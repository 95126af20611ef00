"""What an LLM has completed stands until the user edits it; what the kit offers is documented whole."""

from pathlib import Path

import pytest

from evolution.adopting.config_draft import config_with
from evolution.adopting.kept_edits import untouched, write_completed, write_drafts
from evolution.adopting.kit import kit_text
from evolution.adopting.kit.documentation import kit_documentation
from evolution.repo.config import config_problems

CONFIG = '[recommender]\nentry = "adapter:build"\n\n[data]\nsource = "a.csv"  # it lies in the repo\n'
DRAFT, FULL = "import evolverec_kit\n", "import evolverec_kit as kit\n"


@pytest.fixture
def drafted(tmp_path: Path) -> Path:
    write_drafts(tmp_path, {"adapter.py": DRAFT}, CONFIG)
    return tmp_path


def test_a_template_does_not_replace_what_a_model_completed(drafted: Path):
    settings = config_with(CONFIG, {"recommender.max_history": 30})
    assert write_completed(drafted, {"adapter.py": FULL}, settings).written == (
        "adapter.py",
        "evolverec.toml",
    )
    again = write_drafts(drafted, {"adapter.py": DRAFT}, CONFIG)
    assert (again.written, again.kept) == ((), ())
    assert sorted(again.completed) == ["adapter.py", "evolverec.toml"]
    assert (drafted / "adapter.py").read_text() == FULL
    assert "max_history = 30" in (drafted / "evolverec.toml").read_text()


def test_a_model_may_complete_again_what_it_completed(drafted: Path):
    write_completed(drafted, {"adapter.py": FULL}, CONFIG)
    assert untouched(drafted) == {"adapter.py", "evolverec.toml", "evolverec_kit.py"}
    assert write_completed(drafted, {"adapter.py": f"{FULL}\n"}, CONFIG).written == ("adapter.py",)


def test_an_edit_made_meanwhile_is_kept_from_the_model(drafted: Path):
    (drafted / "adapter.py").write_text("# mine\n")
    assert write_completed(drafted, {"adapter.py": FULL}, CONFIG).kept == ("adapter.py",)
    assert (drafted / "adapter.py").read_text() == "# mine\n"


def test_an_edit_of_what_a_model_completed_is_the_users(drafted: Path):
    write_completed(drafted, {"adapter.py": FULL}, CONFIG)
    (drafted / "adapter.py").write_text("# mine\n")
    assert write_drafts(drafted, {"adapter.py": DRAFT}, CONFIG).kept == ("adapter.py",)
    assert "adapter.py" not in untouched(drafted)


def test_a_deleted_adapter_is_drafted_anew(drafted: Path):
    write_completed(drafted, {"adapter.py": FULL}, CONFIG)
    (drafted / "adapter.py").unlink()
    assert write_drafts(drafted, {"adapter.py": DRAFT}, CONFIG).written == ("adapter.py",)


@pytest.mark.parametrize(
    ("before", "settings", "line"),
    [
        (CONFIG, {"training.max_epochs": 9}, "[training]\nmax_epochs = 9\n"),
        (CONFIG, {"data.separator": "\t"}, '[data]\nseparator = "\\t"\n'),
        (CONFIG, {"data.columns.user": "who"}, 'columns = { user = "who" }\n'),
        (
            f'{CONFIG}columns = {{ user = "1", item = "2" }}\n',
            {"data.columns.item": "3"},
            'columns = { user = "1", item = "3" }\n',
        ),
        (
            f"{CONFIG}\n[training]\nmax_epochs = 60  # main.py:3\n",
            {"training.max_epochs": 9},
            "max_epochs = 9\n",
        ),
    ],
)
def test_a_setting_is_put_where_it_belongs(before, settings, line):
    text = config_with(before, settings)
    assert line in text and config_problems(text) == []
    assert 'source = "a.csv"  # it lies in the repo' in text


def test_the_documentation_of_the_kit_has_all_that_an_adapter_calls():
    told = kit_documentation()
    for name in ("Ids", "Program", "Recommender", "write_events", "write_text", "seed_all", "scores.by_bag"):
        assert f"kit.{name}" in told
    assert 'program[path]\n    A live variable, "model"' in told
    assert len(told) < len(kit_text()) / 5
