"""What is published: one version everywhere, and a wheel and an extension that hold all that they need. See docs/release.md."""

import json
import re
import tomllib
import zipfile

import pytest

from server.lsp.handshake import VERSION
from tests.conftest import ROOT

VSCODE = ROOT / "editor-client" / "vscode"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_there_is_one_version():
    manifest = json.loads((VSCODE / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((VSCODE / "package-lock.json").read_text(encoding="utf-8"))
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert newest is not None
    assert {VERSION, manifest["version"], lock["version"], newest[1]} == {PROJECT["version"]}


def test_the_wheel_says_what_an_index_shows():
    for field in (
        "description",
        "readme",
        "license",
        "authors",
        "keywords",
        "classifiers",
        "requires-python",
    ):
        assert PROJECT[field], field
    least = PROJECT["requires-python"].removeprefix(">=")
    assert f"Programming Language :: Python :: {least}" in PROJECT["classifiers"]
    assert (VSCODE / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


@pytest.mark.editor  # `make vsix` has made them
def test_the_wheel_has_every_file_that_the_program_reads():
    built = list((VSCODE / "wheel").glob("*.whl"))
    assert len(built) == 1, f"expected one wheel in {VSCODE / 'wheel'}; `make vsix` builds it"
    (wheel,) = built
    assert wheel.name.startswith(f"evolverec-{PROJECT['version']}-py3")
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    packages = ("evolverec", "server", "evolution", "diagnosis", "simulator", "seeds")
    for package in packages:
        for file in (ROOT / package).rglob("*"):
            name = file.relative_to(ROOT).as_posix()
            if file.is_file() and "__pycache__" not in name:
                assert name in names, f"{name} is missing in {wheel.name}: see package-data in pyproject.toml"
    others = {name.partition("/")[0] for name in names} - {*packages, "evolverec_entry.py"}
    assert others == {f"evolverec-{PROJECT['version']}.dist-info"}


@pytest.mark.editor
def test_the_extension_has_its_code_its_server_and_its_changelog():
    assert (VSCODE / "evolverec.vsix").is_file(), "`make vsix` builds it"
    with zipfile.ZipFile(VSCODE / "evolverec.vsix") as packed:
        names = {name.removeprefix("extension/").lower() for name in packed.namelist()}
    for file in (
        "dist/extension.cjs",
        "changelog.md",
        "readme.md",
        "media/icon.png",
        "wheel/constraints.txt",
    ):
        assert file in names, file
    assert any(name.startswith(f"wheel/evolverec-{PROJECT['version']}-") for name in names)
