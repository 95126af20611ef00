"""Repos that hold pipes, devices, links out, endless files and deep folders where files belong: reading them ends soon.

The server's answers on such repos are held in tests/server/test_hostile_repos.py.
"""

import json
import subprocess
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from evolution.base.errors import EvolverecError, RepoError
from evolution.base.places import job_folder
from evolution.coevolution.files import load_probes
from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.jobs import control
from evolution.repo import listing
from evolution.repo.config import read_config
from evolution.repo.held_out import stated_source
from evolution.repo.ownership import ensure_store_folder, is_ours
from evolution.repo.programs import Programs
from evolution.store.store import Store
from seeds.reading import NotPlain, parse_json, parse_toml, read_bytes, read_text, walk
from server.cli.main import run
from server.shown.repo_files import code_files, functions, logs_below, module_file, named_source
from tests.hostile import NO_FILES, endless, link_out, mark_as_ours, pipe

CONFIG = '[recommender]\nentry = "model:build"\n\n[data]\nsource = "shop-micro"\n'
MODEL = "def build(data, *, device, seed):\n    return None\n"
SOON_S = 20.0  # on a busy machine; each of these takes a fraction of a second on an idle one


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    root = tmp_path / "repo"
    root.mkdir()
    (root / "evolverec.toml").write_text(CONFIG, encoding="utf-8")
    (root / "model.py").write_text(MODEL, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


Nest = Callable[..., None]
every_kind = pytest.mark.parametrize("kind", NO_FILES)


@every_kind
@pytest.mark.parametrize("folder", [".", "inner/deep"])
def test_attributes_that_git_would_wait_for_are_named(repo: Path, kind: str, folder: str) -> None:
    (repo / folder).mkdir(parents=True, exist_ok=True)
    (repo / folder / "module.py").write_text("X = 1\n")
    NO_FILES[kind](repo / folder / ".gitattributes")
    try:
        Programs.open(repo).snapshot()
    except RepoError as refused:
        assert "expected a plain file" in str(refused) and refused.path.endswith(".gitattributes")


@every_kind
@pytest.mark.parametrize("name", ["config.toml", "trusted.json", "consents.json", "machine"])
def test_settings_that_are_no_files_hang_nothing(
    repo: Path, own_configuration: Path, capsys: pytest.CaptureFixture[str], kind: str, name: str
) -> None:
    (own_configuration / name).unlink(missing_ok=True)
    NO_FILES[kind](own_configuration / name)
    assert run(["train", str(repo), "--json"]) in (1, 2)
    said = capsys.readouterr().err
    assert "--trust" in said or name in said


@every_kind
def test_what_is_no_plain_file_of_the_repo_is_not_read(repo: Path, kind: str) -> None:
    NO_FILES[kind](repo / "file")
    with pytest.raises(OSError) as refused:
        read_bytes(repo / "file", most=1000, inside=repo)
    assert refused.value.strerror


def test_a_link_inside_the_repo_is_followed_and_one_out_of_it_is_refused(repo: Path) -> None:
    (repo / "inner").symlink_to("model.py")
    assert read_text(repo / "inner", most=1000, inside=repo) == MODEL
    (repo.parent / "secret").write_text("x")
    (repo / "above").symlink_to("..")
    with pytest.raises(NotPlain, match="leads out of"):
        read_text(repo / "above" / "secret", most=1000, inside=repo)


def test_a_file_is_read_up_to_its_limit_and_no_further(repo: Path) -> None:
    (repo / "file").write_bytes(b"x" * 1001)
    assert len(read_bytes(repo / "file", most=1001)) == 1001
    with pytest.raises(NotPlain, match="larger than 1,000 bytes"):
        read_bytes(repo / "file", most=1000)


def test_a_walk_ends_in_folders_without_end(repo: Path, nested: Nest) -> None:
    nested(repo / "deep")
    (repo / "again").symlink_to(".")
    assert {path.name for path in walk(repo / "deep")} == set()
    assert code_files(repo) == ["model.py"]
    assert len(list(walk(repo, most=3))) <= 3


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 30_000, "a = " + "{x=" * 20_000, ".".join("a" * 30_000) + " = 1", "a = " + "9" * 5000],
    ids=["lists", "tables", "dotted key", "digits"],
)
def test_deep_toml_is_an_error_of_its_own_file(repo: Path, text: str) -> None:
    started = time.monotonic()
    with pytest.raises(tomllib.TOMLDecodeError):
        parse_toml(text)
    (repo / "evolverec.toml").write_text(text)
    with pytest.raises(RepoError, match="not valid TOML"):
        read_config(repo)
    assert stated_source(repo) is None
    assert time.monotonic() - started < SOON_S


