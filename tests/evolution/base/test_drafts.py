"""Drafts of killed processes are removed, those of living ones and of strangers are not."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from evolution.base import drafts
from evolution.base.drafts import draft_name, gone_name, remove_abandoned

MAKE = "import sys; sys.path.insert(0, sys.argv[1]); from evolution.base.drafts import draft_name; print(draft_name())"


@pytest.fixture
def dead_name() -> str:
    """A draft's name of a process that has ended."""
    root = str(Path(drafts.__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", MAKE, root], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_drafts_of_ended_processes_go_at_any_depth_and_others_stay(tmp_path: Path, dead_name: str):
    deep = tmp_path / "a" / "b"
    dead, ours = deep / dead_name, [deep / draft_name(), deep / gone_name()]
    for path in (dead / "inner", *ours):
        path.mkdir(parents=True)
    (tmp_path / dead_name).touch()
    (tmp_path / ".draft-strange").touch()
    remove_abandoned(tmp_path, deep=True)
    assert not dead.exists() and not (tmp_path / dead_name).exists()
    assert all(path.exists() for path in ours) and (tmp_path / ".draft-strange").exists()


def test_drafts_of_another_boot_or_container_go_after_a_day(tmp_path: Path):
    other_boot, other_space = (
        tmp_path / ".draft-1.2.3.0000ffff-ab",
        tmp_path / f".draft-1.2.3.{drafts.boot_id()[:8]}-ab",
    )
    for path in (other_boot, other_space):
        path.touch()
    remove_abandoned(tmp_path)
    assert other_boot.exists() and other_space.exists()
    for path in (other_boot, other_space):
        os.utime(path, (1.0, 1.0))
    remove_abandoned(tmp_path)
    assert not other_boot.exists() and not other_space.exists()


def test_a_link_named_like_a_draft_is_not_followed(tmp_path: Path, dead_name: str):
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "drafts").mkdir()
    (tmp_path / "drafts" / dead_name).symlink_to(kept)
    remove_abandoned(tmp_path / "drafts")
    assert kept.exists() and not list((tmp_path / "drafts").iterdir())
