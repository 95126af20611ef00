"""Published data sets in their own encodings, separators and literals: what is read of each, and what is refused."""

import gzip
import json
import zipfile
from pathlib import Path

import numpy as np
import polars
import pytest

from seeds.errors import SourceError
from seeds.interactions import Interactions
from seeds.loading import Options, load
from seeds.split import Given, split

ML_ITEM = "{}|{}|01-Jan-1995||http://us.imdb.com/x|" + "0|0|0|1|1|1" + "|0" * 13 + "\n"


def written(folder: Path, **files: str | bytes) -> Path:
    for name, data in files.items():
        (folder / name.replace("__", ".")).write_bytes(data.encode() if isinstance(data, str) else data)
    return folder


def named(log: Interactions, user: str) -> list[str]:
    return [log.item_names[item] for item in log.history(log.user_names.index(user))]


def seconds(log: Interactions) -> list[int]:
    assert log.timestamps is not None
    return log.timestamps.tolist()


def test_movielens_100k(tmp_path: Path) -> None:
    written(
        tmp_path,
        u__data="196\t242\t3\t881250949\n196\t267\t1\t881250900\n22\t242\t4\t878887116\n",
        u__item=(
            ML_ITEM.format(242, "Mis\u00e9rables, Les (1995)") + "267|unknown||||1" + "|0" * 18 + "\n"
        ).encode("latin-1"),
        u1__base="196\t242\t3\t881250949\n196\t267\t3\t881250950\n22\t242\t4\t1\n22\t267\t4\t2\n",
        u1__test="196\t300\t1\t881250900\n22\t300\t1\t881250900\n",
    )
    log = load(".", root=tmp_path)
    columns, film, unknown = log.item_columns, log.item_names.index("242"), log.item_names.index("267")
    assert named(log, "196") == ["267", "242"] and log.n_events == 3
    assert columns.title[film] == "Les Mis\u00e9rables" and columns.title[unknown] == ""
    assert (
        columns.categories[film] == ("Animation", "Children's", "Comedy")
        and columns.categories[unknown] == ()
    )
    assert columns.other["year"][film] == 1995  # type: ignore[index]
    for source, options in (
        ("u1.base", Options(given=True)),
        (".", Options(given=True, parts={"train": "u1.base", "test": "u1.test"})),
    ):
        parts = split(load(source, root=tmp_path, options=options), Given())
        assert len(parts.test) == 2 and parts.training.n_events == 2


def test_movielens_1m_from_a_zip_in_latin_1(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "ml-1m.zip", "w") as archive:
        archive.writestr("ml-1m/README", "")
        archive.writestr("ml-1m/ratings.dat", "1::1193::5::978300760\r\n1::661::3.5::978302109\r\n")
        films = (
            "1193::City, The: A:B (Cit\u00e9) (1995)::Drama|War\r\n661::James (1996)::(no genres listed)\r\n"
        )
        archive.writestr("ml-1m/movies.dat", films.encode("latin-1"))
    log = load("ml-1m.zip", root=tmp_path)
    film = log.item_names.index("1193")
    assert log.item_columns.title[film] == "City, The: A:B (Cit\u00e9)"
    assert log.item_columns.categories[film] == ("Drama", "War") and log.ratings is not None
    assert log.ratings.tolist() == [5, 3.5] and seconds(log) == [978300760, 978302109]


def test_movielens_latest_has_commas_in_titles(tmp_path: Path) -> None:
    written(
        tmp_path,
        ratings__csv="userId,movieId,rating,timestamp\n1,1,4.0,964982703\n1,3,4.5,964981247\n",
        movies__csv='movieId,title,genres\n1,"American President, The (1995)",Comedy|Drama\n3,Clip,(no genres listed)\n',
        tags__csv="userId,movieId,tag,timestamp\n1,1,x,5\n",
        links__csv="movieId,imdbId,tmdbId\n1,01,2\n",
    )
    for source in (".", "ratings.csv"):
        log = load(source, root=tmp_path)
        assert named(log, "1") == ["3", "1"] and log.item_columns.title[1] == "The American President"
        assert log.item_columns.categories == ((), ("Comedy", "Drama"), ())
        assert log.report is not None and log.report.facts == 2


