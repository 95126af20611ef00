"""`recommend` and `export`: results in the log's own ids, in files that replace nothing by accident."""

import csv
import json

import polars as pl
import pytest

from evolution.base.errors import UsageError
from evolution.base.new_files import write_new
from evolution.jobs.asked_users import read_asked_users
from evolution.jobs.list_files import SUFFIXES
from evolution.repo.config import read_config
from seeds.loading import load
from server.cli.exporting import COLUMNS

OF_LOG = {"ann", "bob", "007"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("asked.txt", "bob\n 007 \nzoe\nbob\n"),
        ("asked.csv", "n,who\n1,bob\n2,007\n3,zoe\n"),
        ("asked.csv", "bob\n007\nzoe\n"),
        ("asked.tsv", "who\tage\nbob\t7\n007\t8\nzoe\t9\n"),
        ("asked.jsonl", '{"id": "bob"}\n{"id": "007"}\n{"id": "zoe"}\n'),
    ],
)
def test_users_are_read_from_the_column_that_names_most_of_them(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    asked = read_asked_users(tmp_path / name, OF_LOG)
    assert asked.known == ("bob", "007") and asked.unknown == ("zoe",)


def test_users_are_read_from_parquet(tmp_path):
    pl.DataFrame({"n": [1, 2], "who": ["ann", "zoe"]}).write_parquet(tmp_path / "asked.parquet")
    asked = read_asked_users(tmp_path / "asked.parquet", OF_LOG)
    assert asked.known == ("ann",) and asked.unknown == ("zoe",)


def test_a_file_that_names_nobody_is_wrong_use(tmp_path):
    (tmp_path / "asked.txt").write_text("1\n2\n")
    with pytest.raises(UsageError, match="names no user of the log, such as '1'"):
        read_asked_users(tmp_path / "asked.txt", OF_LOG)
    with pytest.raises(UsageError, match="No such file"):
        read_asked_users(tmp_path / "absent.txt", OF_LOG)


def test_a_file_is_written_whole_or_not_at_all_and_replaces_none(tmp_path):
    path = tmp_path / "lists.csv"

    def breaks(draft):
        draft.write_text("half")
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        write_new(path, breaks, force=False)
    assert not list(tmp_path.iterdir())
    write_new(path, lambda draft: draft.write_text("one"), force=False)
    with pytest.raises(UsageError, match="is there already"):
        write_new(path, lambda draft: draft.write_text("two"), force=False)
    assert path.read_text() == "one"
    write_new(path, lambda draft: draft.write_text("two"), force=True)
    assert [entry.name for entry in tmp_path.iterdir()] == ["lists.csv"] and path.read_text() == "two"


@pytest.mark.process
@pytest.mark.timeout(600)
def test_recommend_answers_in_the_logs_own_ids(evolverec, repo, tmp_path):
    assert evolverec("recommend", repo, "--out", tmp_path / "a.csv", "--trust", "--json").code == 2
    assert evolverec("train", repo, "--json").code == 0
    log = load(read_config(repo).data.source, root=repo)
    met = {log.user_names[user]: {log.item_names[i] for i in log.history(user)} for user in (1, 2)}
    (tmp_path / "users.txt").write_text("\n".join([*met, "nobody"]))
    lists = {}
    for suffix in SUFFIXES:
        out = tmp_path / f"lists{suffix}"
        said = evolverec(
            "recommend", repo, "--out", out, "--users", tmp_path / "users.txt", "-k", 3, "--json"
        )
        assert said.document["unknown"] == ["nobody"] and said.document["rows"] == 6
        lists[suffix] = out
    table = pl.read_parquet(lists[".parquet"])
    assert table.columns == ["user", "rank", "item", "score"] and table["rank"].to_list() == [1, 2, 3] * 2
    assert pl.read_csv(lists[".csv"])["item"].to_list() == table["item"].to_list()
    lines = [json.loads(line) for line in lists[".jsonl"].read_text().splitlines()]
    assert [line["user"] for line in lines] == list(met)
    assert all(not met[line["user"]] & set(line["items"]) for line in lines)

    again = evolverec("recommend", repo, "--out", lists[".csv"], "--json")
    assert again.code == 2 and "is there already" in again.err
    every = evolverec(
        "recommend", repo, "--out", lists[".csv"], "--seen", "-k", 100, "--force", "--json"
    ).document
    shown = pl.read_csv(lists[".csv"])
    assert every["users"] == log.n_users == shown["user"].n_unique()
    assert met[log.user_names[1]] & set(shown.filter(pl.col("user") == log.user_names[1])["item"])


def test_export_writes_what_the_store_holds(evolverec, repo, proposal, tmp_path):
    said = evolverec("export", repo, "--out", tmp_path / "tables", "--json").document
    read = {name: list(csv.DictReader((tmp_path / "tables" / f"{name}.csv").open())) for name in COLUMNS}
    assert {name: len(rows) for name, rows in read.items()} == said["tables"]
    assert [row["id"] for row in read["proposals"]] == [proposal.id]
    assert evolverec("export", repo, "--out", tmp_path / "tables").code == 2
    assert evolverec("export", repo, "--out", tmp_path / "tables", "--force").code == 0
