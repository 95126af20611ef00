"""An interpreter in a personal folder runs a trial, and nothing personal is seen by it."""

import shutil
import sys
import venv
from dataclasses import replace
from pathlib import Path

import numpy
import pytest

from evolution.domain.trial import Trial, TrialStatus
from evolution.store.remarks import remarks
from evolution.trials.interpreter import Interpreter, interpreter_at
from evolution.trials.interpreter_view import view_of
from evolution.trials.request import Supervision
from evolution.trials.run import run_trial

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("sandboxed")]

SECRET = "sk-very-secret-5309"
PERSONAL = (
    ".ssh/id_ed25519",
    ".config/evolverec/config.toml",
    ".local/share/keyrings/login",
    ".local/bin/own-script",
    ".netrc",
    "share/letters",
    "bin/own-script",
    "lib/private/notes",
    "documents/taxes",
)
SITE_PACKAGES = Path(numpy.__file__).parents[1]
LIBRARY = f"python{sys.version_info[0]}.{sys.version_info[1]}"

SEARCH = """
import json, os
FOUND = []
for folder, subfolders, files in os.walk("/"):
    if folder in ("/proc", "/sys", "/usr") or folder.endswith(("site-packages", "lib-dynload")):
        subfolders.clear()
        continue
    for path in (os.path.join(folder, name) for name in files):
        try:
            if os.path.isfile(path) and os.path.getsize(path) < 100_000 and not path.endswith((".py", ".pyc")):
                with open(path, "rb") as file:
                    if b"very-secret" in file.read():
                        FOUND.append(path)
        except OSError:
            pass
print("FOUND", json.dumps(FOUND))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A personal folder with what is nobody's business in it."""
    home = tmp_path / "people" / "alice"
    for name in PERSONAL:
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(SECRET)
    monkeypatch.setenv("HOME", str(home))
    return home


def environment(folder: Path, *, copied: bool = False, also: str = "") -> Path:
    """The Python of an environment that has numpy. also: further lines for its path."""
    venv.create(folder, with_pip=False, symlinks=not copied)
    site = next(folder.glob("lib/python*/site-packages"))
    (site / "more.pth").write_text(f"{SITE_PACKAGES}\n{also}\n")
    return folder / "bin" / "python"


def searched(bench, python: Path) -> tuple[Trial, list[str]]:
    """A trial whose program looks for the secret in every file it can open, and what it found."""
    bench.write(bench.changed(("import numpy as np", f"{SEARCH}\nimport numpy as np")))
    trial = run_trial(replace(bench.request(), python=python), Supervision())
    log = (bench.request().folder / "worker.log").read_text()
    assert "FOUND" in log, trial.failure
    return trial, [line for line in log.splitlines() if line.startswith("FOUND ")]


def linked(home: Path) -> Path:
    link = home / "bin" / "python"
    link.symlink_to(environment(home / "environments" / "rec"))
    return link


PLACES = {
    "the home itself": lambda home: environment(home),
    "the home itself, copied": lambda home: environment(home, copied=True),
    "a folder of the home": lambda home: environment(home / "rec", copied=True),
    "~/.local": lambda home: environment(home / ".local"),
    "a link in ~/bin": linked,
}


@pytest.mark.parametrize("place", PLACES)
def test_a_personal_folder_around_an_interpreter_stays_hidden(bench, home, place):
    trial, found = searched(bench, PLACES[place](home))
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert set(found) == {"FOUND []"}


def test_the_search_would_find_the_secret_if_it_were_there(bench, home):
    (bench.repo / "letters").write_text(SECRET)
    _, found = searched(bench, environment(home / "rec"))
    assert all("letters" in line for line in found)


def test_a_home_known_by_its_contents_alone_stays_hidden(bench, home, monkeypatch):
    """HOME may name another folder, as under sudo."""
    monkeypatch.delenv("HOME")
    trial, found = searched(bench, environment(home, copied=True))
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert set(found) == {"FOUND []"}