REVIEW_23 = {
    "rating": 5.0, "title": "t", "text": "a\nb", "images": [], "asin": "V1", "parent_asin": "P1", "user_id": "AE2",
    "timestamp": 1588687728923, "helpful_vote": 0, "verified_purchase": True,
}  # fmt: skip


def test_amazon_2023_reviews_know_items_by_parent(tmp_path: Path) -> None:
    meta = [
        {"main_category": "All", "title": "Thing", "average_rating": 4.8, "rating_number": 10, "price": "$1,200.00", "store": "S",
         "categories": ["A", "B"], "details": {"x": 1}, "parent_asin": "P1"},
        {"title": "Other", "price": None, "store": None, "categories": [], "parent_asin": "P2"},
        {"title": "Third", "price": 9.5, "categories": [], "parent_asin": "P3"},
    ]  # fmt: skip
    reviews = [
        REVIEW_23,
        REVIEW_23 | {"parent_asin": "P3", "timestamp": 1588687728000},
        REVIEW_23 | {"parent_asin": "P4"},
    ]
    lines = "".join(json.dumps(review) + "\n" for review in reviews)
    written(
        tmp_path,
        All_Beauty__jsonl__gz=gzip.compress(lines.encode()),
        meta_All_Beauty__jsonl="".join(json.dumps(item) + "\n" for item in meta),
    )
    log = load(".", root=tmp_path)
    columns, names = log.item_columns, log.item_names
    assert named(log, "AE2") == ["P3", "P1", "P4"] and seconds(log) == [1588687728] * 3
    assert columns.title[names.index("P1")] == "Thing" and columns.price[names.index("P1")] == 1200
    assert columns.price[names.index("P3")] == 9.5 and columns.store[names.index("P3")] == ""
    assert columns.categories[names.index("P1")] == ("A", "B")
    assert "average_rating" not in columns.other and log.report is not None and log.report.facts == 2


def test_amazon_2023_benchmark_comes_divided(tmp_path: Path) -> None:
    head = "user_id,parent_asin,rating,timestamp,history\n"
    written(
        tmp_path,
        Books__train__csv=head + "u,a,5.0,1500000000000,\nu,b,4.0,1500000001000,a\n",
        Books__valid__csv=head + "u,c,4.0,1500000002000,a b\n",
        Books__test__csv=head + "u,d,4.0,1500000003000,a b c\n",
    )
    parts = split(load(".", root=tmp_path, options=Options(given=True)), Given())
    assert len(parts.test) == 1 and parts.test.items.tolist() == [1, 2, 3]
    (tmp_path / "Games.test.csv").write_text(head + "u,d,4.0,1500000003000,\n")
    with pytest.raises(SourceError, match="one data set"):
        load(".", root=tmp_path, options=Options(given=True))


def test_amazon_2014_metadata_are_python_literals(tmp_path: Path) -> None:
    written(
        tmp_path,
        ratings_Books__csv="A1,000100039X,5.0,1355616000\nA1,0002,3.0,1071100800\n",
        meta_Books__json="{'asin': '000100039X', 'title': \"It's\", 'price': 7.5, 'categories': [['Books', 'Old']], "
        "'salesRank': {'Books': 3}, 'brand': ''}\n{'asin': '0002', 'title': __import__('os')}\n",
    )
    log = load("ratings_Books.csv", root=tmp_path)
    item = log.item_names.index("000100039X")
    assert named(log, "A1") == ["0002", "000100039X"]
    assert log.item_columns.title[item] == "It's" and log.item_columns.categories[item] == ("Books", "Old")
    assert log.item_columns.price[item] == 7.5 and log.report is not None and log.report.facts == 1, (
        "code is no value"
    )


