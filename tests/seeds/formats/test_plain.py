"""Tables of one's own: recognised columns, packed files, quoting, units of time, and what is said of broken rows."""

import gzip
import zipfile
from datetime import datetime
from pathlib import Path

import polars
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seeds.errors import SourceError
from seeds.interactions import Interactions
from seeds.loading import Columns, Options, load

DAY = 86_400
CSV = "userId,movieId,rating,timestamp\n007,x,4,1000000000\n7,y,5,1000000500\n007,y,3.5,999999000\n"


def read(folder: Path, data: str | bytes, name: str = "log.csv", **options: object) -> Interactions:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return load(name, root=folder, options=Options(**options))  # type: ignore[arg-type]


def refused(folder: Path, data: str | bytes, name: str = "log.csv", **options: object) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(folder, data, name, **options)
    return caught.value


def named(log: Interactions, user: str) -> list[str]:
    return [log.item_names[item] for item in log.history(log.user_names.index(user))]


def zipped(data: str) -> bytes:
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("export/log.csv", data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("log.csv", CSV.encode()),
        ("log.csv", b"\xef\xbb\xbf" + CSV.replace("\n", "\r\n").encode()),
        ("log.csv.gz", gzip.compress(CSV.encode())),
        ("log.zip", zipped(CSV)),
        ("log.tsv", CSV.replace(",", "\t").encode()),
        ("log.csv", CSV.replace(",", ";").encode()),
        ("log.csv", CSV.replace(",", "::").encode()),
    ],
    ids=["csv", "bom and crlf", "gz", "zip", "tsv", "semicolon", "two colons"],
)
def test_a_table_is_read_however_it_is_packed_and_separated(tmp_path: Path, name: str, data: bytes) -> None:
    log = read(tmp_path, data, name)
    assert log.user_names == ("", "007", "7"), "ids are text"
    assert named(log, "007") == ["y", "x"] and log.timestamps is not None
    assert log.timestamps.tolist() == [999999000, 1000000000, 1000000500]
    assert log.ratings is not None and log.ratings.tolist() == [3.5, 4, 5]
    assert log.report is not None and log.report.alike_users.count == 1


def test_json_lines_and_parquet_keep_ids_as_text(tmp_path: Path) -> None:
    lines = '{"user_id": "007", "asin": "v", "parent_asin": "x", "timestamp": 1000000000123, "rating": 4.0}\n'
    log = read(tmp_path, lines + "\n" + lines.replace("007", "8").replace('"x"', "12345678901"), "l.jsonl")
    assert log.user_names == ("", "007", "8") and log.item_names == ("", "x", "12345678901")
    frame = polars.DataFrame(
        {
            "user": polars.Series(["007", "8"], dtype=polars.Categorical),
            "item": [1.0, 2.0],
            "datetime": [datetime(2001, 9, 9, 1, 46, 40), datetime(2001, 9, 10)],
        }
    )
    frame.write_parquet(tmp_path / "log.parquet")
    log = load("log.parquet", root=tmp_path)
    assert log.user_names == ("", "007", "8") and log.item_names == ("", "1", "2")
    assert log.timestamps is not None and log.timestamps.tolist() == [1000000000, 1000080000]


def test_columns_are_named_or_counted(tmp_path: Path) -> None:
    columns = Columns(user="who", item="what", time="3")
    log = read(tmp_path, "who,what,moment\na,x,5\nb,y,6\n", columns=columns)
    assert log.user_names == ("", "a", "b") and log.n_events == 2
    headless = read(tmp_path, "a,x,5\nb,y,6\n", columns=Columns(user="1", item="2", time="3"))
    assert headless.user_names == ("", "a", "b"), "the first line of a file without names is an event"
    error = refused(
        tmp_path, "who,what,moment\na,x,5\n", columns=Columns(user="whom", item="what", time="moment")
    )
    assert "data.columns.user" in str(error) and "who, what, moment" in str(error)
    error = refused(tmp_path, "alpha,beta\na,x\n")
    assert '[data.columns] user = "NAME"' in str(error)


