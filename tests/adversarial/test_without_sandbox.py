"""Where bubblewrap does not work, nothing of a repo runs before the user has agreed; nothing claims secrecy then."""

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from evolution.base.errors import ConsentError
from evolution.domain.request import TrainRequest
from evolution.jobs import consent
from evolution.jobs.consent import Matter
from evolution.repo import consents
from evolution.repo.settings import trust
from evolution.store.remarks import remarks
from evolution.trials import sandbox
from evolution.trials.request import SandboxMode
from server.cli.app import run_app
from server.cli.doctor import sandbox_check
from tests.trials import MARKOV

pytestmark = pytest.mark.process

CONFIG = """
[recommender]
entry = "model:build"
[data]
source = "shop-micro"
[training]
max_epochs = 2
"""


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repo that leaves a mark where its code or its interpreter has run outside of a sandbox."""
    repo = tmp_path / "repo"
    repo.mkdir()
    (repo / "evolverec.toml").write_text(CONFIG)
    (repo / "model.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n{MARKOV}")
    return repo


@pytest.fixture
def no_bubblewrap(monkeypatch: pytest.MonkeyPatch, own_configuration: Path) -> Iterator[None]:
    """As on a machine without the package, for this process; nothing was agreed to."""
    consents.consents_file().unlink(missing_ok=True)
    monkeypatch.setattr(sandbox, "BWRAP", "/nowhere/bwrap")
    sandbox._known_strength.cache_clear()
    yield
    sandbox._known_strength.cache_clear()


def told(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


def run(*words: object) -> int:
    return run_app([str(word) for word in words])


@pytest.mark.parametrize(
    "command",
    ["train", "diagnose", "simulate", "propose", "evolve", "compare", "test", "check"],
)
def test_every_command_refuses_before_anything_runs(repo, no_bubblewrap, capsys, command):
    run(command, repo, "--trust", "--json")
    said = told(capsys)
    for words in (
        "no sandbox",
        "bubblewrap is not installed",
        "apt install bubblewrap",
        "--no-sandbox",
        "read your files",
    ):
        assert words in said
    assert not (repo.parent / "ran").exists()
    assert not (repo / ".evolverec" / "jobs").exists()


def test_the_flag_goes_without_for_once_and_says_so(repo, no_bubblewrap, capsys):
    assert run("train", repo, "--trust", "--no-sandbox", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (repo.parent / "ran").exists()
    said = json.dumps(document)
    assert "could read what you can read" in said and '"bubblewrap"' not in said
    assert run("train", repo, "--seed", 3, "--json") == 1  # it is not remembered
    assert "--no-sandbox" in told(capsys)


def test_what_the_user_agreed_to_is_remembered_on_this_machine_alone(repo, no_bubblewrap, monkeypatch):
    trust(repo)
    request = TrainRequest(python=sys.executable)
    assert [question.matter for question in consent.open_questions(repo, request)] == [Matter.SANDBOX]
    consents.agree_to_no_sandbox()
    assert list(consent.open_questions(repo, request)) == []
    monkeypatch.setattr(consents, "_machine", lambda: "another")
    with pytest.raises(ConsentError, match="--no-sandbox"):
        consent.require(repo, request)


def test_a_repo_cannot_agree(repo, no_bubblewrap):
    trust(repo)
    for name in (".evolverec", ".config/evolverec"):
        (repo / name).mkdir(parents=True)
        (repo / name / "consents.json").write_text(
            json.dumps({"without_sandbox": {consents._machine(): True}})
        )
    with pytest.raises(ConsentError, match="--no-sandbox"):
        consent.require(repo, TrainRequest(python=sys.executable))


@pytest.mark.parametrize("damage", ["", "[1]", '{"without_sandbox": [1], "interpreters": 3}', "[" * 100_000])
def test_damaged_consents_are_none(repo, no_bubblewrap, damage):
    trust(repo)
    consents.consents_file().write_text(damage)
    with pytest.raises(ConsentError, match="--no-sandbox"):
        consent.require(repo, TrainRequest(python=sys.executable))
    consents.agree_to_no_sandbox()
    consent.require(repo, TrainRequest(python=sys.executable))


def test_doctor_claims_no_secrecy_and_tells_what_was_agreed(no_bubblewrap):
    def said() -> str:
        found = sandbox_check()
        return f"{found['ok']} {found['message']} {found['help']}"

    assert "nothing of a repo runs until you agree" in said() and "sees neither" not in said()
    consents.agree_to_no_sandbox()
    assert "you agreed to go on without one" in said() and str(consents.consents_file()) in said()
    assert said().startswith("False")


def test_a_trial_without_a_sandbox_claims_no_secrecy(bench):
    trial = bench.run(sandbox=SandboxMode.NONE)
    assert any("could read what you can read" in sentence for sentence in remarks(trial))


def test_a_trial_whose_own_interpreter_has_no_sandbox_is_not_run(bench, monkeypatch):
    """Ours may have one all the same, so the job has started."""
    consents.consents_file().unlink(missing_ok=True)
    monkeypatch.setattr(sandbox, "works", lambda interpreter: False)
    with pytest.raises(ConsentError, match="--no-sandbox"):
        bench.run()
    consents.agree_to_no_sandbox()
    assert bench.run().failure is None


@pytest.mark.parametrize(
    ("file", "content", "advice"),
    [
        ("apparmor_restrict_unprivileged_userns", "1", "AppArmor"),
        ("unprivileged_userns_clone", "0", "kernel.unprivileged_userns_clone to 1"),
        ("max_user_namespaces", "0", "user.max_user_namespaces"),
        ("none", "", "Docker"),
    ],
)
def test_a_kernel_that_forbids_it_is_told_with_what_helps(tmp_path, monkeypatch, file, content, advice):
    forbidden = [(str(tmp_path / Path(path).name), *rest) for path, *rest in sandbox._FORBIDDEN_BY]
    monkeypatch.setattr(sandbox, "_FORBIDDEN_BY", forbidden)
    (tmp_path / file).write_text(f"{content}\n")
    assert advice in sandbox.sandbox_advice("bubblewrap does not start: bwrap: setting up uid map: denied")


@pytest.mark.parametrize(
    "script",
    [
        "exit 1",
        "exec sleep 600",
        "sleep 600 & wait",  # what it started holds its output open
        'test "$1" = --help || exec sleep 600; echo --disable-userns',
    ],
)
def test_a_bubblewrap_that_fails_or_hangs_is_none_and_is_asked_once(
    tmp_path, no_bubblewrap, monkeypatch, script
):
    broken = tmp_path / "bwrap"
    broken.write_text(f"#!/bin/sh\necho $$ >> {tmp_path}/starts\n{script}\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sandbox, "BWRAP", str(broken))
    monkeypatch.setattr(sandbox, "TRIED_S", 0.5)
    problem = sandbox.sandbox_problem()
    assert "no answer within 0.5 s" in problem if "sleep" in script else "does not start" in problem
    starts = [int(line) for line in (tmp_path / "starts").read_text().split()]
    assert len(starts) == (2 if script.startswith("test") else 1) or script == "exit 1"
    assert not any(Path(f"/proc/{group}").exists() for group in starts)


@pytest.mark.usefixtures("sandboxed")
@pytest.mark.parametrize("kill", ["kill -9 $$", "kill -15 $$", "exit 137"])
def test_a_bubblewrap_that_was_killed_is_tried_again_and_not_remembered_as_none(
    tmp_path, no_bubblewrap, monkeypatch, kill
):
    real = shutil.which("bwrap")
    often = tmp_path / "bwrap"
    often.write_text(
        f'#!/bin/sh\necho >> {tmp_path}/starts\n[ $(wc -l < {tmp_path}/starts) -ge "$(cat {tmp_path}/kills)" ] '
        f'|| {kill}\nexec {real} "$@"\n'
    )
    often.chmod(0o755)
    monkeypatch.setattr(sandbox, "BWRAP", str(often))
    (tmp_path / "kills").write_text("100")
    assert "killed by a signal" in sandbox.sandbox_problem()
    (tmp_path / "starts").unlink()
    (tmp_path / "kills").write_text("2")
    assert sandbox.sandbox_problem() == "" and sandbox.sandbox_lacks() == ()


# An interpreter of the repo's own


@pytest.fixture
def script(repo: Path) -> Path:
    """A file of the repo's that passes for an interpreter, and leaves a mark when it is started."""
    script = repo / "myenv" / "bin" / "python"
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\ntouch {repo.parent / "started"}\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    return script