def test_amazon_2018_reviews(tmp_path: Path) -> None:
    review = {"overall": 5.0, "verified": True, "reviewTime": "09 13, 2009", "reviewerID": "A1", "asin": "01", "style": {"F": "x"},
              "reviewText": "t", "summary": "s", "unixReviewTime": 1252800000}  # fmt: skip
    meta = {
        "category": ["Books", "New"],
        "title": "T",
        "brand": "B",
        "price": ".a-section { color: red }" * 9,
        "asin": "01",
    }
    written(
        tmp_path,
        Books_5__json__gz=gzip.compress((json.dumps(review) + "\n").encode() * 2),
        meta_Books__json__gz=gzip.compress((json.dumps(meta) + "\n").encode() * 2),
    )
    log = load("Books_5.json.gz", root=tmp_path)
    assert log.n_events == 2 and log.item_columns.categories[1] == ("Books", "New")
    assert log.item_columns.store[1] == "B" and np.isnan(log.item_columns.price[1])
    assert log.report is not None and log.report.duplicates == 1 and log.report.tied == 1


def test_yelp_leaves_out_what_all_reviews_made(tmp_path: Path) -> None:
    written(
        tmp_path,
        yelp_academic_dataset_review__json='{"review_id":"r","user_id":"u","business_id":"b","stars":4.0,"useful":0,'
        '"text":"x","date":"2011-10-05 22:14:00"}\n{"user_id":"u","business_id":"c","stars":2.0,"date":"2011-10-04 00:00:00"}\n',
        yelp_academic_dataset_business__json='{"business_id":"b","name":"Bar","city":"C","stars":4.5,"review_count":9,'
        '"is_open":1,"categories":"Bars, Night Life"}\n{"business_id":"c","name":"D","categories":null}\n',
    )
    log = load(".", root=tmp_path)
    assert named(log, "u") == ["c", "b"] and seconds(log)[1] == 1317852840, (
        "a time without a zone is UTC on every machine"
    )
    item = log.item_names.index("b")
    assert (
        log.item_columns.categories[item] == ("Bars", "Night Life") and log.item_columns.title[item] == "Bar"
    )
    assert set(log.item_columns.other) == {"city", "state", "is_open"} - (
        {"state"} - set(log.item_columns.other)
    )


def test_gowalla_repeats_and_is_told_so(tmp_path: Path) -> None:
    lines = "0\t2010-10-19T23:55:27Z\t30.23\t-97.79\t22847\n0\t2010-10-18T22:17:43Z\t30.26\t-97.76\t22847\n"
    log = load(
        ".", root=written(tmp_path, **{"loc-gowalla_totalCheckins__txt__gz": gzip.compress(lines.encode())})
    )
    assert named(log, "0") == ["22847"] * 2 and seconds(log)[1] == 1287532527
    assert log.report is not None and log.report.repeats == 1


def test_lightgcn_files_have_a_split_and_no_order(tmp_path: Path) -> None:
    written(tmp_path, train__txt="0 1 2 3\n1 2 3 \n2\n", test__txt="0 4\n1 1 4\n2 1\n")
    log = load(".", root=tmp_path, options=Options(given=True))
    parts = split(log, Given())
    assert parts.training.n_events == 3 and len(parts.test) == 2
    with pytest.raises(SourceError, match="no order"):
        load(".", root=tmp_path)
    (tmp_path / "train.txt").write_text("0 1 2\n1 2,3\n")
    with pytest.raises(SourceError, match=r"train\.txt:2: expected a user and items"):
        load(".", root=tmp_path, options=Options(given=True))


