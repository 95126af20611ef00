"""The baseline of a repo: what it accepts, how it is written, and what is said of a wrong one."""

import pytest

from evolution.base.errors import ConfigError, UsageError
from evolution.domain.feedback import Feedback
from evolution.repo.baseline import Accepted, accept, accepted_in, parse_baseline, read_baseline
from evolution.repo.programs import Programs
from tests.findings import make_finding

ENTRY = '[[accepted]]\ncode = "popularity-bias"\nreason = "Best sellers are wanted."\n'


def test_an_entry_is_about_a_code_anywhere_or_in_one_file():
    anchored = make_finding("popularity-bias", id="a")
    other = make_finding("overconfidence", id="b")
    feedback = Feedback(trial="t", program="p", created_at=0.0, findings=(anchored, other))
    assert accepted_in(parse_baseline(ENTRY), feedback) == {"a": "Best sellers are wanted."}
    path = anchored.anchors[0].path if anchored.anchors else "model.py"
    here, there = (Accepted(code="popularity-bias", reason="r", path=one) for one in (path, "other.py"))
    assert accepted_in([there], feedback) == {}
    assert bool(accepted_in([here], feedback)) == bool(anchored.anchors)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[[accepted]\n", 1, "is not valid TOML"),
        (ENTRY + '[[accepted]]\ncode = "x"\n', 4, "accepted.reason: missing"),
        ('[[accepted]]\nreason = "y"\n', 1, "accepted.code: missing"),
        (ENTRY + "\n" + ENTRY.replace("reason", "reson"), 5, "accepted.reson: unknown key"),
        ('[[accepted]]\ncode = "x"\nreason = "  "\n', 1, "accepted.reason: missing, or no text"),
        ('[[accepted]]\ncode = "x"\nreason = "y"\npath = 3\n', 1, "accepted.path: no text"),
        ("[other]\na = 1\n", 1, "has other"),
        ("accepted = 3\n", 1, "no list of tables"),
    ],
)
def test_a_wrong_baseline_is_named_by_file_and_line(text, line, words):
    with pytest.raises(ConfigError, match=f"^evolverec.baseline.toml:{line}: .*{words}") as raised:
        parse_baseline(text)
    assert 'expected tables [[accepted]] with code = "..."' in str(raised.value)


def test_accepting_writes_what_is_read_again_and_keeps_what_is_there(tmp_path):
    assert read_baseline(tmp_path) == ()
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "model.py").touch()
    odd = Accepted(code="popularity-bias", reason='A "shop"\nwith C:\\ and \x07', path="./a/../a/model.py")
    assert accept(tmp_path, odd) is True
    file = tmp_path / "evolverec.baseline.toml"
    file.write_text(file.read_text() + "# a comment of ours\n")
    assert accept(tmp_path, Accepted(code="user/long_tail", reason="Known.")) is True
    assert accept(tmp_path, Accepted(code="user/long_tail", reason="Known better.")) is False
    first, second = read_baseline(tmp_path)
    assert (first.reason, first.path) == ('A "shop" with C:\\ and ?', "a/model.py")
    assert (second.code, second.reason, second.path) == ("user/long_tail", "Known.", "")
    assert "# a comment of ours" in file.read_text()


def test_nothing_is_written_without_a_reason_or_over_a_wrong_file(tmp_path):
    (tmp_path.parent / "beside.py").touch()
    elsewhere = [
        Accepted(code="x", reason="r", path=path) for path in ("model.py", "../beside.py", "\0", ".")
    ]
    for entry in (Accepted(code="x", reason=" "), Accepted(code='x"]', reason="r"), *elsewhere):
        with pytest.raises(UsageError):
            accept(tmp_path, entry)
    file = tmp_path / "evolverec.baseline.toml"
    assert not file.exists()
    file.write_text("[[accepted]\n")
    with pytest.raises(ConfigError):
        accept(tmp_path, Accepted(code="x", reason="r"))
    assert file.read_text() == "[[accepted]\n"


def test_a_baseline_makes_no_other_version_of_the_program(tmp_path):
    (tmp_path / "model.py").write_text("x = 1\n")
    before = Programs.open(tmp_path).snapshot().tree
    accept(tmp_path, Accepted(code="x", reason="r"))
    assert Programs.open(tmp_path).snapshot().tree == before