def test_deep_json_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json("[" * 100_000)


@every_kind
def test_what_stands_for_the_config_is_named(repo: Path, kind: str) -> None:
    NO_FILES[kind](repo / "evolverec.toml")
    with pytest.raises(RepoError, match=r"^evolverec\.toml: "):
        read_config(repo)


@every_kind
def test_a_command_on_such_a_config_ends_with_a_message(
    repo: Path, kind: str, capfd: pytest.CaptureFixture[str]
) -> None:
    NO_FILES[kind](repo / "evolverec.toml")
    assert run(["check", str(repo)]) == 1
    said = capfd.readouterr()
    assert "evolverec.toml: " in said.err
    assert "Traceback" not in said.err
    assert run(["runs", str(repo)]) == 0


@every_kind
def test_source_files_that_are_none_do_not_keep_the_others_from_being_read(repo: Path, kind: str) -> None:
    NO_FILES[kind](repo / "other.py")
    assert [function.entry for function in functions(repo)] == ["model:build"]
    stored = Programs.open(repo)
    assert set(stored.sources(stored.snapshot().tree)) == {"model.py"}


@every_kind
def test_a_mark_that_is_none_makes_no_store_ours(repo: Path, kind: str) -> None:
    (repo / ".evolverec").mkdir()
    (repo / ".evolverec" / "store.sqlite").write_bytes(b"forged")
    NO_FILES[kind](repo / ".evolverec" / "mark")
    assert not is_ours(repo)
    assert Store.open_existing(repo) is None
    with Store.open(repo) as store:  # moves away what came with the repo
        assert store.trials() == []
    assert is_ours(repo)


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "link out"])
def test_a_store_that_is_no_file_is_put_aside(repo: Path, kind: str) -> None:
    ensure_store_folder(repo)
    NO_FILES[kind](repo / ".evolverec" / "store.sqlite")
    with Store.open(repo) as store:
        assert store.trials() == []
    assert list((repo / ".evolverec").glob("store.damaged-*"))


def test_records_of_another_shape_are_not_stored(repo: Path) -> None:
    with Store.open(repo) as store:
        for table, columns in (
            ("personas", "'t', 'llm', 1.0, x'00'"),
            ("literature", "'s', 'q', 5, 1.0, '[{\"title\": [1]}]'"),
            ("test_reads", "'t', 1.0, '" + "[" * 5000 + "'"),
        ):
            store._db.execute(f"insert into {table} values ({columns})")
        assert store.personas("t", "llm") == []
        assert store.literature("s", "q", 5) is None
        assert store.test_reads("t") == []


@pytest.mark.parametrize("kind", ["pipe", "device", "socket", "link out", "folder"])
def test_events_that_are_no_file_of_the_job_are_none(repo: Path, kind: str) -> None:
    ensure_store_folder(repo)
    NO_FILES[kind](job_folder(repo, "train-1") / control.EVENTS)
    assert control.read_events(repo, "train-1", 0) == ([], 0)


def test_lines_that_hold_no_event_are_skipped(repo: Path) -> None:
    good = json.dumps({"t": 1.0, "type": "log", "message": "x"}).encode()
    folder = job_folder(repo, "train-1")
    folder.mkdir(parents=True)
    (folder / control.EVENTS).write_bytes(b"\0\0\n" + b"[" * 100_000 + b"\n" + good + b"\n{half")
    events, offset = control.read_events(repo, "train-1", 0)
    assert [event.message for event in events] == ["x"]
    assert offset == 100_000 + len(good) + 5


@pytest.mark.process  # deletes with `rm`
def test_folders_that_a_job_left_nested_deeply_do_not_brick_the_repo(repo: Path, nested: Nest) -> None:
    job = JobRecord(
        id="train-1",
        kind=JobKind.TRAIN,
        state=JobState.RUNNING,
        pid=2**22 - 1,
        pid_started=1.0,
        created_at=1.0,
        params={},
    )
    with Store.open(repo) as store:
        store.put_job(job)
    nested(job_folder(repo, "train-1") / "scratch", 1100)
    nested(repo / ".evolverec" / "trials" / "t" / "work", 100)
    assert control.reconcile(repo) == []
    assert not (job_folder(repo, "train-1") / "scratch").exists()
    assert not (repo / ".evolverec" / "trials" / "t" / "work").exists()


