"""The first five minutes: an empty folder becomes a recommender, and a repo of one's own is set up."""

import re

import pytest
from playwright.sync_api import expect

from evolution.store.store import Store
from seeds.new import all_seeds

pytestmark = [pytest.mark.editor, pytest.mark.process, pytest.mark.training, pytest.mark.timeout(600)]

OWN_CODE = """\
import numpy as np


class Popular:
    def __init__(self, data):
        self.counts = np.bincount(data.items, minlength=data.n_items + 1).astype(np.float32)

    def fit(self):
        yield {"loss": 0.0}

    def score(self, users, histories):
        return np.tile(self.counts, (len(users), 1))


def build(data, *, device, seed):
    return Popular(data)
"""


def welcome_button(view, name):
    return view.locator(".welcome-view").get_by_role("button", name=name)


def test_an_empty_folder_becomes_a_recommender_that_trains_at_once(workbench, evolverec, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    workbench.open(folder)
    workbench.answer_trust(trust=True)
    view = workbench.view("Findings")
    expect(view).to_contain_text("This folder is empty")
    workbench.picture("welcome-empty")
    welcome_button(view, "New Recommender").click()
    rows = workbench.page.locator(".quick-input-widget .monaco-list-row")
    first = next(seed for seed in all_seeds() if seed.name == "sasrec")
    expect(rows).to_have_count(len(all_seeds()))
    workbench.picture("seeds")
    rows.filter(has_text=first.title).first.click()
    rows.filter(has_text="shop-micro").click()
    expect(workbench.notice(re.compile("training.*epoch"))).to_be_visible()
    expect(workbench.lens("Cancel")).to_be_visible()
    assert (folder / "evolverec.toml").is_file()
    with Store.open(folder) as store:
        (job,) = store.jobs()
    assert job.kind == "train"
    evolverec("stop", folder)


def test_a_repo_without_a_config_is_explained_and_set_up(workbench, tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "model.py").write_text(OWN_CODE)
    workbench.open(folder)
    workbench.answer_trust(trust=True)
    view = workbench.view("Findings")
    expect(view).to_contain_text("no evolverec.toml")
    welcome_button(view, "What a repo must offer").click()
    expect(workbench.page.get_by_text("Open a recommender").first).to_be_visible()
    workbench.picture("walkthrough")
    welcome_button(view, "Set Up This Folder").click()
    expect(workbench.tab("evolverec.toml")).to_be_visible()
    expect(workbench.page.locator(".view-lines").first).to_contain_text("model:build")
    assert "model:build" in (folder / "evolverec.toml").read_text()
    expect(workbench.status("evolverec: not trained yet")).to_be_visible()
    workbench.picture("set-up")
