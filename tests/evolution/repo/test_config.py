"""A wrong evolverec.toml is blamed by file and line, with what was expected."""

from pathlib import Path

import pytest

from evolution.base.errors import ConfigError
from evolution.repo.config import Part, config_errors, config_problems, key_line, read_config

GOOD = """\
[recommender]
entry = "model:build"

[data]
source = "shop-micro"
"""


def test_defaults_are_the_documented_ones(tmp_path: Path) -> None:
    (tmp_path / "evolverec.toml").write_text(GOOD)
    config = read_config(tmp_path)
    assert config.recommender.editable == ("*.py",)
    assert config.objective.expression == "0.6*HR@5 + 0.4*NDCG@5"
    assert config.training.max_epochs == 60


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (GOOD.replace("entry", "entree"), 2, "unknown key"),
        (GOOD.replace('"model:build"', '"model.build"'), 2, "module:function"),
        (GOOD.replace('source = "shop-micro"\n', ""), 4, "data.source: missing"),
        (GOOD + "[training]\nmax_epochs = 0\n", 7, "expected 1 or more; got 0"),
        (GOOD + '[training]\ndevice = "tpu"\n', 7, "got 'tpu'"),
        (GOOD + '[objective]\nexpression = "HR@7"\n', 7, "unknown metric HR@7"),
        (GOOD + '[objective]\nexpression = "HR@5 NDCG@5"\n', 7, "cannot read"),
        (GOOD + '[objective]\nexpression = "satisfy@visit"\n', 7, "or one of satisfy@session"),
        (GOOD + "[objective]\nsessions = 200\n", 7, "expected true or false"),
        (GOOD + '[objective]\nguardrails = ["speed > 1"]\n', 7, "cannot read 'speed > 1'"),
        (GOOD + "[objectives]\n", 6, "unknown key"),
        (GOOD + "nonsense\n", 6, "not valid TOML"),
        (GOOD.replace("[data]", "[data"), 4, "not valid TOML"),
    ],
)
def test_a_mistake_is_blamed_on_its_line(text: str, line: int, words: str, tmp_path: Path) -> None:
    problems = config_problems(text)
    assert problems[0][0] == line
    assert words in problems[0][1]
    (tmp_path / "evolverec.toml").write_text(text)
    with pytest.raises(ConfigError, match=f"evolverec.toml:{line}: "):
        read_config(tmp_path)


@pytest.mark.parametrize(
    ("text", "part", "offers"),
    [
        (GOOD + "[training]\npatientce = 3\n", Part.KEY, ("patience",)),
        (GOOD + "[training]\nzzz = 3\n", Part.KEY, ()),
        (
            GOOD.replace("[data]", "[data]\nsplit = 'leave-last'"),
            Part.VALUE,
            ("leave-last-two-out", "global-time", "given"),
        ),
        (GOOD + "[training]\nmax_epochs = 0\n", Part.VALUE, ()),
        (GOOD + '[objective]\nexpression = "HR@7"\n', Part.VALUE, ()),
        (GOOD + "nonsense\n", Part.LINE, ()),
    ],
)
def test_a_mistake_says_which_part_of_its_line_is_wrong_and_what_may_be_meant(text, part, offers):
    (problem,) = config_errors(text)
    assert (problem.part, problem.offers) == (part, offers)


def test_a_missing_file_says_what_makes_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="evolverec new sasrec"):
        read_config(tmp_path)


def test_the_line_of_a_key_that_is_absent_is_its_sections() -> None:
    assert key_line(GOOD, ("data", "split")) == 4
    assert key_line(GOOD, ("recommender", "entry")) == 2
    assert key_line(GOOD, ("nowhere",)) == 1


def test_tables_within_data_are_read_and_blamed_on_their_lines():
    text = GOOD + '\n[data.columns]\nuser = "who"\n\n[data.parts]\ntrain = "a.csv"\n'
    assert config_problems(text) == []
    first = GOOD.count("\n") + 2
    assert key_line(text, ("data", "columns", "user")) == first + 1
    assert key_line(text, ("data", "parts", "test")) == first + 3, "a key that is missing is its table's"
    ((line, message),) = config_problems(text.replace("user =", "usr ="))
    assert (
        line == first + 1
        and "data.columns.usr: unknown key; did you mean user? Expected one of item, rating" in message
    )
    ((line, message),) = config_problems(text.replace('"who"', "3"))
    assert line == first + 1 and "its place from 1" in message
    inline = GOOD.replace("[data]\n", "[data]\ncolumns = { user = 3 }\n", 1)
    assert config_problems(inline)[0][0] == key_line(inline, ("data", "columns"))
