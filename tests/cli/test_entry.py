"""A repo that owns packages called `server` and `simulator` gets our server, and its own modules in the worker."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.process

ENTRY_POINT = Path(sys.executable).with_name("evolverec")


@pytest.fixture
def namesakes(repo: Path) -> Path:
    for name in ("server", "simulator", "evolution", "seeds", "diagnosis"):
        (repo / name).mkdir()
        (repo / name / "__init__.py").write_text("MINE = 1\nprint('a module of the repo was imported')\n")
    file = repo / "shelf.py"
    text = file.read_text().replace(
        "import numpy as np\n", "import numpy as np\nimport server, simulator\n", 1
    )
    file.write_text(text.replace('{"loss": 1.0 / epoch}', '{"mine": server.MINE + simulator.MINE}'))
    return repo


def evolverec(repo: Path, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(repo)}
    return subprocess.run(
        [str(ENTRY_POINT), *words], cwd=repo, env=environment, input=stdin, capture_output=True, timeout=120
    )


def message(ident: int | None, method: str, params: object) -> bytes:
    document = {"jsonrpc": "2.0", "method": method, "params": params}
    body = json.dumps(document if ident is None else {**document, "id": ident}).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def test_the_language_server_is_ours(namesakes: Path):
    asked = message(1, "initialize", {"processId": None, "rootUri": namesakes.as_uri(), "capabilities": {}})
    asked += message(None, "initialized", {}) + message(2, "shutdown", None) + message(None, "exit", None)
    done = evolverec(namesakes, "lsp", stdin=asked)
    assert b'"name":"evolverec"' in done.stdout.replace(b'": "', b'":"'), done.stderr
    assert b"a module of the repo" not in done.stdout + done.stderr


def test_the_command_line_is_ours(namesakes: Path):
    done = evolverec(namesakes, "runs", ".", "--json")
    assert json.loads(done.stdout) == {"trials": [], "proposals": [], "runs": [], "jobs": []}, done.stderr


def test_a_new_repo_is_committed_to_itself_though_a_hook_of_another_repo_asks_for_it(tmp_path: Path):
    """git tells its hooks which repo they belong to, and every git below them believes it."""
    other, made = tmp_path / "other", tmp_path / "made"
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    environment = {**os.environ, "GIT_DIR": str(other / ".git"), "GIT_WORK_TREE": str(other)}
    done = subprocess.run(
        [str(ENTRY_POINT), "new", "sasrec", str(made)], env=environment, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert (made / ".git").is_dir()
    log = subprocess.run(["git", "log", "--oneline"], cwd=other, capture_output=True, text=True)
    assert log.returncode != 0 and "does not have any commits" in log.stderr


@pytest.mark.parametrize("path", [".:{}", ":{}", "{}:", "tools:{}", ".", ""])
def test_no_program_of_the_repos_is_run_for_one_of_the_systems(repo: Path, tmp_path: Path, path: str):
    """PATH may name the working directory, and git is started in the repo's folder."""
    subprocess.run(["git", "init", "-q", str(repo)], check=True)
    (repo / "tools").mkdir()
    for name in ("git", "bwrap", "systemd-run", "uname"):
        for program in (repo / name, repo / "tools" / name):
            program.write_text(f'#!/bin/sh\necho "$0 $*" >> {tmp_path}/ran\nexec /usr/bin/{name} "$@"\n')
            program.chmod(0o755)
    environment = {**os.environ, "PATH": path.format(os.environ["PATH"])}
    done = subprocess.run(
        [str(ENTRY_POINT), "check", ".", "--json"],
        cwd=repo,
        env=environment,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "ran").exists(), (tmp_path / "ran").read_text()


@pytest.mark.training
def test_the_worker_has_the_repos_own_modules(namesakes: Path):
    done = evolverec(namesakes, "train", ".", "--trust", "--json")
    document = json.loads(done.stdout)
    assert document.get("status") == "complete", document
    shown = json.loads(evolverec(namesakes, "show", ".", document["trial"], "--json").stdout)
    assert {epoch["reported"]["mine"] for epoch in shown["curve"]} == {2.0}