def test_what_editable_packages_name_is_seen_and_a_home_is_not(bench, home, tmp_path):
    package = tmp_path / "elsewhere" / "src"
    (package / "helpful").mkdir(parents=True)
    (package / "helpful" / "__init__.py").write_text("LOSS = 5.0\n")
    (package / ".evolverec").mkdir()
    (package / ".evolverec" / "labels").write_text(SECRET)
    named = [package, home, home / ".ssh", home.parent, bench.repo.parent]
    python = environment(home / "rec", also="\n".join(map(str, named)))
    bench.write(
        bench.changed(("import numpy as np", f"{SEARCH}\nfrom helpful import LOSS\nimport numpy as np"))
    )
    trial = run_trial(replace(bench.request(), python=python), Supervision())
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert "FOUND []" in (bench.request().folder / "worker.log").read_text()
    told = " ".join(remarks(trial))
    for path in named[1:]:
        assert f"{path} is on the interpreter's path and is not shown" in told
    assert f"{package} is on" not in told


def test_what_a_finder_and_a_link_name_is_seen(bench, home, tmp_path):
    """As `pip install -e` of setuptools and `flit install --symlink` leave it."""
    for name in ("found", "linked"):
        (tmp_path / "elsewhere" / name).mkdir(parents=True)
        (tmp_path / "elsewhere" / name / "__init__.py").write_text("VALUE = 1\n")
    python = environment(home / "rec")
    site = next((home / "rec").glob("lib/python*/site-packages"))
    (site / "__editable___found_finder.py").write_text(
        f"import importlib.util, sys\nMAPPING = {{'found': {str(tmp_path / 'elsewhere' / 'found')!r}}}\n"
        "class Finder:\n"
        "    @staticmethod\n"
        "    def find_spec(name, path=None, target=None):\n"
        "        if name in MAPPING:\n"
        "            return importlib.util.spec_from_file_location(name, MAPPING[name] + '/__init__.py')\n"
        "def install():\n    sys.meta_path.append(Finder)\n"
    )
    (site / "__editable__.found.pth").write_text(
        "import __editable___found_finder; __editable___found_finder.install()"
    )
    (site / "linked").symlink_to(tmp_path / "elsewhere" / "linked")
    trial = bench_run(bench, python, "import found, linked")
    assert trial.status is TrialStatus.COMPLETE, trial.failure


def bench_run(bench, python: Path, line: str) -> Trial:
    bench.write(bench.changed(("import numpy as np", f"{line}\nimport numpy as np")))
    return run_trial(replace(bench.request(), python=python), Supervision())


def test_an_interpreter_is_asked_without_our_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("EVOLVEREC_LLM_KEY", SECRET)
    told = tmp_path / "told"
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nenv > {told}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    assert interpreter_at(python).version == sys.version_info[:2]
    assert SECRET not in told.read_text()


def prefix_of(kind: str, folder: Path) -> Interpreter:
    """A made-up interpreter whose folder has everything that some kind of installation has."""
    for name in (
        "bin",
        "lib",
        "include",
        "share",
        "etc",
        f"lib/{LIBRARY}",
        *(["conda-meta"] if kind == "conda" else []),
    ):
        (folder / name).mkdir(parents=True, exist_ok=True)
    if kind == "venv":
        (folder / "pyvenv.cfg").write_text("home = /usr/bin\n")
    shutil.copy("/bin/true", folder / "bin" / "python3.11")
    (folder / "bin" / "python").symlink_to("python3.11")
    (folder / "bin" / "own").write_text("")
    return Interpreter(executable=folder / "bin" / "python", version=sys.version_info[:2], prefixes=(folder,))


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("venv", {"bin", "include", "lib", "pyvenv.cfg", "share"}),
        ("conda", {"bin", "conda-meta", "include", "lib", "share"}),
        ("built", {"include", "lib", "bin/python3.11", "bin/python"}),
        ("home", {f"lib/{LIBRARY}", "bin/python3.11", "bin/python"}),
    ],
)
def test_what_is_shown_of_each_kind_of_prefix(tmp_path, kind, expected):
    folder = tmp_path / "prefix"
    folder.mkdir()
    if kind == "home":
        (folder / ".ssh").mkdir()
    view = view_of(prefix_of(kind, folder))
    seen = {*view.shown, *(link for link, _ in view.links)}
    assert {path.relative_to(folder).as_posix() for path in seen} == expected
