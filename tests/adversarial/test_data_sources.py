"""Whatever `data.source` names, reading it ends soon: as data, or in an error that names the file and what to do."""

import gzip
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evolution.base.errors import Cancelled, DataError
from evolution.repo.config import Config, DataSection, RecommenderSection
from evolution.repo.held_out import held_out
from evolution.trials.data import prepare
from evolution.trials.reading_data import read_data
from seeds.loading import Progress, files_of, is_built_in
from seeds.loading import pieces as pieces_module
from seeds.loading import progress as progress_module
from seeds.loading.pieces import LONGEST_LINE_BYTES
from server.shown.repo_files import logs_below, named_source

SOON_S = 10.0  # on a machine that other tests keep busy
HEAD = b"user_id:token\titem_id:token\ttimestamp:float\n"
ROWS = b"".join(b"u%d\ti%d\t%d\n" % (n % 20, n % 7, n) for n in range(200))


def config(source: str) -> Config:
    return Config(recommender=RecommenderSection(entry="model:build"), data=DataSection(source=source))


def in_folder(make: Callable[[Path], object]) -> Callable[[Path], str]:
    """A folder `data` with something called log.inter in it."""

    def source(repo: Path) -> str:
        (repo / "data").mkdir()
        make(repo / "data" / "log.inter")
        return "data"

    return source


def listens(path: Path) -> None:
    where = Path.cwd()
    os.chdir(path.parent)  # the name of a socket may have 100 characters
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(where)


def crowded(path: Path) -> None:
    for number in range(3000):
        (path.parent / f"file-{number}").touch()


def nested(path: Path) -> None:
    folder = path.parent
    for _ in range(200):
        folder = folder / "d"
    folder.mkdir(parents=True)


def written(data: bytes, name: str = "log.inter") -> Callable[[Path], str]:
    def source(repo: Path) -> str:
        (repo / name).write_bytes(data)
        return name

    return source


NO_LOG = {
    "root": lambda repo: "/",
    "zero": lambda repo: "/dev/zero",
    "random": lambda repo: "/dev/urandom",
    "terminal": lambda repo: "/dev/tty",
    "kernel": lambda repo: "/proc/kmsg",
    "proc": lambda repo: "/proc",
    "above": lambda repo: "shop-micro/../..",
    "pipe in a folder": in_folder(os.mkfifo),
    "socket in a folder": in_folder(listens),
    "device in a folder": in_folder(lambda path: path.symlink_to("/dev/zero")),
    "folder called a log": in_folder(lambda path: path.mkdir()),
    "loop": in_folder(lambda path: path.symlink_to(path)),
    "many files": in_folder(crowded),
    "deep": in_folder(nested),
    "long name": lambda repo: "x" * 5000,
    "long path": lambda repo: "x/" * 5000 + "log.inter",
    "zero byte": lambda repo: "a\0b",
    "nobody's home": lambda repo: "~nobody-has-this-name/log.inter",
    "empty name": lambda repo: "",
    "a shop that is none": lambda repo: "shop-huge",
}
BROKEN = {
    "empty": (written(b""), "name:type", 1),
    "header alone": (written(HEAD), "at least one event", 2),
    "no newline": (written(b"x" * (LONGEST_LINE_BYTES * 3)), "longer one", 1),
    "long line": (written(HEAD + ROWS + b"u" * (LONGEST_LINE_BYTES + 1) + b"\ti\t3\n"), "longer one", 202),
    "zeros": (written(bytes(3 << 20)), "zero byte", 1),
    "a zero": (written(HEAD + b"u\ti\t1\nu\0\ti\t2\n"), "a zero byte", 3),
    "no UTF-8": (written(HEAD + b"u\ti\t1\n\xff\ti\t2\n"), "byte 0xff", 3),
    "UTF-16": (written((HEAD + ROWS).decode().encode("utf-16")), "UTF-8 text", 1),
    "blank": (written(HEAD + b"u\ti\t1\n\nu\ti\t2\n"), "an empty line", 3),
    "bomb": (written(gzip.compress(bytes(30 << 20)), "log.inter.gz"), "zero byte", 1),
    "bomb of one line": (written(gzip.compress(b"x" * (30 << 20)), "log.inter.gz"), "longer one", 1),
    "cut": (written(gzip.compress(HEAD + ROWS)[:-20], "log.inter.gz"), "in gzip format", 0),
    "no gzip": (written(HEAD + ROWS, "log.inter.gz"), "in gzip format", 0),
    "zip": (written(b"PK\x03\x04" + bytes(100)), "zero byte", 1),
}  # fmt: skip


@pytest.mark.parametrize("kind", NO_LOG)
def test_a_source_that_is_no_log_is_refused_in_words(tmp_path, kind):
    source = NO_LOG[kind](tmp_path)
    started = time.monotonic()
    with pytest.raises(DataError) as refused:
        prepare(config(source), tmp_path)
    assert time.monotonic() - started < SOON_S
    assert len(str(refused.value)) < 1500
    assert any(word in str(refused.value) for word in ("Point data.source", "Correct data.source"))


