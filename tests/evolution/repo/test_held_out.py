"""No file that a loader reads is part of a program or of a worker's copy, in whatever format the log is kept."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evolution.repo.config import DataSection
from evolution.repo.held_out import HeldOut, held_out, stated_source
from evolution.repo.programs import Programs
from evolution.trials.workspace import copy_program

CONFIG = '[recommender]\nentry = "model:build"\n\n[data]\nsource = "{}"\n'


@pytest.fixture
def repo(bench) -> Path:
    """A repo with code, notes, and logs in two formats, one of which only this test knows."""
    for name in ("log.inter", "log.item", "log.jsonl", "shards/a", "data/own.jsonl", "data/shards/b"):
        bench.write("u\ti\t1\n", name)
    for name in ("model.py", "log.py", "notes.txt", "data/prepare.py"):
        bench.write("x = 1\n", name)
    return bench.repo


def write_config(repo: Path, source: str) -> None:
    (repo / "evolverec.toml").write_text(CONFIG.format(source))


def in_program(repo: Path) -> set[str]:
    programs = Programs.open(repo)
    return set(programs.files(programs.snapshot().tree)) - {"evolverec.toml"}


def in_workers_copy(bench, source: str, checkout: Path) -> set[str]:
    request = bench.request()
    config = request.config.model_copy(update={"data": DataSection(source=source)})
    target = bench.repo.parent / f"copy-{len(list(bench.repo.parent.iterdir()))}"
    copy_program(replace(request, config=config, checkout=checkout), target)
    files = (path for path in target.rglob("*") if path.is_file())
    return {path.relative_to(target).as_posix() for path in files} - {"evolverec.toml"}


CODE = {"model.py", "log.py", "notes.txt", "data/prepare.py"}
ATOMIC = {"log.inter", "log.item"}
LINES = {"log.jsonl", "shards/a"}
IN_DATA = {"data/own.jsonl", "data/shards/b"}


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ("log.inter", CODE | LINES | IN_DATA),
        ("log.jsonl", CODE | ATOMIC | IN_DATA),
        ("./data/../log.jsonl", CODE | ATOMIC | IN_DATA),
        ("data/own.jsonl", CODE | ATOMIC | LINES),
        ("data", (CODE | ATOMIC | LINES) - {"data/prepare.py"}),
        (".", CODE | LINES | IN_DATA),  # of a folder with two formats, the first is read
        ("shop-micro", CODE | ATOMIC | LINES | IN_DATA),
    ],
)
def test_what_the_loader_reads_is_in_no_program_and_in_no_workers_copy(bench, repo, jsonl, source, kept):
    write_config(repo, source)
    assert in_program(repo) == kept
    assert in_workers_copy(bench, source, repo) == kept


def test_a_format_that_is_added_is_held_out_where_the_whole_repo_is_the_source(bench, repo, jsonl):
    for name in ATOMIC:
        (repo / name).unlink()
    write_config(repo, ".")
    assert in_program(repo) == CODE | IN_DATA
    assert in_workers_copy(bench, ".", repo) == CODE | IN_DATA


def test_an_older_version_that_holds_a_log_is_copied_without_it(bench, repo, jsonl, tmp_path):
    """The log was an ordinary file when that version was stored; the source has been set to the repo since."""
    old = tmp_path / "old"
    for name in ("model.py", "old.inter"):
        bench.write("x = 1\n", f"../old/{name}")
    for name in ATOMIC:
        (repo / name).unlink()
    assert in_workers_copy(bench, ".", old) == {"model.py"}


def test_a_link_to_a_log_is_held_out_with_what_it_leads_to(bench, repo):
    (repo / "link.inter").symlink_to("log.inter")
    write_config(repo, "link.inter")
    assert not in_program(repo) & {"link.inter", "log.inter"}
    assert not in_workers_copy(bench, "link.inter", repo) & {"link.inter", "log.inter"}


def test_while_the_config_cannot_be_read_nothing_that_may_be_a_log_becomes_part_of_a_program(repo, jsonl):
    (repo / "evolverec.toml").write_text("[data\nsource = ")
    assert stated_source(repo) is None
    assert not in_program(repo) & {"log.inter", "log.jsonl", "data/own.jsonl"}
    assert in_program(repo) >= CODE


def test_what_stays_hidden_in_the_sandbox_are_all_files_of_the_data(bench, repo, jsonl):
    from evolution.trials.interpreter import interpreter_at
    from evolution.trials.workspace import _secrets_of

    config = bench.request().config.model_copy(update={"data": DataSection(source="../outside/log.jsonl")})
    for name in ("log.jsonl", "shards/a"):
        bench.write("u\n", f"../outside/{name}")
    hidden = {
        path.resolve()
        for path in _secrets_of(replace(bench.request(), config=config), interpreter_at(Path(sys.executable)))
    }
    outside = repo.parent / "outside"
    assert {outside / "log.jsonl", outside / "shards" / "a"} <= hidden


NAMES = st.lists(
    st.sampled_from(["a", "b.inter", "..", ".", "shop-micro", "~nobody", "\0", "data"]), max_size=4
)


@given(NAMES.map("/".join))
def test_any_source_can_be_asked_about(tmp_path_factory, source):
    repo = tmp_path_factory.mktemp("repo")
    found = held_out(repo, source, repo)
    assert "." not in found.paths and not any(path.startswith("..") for path in found.paths)


def test_what_is_held_out_covers_folders_whole_and_no_name_alike():
    found = HeldOut(paths=frozenset({"data/raw", "log.inter"}))
    assert all(found.holds(path) for path in ("data/raw", "data/raw/x/y", "log.inter"))
    assert not any(found.holds(path) for path in ("data", "data/raw2", "log.inter2", "x/log.inter"))
