"""An interpreter that is asked what it is ends soon, runs nothing of a repo, and is asked for again when it has changed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from evolution.base.errors import UsageError
from evolution.repo import consents, settings
from evolution.trials import interpreter
from evolution.trials.interpreter import interpreter_at
from server.lsp import settings as editor
from tests.adversarial.test_interpreter import LIBRARY, environment
from tests.conftest import ROOT

pytestmark = pytest.mark.process


# It never answers

HANGS = {
    "sleeps": "exec sleep 600",
    "answers and goes on": "echo '{}'; exec sleep 600",
    "its child holds the output": "sleep 600 & wait",
    "ignores SIGTERM": "trap '' TERM INT; while :; do sleep 1; done",
    "prints without end": "exec yes",
    "waits for input": "exec cat",  # which ends at once
    "a child in another session": "setsid sleep 3 & exec sleep 600",
}


@pytest.mark.parametrize("name", HANGS)
def test_an_interpreter_that_never_answers_is_named_soon(tmp_path, monkeypatch, name):
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\n{HANGS[name]}\n")
    python.chmod(0o755)
    monkeypatch.setattr(
        interpreter, "_answer_unless_killed", lambda command: interpreter.answer_of(command, 0.5)
    )
    started = time.monotonic()
    with pytest.raises(UsageError, match=f"the interpreter {python} does not run Python: .*--python"):
        interpreter_at(python)
    assert time.monotonic() - started < 10


def test_questions_of_interpreters_are_bounded():
    """`train` asks one, at most twice where it was killed, and a GPU machine asks once more."""
    assert interpreter.ASKED_S <= 15


# What it runs when it is asked


def planted(folder: Path, mark: Path, name: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.py").write_text(f"open({str(mark)!r}, 'w').close()\n")


@pytest.mark.parametrize("name", ["sitecustomize", "usercustomize"])
def test_an_interpreter_runs_nothing_of_a_repo_that_is_installed_editable_in_it(tmp_path, name):
    source, mark = tmp_path / "repo" / "src", tmp_path / "ran"
    planted(source, mark, name)
    python = environment(tmp_path / "environment", also=str(source))
    assert str(source) in interpreter_at(python).path
    assert not mark.exists()
    subprocess.run([str(python), "-c", ""], check=True)
    assert mark.exists() or name == "usercustomize"  # as Python does


def test_what_an_installed_sitecustomize_adds_to_the_path_is_known(tmp_path):
    python = environment(tmp_path / "environment")
    site = next((tmp_path / "environment").glob("lib/python*/site-packages"))
    (site / "sitecustomize.py").write_text(f"import sys\nsys.path.append({str(tmp_path)!r})\n")
    assert str(tmp_path) in interpreter_at(python).path


# It has changed since the user agreed


def site_of(repo: Path) -> Path:
    return repo / ".venv" / "lib" / LIBRARY / "site-packages"


def unchecked(repo: Path) -> None:
    """A compiled form that Python runs whatever its source says."""
    cache = site_of(repo) / "__pycache__"
    cache.mkdir(exist_ok=True)
    (cache / f"helper.cpython-3{sys.version_info[1]}.pyc").write_bytes(b"\xa7\r\r\n\x01\0\0\0" + bytes(8))


CHANGES: dict[str, Callable[[Path], object]] = {
    "pyvenv.cfg": lambda repo: (repo / ".venv" / "pyvenv.cfg").write_text("home = /elsewhere\n"),
    "pyvenv.cfg beside it": lambda repo: (repo / ".venv" / "bin" / "pyvenv.cfg").write_text(
        "home = /elsewhere\n"
    ),
    "a new .pth file": lambda repo: (site_of(repo) / "new.pth").write_text("import os\n"),
    "another line of a .pth file": lambda repo: (site_of(repo) / "more.pth").write_text(
        "import helper; print(1)\n"
    ),
    "what a .pth file imports": lambda repo: (site_of(repo) / "helper.py").write_text("print(1)\n"),
    "its compiled form": unchecked,
    "sitecustomize": lambda repo: (site_of(repo) / "sitecustomize.py").write_text(""),
    "a package usercustomize": lambda repo: planted(
        site_of(repo) / "usercustomize", repo / "mark", "__init__"
    ),
    "the standard library": lambda repo: (repo / ".venv" / "lib" / LIBRARY / "os.py").write_text(""),
    "a shared library": lambda repo: (repo / ".venv" / "lib" / "libpython3.so").write_text(""),
    "a link in its place": lambda repo: (site_of(repo) / "sitecustomize.py").symlink_to("/nowhere"),
    "a pipe in its place": lambda repo: os.mkfifo(site_of(repo) / "new.pth"),
}


@pytest.fixture
def agreed(tmp_path: Path) -> tuple[Path, Path]:
    """A repo and its own interpreter, to which the user has agreed."""
    repo = tmp_path / "repo"
    python = environment(repo / ".venv", also="import helper")
    (site_of(repo) / "helper.py").write_text("")
    consents.agree_to_interpreter(python, repo)
    return repo, python


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_what_an_agreed_interpreter_runs_at_its_start_asks_again(agreed, change):
    repo, python = agreed
    assert consents.may_run(python, repo)
    CHANGES[change](repo)
    assert not consents.may_run(python, repo)


def test_using_an_agreed_interpreter_and_installing_a_package_does_not_ask_again(agreed):
    repo, python = agreed
    subprocess.run([str(python), "-c", "import helper, json"], check=True)  # it compiles what it imports
    (site_of(repo) / "package").mkdir()
    (site_of(repo) / "package" / "__init__.py").write_text("")
    assert consents.may_run(python, repo)


# Where it is looked for


def test_a_home_folder_is_one_for_every_way_to_name_an_interpreter(tmp_path, monkeypatch, own_configuration):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "python").symlink_to(sys.executable)
    monkeypatch.chdir("/")
    expected = str(tmp_path / "python")
    assert settings.chosen_python("~/python") == expected
    monkeypatch.setenv("EVOLVEREC_PYTHON", "~/python")
    assert settings.chosen_python() == expected
    monkeypatch.delenv("EVOLVEREC_PYTHON")
    (own_configuration / "config.toml").write_text('python = "~/python"\n')
    assert settings.chosen_python() == expected
    with pytest.raises(UsageError, match="no path that can be used"):
        settings.chosen_python("~nobody-there/python")


@pytest.mark.parametrize("given", ["myenv/bin/python", "./python", "../python"])
def test_an_editor_gets_no_interpreter_relative_to_a_folder_of_its_choice(given):
    found, wrong = editor.from_options({"python": given})
    assert found.interpreter == "" and "expected the absolute path" in wrong[0]
    with pytest.raises(UsageError, match=r"EVOLVEREC_PYTHON is .*absolute path"):
        editor.interpreter(found, {"EVOLVEREC_PYTHON": given})
    own, _ = editor.from_options({"python": "~/python"})
    assert editor.interpreter(own, {"EVOLVEREC_PYTHON": given}) == "~/python"
    assert editor.interpreter(found, {"EVOLVEREC_PYTHON": "python3.11"}) == ""


def test_a_relative_folder_of_settings_is_refused(monkeypatch, tmp_path):
    """A job runs in the repo's folder, which could bring consents of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVOLVEREC_CONFIG_HOME", "config")
    with pytest.raises(UsageError, match="expected an absolute path"):
        settings.is_trusted(tmp_path)


# Two processes at once

ANSWER = """
import sys
from pathlib import Path
sys.path.insert(0, {root!r})
from evolution.repo import consents, settings
for number in range(20):
    settings.trust(Path(sys.argv[1]) / f"{{sys.argv[2]}}-{{number}}")
    consents.agree_to_interpreter(Path(sys.executable), Path(sys.argv[1]) / f"{{sys.argv[2]}}-{{number}}")
"""


def test_no_answer_of_two_processes_at_once_is_lost(tmp_path, own_configuration):
    command = [sys.executable, "-c", ANSWER.format(root=str(ROOT)), str(tmp_path)]
    at_once = [subprocess.Popen([*command, name]) for name in ("a", "b", "c")]
    assert [process.wait() for process in at_once] == [0, 0, 0]
    expected = {str(tmp_path / f"{name}-{number}") for name in "abc" for number in range(20)}
    assert set(json.loads((own_configuration / "trusted.json").read_text())) == expected
    assert set(json.loads(consents.consents_file().read_text())["interpreters"]) == expected
