"""Two recommenders in one window are kept apart."""

import json
import re

import pytest
from playwright.sync_api import expect

from evolution.store.store import Store

pytestmark = [pytest.mark.editor, pytest.mark.process, pytest.mark.training, pytest.mark.timeout(600)]


def test_two_folders_in_one_window_are_kept_apart(workbench, new_repo, set_epochs, tmp_path):
    books, music = new_repo("books"), new_repo("music")
    for repo in (books, music):
        set_epochs(repo, 1)
    workspace = tmp_path / "both.code-workspace"
    workspace.write_text(json.dumps({"folders": [{"path": "books"}, {"path": "music"}]}))
    workbench.open(workspace)
    workbench.answer_trust(trust=True)

    # the job is that of the file with the lens
    lines = (music / "recommender.py").read_text().splitlines()
    build = 1 + next(n for n, text in enumerate(lines) if text.startswith("def build"))
    workbench.go_to("music/recommender.py", line=build)
    expect(workbench.lens("evolverec: not trained yet")).to_be_visible()  # what comes after it moves no more
    workbench.lens("Train").click()
    expect(workbench.lens(re.compile("NDCG@10"))).to_be_visible()
    with Store.open(music) as store:
        assert [trial.status.value for trial in store.trials()] == ["complete"]
    assert not (books / ".evolverec" / "jobs").exists()

    # views have a row for each; a command without a file asks which is meant
    runs = workbench.view("Runs")
    expect(workbench.row(runs, "music")).to_be_visible()
    expect(workbench.row(runs, "books")).to_contain_text("nothing yet")
    workbench.page.keyboard.press("Control+k")
    workbench.page.keyboard.press("w")  # close all editors
    workbench.command("evolverec: Train")
    choice = workbench.page.locator(".quick-input-widget .monaco-list-row")
    expect(choice).to_have_count(2)
    choice.filter(has_text="books").click()
    workbench.go_to("books/recommender.py", line=build)
    expect(workbench.lens(re.compile("NDCG@10"))).to_be_visible()
