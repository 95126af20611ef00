"""A whole evolution from the editor: what it may cost, before; then its run, stopped and gone on with, in the Runs view."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from evolution.store.store import Store

pytestmark = [pytest.mark.editor, pytest.mark.process, pytest.mark.training, pytest.mark.timeout(900)]

LLM = '[llm]\nbase_url = "http://127.0.0.1:9/v1"\nmodel = "wise-1"\n[llm.prices."wise-1"]\ninput = 2.0\noutput = 8.0\n'
TRIALS = 4
COST = re.compile(r"[\d,]+ tokens \(\$\d")


def test_a_run_is_started_stopped_and_gone_on_with(workbench, new_repo, set_epochs):
    repo = new_repo("shop")
    set_epochs(repo, 2)
    config = Path(os.environ["EVOLVEREC_CONFIG_HOME"]) / "config.toml"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(LLM)
    workbench.open(repo)
    workbench.answer_trust(trust=True)
    workbench.widen_side_bar(by=120)
    expect(workbench.status("evolverec: not trained yet")).to_be_visible()
    costs_are_told_before_they_arise(workbench, repo)
    config.write_text(config.read_text().replace(LLM, ""))  # the consent to run the folder stays
    stopped = start_and_stop(workbench, repo)
    go_on(workbench, repo, stopped)


def costs_are_told_before_they_arise(workbench, repo):
    workbench.command("evolverec: Ask Users")
    question = workbench.page.locator(".monaco-dialog-box")
    expect(question).to_contain_text("wise-1")
    expect(question).to_contain_text(COST)
    workbench.picture("cost-of-users")
    workbench.page.keyboard.press("Escape")
    expect(question).to_have_count(0)

    workbench.command("evolverec: Evolve")
    box = workbench.page.locator(".quick-input-widget")
    expect(box).to_contain_text("How many candidates to train at most?")
    expect(box).to_contain_text(COST)
    workbench.page.keyboard.press("Enter")
    expect(box).to_contain_text("How many dollars for the LLM at most?")
    workbench.picture("cost-of-evolve")
    workbench.page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    with Store.open(repo) as store:
        assert not store.jobs() and not store.runs()


def start_and_stop(workbench, repo):
    workbench.command("evolverec: Evolve")
    box = workbench.page.locator(".quick-input-widget")
    expect(box).to_contain_text("no LLM is set, so it costs time only")
    box.locator(".quick-input-filter input").fill(str(TRIALS))
    workbench.page.keyboard.press("Enter")
    expect(box).to_be_hidden()
    view = workbench.view("Runs")
    row = workbench.row(view, "directional")
    expect(row).to_have_attribute("aria-label", re.compile("running"))
    expect(workbench.status(re.compile("evolverec: .*evolv"))).to_be_visible()
    workbench.wait("a measured program", lambda: _measured(repo))
    workbench.row_action(row, "Stop")
    stopped = workbench.row(view, re.compile("directional.*stopped"))
    expect(stopped).to_be_visible()
    workbench.picture("run-stopped")
    return stopped


def go_on(workbench, repo, stopped):
    before = _measured(repo)
    workbench.row_action(stopped, "Resume")
    view = workbench.view("Runs")
    expect(workbench.row(view, re.compile(r"after [1-9]\d* trial"))).to_be_visible()
    expect(workbench.row(view, re.compile("[2-9] programs"))).to_be_visible()
    workbench.close_notices()
    workbench.picture("run")
    expect(workbench.row(view, "directional")).to_have_attribute("aria-label", re.compile("running"))
    workbench.row_action(workbench.row(view, "directional"), "Stop")
    expect(workbench.row(view, re.compile("directional.*stopped"))).to_be_visible()
    with Store.open(repo) as store:
        assert len(store.runs()) == 1
    assert before and _measured(repo) > before


def _measured(repo):
    with Store.open(repo) as store:
        return {trial.id for trial in store.trials() if trial.status.value == "complete"}
