"""Copies of the log in a repo, in every form in which they lie about, reach no worker and no program; other files do."""

import gzip
import io
import json
import os
import pickle
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evolution.domain.trial import TrialStatus
from evolution.repo.copies.log_index import LogIndex, index_of
from evolution.repo.copies.looking import copy_of_the_log
from evolution.repo.programs import Programs
from evolution.store.remarks import remarks
from evolution.trials.interpreter import interpreter_at
from evolution.trials.program_copy import copies_beside, copy_program
from seeds.interactions import Interactions
from seeds.loading import load
from tests.adversarial.copies import COPIES, Event, events_of
from tests.conftest import ROOT

CONFIG = '[recommender]\nentry = "model:build"\n\n[data]\nsource = "shop-micro"\n'


@pytest.fixture(scope="session")
def log() -> Interactions:
    return load("shop-micro", root=Path())


@pytest.fixture(scope="session")
def events(log: Interactions) -> list[Event]:
    return events_of(log)


@pytest.fixture(scope="session")
def index(log: Interactions) -> LogIndex:
    return index_of(log)


def place(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_of_the_log_is_known_by_what_stands_in_it(tmp_path, events, index, name):
    assert "events of the log" in copy_of_the_log(place(tmp_path, name, COPIES[name](events)), index)


def test_a_copy_is_known_also_where_ids_are_words(tmp_path, log, events):
    """Names of a shop in another order of ids, with blanks in them."""
    users = ("", *(f"Person {n} of {n % 7}" for n in range(log.n_users, 0, -1)))
    items = ("", *(f"B0{n:05}X" for n in range(log.n_items, 0, -1)))
    named = replace(log, user_names=users, item_names=items)
    copied = events_of(named)
    for name in ("ratings.csv", "quoted.csv", "log.sqlite", "pretty.json", "shuffled.tsv"):
        assert copy_of_the_log(place(tmp_path, name, COPIES[name](copied)), index_of(named)), name


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("log.7z", b"7z\xbc\xaf\x27\x1c"),
        ("log.zst", b"\x28\xb5\x2f\xfd"),
        ("log.parquet", b"PAR1"),
        ("log.sqlite", b"SQLite format 3\0"),
        ("log.zip", b"PK\x03\x04"),
    ],
)
def test_what_cannot_be_looked_into_is_withheld_and_says_so(tmp_path, index, name, mark):
    noise = np.random.default_rng(0).bytes(2000)
    assert "cannot be looked into" in copy_of_the_log(place(tmp_path, name, mark + noise), index)


