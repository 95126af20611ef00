"""The main job as a user does it in VS Code, with real training. Its pictures are the README's."""

import re

import psutil
import pytest
from playwright.sync_api import expect

from evolution.domain.proposal import ProposalState
from evolution.repo.applying import is_applied
from evolution.store.store import Store
from server.shown.wording import headline
from tests.vscode.workbench import EDITOR

pytestmark = [pytest.mark.editor, pytest.mark.process, pytest.mark.training, pytest.mark.timeout(1200)]

NEVER = 100_000  # epochs: such a training ends when it is cancelled
SOFTMAX = "Full softmax loss"
FILE = "recommender.py"


def test_the_main_job_in_vscode(workbench, new_repo, set_epochs, evolverec):
    repo = new_repo("shop")
    set_epochs(repo, NEVER)
    open_untrusted_then_trust(workbench, repo)
    train_and_cancel(workbench, repo)
    set_epochs(repo, 6)
    train(workbench, repo)
    anchor = diagnose(workbench, repo)
    hover(workbench, anchor)
    ask_users(workbench)
    propose(workbench, repo, evolverec)
    quick_fixes(workbench, anchor)
    look_at_the_change(workbench)
    take_one_hunk_skip_another(workbench, repo)
    apply_all_and_save(workbench, repo, anchor)
    open_report(workbench)


def line_of(repo, start):
    lines = (repo / FILE).read_text().splitlines()
    return 1 + next(number for number, text in enumerate(lines) if text.strip().startswith(start))


def open_untrusted_then_trust(workbench, repo):
    workbench.open(repo)
    workbench.answer_trust(trust=False)
    workbench.go_to(FILE, line=line_of(repo, "def build"))
    expect(workbench.status("evolverec: not trained yet")).to_be_visible()
    workbench.lens("Train").click()
    expect(workbench.notice("nothing of the folder is run")).to_be_visible()
    assert not (repo / ".evolverec").exists()
    workbench.close_notices()
    workbench.grant_trust()
    workbench.widen_side_bar(by=120)


def train_and_cancel(workbench, repo):
    workbench.lens("Train").click()
    expect(workbench.notice(re.compile("training.*epoch"))).to_be_visible()
    expect(workbench.lens("Cancel")).to_be_visible()
    expect(workbench.status(re.compile("evolverec: training"))).to_be_visible()
    workbench.picture("training")
    look_at_the_curves(workbench)
    with Store.open(repo) as store:
        (job,) = store.jobs()
    workbench.notice("training").get_by_role("button", name="Cancel").click()
    expect(workbench.notice("training")).to_have_count(0)
    expect(workbench.lens("Train")).to_be_visible()
    workbench.wait("the job to end", lambda: not psutil.pid_exists(job.pid))


