"""`new_repo`: a complete git repo, or a clear refusal."""

import subprocess
import tomllib
from pathlib import Path

import pytest

from seeds.errors import NewRepoError
from seeds.new import new_repo, seed_names


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_a_new_repo_is_committed_and_clean(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "mine"
    new_repo("sasrec", folder, data="shop-micro")
    assert git(folder, "status", "--porcelain") == ""
    assert git(folder, "rev-list", "--count", "HEAD").strip() == "1"
    files = git(folder, "ls-files").split()
    assert {".gitignore", "README.md", "evolverec.toml", "model.py", "recommender.py"} <= set(files)
    config = tomllib.loads((folder / "evolverec.toml").read_text())
    assert config["data"]["source"] == "shop-micro"


@pytest.mark.parametrize("source", ['odd "quoted" name', "C:\\data\\log.inter", "line\nbreak", "データ"])
def test_any_path_survives_the_config(tmp_path: Path, source: str) -> None:
    new_repo("sasrec", tmp_path / "mine", data=source)
    assert (
        tomllib.loads((tmp_path / "mine" / "evolverec.toml").read_text("utf-8"))["data"]["source"] == source
    )


def test_the_users_own_name_is_on_the_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ada@example.org")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Ada")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ada@example.org")
    new_repo("sasrec", tmp_path / "mine", data="shop-micro")
    assert git(tmp_path / "mine", "log", "-1", "--format=%an").strip() == "Ada"


def test_without_an_identity_the_commit_has_a_fallback_that_is_not_configured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL", "EMAIL"):
        monkeypatch.delenv(name, raising=False)
    own = tmp_path / "gitconfig"
    own.write_text("[user]\n\tuseConfigOnly = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(own))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    new_repo("sasrec", tmp_path / "mine", data="shop-micro")
    assert git(tmp_path / "mine", "log", "-1", "--format=%an").strip() == "evolverec"
    assert "user.name=" not in git(tmp_path / "mine", "config", "--local", "--list")


def test_an_empty_folder_will_do_and_one_in_use_will_not(tmp_path: Path) -> None:
    new_repo("sasrec", tmp_path, data="shop-micro")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(NewRepoError, match="not an empty folder"):
        new_repo("sasrec", tmp_path, data="shop-demo")
    assert sorted(tmp_path.rglob("*")) == before


def test_an_unknown_seed_names_the_known_ones(tmp_path: Path) -> None:
    assert seed_names()[0] == "sasrec" and list(seed_names()[1:]) == sorted(seed_names()[1:])
    with pytest.raises(NewRepoError, match="expected one of sasrec, "):
        new_repo("bert", tmp_path / "mine", data="shop-micro")
    assert not (tmp_path / "mine").exists()


def test_a_machine_without_git_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NewRepoError, match="Install git"):
        new_repo("sasrec", tmp_path / "mine", data="shop-micro")
