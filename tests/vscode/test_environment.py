"""A machine without evolverec: the extension says so, makes an environment of its own, and its server runs there."""

import os
import re
import sys

import pytest
from playwright.sync_api import expect

from tests.vscode.conftest import EXTENSION
from tests.vscode.python_extension import python_extension

pytestmark = [pytest.mark.editor, pytest.mark.process, pytest.mark.training, pytest.mark.timeout(1200)]

TORCH = "EVOLVEREC_TEST_WITH_TORCH"  # set: PyTorch too, some hundred megabytes, and a training with it


def test_where_no_evolverec_is_found_an_environment_is_made(workbench, code_server, new_repo, set_epochs):
    repo = new_repo("shop")
    set_epochs(repo, 1)
    (wheel,) = (EXTENSION.parent / "wheel").glob("*.whl")
    with_torch = bool(os.environ.get(TORCH))
    code_server.set_machine({} if with_torch else {"evolverec.package": str(wheel)})
    workbench.open(repo)
    workbench.answer_trust(trust=True)
    expect(workbench.status("evolverec: not found")).to_be_visible()
    missing = workbench.notice("no evolverec was found on this machine")
    workbench.picture("no-evolverec")
    missing.get_by_role("button", name="Install Server").click()
    expect(workbench.notice("installing evolverec")).to_be_visible()
    expect(workbench.notice("the environment is ready")).to_be_visible(timeout=900_000)
    (server,) = code_server.language_servers()
    assert "/environment/bin/" in server.cmdline()[0]

    workbench.close_notices()
    workbench.command("evolverec: Train")
    if with_torch:
        expect(workbench.status(re.compile(r"NDCG@10|finding"))).to_be_visible()
    else:
        missing = workbench.notice("PyTorch is not installed in")
        expect(missing.get_by_role("button", name="Install torch")).to_be_visible()
        workbench.picture("no-torch")


def test_the_interpreter_that_the_python_extension_has_selected_serves(
    workbench, code_server, new_repo, tmp_path
):
    repo = new_repo("shop")
    selected = tmp_path / "selected"
    selected.write_text("/usr/bin/python-that-is-not-there")
    code_server.install(python_extension(tmp_path, selected))
    code_server.set_machine({})
    workbench.open(repo)
    # In restricted mode the other extension is not there yet: ours looks, and must look again when it comes.
    expect(workbench.status("evolverec: not found")).to_be_visible()
    workbench.answer_trust(trust=True)
    selected.write_text(sys.executable)  # as when the user selects another there
    expect(workbench.status("evolverec: not trained yet")).to_be_visible()
    (server,) = code_server.language_servers()
    assert server.cmdline()[0] == sys.executable
    assert "found by the Python extension" in code_server.extension_log()
