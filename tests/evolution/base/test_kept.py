"""Kept folders and files: whole or not at all, and made anew where they are damaged; versions of the code."""

import os
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evolution.base import kept, versions
from evolution.base.kept import SEAL, is_intact, kept_folder, write_whole
from evolution.base.versions import version_of


class Maker:
    """Fills a folder, and counts how often."""

    def __init__(self, text: str = "lists") -> None:
        self.text, self.times = text, 0

    def __call__(self, folder: Path) -> None:
        self.times += 1
        (folder / "deep").mkdir()
        (folder / "deep" / "a.npy").write_text(self.text)
        (folder / "b.npy").write_text(self.text)


def no_drafts(folder: Path) -> bool:
    return not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_a_folder_is_made_once(tmp_path):
    make = Maker()
    for _ in range(3):
        assert (kept_folder(tmp_path / "kept", make) / "b.npy").read_text() == "lists"
    assert make.times == 1
    assert no_drafts(tmp_path)


DAMAGE = {
    "a byte": lambda folder: (folder / "b.npy").write_text("listz"),
    "cut short": lambda folder: (folder / "deep" / "a.npy").write_text("lis"),
    "emptied": lambda folder: (folder / "b.npy").write_text(""),
    "gone": lambda folder: (folder / "deep" / "a.npy").unlink(),
    "no seal": lambda folder: (folder / SEAL).unlink(),
    "half a seal": lambda folder: (folder / SEAL).write_text('{"b.npy": "'),
    "another seal": lambda folder: (folder / SEAL).write_text("[1, 2]"),
    "a seal of numbers": lambda folder: (folder / SEAL).write_text("7"),
    "bytes for a seal": lambda folder: (folder / SEAL).write_bytes(b"\xff\xfe"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE.keys())
def test_a_damaged_folder_is_made_anew(tmp_path, damage):
    make = Maker()
    folder = kept_folder(tmp_path / "kept", make)
    damage(folder)
    assert not is_intact(folder)
    kept_folder(tmp_path / "kept", make)
    assert make.times == 2 and is_intact(folder)
    assert (folder / "b.npy").read_text() == (folder / "deep" / "a.npy").read_text() == "lists"
    assert no_drafts(tmp_path)


def test_a_file_in_the_place_of_a_folder_makes_way(tmp_path):
    (tmp_path / "kept").write_text("in the way")
    assert is_intact(kept_folder(tmp_path / "kept", Maker()))


def test_what_could_not_be_made_leaves_nothing(tmp_path):
    def fail(folder: Path) -> None:
        (folder / "half").write_text("x")
        raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        kept_folder(tmp_path / "kept", fail)
    assert list(tmp_path.iterdir()) == []


def test_two_at_once_agree(tmp_path):
    """Both make it; the second finds the first one's in its place and keeps that."""
    both = threading.Barrier(2)

    def make(folder: Path) -> None:
        (folder / "a").write_text("same")
        both.wait(timeout=20)

    threads = [threading.Thread(target=kept_folder, args=(tmp_path / "kept", make)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert is_intact(tmp_path / "kept") and no_drafts(tmp_path)


def test_a_folder_is_on_disk_before_it_is_in_its_place(tmp_path, monkeypatch):
    """Else a power cut could leave a folder that looks whole and holds empty files."""
    flushed: list[str] = []
    real = os.fsync
    names = {}

    def opened(path, *arguments, **more):
        descriptor = real_open(path, *arguments, **more)
        names[descriptor] = str(path)
        return descriptor

    real_open = os.open
    monkeypatch.setattr(kept.os, "open", opened)
    monkeypatch.setattr(
        kept.os, "fsync", lambda descriptor: (flushed.append(names[descriptor]), real(descriptor))
    )
    kept_folder(tmp_path / "kept", Maker())
    files = {Path(name).name for name in flushed}
    assert {"a.npy", "b.npy", SEAL, "deep"} <= files
    assert flushed[-1] == str(tmp_path), "the folder's new name is flushed last"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    seal=st.one_of(
        st.binary(max_size=40),
        st.recursive(st.none() | st.integers() | st.text(), st.lists).map(repr).map(str.encode),
    )
)
def test_no_seal_is_believed_but_our_own(tmp_path_factory, seal):
    folder = kept_folder(tmp_path_factory.mktemp("x") / "kept", Maker())
    (folder / SEAL).write_bytes(seal)
    assert not is_intact(folder)


def test_a_file_is_written_whole_or_stays_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "index.json"
    write_whole(path, "old")
    monkeypatch.setattr(kept.os, "fsync", lambda _: (_ for _ in ()).throw(OSError("no space left on device")))
    with pytest.raises(OSError, match="no space"):
        write_whole(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_version_hangs_on_every_file_and_on_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(versions, "PACKAGE_ROOT", tmp_path)
    of = version_of.__wrapped__
    (tmp_path / "rankers").mkdir()
    for name in ("a.py", "b.py"):
        (tmp_path / "rankers" / name).write_text(name)
    before = of("rankers")
    (tmp_path / "rankers" / "notes.txt").write_text("no code")
    assert of("rankers") == before
    (tmp_path / "rankers" / "a.py").rename(tmp_path / "rankers" / "c.py")
    renamed = of("rankers")
    (tmp_path / "rankers" / "c.py").write_text("changed")
    assert len({before, renamed, of("rankers")}) == 3


def test_a_module_that_has_moved_is_missed(tmp_path):
    """A name that led nowhere was skipped, and a change of the objective was then no change of the harness."""
    with pytest.raises(FileNotFoundError, match="evolution/objective"):
        version_of("evolution/objective.py")


def test_a_large_folder_is_hashed_once_and_a_change_is_noticed_all_the_same(tmp_path, monkeypatch):
    from evolution.base import kept

    monkeypatch.setattr(kept, "LARGE_BYTES", 1)

    def make(draft: Path) -> None:
        (draft / "a").write_text("one")

    folder = kept.kept_folder(tmp_path / "f", make)
    real, hashed = kept.hash_of, []
    monkeypatch.setattr(kept, "hash_of", lambda path: hashed.append(path) or real(path))

    def later_process() -> bool:
        kept._matches.cache_clear()
        return kept.is_intact(folder)

    assert later_process() and not hashed, "it was hashed when it was sealed"
    before = (folder / "a").stat()
    (folder / "a").write_text("two")
    os.utime(folder / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not later_process(), "size and mtime are as they were, ctime is not"