@pytest.mark.parametrize(
    ("times", "unit", "seconds"),
    [
        (("1000000000", "1000086400"), "seconds", 10**9),
        (("1000000000123", "1000086400123"), "milliseconds", 10**9),
        (("1000000000123456", "1000086400123456"), "microseconds", 10**9),
        (("1000000000123456789", "1000086400123456789"), "nanoseconds", 10**9),
        (("1000000000.5", "1000086400.25"), "seconds", 10**9),
        (("2001-09-09T01:46:40Z", "2001-09-10T01:46:40Z"), "date and time", 10**9),
        (("2001-09-09 01:46:40.500", "2001-09-10 01:46:40"), "date and time", 10**9),
        (("2001-09-09T03:46:40+02:00", "2001-09-10T03:46:40+02:00"), "date and time with a zone", 10**9),
        (("2001-09-09", "2001-09-10"), "dates", 999993600),
        (('"09 9, 2001"', '"09 10, 2001"'), "dates", 999993600),
        (("20010909", "20010910"), "dates as numbers (YYYYMMDD)", 999993600),
    ],
)
def test_the_unit_of_time_is_recognised_and_told(
    tmp_path: Path, times: tuple[str, str], unit: str, seconds: int
) -> None:
    log = read(tmp_path, f"user,item,time\na,x,{times[1]}\na,y,{times[0]}\n")
    assert log.timestamps is not None and log.timestamps.tolist() == [seconds, seconds + DAY]
    assert named(log, "a") == ["y", "x"]
    assert log.report is not None and log.report.unit == unit


@pytest.mark.parametrize(
    ("times", "line"),
    [
        (("1000000000", "1000000000123"), 3),
        (("2001-09-09 01:46:40", "1000000000"), 3),
        (("1000000000", "2001-09-09 01:46:40"), 3),
    ],
)
def test_mixed_units_of_time_are_an_error(tmp_path: Path, times: tuple[str, str], line: int) -> None:
    error = refused(tmp_path, f"user,item,time\na,x,{times[0]}\na,y,{times[1]}\n")
    assert error.line == line and error.column == "time" and "data.time_unit" in str(error)


def test_a_unit_that_is_stated_is_taken(tmp_path: Path) -> None:
    log = read(tmp_path, "user,item,time\na,x,1000\na,y,1000000000000\n", time_unit="ms")
    assert log.timestamps is not None and log.timestamps.tolist() == [1, 10**9]


def test_quoted_fields_hold_separators_quotes_and_line_ends(tmp_path: Path) -> None:
    text = 'user,item,text,time\na,x,"good, ""very"" good\nreally",1\na,y,plain,2\na,z,"more\n\n",bad\n'
    text += "".join(f"b,i{n},,{n}\n" for n in range(20))
    log = read(tmp_path, text)
    assert named(log, "a") == ["x", "y"]
    (fault,) = log.report.dropped  # type: ignore[union-attr]
    assert fault.reason == "no time that can be read"
    assert fault.example.endswith("log.csv:5: 'bad'"), "the line is the file's, not the row's"


def test_a_row_over_two_pieces_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seeds.loading.pieces.PIECE_BYTES", 7)
    text = 'user,item,text,time\na,x,"one\ntwo, three\nfour",1\na,y,"five\n",2\n'
    log = read(tmp_path, text)
    assert named(log, "a") == ["x", "y"]


def test_broken_rows_are_left_out_with_the_reason(tmp_path: Path) -> None:
    rows = [f"u{n},i{n % 3},{n},{10**9 + n}" for n in range(40)]
    rows[3:3] = ["u,,1,1000000000", ",i,1,1000000000", "u,i,1,soon", "", "u,i,1,1000000000,more"]
    rows.append("u,i,great,1000000000")
    log = read(tmp_path, "user,item,rating,time\n" + "\n".join(rows) + "\n")
    report = log.report
    assert report is not None and report.events == 41 and report.rows == 45
    assert {fault.reason for fault in report.dropped} == {
        "no user",
        "no item",
        "no time that can be read",
        "more fields than columns",
    }
    assert next(f.example for f in report.dropped if f.reason == "no item").endswith("log.csv:5: ''")
    assert report.unread_ratings == 1


def test_a_file_that_is_mostly_broken_is_refused(tmp_path: Path) -> None:
    error = refused(tmp_path, "user,item,time\na,x,1\na,y,one\na,z,two\n")
    assert error.line == 3 and "2 such rows of 3" in str(error)


def test_a_broken_line_of_json_alone_is_left_out(tmp_path: Path) -> None:
    lines = [f'{{"user": "a", "item": {n}, "time": {n}}}' for n in range(30)]
    lines[7] = '{"user": "a", "item'
    log = read(tmp_path, "\n".join(lines), "l.jsonl")
    assert log.n_events == 29 and log.report is not None
    (fault,) = log.report.dropped
    assert ":8: " in fault.example and fault.reason == "not a JSON object"