def _saved(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def innocent(log: Interactions) -> dict[str, bytes]:
    """Files that recommender repos have, none of them a copy: by name."""
    rng = np.random.default_rng(0)
    users, items = log.user_names[1:], log.item_names[1:]
    vectors = rng.normal(size=(len(items), 16)).astype("f4")
    lines = [
        f"{item} " + " ".join(f"{value:.5f}" for value in row)
        for item, row in zip(items, vectors, strict=True)
    ]
    order = list(dict.fromkeys(item for _, item, _, _ in events_of(log)))
    ten = "\n".join(f"{user},{item},{rating}" for user, item, rating, _ in events_of(log)[:10])
    return {
        "embeddings.npy": _saved(vectors),
        "embeddings.txt": "\n".join(lines).encode(),
        "weights.pt": _zipped({"a/data.pkl": pickle.dumps({"w": 1}), "a/data/0": vectors.tobytes()}),
        "vectors.pkl": pickle.dumps(dict(zip(items, vectors.tolist(), strict=True))),
        "item2id.json": json.dumps({item: n for n, item in enumerate(order)}).encode(),
        "vocabulary.txt": "\n".join(order).encode(),
        "ids.json": json.dumps({"users": users, "items": items}).encode(),
        "items.tsv": "\n".join(
            f"{item}\tThing {n} (19{n % 100:02})\t{n % 9}\tA B" for n, item in enumerate(items)
        ).encode(),
        "users.csv": "\n".join(f"{user},{n % 60},M,{n % 20}" for n, user in enumerate(users)).encode(),
        "u.user": "\n".join(f"{n}|{n % 60}|M|{n * 7 % 99999:05}" for n in range(1, 400)).encode(),
        "u.item": "\n".join(
            f"{n}|Thing {n}|01-Jan-1995|{n % 2}|{n % 3}|{n % 5}" for n in range(1, 400)
        ).encode(),
        "neighbours.csv": "\n".join(",".join(rng.choice(items, 6)) for _ in range(400)).encode(),
        "random_pairs.csv": "\n".join(
            f"{rng.choice(users)},{rng.choice(items)}" for _ in range(2000)
        ).encode(),
        "range.npy": _saved(np.arange(5000)),
        "permutation.npy": _saved(rng.permutation(5000)),
        "grid.csv": "\n".join(f"{n},{n}" for n in range(300)).encode(),
        "matrix.csv": "\n".join(",".join(map(str, row)) for row in rng.integers(0, 300, (400, 8))).encode(),
        "image.png": b"\x89PNG\r\n\x1a\n" + rng.bytes(20_000),
        "noise.bin": rng.bytes(50_000),
        "labels.npy": _saved(rng.integers(0, 10, 5000)),
        "README.md": f"# Data\n\nA line is user, item, rating:\n\n{ten}\n".encode(),
        "notebook.ipynb": json.dumps(
            {"cells": [{"outputs": [{"text": ten.splitlines(True)}]}]}, indent=1
        ).encode(),
        "numbered.txt": "\n".join(f"{n:4} | x = {n}" for n in range(500)).encode(),
    }


def test_what_else_lies_in_a_repo_is_left_alone(tmp_path, log, index):
    told = {name: copy_of_the_log(place(tmp_path, name, data), index) for name, data in innocent(log).items()}
    assert {name: why for name, why in told.items() if why} == {}


def test_another_log_is_no_copy(tmp_path, index):
    rng = np.random.default_rng(1)
    popular = rng.zipf(1.3, 8000) % 180
    lines = "\n".join(
        f"{user}\t{item}" for user, item in zip(rng.integers(1, 300, 8000), popular, strict=True)
    )
    assert copy_of_the_log(place(tmp_path, "other.inter", lines.encode()), index) == ""


def test_no_file_of_our_own_repos_is_taken_for_a_copy(index):
    folders = ("tests/foreign", "tests/defects", "seeds", "docs", "tests/evolution/llm")
    below = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files = [path for path in below if path.is_file() and "__pycache__" not in path.parts]
    assert len(files) > 100
    assert {path.name: why for path in files if (why := copy_of_the_log(path, index))} == {}


@pytest.mark.parametrize("kind", ["pipe", "folder", "loop", "device", "nothing", "empty", "bomb"])
def test_looking_at_what_is_no_plain_file_ends_at_once(tmp_path, index, kind):
    path = tmp_path / "ratings.csv"
    make = {
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "loop": lambda: path.symlink_to(path),
        "device": lambda: path.symlink_to("/dev/zero"),
        "nothing": lambda: None,
        "empty": path.touch,
        "bomb": lambda: path.write_bytes(gzip.compress(bytes(50_000_000))),
    }
    make[kind]()
    assert copy_of_the_log(path, index) == ""


def in_program(repo: Path) -> set[str]:
    programs = Programs.open(repo)
    return set(programs.files(programs.snapshot().tree))


@pytest.mark.parametrize("exposed", [(), ("raw/*.dat",)])
def test_copies_are_in_no_program_unless_the_repo_exposes_them(bench, events, exposed):
    bench.write("x = 1\n")
    bench.write(CONFIG + f"exposed = {list(exposed)}\n", "evolverec.toml")
    for name in ("ratings.csv", "raw/u.data.dat", "log.parquet"):
        place(bench.repo, name, COPIES[name](events))
    copies = Programs.open(bench.repo).find_copies(bench.data.lookout)
    seen = {"raw/u.data.dat"} if exposed else set()
    assert set(copies.withheld) == {"ratings.csv", "raw/u.data.dat", "log.parquet"} - seen
    assert set(copies.exposed) == seen
    assert in_program(bench.repo) == {"model.py", "evolverec.toml"} | seen


def test_a_file_that_is_a_copy_no_longer_becomes_part_of_programs_again(bench, events):
    bench.write("x = 1\n")
    bench.write(CONFIG, "evolverec.toml")  # without one, whatever may be a log is held out
    programs, path = (
        Programs.open(bench.repo),
        place(bench.repo, "ratings.csv", COPIES["ratings.csv"](events)),
    )
    programs.find_copies(bench.data.lookout)
    assert "ratings.csv" not in in_program(bench.repo)
    path.write_text("nothing of the log\n")
    assert programs.find_copies(bench.data.lookout).withheld == {}
    assert "ratings.csv" in in_program(bench.repo)


def test_a_damaged_memory_of_what_was_seen_is_made_again(bench, events):
    bench.write(CONFIG, "evolverec.toml")
    place(bench.repo, "ratings.csv", COPIES["ratings.csv"](events))
    for text in ("", "[", '{"version": 1}', "[]"):
        bench.data.lookout._memory.write_text(text)
        fresh = replace(bench.data)
        assert set(Programs.open(bench.repo).find_copies(fresh.lookout).withheld) == {"ratings.csv"}


@pytest.mark.parametrize(
    "aim", ["{outside}", "../outside", "{repo}/model.py", "model.py", "here/../../outside"]
)
def test_links_that_lead_out_of_the_program_are_not_copied(bench, aim):
    outside = bench.repo.parent / "outside"
    place(outside, "ratings.csv", b"u,i\n" * 50)
    bench.write("x = 1\n")
    (bench.repo / "here").symlink_to(".")
    (bench.repo / "link").symlink_to(aim.format(outside=outside, repo=bench.repo))
    target = bench.repo.parent / "copy"
    copy_program(bench.request(), target)
    link = target / "link"
    if "model.py" in aim:
        assert link.resolve() == (target / "model.py").resolve()
    else:
        assert not os.path.lexists(link)


def test_copies_beside_a_log_among_installed_packages_are_hidden_too(bench, events, tmp_path):
    folder = tmp_path / "site-packages" / "recdata"
    log = place(folder, "log.inter", COPIES["log-old.inter"](events))
    copied = place(folder, "deep/ratings.csv", COPIES["ratings.csv"](events))
    place(folder, "items.txt", b"a b c\n" * 30)
    shown = [tmp_path / "site-packages"]
    assert set(copies_beside(bench.request(), [log], shown)) == {log, copied}
    assert copies_beside(bench.request(), [log], [tmp_path / "elsewhere"]) == []


LOOK = """
import json, os, re
import numpy as np

USERS, ITEMS = set({users}), set({items})


def seen():
    found = []
    for top in ("/evolverec", "/tmp", "/home", "/root", "/work", "/mnt", "/srv", "/opt", "/data", os.getcwd(), {home}):
        for folder, subfolders, files in os.walk(top):
            if "site-packages" in folder or "/lib/python" in folder:
                subfolders.clear()
                continue
            for name in files:
                path = os.path.join(folder, name)
                try:
                    if os.path.isfile(path) and os.path.getsize(path) < 20_000_000:
                        with open(path, encoding="utf-8", errors="ignore") as file:
                            lines = file.read().split("\\n")
                        words = [set(re.findall(r"[\\w-]+", line)) for line in lines[:400]]
                        if sum(bool(said & USERS and said & ITEMS) for said in words) > 30:
                            found.append(path)
                except OSError:
                    pass
    return sorted(set(found))


class Looker:
    def __init__(self, n):
        self.n = n

    def fit(self):
        print("SEEN", json.dumps([seen(), sorted(os.listdir("."))]))
        yield {{"loss": 1.0}}

    def score(self, users, histories):
        return np.random.default_rng(0).normal(size=(self.n, self.n)).astype("f4")[histories[:, -1]]


def build(data, *, device, seed):
    return Looker(data.n_items + 1)
"""


def seen_by_a_candidate(bench, trial) -> tuple[list[str], set[str]]:
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    text = (bench.request().folder / "worker.log").read_text()
    found, listed = json.loads(
        next(line for line in text.splitlines() if line.startswith("SEEN ")).removeprefix("SEEN ")
    )
    return found, set(listed)


@pytest.mark.process
@pytest.mark.parametrize("exposed", [(), ("*.csv",)])
def test_a_candidate_that_reads_all_it_can_finds_only_what_the_repo_exposes(
    bench, log, events, sandboxed, monkeypatch, exposed
):
    home = bench.repo.parent / "home"
    monkeypatch.setenv("HOME", str(home))
    for name in ("ratings.csv", "log-old.inter", "raw/u.data.dat", "log.sqlite", "ratings.csv.gz"):
        place(bench.repo, name, COPIES[name](events))
    place(home / "data", "log.inter", COPIES["log-old.inter"](events))
    os.link(home / "data" / "log.inter", bench.repo / "hard")
    (bench.repo / "folder").symlink_to(home / "data")
    request = bench.request()
    config = request.config.model_copy(
        update={
            "data": request.config.data.model_copy(update={"source": "~/data/log.inter", "exposed": exposed})
        }
    )
    monkeypatch.setattr(type(bench), "request", lambda self, **asked: replace(request, config=config))
    shown = log.user_names[1:], log.item_names[1:], str(home)
    trial = bench.run(LOOK.format(users=list(shown[0]), items=list(shown[1]), home=repr(shown[2])))
    found, listed = seen_by_a_candidate(bench, trial)
    assert [Path(path).name for path in found] == (["ratings.csv"] if exposed else [])
    assert listed - {"__pycache__", ".evolverec"} <= {
        "model.py",
        "raw",
        *(["ratings.csv"] if exposed else []),
    }
    told = " ".join(remarks(trial))
    assert "withheld from the model's code" in told
    assert ("the labels were not secret" in told) == bool(exposed)


def test_the_interpreters_own_folder_hides_a_log_that_lies_in_it(bench, events, tmp_path):
    from evolution.trials.workspace import _secrets_of

    interpreter = replace(interpreter_at(Path(sys.executable)), packages=(tmp_path / "site-packages",))
    source = place(tmp_path / "site-packages" / "shop", "log.inter", COPIES["log-old.inter"](events))
    twin = place(tmp_path / "site-packages" / "shop", "ratings.csv", COPIES["ratings.csv"](events))
    data = bench.request().config.data.model_copy(update={"source": str(source)})
    request = replace(bench.request(), config=bench.request().config.model_copy(update={"data": data}))
    assert {source, twin} <= set(_secrets_of(request, interpreter))


@pytest.mark.parametrize("exposed", [(), ("raw/*",)])
def test_doctor_and_the_editors_hover_say_what_was_withheld(bench, events, exposed):
    from server.cli.doctor import _repo
    from server.lsp.config_file import _meaning
    from server.lsp.config_text import place_at

    bench.write(CONFIG + f"exposed = {list(exposed)}\n", "evolverec.toml")
    for name in ("ratings.csv", "raw/u.data.dat"):
        place(bench.repo, name, COPIES[name](events))
    Programs.open(bench.repo).find_copies(bench.data.lookout)
    labels = next(check for check in _repo(bench.repo) if check["name"] == "labels")
    assert "ratings.csv (it holds events of the log" in labels["message"]
    assert (labels["ok"], "raw/*" in labels["message"]) == (not exposed, bool(exposed))
    spot = place_at(("[data]", 'source = "shop-micro"'), 1, 2)
    assert spot is not None and "ratings.csv (it holds events" in _meaning(spot, bench.repo, markdown=False)
