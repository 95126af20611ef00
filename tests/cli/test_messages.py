"""What users are told when something of theirs is wrong: where, what was expected, and what helps.

Only what no other test of a part says already; each through the command line that a user would have typed.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import evolverec_entry
from evolution.base.errors import UsageError
from evolution.trials import sandbox
from evolution.trials.interpreter import interpreter_at
from server.cli.doctor import examine
from tests.cli.conftest import SHELF

ENTRY = Path(evolverec_entry.__file__)


def edit(repo: Path, path: str, old: str, new: str) -> None:
    text = (repo / path).read_text()
    assert old in text
    (repo / path).write_text(text.replace(old, new))


def entry_line(repo: Path) -> int:
    lines = (repo / "evolverec.toml").read_text().splitlines()
    return 1 + next(number for number, line in enumerate(lines) if line.startswith("entry"))


def doctors(document: dict, name: str) -> dict:
    return next(check for check in document["checks"] if check["name"] == name)


@pytest.mark.process
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("shelf:build", "shop:build", ["no module shop", "'shop:build'", "shop.py", "git ignores"]),
        ("shelf:build", "shelf:make", ["no function make", "`def make(data, *, device, seed)`"]),
    ],
)
def test_an_entry_that_is_not_there_is_blamed_on_its_line(evolverec, repo, old, new, says):
    edit(repo, "evolverec.toml", old, new)
    document = evolverec("train", repo, "--trust", "--json").document
    assert (document["path"], document["line"]) == ("evolverec.toml", entry_line(repo))
    for words in says:
        assert words in document["message"]


@pytest.mark.process
@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("    return Shelf(data, seed)", "    Shelf(data, seed)", ["returned None", "fit() and score("]),
        ("(data, *, device, seed)", "(data)", ["'device'", "`def build(data, *, device, seed)`"]),
    ],
)
def test_a_build_that_breaks_the_contract_is_blamed_on_its_def(evolverec, repo, old, new, says):
    edit(repo, "shelf.py", old, new)
    document = evolverec("train", repo, "--trust", "--json").document
    defined = 1 + (repo / "shelf.py").read_text().splitlines().index(
        next(line for line in (repo / "shelf.py").read_text().splitlines() if line.startswith("def build"))
    )
    assert (document["reason"], document["path"], document["line"]) == ("contract", "shelf.py", defined)
    for words in says:
        assert words in document["message"]


@pytest.mark.process
def test_a_package_that_is_not_installed_says_where_to_install_it(evolverec, repo):
    edit(repo, "shelf.py", "import time", "import time, no_such_package.layers")
    document = evolverec("train", repo, "--trust", "--json").document
    assert (document["path"], document["line"]) == ("shelf.py", 6)
    for words in ("no_such_package is no file of the program", "evolverec doctor", "--python"):
        assert words in document["message"]
    assert str(repo) not in document["message"] and sys.executable not in document["message"]


@pytest.mark.parametrize("source", ["shop-mini", "data/nowhere.inter"])
def test_a_source_that_is_none_is_blamed_on_its_line_in_the_config(evolverec, repo, source):
    edit(repo, "evolverec.toml", "shop-micro", source)
    answer = evolverec("check", repo, "--json")
    (problem,) = [found for found in answer.document["problems"] if found["severity"] == "error"]
    assert (problem["path"], problem["line"]) == ("evolverec.toml", 6)
    assert "expected" in problem["message"] and "shop-micro" in problem["message"]
    shown = evolverec("check", repo).out
    assert shown.count("evolverec.toml:6") == 1  # not once more in the message


@pytest.mark.process
def test_a_log_too_short_to_hold_anything_out_says_what_it_takes(evolverec, repo):
    edit(repo, "evolverec.toml", "shop-micro", "log.inter")
    (repo / "log.inter").write_text("user_id:token\titem_id:token\ttimestamp:float\n1\ta\t10\n1\tb\t11\n")
    answer = evolverec("train", repo, "--trust")
    assert answer.code == 1
    for words in ("evolverec.toml:6: data.source", "3 events", "longer log"):
        assert words in answer.err


@pytest.fixture
def bare_python(tmp_path: Path) -> Path:
    """An interpreter with nothing installed."""
    made = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", made], check=True)
    return made / "bin" / "python"


@pytest.mark.process
def test_an_interpreter_without_numpy_is_told_by_the_error_and_by_doctor_alike(evolverec, repo, bare_python):
    answer = evolverec("train", repo, "--trust", "--python", bare_python)
    check = doctors(examine(repo, python=str(bare_python)), "numpy")
    assert answer.code == 2 and not check["ok"] and check["needed"]
    assert check["message"] in answer.err and check["help"] in answer.err
    assert check["help"] == f"{bare_python} -m pip install numpy"


@pytest.mark.process
def test_an_interpreter_that_is_none_is_told_by_the_error_and_by_doctor_alike(repo):
    with pytest.raises(UsageError) as refused:
        interpreter_at(Path("/bin/false"))
    check = doctors(examine(repo, python="/bin/false"), "interpreter")
    assert check["message"] == str(refused.value)
    assert "ends with status 1" in check["message"] and "EVOLVEREC_PYTHON" in check["message"]
    assert "import" not in check["message"]  # not the code that it was asked to run
    assert check["help"] == "evolverec train DIR --python /path/to/python"


@pytest.mark.process
def test_without_git_the_error_and_doctor_say_the_same(repo, tmp_path):
    """In processes whose PATH holds nothing."""
    empty = tmp_path / "nothing"
    empty.mkdir()

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, ENTRY, *words]
        return subprocess.run(command, env={**os.environ, "PATH": str(empty)}, capture_output=True, text=True)

    refused = run("check", str(repo))
    check = doctors(json.loads(run("doctor", str(repo), "--json").stdout), "git")
    assert refused.returncode == 1 and len(refused.stderr.splitlines()) == 1
    assert check["needed"] and check["message"] in refused.stderr and check["help"] in refused.stderr


@pytest.mark.process
def test_without_bubblewrap_doctor_says_what_to_install_and_what_waits(repo, monkeypatch):
    monkeypatch.setattr(sandbox, "BWRAP", "/nowhere/bwrap")
    sandbox._known_strength.cache_clear()
    try:
        check = doctors(examine(repo, python=""), "sandbox")
    finally:
        sandbox._known_strength.cache_clear()
    assert not check["ok"] and not check["needed"]
    assert "bubblewrap is not installed; nothing of a repo runs until you agree" in check["message"]
    assert "apt install bubblewrap" in check["help"]


@pytest.mark.process
def test_an_llm_that_is_asked_for_and_not_set_names_both_ways_out(evolverec, repo):
    answer = evolverec("evolve", repo, "--trust", "--proposer", "llm")
    assert answer.code == 2
    for words in ("EVOLVEREC_LLM_MODEL", "--proposer recipes", "evolverec doctor"):
        assert words in answer.err


def test_a_store_folder_that_is_a_file_is_told(evolverec, repo):
    (repo / ".evolverec").write_text("")
    answer = evolverec("train", repo, "--trust")
    assert answer.code == 1
    assert ".evolverec" in answer.err and "expected a folder" in answer.err and "delete" in answer.err


Confined = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def confined(own_configuration: Path) -> Confined:
    """Runs a command with the disk changed by options of bubblewrap; the user's own folders stay as they are."""
    if problem := sandbox.sandbox_problem():
        pytest.skip(problem)

    def run(*options: str, script: str) -> subprocess.CompletedProcess[str]:
        own = ["--bind", str(own_configuration), str(own_configuration)]
        command = [sandbox.BWRAP, *options, "--dev", "/dev", "--proc", "/proc", *own, "sh", "-c", script]
        return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)

    return run


@pytest.mark.process
def test_a_repo_that_may_not_be_written_is_told_in_one_sentence(confined, repo):
    answer = confined(
        "--ro-bind", "/", "/", script=f"exec {sys.executable} {ENTRY} train {repo} --trust --no-sandbox"
    )
    assert answer.returncode == 1 and len(answer.stderr.splitlines()) == 1
    for words in (str(repo / ".evolverec"), "Read-only", "permissions"):
        assert words in answer.stderr


@pytest.mark.process
@pytest.mark.parametrize("size", [200_000, 1_500_000])  # full while the store is made; while data is prepared
def test_a_full_disk_is_told_in_one_sentence(confined, repo, size):
    shutil.rmtree(repo)
    repo.mkdir()
    answer = confined(
        "--bind", "/", "/", "--size", str(size), "--tmpfs", str(repo),
        script=f"cp {SHELF}/*.* {repo} && exec {sys.executable} {ENTRY} train {repo} --trust --no-sandbox --json",
    )  # fmt: skip
    assert answer.returncode == 1
    message = json.loads(answer.stdout)["error"]["message"]
    assert message.startswith("the disk is full: ") and "Free some space" in message
