"""RecBole's further options: separators, parts of a benchmark, sequences, and files that are passed over."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from seeds.errors import SourceError
from seeds.interactions import Interactions
from seeds.loading import Options, load
from seeds.split import Given, split

HEAD = "user_id:token\titem_id:token\ttimestamp:float\n"


def written(folder: Path, files: Mapping[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).write_text(text)
    return folder


def asked(log: Interactions) -> dict[str, tuple[list[str], str]]:
    test = split(log, Given()).test
    names = log.item_names
    return {
        log.user_names[user]: ([names[i] for i in test.history(q)], names[test.targets[q]])
        for q, user in enumerate(test.users)
    }


PARTS = {
    "m.train.inter": HEAD + "a\tx\t5\na\ty\t1\n",
    "m.valid.inter": HEAD + "a\tz\t2\n",
    "m.test.inter": HEAD + "a\tw\t3\n",
    "m.item": "item_id:token\ttitle:token_seq\nx\tThing\n",
    "m.user": "user_id:token\tage:float\na\t5\n",
    "m.link": "item_id:token\tentity_id:token\nx\te\n",
}


def test_parts_of_a_benchmark_divide_a_log(tmp_path: Path) -> None:
    written(tmp_path, PARTS)
    log = load(".", root=tmp_path, options=Options(given=True))
    assert asked(log) == {"a": (["y", "x", "z"], "w")}
    assert "Thing" in log.item_columns.title
    assert load(".", root=tmp_path).n_events == 4, "without data.split = given all parts are one log"


def test_parts_may_be_called_anything(tmp_path: Path) -> None:
    renamed: dict[str, str] = dict(zip(("m.part1.inter", "m.part2.inter", "m.part3.inter"), PARTS.values()))
    parts = {"train": "m.part1.inter", "valid": "m.part2.inter", "test": "m.part3.inter"}
    log = load(".", root=written(tmp_path, renamed), options=Options(given=True, parts=parts))
    assert asked(log) == {"a": (["y", "x", "z"], "w")}
    with pytest.raises(SourceError, match=r"m\.part1\.inter"):
        load(".", root=tmp_path, options=Options(given=True))


def test_fields_may_be_separated_otherwise(tmp_path: Path) -> None:
    text = HEAD + "a\tx\t5\na\ty\t1\n"
    written(tmp_path, {"c.inter": text.replace("\t", ","), "b.inter": text.replace("\t", "|")})
    assert load("c.inter", root=tmp_path).n_events == 2
    assert load("b.inter", root=tmp_path, options=Options(separator="|")).n_events == 2
    with pytest.raises(SourceError, match=r"data\.separator"):
        load("b.inter", root=tmp_path, options=Options(separator="||"))


def test_sequences_are_taken_apart(tmp_path: Path) -> None:
    head = "session_id:token\titem_id_list:token_seq\titem_id:token\n"
    files = {
        "s.train.inter": head + "a\tx\ty\na\tx y\tz\nb\tx y\tz\n",
        "s.test.inter": head + "a\tx y z\tw\nnew\ty z\tx\n",
    }
    log = load(".", root=written(tmp_path, files), options=Options(given=True))
    assert asked(log) == {"a": (["x", "y", "z"], "w"), "new": (["y", "z"], "x")}
    assert split(log, Given()).training.n_events < log.n_events - 1
    assert log.report is not None and "item_id_list" in log.report.notes[0]