@pytest.mark.parametrize("kind", NO_LOG)
def test_a_language_server_asks_about_any_source_without_waiting(tmp_path, kind):
    source = NO_LOG[kind](tmp_path)
    started = time.monotonic()
    is_built_in(source, tmp_path)
    files_of(source, root=tmp_path)
    held_out(tmp_path, source, tmp_path)
    logs_below(tmp_path, source)
    named_source(tmp_path, source)
    assert time.monotonic() - started < SOON_S


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_log_is_refused_with_its_line(tmp_path, kind):
    make, words, line = BROKEN[kind]
    source = make(tmp_path)
    started = time.monotonic()
    with pytest.raises(DataError, match=words) as refused:
        prepare(config(source), tmp_path)
    assert time.monotonic() - started < SOON_S
    assert (refused.value.path, refused.value.line) == (source, line)


def test_a_log_that_may_not_be_read_is_named(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root reads everything")
    source = written(HEAD + ROWS)(tmp_path)
    (tmp_path / source).chmod(0)
    with pytest.raises(DataError, match=r"log\.inter.*Permission denied.*Make it readable"):
        prepare(config(source), tmp_path)


ITEMS = {
    "long title": (b"item_id:token\ttitle:token\ni0\t" + b"t" * 20_000 + b"\n", "characters", 2),
    "a title of a megabyte": (
        b"item_id:token\ttitle:token\ni0\t" + b"t" * 1_100_000 + b"\n",
        "longer one",
        2,
    ),
    "deep categories": (b"item_id:token\tcategories:token_seq\ni0\t" + b"a " * 5000 + b"\n", "categories", 2),
    "twice": (b"item_id:token\ttitle:token\ni0\ta\ni0\tb\n", "again", 3),
    "zeros": (bytes(2 << 20), "zero byte", 1),
}


@pytest.mark.parametrize("kind", ITEMS)
def test_broken_item_columns_are_refused_with_their_line(tmp_path, kind):
    data, words, line = ITEMS[kind]
    (tmp_path / "log.inter").write_bytes(HEAD + ROWS)
    (tmp_path / "log.item").write_bytes(data)
    with pytest.raises(DataError, match=words) as refused:
        prepare(config("log.inter"), tmp_path)
    assert (refused.value.path, refused.value.line) == ("log.item", line)


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_item_columns_that_are_no_file_are_passed_over(tmp_path, kind):
    (tmp_path / "log.inter").write_bytes(HEAD + ROWS)
    item = tmp_path / "log.item"
    make = {
        "pipe": lambda: os.mkfifo(item),
        "device": lambda: item.symlink_to("/dev/zero"),
        "folder": item.mkdir,
    }
    make[kind]()
    assert prepare(config("log.inter"), tmp_path).training.n_items == 7


@pytest.mark.parametrize("piece_bytes", [16, 100, 1 << 20])
def test_pieces_of_any_size_make_the_same_log(tmp_path, monkeypatch, piece_bytes):
    monkeypatch.setattr(pieces_module, "PIECE_BYTES", piece_bytes)
    (tmp_path / "log.inter").write_bytes(b"\xef\xbb\xbf" + (HEAD + ROWS).replace(b"\n", b"\r\n") + b"\r\n")
    data = prepare(config("log.inter"), tmp_path)
    assert data.training.n_users == 20
    assert data.training.n_events + 2 * len(data.validation) == 200


def test_reading_ends_before_memory_does(tmp_path, monkeypatch):
    monkeypatch.setattr(progress_module, "spare_bytes", lambda: 100 << 20)
    source = written(HEAD + ROWS)(tmp_path)
    with pytest.raises(DataError, match=r"log\.inter.*200 rows.*memory left.*machine with more memory"):
        prepare(config(source), tmp_path)


def test_spare_memory_is_known():
    assert 0 < progress_module.spare_bytes() < 1 << 50


@pytest.fixture
def endless(tmp_path, monkeypatch) -> threading.Event:
    """A log whose reading goes on until the event is set."""
    released = threading.Event()
    source = written(HEAD + ROWS)(tmp_path)

    def forever(path: Path):
        assert path.name == source
        yield 1, HEAD
        while not released.is_set():
            yield 2, ROWS
            time.sleep(0.001)

    monkeypatch.setattr("seeds.loading.table.pieces", forever)
    return released


def test_whoever_waits_for_data_is_told_how_far_it_is_and_stops_at_once(tmp_path, endless, monkeypatch):
    monkeypatch.setattr("evolution.trials.reading_data.TOLD_S", 0.05)
    told: list[str] = []
    stopped_at: list[float] = []

    def cancelled() -> bool:
        if len(told) >= 3:
            stopped_at.append(time.monotonic())
        return bool(stopped_at)

    try:
        with pytest.raises(Cancelled):
            read_data(config("log.inter"), tmp_path, tell=told.append, cancelled=cancelled)
        assert time.monotonic() - stopped_at[0] < 2.0
        assert any("log.inter" in words and "rows per second" in words for words in told)
    finally:
        endless.set()


def test_what_goes_wrong_while_reading_reaches_whoever_waits(tmp_path):
    with pytest.raises(DataError, match="nowhere"):
        read_data(config("nowhere.inter"), tmp_path, tell=print, cancelled=lambda: False)


def test_progress_counts_rows_and_forgets_them_with_the_file():
    progress = Progress()
    progress.begin(Path("a"))
    progress.add(3, 10)
    progress.begin(Path("b"))
    assert (progress.path, progress.rows, progress.bytes, progress.whole) == ("b", 0, 0, False)
