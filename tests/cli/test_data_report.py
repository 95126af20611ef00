"""What `check` and `new` say of a log: figures, what was left out, and targets that no list can hold."""

import json
from pathlib import Path

import pytest

from evolution.domain.request import CheckRequest
from server.cli.checking import check_repo
from server.cli.new_data import about_new_data

HEAD = "user,item,time\n"


def repo(folder: Path, rows: list[str], more: str = "") -> Path:
    (folder / "model.py").write_text("def build(data, *, device, seed):\n    return None\n")
    (folder / "log.csv").write_text(HEAD + "".join(row + "\n" for row in rows))
    config = f'[recommender]\nentry = "model:build"\n\n[data]\nsource = "log.csv"\n{more}'
    (folder / "evolverec.toml").write_text(config)
    return folder


def events(repeated: int, users: int = 12) -> list[str]:
    """Histories of four events; of the first `repeated` users the last item is an earlier one."""
    items = lambda user: ("x", "y", "z", "x" if user < repeated else "w")  # noqa: E731
    return [
        f"u{user},{item},{10**9 + time}" for user in range(users) for time, item in enumerate(items(user))
    ]


@pytest.mark.parametrize(
    ("repeated", "severity", "ceiling"), [(12, "error", "0.0000"), (9, "warning", "0.2500")]
)
def test_targets_that_stand_in_the_history_bound_the_hit_rate(
    tmp_path: Path, repeated: int, severity: str, ceiling: str
) -> None:
    document = check_repo(repo(tmp_path, events(repeated)), CheckRequest(), agreed=frozenset())
    (problem,) = [found for found in document["problems"] if "cannot be ranked" in found["message"]]
    assert (problem["path"], problem["line"], problem["severity"]) == ("evolverec.toml", 5, severity)
    assert f"HR is at most {ceiling}" in problem["message"] and document["ok"] is (severity != "error")
    assert document["data"]["split"]["unrankable_test"] == repeated
    json.dumps(document)
    healed = check_repo(
        repo(tmp_path, events(repeated), 'repeats = "first"\n'), CheckRequest(), agreed=frozenset()
    )
    assert not any("cannot be ranked" in found["message"] for found in healed["problems"])


def test_rows_that_were_left_out_are_told_on_the_line_of_the_source(tmp_path: Path) -> None:
    document = check_repo(repo(tmp_path, [*events(0), "u1,,1000000000"]), CheckRequest(), agreed=frozenset())
    (problem,) = [found for found in document["problems"] if "left out" in found["message"]]
    assert problem["severity"] == "information" and "log.csv:50" in problem["message"]
    assert "times in seconds, from 2001-09-09 to 2001-09-09" in document["passed"]


def test_a_log_that_cannot_be_read_is_blamed_on_its_line(tmp_path: Path) -> None:
    broken = repo(tmp_path, [*events(0), "u1,q,1000000000123"])
    document = check_repo(broken, CheckRequest(), agreed=frozenset())
    (problem,) = [found for found in document["problems"] if found["severity"] == "error"]
    assert (problem["path"], problem["line"]) == ("log.csv", 50) and document["data"] is None
    assert "cannot be used yet" in about_new_data(broken, str(broken / "log.csv"))[0]


def test_a_new_repo_tells_of_its_log_and_nothing_of_a_shop(tmp_path: Path) -> None:
    said = about_new_data(repo(tmp_path, events(0)), str(tmp_path / "log.csv"))
    assert said[0] == "48 events of 12 users with 4 items"
    assert about_new_data(tmp_path, "shop-micro") == []