def test_another_encoding_is_asked_for_and_taken(tmp_path: Path) -> None:
    data = "user,item,time\nJos\u00e9,x,1\n".encode("latin-1")
    assert "data.encoding" in str(refused(tmp_path, data))
    assert read(tmp_path, data, encoding="latin-1").user_names == ("", "Jos\u00e9")


def test_without_an_order_nothing_can_be_held_out(tmp_path: Path) -> None:
    error = refused(tmp_path, "user,item\na,x\n")
    assert "[data.columns] time" in str(error)


def test_item_columns_beside_a_log_are_found(tmp_path: Path) -> None:
    (tmp_path / "items.csv").write_text(
        'movieId,title,genres,price,year,code\nx,"Thing, The",A|B,"$1,234.50",1999,007\nx,twice,,,,\nz,,,,,\n'
    )
    log = read(tmp_path, CSV)
    columns, x = log.item_columns, log.item_names.index("x")
    assert columns.title[x] == "Thing, The" and columns.categories[x] == ("A", "B")
    assert (
        columns.price[x] == 1234.5 and columns.other["year"][x] == 1999 and columns.other["code"][x] == "007"
    )
    assert log.report is not None and log.report.facts == 1


def test_a_folder_with_several_tables_asks_which(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(CSV)
    with pytest.raises(SourceError, match=r"a\.csv, b\.csv"):
        load(".", root=tmp_path)


def test_settings_leave_events_out_and_say_so(tmp_path: Path) -> None:
    text = "user,item,rating,time\n" + "".join(
        f"{user},{item},{rating},{time}\n"
        for time, (user, item, rating) in enumerate(
            [
                ("a", "x", 5),
                ("a", "y", 2),
                ("a", "x", 4),
                ("b", "x", 5),
                ("b", "z", 5),
                ("c", "x", 5),
                ("a", "z", 3),
            ]
        )
    )
    assert named(read(tmp_path, text), "a") == ["x", "y", "x", "z"]
    assert named(read(tmp_path, text, min_rating=3), "a") == ["x", "x", "z"]
    assert named(read(tmp_path, text, repeats="first"), "a") == ["x", "y", "z"]
    assert named(read(tmp_path, text, repeats="last"), "a") == ["y", "x", "z"]
    log = read(tmp_path, text, core=2, repeats="first")
    assert log.user_names == ("", "a", "b") and log.item_names == ("", "x", "z")
    assert log.report is not None and [count for _, count in log.report.filtered] == [1, 2]


def test_a_core_that_leaves_nothing_is_an_error(tmp_path: Path) -> None:
    assert "data.core = 9" in str(refused(tmp_path, CSV, core=9))


@pytest.mark.parametrize(
    ("name", "says"), [("klingon", "does not know"), ("utf-16", "several bytes"), ("a\0b", "not know")]
)
def test_an_encoding_that_cannot_be_used_is_refused(tmp_path: Path, name: str, says: str) -> None:
    error = refused(tmp_path, CSV, encoding=name)
    assert says in str(error) and "data.encoding" in str(error)


LINES = "".join(f'{{"user": "a{n}", "item": {n}, "time": {n}, "rating": 1.5}}\n' for n in range(9))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(
    name=st.sampled_from(["log.csv", "log.tsv", "log.jsonl", "log.csv.gz"]),
    place=st.floats(0, 1),
    junk=st.one_of(
        st.binary(max_size=6), st.sampled_from([b'"', b'\n"', b',"', b"\n\n", b"::", b"{", b"\r"])
    ),
)
def test_damage_is_read_or_blamed_and_nothing_else(
    tmp_path: Path, name: str, place: float, junk: bytes
) -> None:
    whole = {"log.csv": CSV, "log.tsv": CSV.replace(",", "\t"), "log.jsonl": LINES}.get(name, CSV).encode()
    data = gzip.compress(whole) if name.endswith("gz") else whole
    at = int(place * len(data))
    (tmp_path / name).write_bytes(data[:at] + junk + data[at:])
    try:
        log = load(name, root=tmp_path)
    except SourceError as error:
        assert error.line <= whole.count(b"\n") + junk.count(b"\n") + 2
    else:
        assert log.offsets[-1] == log.n_events == len(log.items)
