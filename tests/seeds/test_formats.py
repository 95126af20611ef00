"""The contract of a format: it names every file that it reads, and describing it costs nothing. For each in FORMATS."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seeds.errors import SourceError
from seeds.loading import Options, built_in, described_sources, files_of, formats, load, log_suffixes
from seeds.loading.format import Format

ATOMIC = {
    "shop.inter": "user_id:token\titem_id:token\ttimestamp:float\nu\ti\t1\nu\tj\t2\nu\tk\t3\nv\ti\t1\n",
    "shop.item": "item_id:token\ttitle:token_seq\ni\tA thing\n",
}
# By a format's name: a log in it, as the files of a folder, and which of them the source may name.
SAMPLES = {
    "RecBole atomic files": (ATOMIC, "shop.inter"),
    "tables": (
        {"log.csv": "user,item,time\nu,i,1\nu,j,2\n", "items.csv": "item,title\ni,A thing\n"},
        "log.csv",
    ),
    "MovieLens": (
        {"ratings.dat": "1::2::5::978300760\n", "movies.dat": "2::Jumanji (1995)::Adventure\n"},
        "ratings.dat",
    ),
    "Amazon reviews": (
        {
            "Books_5.json": '{"reviewerID": "A1", "asin": "01", "overall": 5.0, "unixReviewTime": 1252800000}\n',
            "meta_Books.json": '{"asin": "01", "title": "A book"}\n',
        },
        "Books_5.json",
    ),
    "Yelp": (
        {
            "yelp_academic_dataset_review.json": '{"user_id": "u", "business_id": "b", "date": "2011-10-05 22:14:00"}\n',
            "yelp_academic_dataset_business.json": '{"business_id": "b", "name": "Bar", "categories": null}\n',
        },
        "yelp_academic_dataset_review.json",
    ),
    "Steam": (
        {
            "steam_reviews.json": "{u'username': u'x', u'product_id': u'1', u'date': u'2017-12-17'}\n",
            "steam_games.json": "{u'id': u'1', u'app_name': u'Game'}\n",
        },
        "steam_reviews.json",
    ),
    "check-ins": (
        {"loc-gowalla_totalCheckins.txt": "0\t2010-10-19T23:55:27Z\t30.2\t-97.7\t22847\n"},
        "loc-gowalla_totalCheckins.txt",
    ),
    "data_cache": (
        {
            "train.json": '{"History": {"1": [1, 2]}, "Time": {"1": ["1588687728923", "1588687728924"]}}',
            "valid.json": '{"History": {"1": [3]}, "Time": {"1": ["1588687728925"]}}',
            "test.json": '{"History": {"1": [4]}, "Time": {"1": ["1588687728926"]}}',
            "id2item.json": '{"1": "B01"}',
            "meta.json": '{"1": {"title": "A record"}}',
        },
        "valid.json",
    ),
    "SASRec": ({"ml-1m.txt": "1 2\n1 3\n2 2\n"}, "ml-1m.txt"),  # by its file alone
}
# Formats that keep no order of events, and are read for a given split alone: another folder, and what it may name.
DIVIDED = {
    "LightGCN": ({"train.txt": "0 1 2\n1 2\n", "test.txt": "0 3\n1 3\n"}, "train.txt"),
    "Last.fm HetRec": (
        {
            "user_artists.dat": "userID\tartistID\tweight\n2\t51\t13883\n",
            "artists.dat": "id\tname\n51\tDuran\n",
        },
        "user_artists.dat",
    ),
}
BY_FILE = {"SASRec"}  # known by the beginning of the file that is named; a folder is not searched for it
opened: list[str] | None = None


def _listen(event: str, arguments: tuple[object, ...]) -> None:
    if event == "open" and opened is not None:
        opened.append(str(arguments[0]))


sys.addaudithook(_listen)


@contextmanager
def files_opened(folder: Path) -> Iterator[set[str]]:
    """The files of a folder that are opened inside of `with`; known at its end."""
    global opened
    found: set[str] = set()
    opened = []
    try:
        yield found
        found |= {name for name in opened if name.startswith(str(folder))}
    finally:
        opened = None


@pytest.fixture(params=formats.FORMATS, ids=lambda known: known.name)
def known(request: pytest.FixtureRequest) -> Format:
    return request.param


def written(folder: Path, known: Format) -> tuple[Path, Path]:
    """A folder with a log in this format, called otherwise, and a file that is none; the folder, the log's file."""
    files, named = {**SAMPLES, **DIVIDED}[known.name]
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "notes.txt").write_text("no log at all")
    return folder, folder / named


@pytest.mark.parametrize("whole", [True, False], ids=["folder", "file"])
def test_a_format_names_every_file_that_it_reads(tmp_path: Path, known: Format, whole: bool) -> None:
    folder, file = written(tmp_path / "data", known)
    source = folder if whole and known.name not in BY_FILE else file
    with files_opened(folder) as read:
        if known.name in DIVIDED:
            with contextlib.suppress(SourceError):
                load(str(source), root=tmp_path, options=Options(given=True))
        else:
            assert load(str(source), root=tmp_path).n_events > 0
    named = {str(path) for path in known.files_of(source)}
    assert read and read <= named
    assert str(folder / "notes.txt") not in named


def test_what_is_no_log_has_no_files(tmp_path: Path, known: Format) -> None:
    (tmp_path / "notes.txt").write_text("no log at all")
    for path in (tmp_path, tmp_path / "notes.txt", tmp_path / "nowhere"):
        assert known.files_of(path) == ()


def test_a_log_is_known_by_its_name(tmp_path: Path, known: Format) -> None:
    _, file = written(tmp_path / "data", known)
    assert not known.suffixes or file.name.endswith(log_suffixes())
    assert known.described in described_sources()


def test_a_folder_that_cannot_be_listed_has_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: Path) -> Iterator[Path]:
        raise PermissionError("not yours")

    monkeypatch.setattr(Path, "iterdir", refuse)
    monkeypatch.setattr("os.scandir", refuse)
    assert files_of(".", root=tmp_path) == ()


def test_the_built_in_shop_has_no_files_unless_one_is_called_so(tmp_path: Path, known: Format) -> None:
    assert files_of("shop-micro", root=tmp_path) == ()
    written(tmp_path / "shop-micro", known)
    assert (files_of("shop-micro", root=tmp_path) != ()) is (known.name not in BY_FILE)
    assert all("users" in sentence for sentence in built_in().values())


def test_describing_sources_loads_nothing_heavy() -> None:
    code = (
        "import sys, seeds.loading as s, seeds.new as n, evolution.repo.held_out, evolution.repo.new_repo;"
        "s.described_sources(), s.built_in(), s.log_suffixes(), s.files_of('.', root=__import__('pathlib').Path('.')), n.all_seeds();"
        "print([name for name in ('numpy', 'polars', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_table_of_formats_has_a_row_for_each(known: Format) -> None:
    table = (Path(__file__).parents[2] / "docs" / "data.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| {re.escape(known.name)}\b", table, re.MULTILINE)