def test_deep_folders_and_links_out_are_named(repo: Path, nested: Nest) -> None:
    nested(repo / "deep")
    link_out(repo / "named.py")
    snapshot = Programs.open(repo).snapshot()
    assert "folders deep" in snapshot.left_out["deep/d/d/..."]
    assert "leads out of the repo" in snapshot.left_out["named.py"]
    assert "named.py" not in Programs.open(repo).sources(snapshot.tree)


@pytest.mark.parametrize("name", [".git/index", ".git/config", ".git/HEAD", ".gitignore"])
def test_git_is_not_left_waiting(repo: Path, name: str) -> None:
    pipe(repo / name)
    with pytest.raises(RepoError, match=rf"^{name}: is a named pipe"):
        Programs.open(repo).snapshot()


def test_git_that_waits_nevertheless_is_stopped(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pipe(repo / "included")
    with (repo / ".git" / "config").open("a") as config:
        config.write("[include]\n\tpath = ../included\n")
    monkeypatch.setattr(listing, "GIT_LIMIT_S", 0.5)
    with pytest.raises(RepoError, match="did not list the files"):
        Programs.open(repo).snapshot()


def test_a_damaged_folder_of_programs_is_put_aside(repo: Path) -> None:
    bare = repo / ".evolverec" / "programs.git"
    tree = Programs.open(repo).snapshot().tree
    pipe(bare / "HEAD")
    assert Programs.open(repo).snapshot().tree == tree
    (bare / "objects" / "info").mkdir(exist_ok=True)
    (bare / "objects" / "info" / "alternates").write_text("/elsewhere\n")
    assert Programs.open(repo).snapshot().tree == tree
    assert len(list(bare.parent.glob("programs.damaged-*"))) == 2


def test_submodules_are_part_of_a_program_or_named(repo: Path, tmp_path: Path) -> None:
    inner = repo / "library"
    subprocess.run(["git", "init", "-q", str(inner)], check=True)
    (inner / "layer.py").write_text("x = 1\n")
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "-C", str(inner), "add", "."], check=True)
    subprocess.run(["git", "-C", str(inner), *identity, "commit", "-qm", "x"], check=True)
    subprocess.run(["git", "-C", str(repo), "add", "library"], check=True, capture_output=True)
    programs = Programs.open(repo)
    assert "library/layer.py" in programs.sources(programs.snapshot().tree)
    programs.check_out(programs.snapshot().tree, tmp_path / "out")
    assert (tmp_path / "out" / "library" / "layer.py").read_text() == "x = 1\n"

    (inner / "layer.py").unlink()
    (inner / ".git").rename(tmp_path / "gone")
    assert "git submodule update" in programs.snapshot().left_out["library"]


def test_probes_are_read_and_written_inside_the_repo_only(repo: Path) -> None:
    (repo / "probes").mkdir()
    for plant in (pipe, endless, link_out):
        plant(repo / "probes" / "x.py")
        with pytest.raises(RepoError, match=r"^probes/x\.py: "):
            load_probes(repo, consented=True)
    assert Programs.open(repo).snapshot().tree


@pytest.mark.parametrize("name", ["a" * 5000, "a\0b", "a/" * 3000])
def test_names_that_no_file_can_have_are_no_fault_of_ours(repo: Path, name: str) -> None:
    assert module_file(repo, name) is None
    assert named_source(repo, name) is None
    assert logs_below(repo, name) == []


def test_a_store_folder_that_is_none_is_named(repo: Path, tmp_path: Path) -> None:
    for plant in (pipe, endless, link_out):
        plant(repo / ".evolverec")
        with pytest.raises(EvolverecError, match="expected a folder"):
            Store.open(repo)
        assert Store.open_existing(repo) is None
        (repo / ".evolverec").unlink()


def test_a_store_marked_as_ours_by_this_machine_is_ours(repo: Path, own_configuration: Path) -> None:
    mark_as_ours(repo, own_configuration)
    assert is_ours(repo)
