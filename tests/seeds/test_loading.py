"""Reading atomic files: what is understood, and what is said of a broken file."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seeds.errors import SourceError
from seeds.interactions import Interactions
from seeds.loading import load
from tests.seeds.fingerprint import fingerprint

HEADER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
GOOD = HEADER + "b\tx\t4\t30\na\tx\t5\t20\na\ty\t\t10\na\tz\t3\t20\n"


def write(folder: Path, text: str, name: str = "log.inter") -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return name


def read_broken(folder: Path, text: str) -> SourceError:
    with pytest.raises(SourceError) as caught:
        load(write(folder, text), root=folder)
    return caught.value


def test_events_are_sorted_by_user_time_and_file_order(tmp_path: Path) -> None:
    log = load(write(tmp_path, GOOD), root=tmp_path)
    assert log.user_names == ("", "b", "a")
    assert [log.item_names[item] for item in log.history(2)] == ["y", "x", "z"]  # x before z: file order
    assert log.timestamps is not None and log.timestamps.tolist() == [30, 10, 20, 20]
    assert log.ratings is not None and np.isnan(log.ratings[1])
    assert log.offsets.tolist() == [0, 0, 1, 4]


def test_average_rating_is_computed_from_events(tmp_path: Path) -> None:
    log = load(write(tmp_path, GOOD), root=tmp_path)
    assert log.item_columns.average_rating[log.item_names.index("x")] == 4.5
    assert np.isnan(log.item_columns.average_rating[log.item_names.index("y")])


def test_a_log_with_positions_has_no_timestamps(tmp_path: Path) -> None:
    text = "user_id:token\titem_id:token\tposition:float\nu\ta\t1\nu\tb\t0\n"
    log = load(write(tmp_path, text), root=tmp_path)
    assert log.timestamps is None and log.ratings is None
    assert [log.item_names[item] for item in log.history(1)] == ["b", "a"]


def test_milliseconds_become_seconds(tmp_path: Path) -> None:
    text = "user_id:token\titem_id:token\ttimestamp:float\nu\ta\t1700000000900\nu\tb\t1700000000100\n"
    log = load(write(tmp_path, text), root=tmp_path)
    assert log.timestamps is not None and log.timestamps.tolist() == [1_700_000_000] * 2
    assert [log.item_names[item] for item in log.history(1)] == ["b", "a"]


def test_item_columns_are_recognised_and_the_rest_is_kept(tmp_path: Path) -> None:
    write(
        tmp_path,
        "item_id:token\tmovie_title:token_seq\tgenre:token_seq\tprice:float\tbrand:token\tyear:token\tweight:float\taverage_rating:float\n"
        'x\tThe "X"\tDrama War\t9.5\tAcme\t1999\t2.5\t4.9\nunused\tU\tWar\t1\tB\t1\t1\t1\nz\tZ\t\t\t\t\t\t\n',
        "log.item",
    )
    log = load(write(tmp_path, GOOD), root=tmp_path)
    columns, x, y, z = log.item_columns, *(log.item_names.index(name) for name in "xyz")
    assert columns.title[x] == 'The "X"' and columns.title[y] == ""
    assert columns.categories[x] == ("Drama", "War") and columns.categories[z] == ()
    assert columns.price[x] == 9.5 and np.isnan(columns.price[z])
    assert columns.store[x] == "Acme"
    assert set(columns.other) == {"year", "weight"}, "a source's own average rating knows held-out events"
    assert columns.other["year"][x] == "1999" and columns.other["weight"][x] == 2.5


@pytest.mark.parametrize("suffix", [".inter", ".inter.gz"])
def test_a_folder_means_the_log_in_it(tmp_path: Path, suffix: str) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    data = GOOD.encode()
    (folder / f"shop{suffix}").write_bytes(gzip.compress(data) if suffix.endswith("gz") else data)
    (folder / "older.inter").write_text("no log at all")
    assert load("shop", root=tmp_path).n_events == 4


def test_windows_line_ends_and_a_byte_order_mark_are_no_fault(tmp_path: Path) -> None:
    (tmp_path / "log.inter").write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load("log.inter", root=tmp_path).n_events == 4


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("", 1, "", "name:type"),
        ("user_id\titem_id\n", 1, "user_id", "name:type"),
        ("user_id:token\titem_id:tokens\n", 1, "item_id:tokens", "token_seq"),
        ("user_id:token\tuser_id:token\n", 1, "user_id:token", "twice"),
        ("user_id:token\titem_id:token\nu\ti\n", 1, "timestamp:float", "position:float"),
        ("user_id:token\ttimestamp:float\nu\t1\n", 1, "item_id:token", "this column"),
        (HEADER, 2, "", "at least one event"),
        (HEADER + "u\ti\t1\t1\nu\ti\t1\n", 3, "timestamp", "4 fields"),
        (HEADER + "u\ti\t1\t1\t9\n", 2, "", "found 5"),
        (HEADER + "u\ti\t1\t1\n\nu\ti\t1\t1\n", 3, "user_id", "an empty line"),
        (HEADER + "u\ti\t1\tnan\n", 2, "timestamp:float", "a number"),
        (HEADER + "u\ti\t1\t\n", 2, "timestamp:float", "a number"),
        (HEADER + "u\t\t1\t1\n", 2, "item_id:token", "an id"),
    ],
)
def test_a_broken_file_is_blamed_by_line_and_column(
    tmp_path: Path, text: str, line: int, column: str, words: str
) -> None:
    error = read_broken(tmp_path, text)
    assert (error.line, error.column) == (line, column)
    assert str(error).startswith(str(tmp_path / "log.inter"))
    assert words in str(error) and "expected" in str(error) and "found" in str(error)


def test_a_rating_that_is_no_number_stops_nothing_and_is_told(tmp_path: Path) -> None:
    log = load(write(tmp_path, HEADER + "u\ti\t1\t1\nu\tj\tgood\t2\n"), root=tmp_path)
    assert log.ratings is not None and log.ratings[0] == 1 and np.isnan(log.ratings[1])
    assert log.report is not None and log.report.unread_ratings == 1


def test_bytes_that_are_no_text_are_blamed_by_line(tmp_path: Path) -> None:
    (tmp_path / "log.inter").write_bytes(GOOD.encode() + b"a\t\xff\t1\t1\n")
    with pytest.raises(SourceError, match=r"log\.inter:6: expected UTF-8 text, found byte 0xff"):
        load("log.inter", root=tmp_path)


def test_a_truncated_gzip_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "log.inter.gz").write_bytes(gzip.compress(GOOD.encode())[:-12])
    with pytest.raises(SourceError, match="gzip"):
        load("log.inter.gz", root=tmp_path)


def test_an_item_listed_twice_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, "item_id:token\ttitle:token_seq\nx\tX\ny\tY\nx\tX again\n", "log.item")
    with pytest.raises(SourceError, match=r"log\.item:4: column item_id:token: .*'x' again"):
        load(write(tmp_path, GOOD), root=tmp_path)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("nowhere", "nothing at"),
        ("shop-giant", "shop-micro, shop-demo, shop-full"),
        ("notes.txt", "in one of these"),
    ],
)
def test_a_source_that_is_none_is_an_error(tmp_path: Path, source: str, words: str) -> None:
    write(tmp_path, "hello", "notes.txt")
    with pytest.raises(SourceError, match=words):
        load(source, root=tmp_path)


def test_a_folder_with_several_logs_asks_which(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "a.inter")
    write(tmp_path, GOOD, "b.inter")
    with pytest.raises(SourceError, match=r"a\.inter, b\.inter"):
        load(".", root=tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(place=st.integers(0, len(GOOD.encode())), junk=st.binary(max_size=6))
def test_damage_is_read_or_blamed_and_nothing_else(tmp_path: Path, place: int, junk: bytes) -> None:
    data = GOOD.encode()
    (tmp_path / "log.inter").write_bytes(data[:place] + junk + data[place:])
    try:
        log = load("log.inter", root=tmp_path)
    except SourceError as error:
        assert error.line <= len(data.splitlines()) + junk.count(b"\n") + 2
    else:
        assert log.offsets[-1] == log.n_events == len(log.items)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(
    triples=st.lists(
        st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(-50, 50)), min_size=1, max_size=30
    )
)
def test_every_event_is_kept_in_stable_order(tmp_path: Path, triples: list[tuple[int, int, int]]) -> None:
    rows = "".join(f"u{user}\ti{item}\t{time}\n" for user, item, time in triples)
    log = load(write(tmp_path, "user_id:token\titem_id:token\ttimestamp:float\n" + rows), root=tmp_path)
    for user in range(1, log.n_users + 1):
        own = [(time, item) for name, item, time in triples if f"u{name}" == log.user_names[user]]
        own.sort(key=lambda event: event[0])  # list.sort is stable
        assert [log.item_names[item] for item in log.history(user)] == [f"i{item}" for _, item in own]


def test_the_fingerprint_sees_every_array_and_column(tmp_path: Path) -> None:
    def of(text: str) -> str:
        return fingerprint(load(write(tmp_path, text), root=tmp_path))

    base = of(GOOD)
    assert base == of(GOOD)
    assert len(base) == 64
    changes = [
        ("b\tx\t4\t30", change) for change in ("b\tx\t4\t31", "b\tx\t2\t30", "b\ty\t4\t30", "c\tx\t4\t30")
    ]
    assert len({base, *(of(GOOD.replace(*change)) for change in changes)}) == 5
    write(tmp_path, "item_id:token\ttitle:token_seq\nx\tX\n", "log.item")
    assert of(GOOD) != base


def test_the_built_in_shop_is_a_source(tmp_path: Path, micro_log: Interactions) -> None:
    assert fingerprint(load("shop-micro", root=tmp_path)) == fingerprint(micro_log)


@pytest.fixture
def micro_log() -> Interactions:
    from seeds.shop import make

    return make("micro").interactions


@pytest.mark.parametrize(
    ("name", "counts", "title"),
    [
        ("ml-1m", (6_040, 3_416, 999_601), "Toy Story"),
        ("ml-100k", (943, 1_682, 100_000), "Toy Story"),
        ("amazon-games", (50_546, 16_859, 440_264), "Fire Emblem: The Sacred Stones"),
    ],
)
def test_real_logs_are_read(data_folder: Path, name: str, counts: tuple[int, int, int], title: str) -> None:
    log = load(name, root=data_folder)
    assert (log.n_users, log.n_items, log.n_events) == counts
    assert title in log.item_columns.title