def look_at_the_curves(workbench):
    """Drawn while the training runs, and drawn on."""
    workbench.command("evolverec: Training Curves")
    tab = workbench.tab("Curves: shop")
    expect(tab).to_be_visible()
    page = workbench.frame()
    expect(page.get_by_text(re.compile(r"^your version: epoch \d+"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^loss by epoch"))).to_be_visible()
    first = page.locator("figure").first.locator(".curve.c0")
    drawn = first.get_attribute("points")
    workbench.wait("a further epoch", lambda: first.get_attribute("points") != drawn)
    expect(page.get_by_text(re.compile("^Ends after .* epochs, or once the last"))).to_be_visible()
    workbench.picture("curves")
    tab.hover()
    tab.get_by_role("button", name=re.compile("^Close")).click()
    expect(tab).to_have_count(0)


def train(workbench, repo):
    workbench.lens("Train").click()
    expect(workbench.lens(re.compile(r"NDCG@10 \.\d+ ± \.\d+"))).to_be_visible()
    with Store.open(repo) as store:
        (trial,) = [trial for trial in store.trials() if trial.status.value == "complete"]
    assert trial.metrics["NDCG@10"].low is not None


def diagnose(workbench, repo):
    """Each measured finding stands on its line. Returns the first anchor of those about the loss."""
    workbench.lens("Diagnose").click()

    def diagnosed():
        with Store.open(repo) as store:
            return next((job for job in store.jobs() if job.kind == "diagnose" and job.result), None)

    job = workbench.wait("the diagnosis", diagnosed)
    found = [(headline(finding["message"]), finding["anchors"][0]) for finding in job.result["findings"]]
    here = [(message, anchor) for message, anchor in found if anchor["path"] == FILE]
    assert len(here) > 1
    loss = next(anchor for _, anchor in here if anchor["role"] == "loss")
    workbench.go_to(FILE, line=loss["start_line"], column=9)
    workbench.wait("a squiggle on the loss", lambda: loss["start_line"] in workbench.squiggled_lines())
    expect(workbench.page.locator(f"{EDITOR} .cgmr[class*=TextEditorDecorationType]").first).to_be_visible()
    rows = workbench.problems()
    for message, anchor in here:
        where = f"at line {anchor['start_line']} and character"
        assert any(message in row and where in row for row in rows), f"{message!r} {where} in {rows}"
    checklist(workbench)
    return loss


def checklist(workbench):
    """What the diagnosis said of each check stands in the Testing view."""
    workbench.command("Testing: Focus on Test Explorer View")
    rows = workbench.page.locator(".test-explorer .monaco-list-row")
    expect(rows.first).to_contain_text("shop")
    workbench.unfold(rows.first)
    failed = rows.filter(has_text="overconfidence").first
    expect(failed).to_have_attribute("aria-label", re.compile("failed", re.IGNORECASE))
    expect(rows.nth(5)).to_be_visible()
    workbench.picture("checks")


def hover(workbench, anchor):
    view = workbench.view("Findings")
    place = re.compile(rf"{FILE}:{anchor['start_line']}\b")
    expect(workbench.row(view, re.compile(r"^\.\d+ overconfident"))).to_have_attribute("aria-label", place)
    workbench.go_to(FILE, line=anchor["start_line"], column=12)
    shown = workbench.hover()
    expect(shown).to_contain_text("overconfidence")
    expect(shown).to_contain_text(re.compile(r"95 % \["))
    workbench.picture("findings")
    workbench.page.keyboard.press("Escape")


def ask_users(workbench):
    view = workbench.view("Users")
    view.locator(".welcome-view-content").get_by_role("button", name="Ask Users").click()
    expect(workbench.row(view, "200 statistical users")).to_be_visible()
    expect(workbench.row(view, "How well they know their user")).to_contain_text(
        re.compile(r"^\.\d+ \[\.\d+, \.\d+\] fidelity")
    )
    critique = workbench.row(view, "what is popular with everyone")
    expect(critique).to_contain_text(re.compile(r"^\d+ % \["))
    expect(critique).to_have_attribute("aria-label", re.compile("^complaint"))
    workbench.unfold(critique)
    expect(workbench.row(view, re.compile(r"user \d+, comes"))).to_be_visible()
    workbench.picture("users")


def propose(workbench, repo, evolverec):
    view = workbench.view("Proposals")
    view.locator(".welcome-view-content").get_by_role("button", name="Propose Patches").click()
    row = workbench.row(view, SOFTMAX)
    expect(row).to_have_attribute("aria-label", re.compile("^verified gain"), timeout=300_000)
    expect(row).to_contain_text(re.compile(r"^\+\d+ % \[\+[.\d]+, \+\d+\] full softmax loss"))
    expect(row).to_have_attribute(
        "aria-label", re.compile(r"95 % \[")
    )  # the row is narrow, its label is whole
    workbench.go_to(FILE, line=line_of(repo, "def build"))  # where the lens stands
    evolverec("stop", repo)  # further patches are not needed here; what was found stays
    workbench.wait("the job to end", lambda: not running(repo))
    expect(workbench.lens("Propose")).to_be_visible()


def running(repo):
    with Store.open(repo) as store:
        return [job for job in store.jobs() if not job.state.ended]


def quick_fixes(workbench, anchor):
    """By keyboard alone: to apply comes first, then to look and to have it explained, and to dismiss last."""
    workbench.go_to(FILE, line=anchor["start_line"], column=12)
    keys = workbench.page.keyboard
    keys.press("Control+.")
    rows = workbench.page.locator(".action-widget .monaco-list-row.action")
    expect(rows.first).to_contain_text(re.compile(rf"^{SOFTMAX}: \+\d+ % \["))
    titles = rows.all_inner_texts()
    assert titles[1] == f"Show diff: {SOFTMAX}" and titles[2].startswith("Explain "), titles
    assert titles[-1].startswith("Dismiss"), titles
    workbench.picture("fixes")
    keys.press("ArrowDown")
    keys.press("Enter")
    expect(workbench.tab(SOFTMAX)).to_be_visible()
    keys.press("Control+w")
    expect(workbench.tab(SOFTMAX)).to_have_count(0)


def look_at_the_change(workbench):
    view = workbench.view("Proposals")
    workbench.row(view, SOFTMAX).click()
    expect(workbench.tab(SOFTMAX)).to_be_visible()
    changed = workbench.page.locator(".monaco-diff-editor .modified-in-monaco-diff-editor")
    expect(changed).to_contain_text("F.cross_entropy")
    workbench.close_notices()
    workbench.picture("diff")


def take_one_hunk_skip_another(workbench, repo):
    before = (repo / FILE).read_text()
    view = workbench.view("Proposals")
    workbench.unfold(workbench.row(view, SOFTMAX))
    hunks = view.locator(".monaco-list-row").filter(has_text=re.compile(r"^Line \d+:"))
    expect(hunks).to_have_count(3)
    workbench.row_action(hunks.nth(0), "Take This Change")
    expect(workbench.notice("this mix is unmeasured until you train")).to_be_visible()
    expect(hunks.nth(0)).to_contain_text("taken")
    workbench.row_action(hunks.nth(1), "Skip This Change")
    expect(hunks.nth(1)).to_contain_text("skipped")
    workbench.picture("hunks")
    workbench.go_to(FILE, line=59)
    text = workbench.text()
    assert "Cross-entropy of the item that came next" in text and "positive = (hidden" in text
    assert (repo / FILE).read_text() == before, "written to disk before the user saved"


def apply_all_and_save(workbench, repo, anchor):
    view = workbench.view("Proposals")
    hunks = view.locator(".monaco-list-row").filter(has_text=re.compile(r"^Line \d+:"))
    workbench.row_action(hunks.nth(1), "Do Not Skip This Change")
    expect(hunks.nth(1)).not_to_contain_text("skipped")
    workbench.row_action(workbench.row(view, SOFTMAX), "Apply Patch")
    expect(workbench.row(view, re.compile(r"^\d+ applied"))).to_be_visible()
    workbench.go_to(FILE, line=anchor["start_line"])
    workbench.save()
    with Store.open(repo) as store:
        (applied,) = [known for known in store.proposals() if SOFTMAX in known.idea.title]
    assert applied.state is ProposalState.APPLIED
    assert is_applied(applied.patch.edits, lambda path: (repo / path).read_text())
    undo = workbench.notice("this mix is unmeasured").get_by_role("button", name="Undo")
    undo.click()  # of the change taken before: all of the patch came after it
    expect(workbench.notice("nothing was undone")).to_be_visible()
    assert is_applied(applied.patch.edits, lambda path: (repo / path).read_text())
    expect(workbench.page.locator(".tabs-container .tab.dirty")).to_have_count(0)
    workbench.wait("the squiggle to fade", lambda: anchor["start_line"] not in workbench.squiggled_lines())
    expect(workbench.row(workbench.view("Findings"), "faded")).to_be_visible()
    workbench.picture("applied")


def open_report(workbench):
    workbench.command("evolverec: Open Report")
    expect(workbench.tab("Report: shop")).to_be_visible()
    page = workbench.frame()
    expect(page.get_by_text(SOFTMAX).first).to_be_visible()
    expect(page.get_by_text("95 %").first).to_be_visible()
    workbench.close_notices()
    workbench.picture("report")