def test_the_text_of_sasrec_is_in_the_order_of_time(tmp_path: Path) -> None:
    log = load("ml-1m.txt", root=written(tmp_path, **{"ml-1m__txt": "1 5\n1 3\n1 4\n2 3\n"}))
    assert named(log, "1") == ["5", "3", "4"] and log.timestamps is None
    assert log.report is not None and "order of the lines" in log.report.notes[0]


def test_lastfm_has_no_last_event(tmp_path: Path) -> None:
    written(
        tmp_path,
        user_artists__dat="userID\tartistID\tweight\n2\t51\t13883\n2\t52\t11690\n",
        artists__dat='id\tname\turl\tpictureURL\n51\tDuran "D" Duran\tu\tp\n',
    )
    with pytest.raises(SourceError, match="without the time of any"):
        load(".", root=tmp_path)


def test_steam_is_known_by_user_names_and_bad_lines_are_counted(tmp_path: Path) -> None:
    line = "{{u'username': u'Chaos \\xe9', u'hours': 0.1, u'product_id': u'{}', u'date': u'{}', u'text': u'a', u'found_funny': None}}\n"
    lines = "".join(line.format(n, f"2017-12-{n:02}") for n in range(30, 9, -1)) + "{u'username': u'cut\n"
    written(
        tmp_path,
        steam_reviews__json=lines,
        steam_games__json="{u'app_name': u'Game', u'genres': [u'Action', u'RPG'], u'price': u'Free To Play', u'id': u'10'}\n",
    )
    log = load(".", root=tmp_path)
    assert (
        log.user_names == ("", "Chaos \u00e9")
        and log.n_events == 21
        and named(log, "Chaos \u00e9")[0] == "10"
    )
    assert log.item_columns.categories[log.item_names.index("10")] == ("Action", "RPG")
    assert log.report is not None and log.report.dropped[0].reason == "not a Python dict"


def test_rectools_frames(tmp_path: Path) -> None:
    polars.DataFrame(
        {"user_id": [1, 1], "item_id": [7, 8], "weight": [1.0, 3.0], "datetime": ["2021-05-11", "2021-05-10"]}
    ).with_columns(polars.col("datetime").str.to_datetime("%Y-%m-%d")).write_parquet(
        tmp_path / "interactions.parquet"
    )
    written(tmp_path, item_features__csv="id,feature,value\n7,genre,drama\n7,genre,war\n8,country,us\n")
    log = load(".", root=tmp_path)
    assert named(log, "1") == ["8", "7"] and log.ratings is not None and log.ratings.tolist() == [3, 1]
    assert log.item_columns.categories[log.item_names.index("7")] == ("drama", "war")
    assert log.item_columns.other["country"][log.item_names.index("8")] == "us"


def test_a_hugging_face_folder_of_shards(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    shards = {"train-00000-of-00002": [("a", "x", 1), ("a", "y", 2)], "train-00001-of-00002": [("b", "x", 1), ("b", "y", 3)],
              "validation-00000-of-00001": [("a", "z", 3)], "test-00000-of-00001": [("a", "w", 4)]}  # fmt: skip
    for name, rows in shards.items():
        frame = polars.DataFrame(rows, schema=["user_id", "item_id", "timestamp"], orient="row")
        frame.with_columns(polars.col("user_id").cast(polars.Categorical)).write_parquet(
            tmp_path / "data" / f"{name}.parquet"
        )
    assert load(".", root=tmp_path).n_events == 6
    parts = split(load(".", root=tmp_path, options=Options(given=True)), Given())
    assert parts.training.n_events == 4 and len(parts.test) == 1 and len(parts.test.history(0)) == 3


def test_lists_of_events_in_parquet_become_events(tmp_path: Path) -> None:
    frame = polars.DataFrame({"user": ["a", "b"], "item_id": [["x", "y"], ["z"]], "timestamp": [[1, 2], [3]]})
    frame.write_parquet(tmp_path / "log.parquet")
    assert named(load("log.parquet", root=tmp_path), "a") == ["x", "y"]
