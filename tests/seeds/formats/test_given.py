"""A split that the data brings: files for its parts or a column, what is asked, and what is refused."""

from pathlib import Path

import pytest

from seeds.errors import SourceError, SplitError
from seeds.interactions import Interactions, Questions
from seeds.loading import Columns, Options, load
from seeds.split import Given, scheme_named, several_targets, split, unrankable

HEAD = "user,item,time\n"
TRAIN = HEAD + "a,x,5\na,y,1\nb,x,2\nb,z,9\nc,x,1\n"
VALID = HEAD + "a,z,3\nb,w,1\nd,x,1\n"
TEST = HEAD + "a,w,2\nb,x,8\nb,y,9\n"


def asked(log: Interactions, questions: Questions) -> dict[str, tuple[list[str], str]]:
    names = log.item_names
    return {
        log.user_names[user]: ([names[i] for i in questions.history(q)], names[questions.targets[q]])
        for q, user in enumerate(questions.users)
    }


def written(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def given(folder: Path, source: str = ".", **options: object) -> Interactions:
    return load(source, root=folder, options=Options(given=True, **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("names", [("train", "valid", "test"), ("Books.train", "Books.val", "Books.test")])
def test_files_divide_a_log_whatever_the_times(tmp_path: Path, names: tuple[str, str, str]) -> None:
    log = given(written(tmp_path, **dict(zip(names, (TRAIN, VALID, TEST)))))
    parts = split(log, scheme_named("given"))
    assert asked(log, parts.validation) == {"a": (["y", "x"], "z"), "b": (["x", "z"], "w")}
    assert asked(log, parts.test) == {"a": (["y", "x", "z"], "w"), "b": (["x", "z", "w"], "x")}
    assert parts.training.n_events == 5 and parts.training.parts is None
    assert unrankable(parts.test) == 1, "b's test item stands in b's history"
    assert unrankable(parts.validation) == 0 and several_targets(log) == 1


def test_a_column_divides_a_log(tmp_path: Path) -> None:
    rows = "user,item,time,fold\na,x,1,train\na,y,2,Train\na,z,3,val\na,w,4,test\n"
    log = given(written(tmp_path, log=rows), "log.csv", columns=Columns(split="fold"))
    parts = split(log, Given())
    assert asked(log, parts.test) == {"a": (["x", "y", "z"], "w")}
    with pytest.raises(SourceError, match=r"log\.csv:3: column split: expected one of train, valid, test"):
        given(written(tmp_path, log=rows.replace("Train", "later")), "log.csv", columns=Columns(split="fold"))


def test_without_a_validation_part_the_last_training_event_is_asked_for(tmp_path: Path) -> None:
    log = given(written(tmp_path, train=TRAIN, test=TEST))
    parts = split(log, Given())
    assert asked(log, parts.validation) == {"a": (["y"], "x"), "b": (["x"], "z")}
    assert asked(log, parts.test) == {"a": (["y", "x"], "w"), "b": (["x", "z"], "x")}
    assert parts.training.n_events == 3, "c has one training event and keeps it"


def test_parts_are_named_where_their_files_are_not(tmp_path: Path) -> None:
    written(tmp_path, u1=TRAIN, u2=TEST)
    log = given(tmp_path, parts={"train": "u1.csv", "test": "u2.csv"})
    assert len(split(log, Given()).test) == 2
    with pytest.raises(SourceError, match=r"data\.parts\.test"):
        given(tmp_path, parts={"train": "u1.csv", "test": "u3.csv"})


def test_events_without_times_may_come_divided(tmp_path: Path) -> None:
    log = given(
        written(tmp_path, train="user,item\na,x\na,y\n", valid="user,item\na,z\n", test="user,item\na,w\n")
    )
    assert asked(log, split(log, Given()).test) == {"a": (["x", "y", "z"], "w")}


def test_a_log_that_divides_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"\[data\.parts\]"):
        given(written(tmp_path, log=TRAIN), "log.csv")
    with pytest.raises(SplitError, match="validation"):
        split(given(written(tmp_path, train=TRAIN, valid=HEAD + "q,x,1\n", test=TEST)), Given())


def test_a_divided_log_may_be_divided_anew(tmp_path: Path) -> None:
    log = load(".", root=written(tmp_path, train=TRAIN, valid=VALID, test=TEST))
    assert log.parts is None and log.n_events == 11
    assert log.report is not None and 'data.split = "given"' in log.report.notes[0]


def test_of_repeats_that_of_the_training_part_comes_first(tmp_path: Path) -> None:
    written(tmp_path, train=HEAD + "a,x,9\na,y,8\n", valid=HEAD + "a,x,1\na,z,2\n", test=HEAD + "a,w,3\n")
    log = given(tmp_path, repeats="first")
    assert asked(log, split(log, Given()).validation) == {"a": (["y", "x"], "z")}
