"""*Diagnose a Checkpoint...*, chosen before the server is up: weights that the user has are picked in a dialog, and measured without training."""

import json
import re
import shutil

import pytest
from playwright.sync_api import expect

from evolution.store.store import Store

pytestmark = [pytest.mark.editor, pytest.mark.process, pytest.mark.training, pytest.mark.timeout(600)]


def test_a_checkpoint_is_picked_and_measured_and_a_broken_one_is_told(
    workbench, new_repo, set_epochs, evolverec, tmp_path
):
    repo = new_repo("shop")
    set_epochs(repo, 2)
    trained = json.loads(evolverec("train", repo, "--trust", "--json"))
    best, broken = tmp_path / "best.pkl", tmp_path / "broken.pkl"
    shutil.copy(repo / ".evolverec" / "trials" / trained["trial"] / "state.bin", best)
    broken.write_bytes(b"hello there, world")
    workbench.open(repo)
    workbench.answer_trust(trust=True)
    text = (repo / "recommender.py").read_text()
    workbench.go_to("recommender.py", line=1 + text.count("\n", 0, text.index("def build")))

    diagnose(workbench, best)
    expect(workbench.lens(re.compile("^checkpoint best.pkl, NDCG@10")).first).to_be_visible()
    with Store.open(repo) as store:
        (job,) = [job for job in store.jobs() if job.kind == "diagnose"]
        assert job.result is not None and job.result["checkpoint"] == "best.pkl"
        assert store.latest_own_trial().id == trained["trial"]

    diagnose(workbench, broken)
    expect(workbench.notice("none of the files that can be opened")).to_be_visible()


def diagnose(workbench, checkpoint):
    """As the dialog of a remote window is used: its path typed."""
    workbench.command("evolverec: Diagnose a Checkpoint...")
    box = workbench.page.locator(".quick-input-widget")
    expect(box).to_contain_text("Diagnose a Checkpoint")
    entry = box.locator(".quick-input-filter input")
    expect(entry).to_have_value(re.compile("/shop/?$"))
    entry.fill(str(checkpoint))
    box.locator(".monaco-list-row").filter(has_text=checkpoint.name).wait_for()
    box.get_by_role("button", name="Diagnose", exact=True).click()
