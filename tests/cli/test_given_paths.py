"""Paths on the command line that no file system takes, a full device as stdout, a deleted working directory: told in words."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from server.cli.main import run

pytestmark = pytest.mark.process

LONG = "x" * 5000
COMMANDS = (
    "train PATH",
    "check PATH",
    "runs PATH",
    "doctor PATH",
    "demo PATH",
    "stop PATH",
    "new sasrec PATH",
)
COMMANDS += ("new sasrec made --data PATH", "train repo --trust --python PATH/python")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("path", [LONG, f"{LONG}/x", "loop", "~nobody-of-this-name", "caf\udce9", "file/x"])
def test_a_path_that_no_file_can_have_is_wrong_use(tmp_path, monkeypatch, capsys, command, path):
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    Path("file").touch()
    Path("repo").mkdir()
    words = [word.replace("PATH", path) for word in command.split()]
    code = run([*words, *([] if "demo" in words else ["--json"])])
    said = capsys.readouterr()
    if words[0] == "doctor" and path == "file/x":  # says it among what else there is
        assert "file/x has no evolverec.toml" in said.out
        return
    assert code in (1, 2) and said.err.startswith("evolverec: ")
    assert len(said.err) < 1000 and "Traceback" not in said.err


@pytest.mark.parametrize("command", ["runs", "check", "train --trust", "report"])
def test_a_folder_that_takes_no_other_is_told(capsys, command):
    words = command.split()
    assert run([words[0], "/proc/self/task", *words[1:]]) in (1, 2)
    assert capsys.readouterr().err.startswith("evolverec: ")


def started(*words: str, cwd: Path, **options) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("evolverec")), *words]
    return subprocess.run(command, cwd=cwd, stderr=subprocess.PIPE, text=True, timeout=120, **options)


@pytest.mark.parametrize("words", ["runs .", "runs . --json", "check nowhere", "check nowhere --json"])
def test_a_full_device_as_output_is_told(tmp_path, words):
    with Path("/dev/full").open("w") as full:
        done = started(*words.split(), cwd=tmp_path, stdout=full)
    assert done.returncode in (1, 2)
    assert done.stderr.startswith("evolverec: ") and done.stderr.count("\n") == 1


def test_a_deleted_working_directory_is_told_where_it_is_needed(tmp_path):
    gone = tmp_path / "gone"
    gone.mkdir()
    code = "import os, sys; os.rmdir(os.getcwd()); os.execv(sys.argv[1], sys.argv[1:])"
    command = [sys.executable, "-c", code, str(Path(sys.executable).with_name("evolverec")), "runs"]
    absolute, relative = (
        subprocess.run([*command, repo, "--json"], cwd=cwd, capture_output=True, text=True, timeout=120)
        for repo, cwd in ((str(tmp_path), gone), (".", _made(tmp_path / "again")))
    )
    assert absolute.returncode == 0 and json.loads(absolute.stdout)["trials"] == []
    assert relative.returncode == 2 and "working directory" in relative.stderr


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
