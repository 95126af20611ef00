"""A real VS Code in a real browser, with the extension as it is shipped, on fresh sasrec repos.

What the fixtures cost: a browser for each file of tests and a VS Code server for each test, ten seconds; `new_repo` runs
`evolverec` twice. What VS Code then starts takes minutes.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

import evolverec_entry
from tests.vscode.code_server import CodeServer
from tests.vscode.workbench import Workbench

ROOT = Path(evolverec_entry.__file__).parent
INSTALLED = ROOT / ".setup" / "code-server"
EXTENSION = ROOT / "editor-client" / "vscode" / "evolverec.vsix"
PICTURES = ROOT / "test-output" / "vscode"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
LOOK = "EVOLVEREC_TEST_LOOK"  # to look at the pictures in another theme or window: "1024x700", "Default High Contrast,1024x700"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Function):
    """Where a test fails, the last picture is kept and the log shown, before anything is torn down."""
    report = yield
    fixtures: dict[str, Any] = item.funcargs
    bench = fixtures.get("workbench")
    if report.when == "call" and report.failed and bench:
        try:
            bench.picture(f"failed-{item.name}")
        except Error as error:  # the page itself is gone
            report.sections.append(("picture", f"none: {error}"))
        report.sections.append(("log of the extension", fixtures["code_server"].extension_log()))
    return report


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    for there, command in (
        (program, "apt install chromium"),
        (EXTENSION.exists(), "make vsix"),
        (INSTALLED.exists(), "make code-server"),
    ):
        if not there:
            pytest.skip(f"needs: {command}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def code_server(browser: Browser, tmp_path: Path) -> Iterator[CodeServer]:
    """Depends on the browser, so that it ends first."""
    home = tmp_path / "editor"
    home.mkdir()
    server = CodeServer(INSTALLED, home, theme=_look()[0])
    server.install(EXTENSION)
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture
def workbench(code_server: CodeServer, browser: Browser) -> Iterator[Workbench]:
    """A fresh window with no folder yet."""
    _, width, height = _look()
    page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1)
    yield Workbench(page, code_server.url, PICTURES)
    page.close()


def _look() -> tuple[str, int, int]:
    """Theme ("" for the usual one), width and height of the window, as the environment asks."""
    theme, width, height = "", 1280, 800
    for part in filter(None, os.environ.get(LOOK, "").split(",")):
        if size := re.fullmatch(r"(\d+)x(\d+)", part):
            width, height = int(size[1]), int(size[2])
        else:
            theme = part
    return theme, width, height


Evolverec = Callable[..., str]


@pytest.fixture
def evolverec() -> Evolverec:
    """Run the command line; its stdout."""

    def run(*arguments: str | Path) -> str:
        command = [sys.executable, str(evolverec_entry.__file__), *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def new_repo(evolverec: Evolverec, tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Make a sasrec repo on the smallest shop. Jobs outlive editors, so those that still run are stopped in the end."""
    made: list[Path] = []

    def make(name: str) -> Path:
        repo = tmp_path / name
        evolverec("new", "sasrec", repo, "--data", "shop-micro")
        made.append(repo)
        return repo

    yield make
    for repo in made:
        evolverec("stop", repo)


@pytest.fixture
def set_epochs() -> Callable[[Path, int], None]:
    """So many epochs at most, on disk; no early stop before."""

    def write(repo: Path, epochs: int) -> None:
        config = repo / "evolverec.toml"
        text = re.sub(r"max_epochs = \d+", f"max_epochs = {epochs}", config.read_text())
        config.write_text(re.sub(r"patience = \d+", f"patience = {epochs}", text))

    return write