def started(repo: Path) -> bool:
    return (repo.parent / "started").exists()


def test_a_relative_interpreter_is_the_callers_never_the_repos(repo, script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run("train", repo, "--trust", "--trust-python", "--python", "myenv/bin/python", "--json") == 2
    assert str(tmp_path / "myenv/bin/python") in told(capsys)
    monkeypatch.setenv("EVOLVEREC_PYTHON", "myenv/bin/python")
    assert run("train", repo, "--trust", "--trust-python", "--json") == 2
    assert "does not exist" in told(capsys)
    monkeypatch.delenv("EVOLVEREC_PYTHON")
    consents.consents_file().with_name("config.toml").write_text('python = "myenv/bin/python"\n')
    assert run("train", repo, "--trust", "--trust-python", "--json") == 2
    assert "expected an absolute path" in told(capsys)
    assert not started(repo)


def test_a_name_is_looked_up_in_no_folder_of_path_that_is_relative(repo, script, monkeypatch, capsys):
    monkeypatch.chdir(repo)
    script.rename(repo / "ownpython")
    monkeypatch.setenv("PATH", f".:{':'.join(['', 'myenv/bin'])}:/usr/bin:/bin")
    assert run("train", repo, "--trust", "--trust-python", "--python", "ownpython", "--json") == 2
    assert "does not exist" in told(capsys)
    assert not started(repo)


def by_link(script: Path) -> Path:
    link = script.parents[3] / "elsewhere"
    link.symlink_to(script)
    return link


def by_linked_folder(script: Path) -> Path:
    link = script.parents[3] / "environment"
    link.symlink_to(script.parents[1], target_is_directory=True)
    return link / "bin" / "python"


def by_two_links(script: Path) -> Path:
    second = script.parents[3] / "second"
    second.symlink_to(by_link(script))
    return second


WAYS = {
    "itself": lambda script: script,
    "link": by_link,
    "linked folder": by_linked_folder,
    "two links": by_two_links,
}


@pytest.mark.parametrize("way", WAYS)
def test_an_interpreter_inside_the_repo_is_not_started_unasked(repo, script, capsys, way):
    python = WAYS[way](script)
    assert run("check", repo, "--trust", "--python", python, "--json") == 0
    assert "--trust-python" in told(capsys)
    assert run("train", repo, "--trust", "--python", python, "--json") == 1
    said = told(capsys)
    assert str(python) in said and "--trust-python" in said
    assert run("doctor", repo, "--python", python, "--json") == 1
    assert "was not started" in told(capsys)
    assert not started(repo)


def test_consent_to_an_interpreter_holds_until_it_changes(repo, script):
    trust(repo)
    request = TrainRequest(python=str(script), no_sandbox=True)
    assert [question.matter for question in consent.open_questions(repo, request)] == [Matter.INTERPRETER]
    next(consent.open_questions(repo, request)).remember()
    consent.require(repo, request)
    (script.parents[1] / "pyvenv.cfg").write_text("home = /elsewhere\n")
    with pytest.raises(ConsentError, match="--trust-python"):
        consent.require(repo, request)
    consents.agree_to_interpreter(script, repo)
    script.write_text("#!/bin/sh\nexit 1\n")
    with pytest.raises(ConsentError, match="--trust-python"):
        consent.require(repo, request)
    consents.agree_to_interpreter(script, repo)
    elsewhere = repo.parent / "another"
    elsewhere.mkdir()
    (elsewhere / "python").symlink_to(script)
    assert not consents.lies_inside(script, elsewhere) and not consents.may_run(script, elsewhere)


def test_an_interpreter_outside_needs_no_consent(repo):
    assert not consent.asks_for_interpreter(Path("/usr/bin/python3"), repo)
    (repo / "python").symlink_to("/usr/bin/python3")  # the repo chooses where it leads
    assert consent.asks_for_interpreter(repo / "python", repo)


def test_consent_by_flag_is_remembered_and_the_interpreter_serves(repo, script, capsys):
    assert run("train", repo, "--trust", "--trust-python", "--python", script, "--json") == 0
    assert started(repo)
    capsys.readouterr()
    assert run("train", repo, "--python", script, "--seed", 2, "--json") == 0
