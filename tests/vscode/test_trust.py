"""In restricted mode the folder is read, and nothing of it is run."""

import pytest
from playwright.sync_api import expect

from evolution.base.places import store_folder

pytestmark = [pytest.mark.editor, pytest.mark.process]


def test_an_untrusted_folder_runs_nothing(workbench, new_repo):
    repo = new_repo("shop")
    (repo / "recommender.py").write_text(
        "raise SystemExit('imported')\n" + (repo / "recommender.py").read_text()
    )
    workbench.open(repo)
    workbench.answer_trust(trust=False)
    workbench.go_to("recommender.py", line=10)
    expect(workbench.status("Restricted Mode")).to_be_visible()
    expect(workbench.status("evolverec: not trained yet")).to_be_visible()

    # by the palette
    workbench.command("evolverec: Train")
    expect(workbench.notice("nothing of the folder is run")).to_be_visible()
    workbench.close_notices()
    # by the lens over `build`
    lines = (repo / "recommender.py").read_text().splitlines()
    workbench.go_to(
        "recommender.py", line=1 + next(n for n, text in enumerate(lines) if text.startswith("def build"))
    )
    workbench.lens("Diagnose").click()
    expect(workbench.notice("nothing of the folder is run")).to_be_visible()
    workbench.close_notices()
    # by the view, which says why as well
    view = workbench.view("Findings")
    expect(view).to_contain_text("restricted mode")
    assert not store_folder(repo).exists(), "a job was started"
