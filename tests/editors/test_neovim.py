"""The whole main flow through a real headless Neovim, on a real repo, with real training."""

import shutil
from pathlib import Path

import pytest

from tests.editors import main_flow

HERE = Path(__file__).parent


@pytest.mark.editor
@pytest.mark.training
@pytest.mark.timeout(600)
@pytest.mark.skipif(shutil.which("nvim") is None, reason="needs Neovim 0.7 or later: apt install neovim")
def test_the_main_flow_in_neovim(repo, drive):
    script = HERE / "drive_nvim.lua"
    seen = drive(
        "nvim",
        "--headless",
        "--clean",
        "-n",
        "-i",
        "NONE",
        "-c",
        f"luafile {script}",
        client="neovim/evolverec.lua",
    )
    main_flow.check(seen, repo)
