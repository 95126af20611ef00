"""The whole way by keys alone, from a folder that is not trusted to an applied patch, Improve by its shortcut."""

import re

import pytest
from playwright.sync_api import expect

from evolution.domain.proposal import Verified
from evolution.repo.applying import is_applied
from evolution.store.store import Store
from tests.vscode.keyboard import Keyboard, mouse_events, watch_mouse

pytestmark = [pytest.mark.editor, pytest.mark.process, pytest.mark.training, pytest.mark.timeout(900)]

FILE = "recommender.py"
SOFTMAX = "full softmax loss"
LOSS = "overconfidence"


def test_the_whole_way_by_keys_alone(workbench, new_repo, set_epochs):
    repo = new_repo("shop")
    set_epochs(repo, 6)
    keys = Keyboard(workbench)
    watch_mouse(workbench.page)
    open_and_trust(workbench, keys, repo)
    improve(workbench, keys, repo)
    go_to_the_finding(workbench, keys)
    quick_fix(workbench, keys)
    explain(workbench, keys)
    look_at_users_and_checks(workbench, keys)
    look_at_the_patch(workbench, keys)
    hand_it_to_the_team(workbench, keys, repo)
    dismiss(workbench, keys)
    apply_and_undo(workbench, keys, repo)
    curves_and_report(keys)
    assert mouse_events(workbench.page) == 0


def open_and_trust(workbench, keys, repo):
    workbench.open(repo)
    workbench.page.locator(".monaco-dialog-box").wait_for()
    keys.tab_to("^Yes, I trust")
    keys.press("Enter")
    workbench.go_to(FILE)
    expect(workbench.status("evolverec: not trained yet")).to_be_visible()


def improve(workbench, keys, repo):
    """By its shortcut; asked again by the palette, it joins. Stopped once a patch is verified."""
    keys.chord("i")
    expect(workbench.status(re.compile("evolverec: improving"))).to_be_visible()
    workbench.command("evolverec: Improve")
    expect(workbench.notice("which runs already")).to_be_visible()
    workbench.picture("keys-improve")

    def verified():
        with Store.open(repo) as store:
            return [
                known
                for known in store.proposals()
                if known.verified is Verified.GAIN and SOFTMAX in known.idea.title.lower()
            ]

    workbench.wait("a verified patch", verified)
    workbench.command("evolverec: Stop Job")

    def ended():
        with Store.open(repo) as store:
            return all(job.state.ended for job in store.jobs())

    workbench.wait("the job to end", ended)
    expect(workbench.status(re.compile("evolverec: improving"))).to_have_count(0)
    workbench.close_notices()


def go_to_the_finding(workbench, keys):
    """F8 from one to the next, until the one of the loss is told."""
    workbench.go_to(FILE)
    told = workbench.page.locator(".marker-widget .descriptioncontainer, .marker-widget")
    for _ in range(20):
        keys.press("F8")
        told.first.wait_for()
        workbench.page.wait_for_timeout(300)
        if LOSS[:12] in " ".join(told.all_inner_texts()).lower():
            break
    else:
        raise AssertionError(f"F8 does not come to {LOSS}")
    workbench.picture("keys-problem")
    keys.press("Escape")
    shown = workbench.hover()
    expect(shown).to_contain_text(LOSS)
    workbench.picture("keys-hover")
    keys.press("Escape")


def quick_fix(workbench, keys):
    keys.press("Control+.")
    rows = workbench.page.locator(".action-widget .monaco-list-row.action")
    expect(rows.first).to_contain_text(re.compile(SOFTMAX, re.IGNORECASE))
    workbench.picture("keys-fixes")
    keys.press("ArrowDown", "Enter")
    keys.close(re.compile(SOFTMAX, re.IGNORECASE))


def explain(workbench, keys):
    """By the palette, where the finding at the cursor comes first; and by the menu of its row."""
    workbench.command("evolverec: Explain")
    keys.pick("", "Which finding?", picture="keys-which-finding")
    page = re.compile(LOSS)
    keys.close(page)
    keys.view("Findings")
    keys.row(f": {LOSS}")
    keys.menu("Explain", picture="keys-finding-menu")
    expect(workbench.tab(page)).to_be_visible()
    workbench.picture("keys-explained")
    keys.close(page)


def look_at_users_and_checks(workbench, keys):
    keys.view("Users")
    said = keys.row("^complaint")
    keys.press("ArrowRight")
    workbench.page.wait_for_timeout(500)  # the rows below are drawn
    keys.press("ArrowDown")
    below = keys.focused()
    assert (
        below and below != said and not below.startswith("complaint")
    )  # unfolded: what stands below it, no other complaint
    workbench.picture("keys-users")
    workbench.command("Testing: Focus on Test Explorer View")
    rows = workbench.page.locator(".test-explorer .monaco-list-row")
    expect(rows.first).to_contain_text("shop")
    workbench.picture("keys-checks")


def look_at_the_patch(workbench, keys):
    """Enter on its row shows what it changes."""
    keys.view("Proposals")
    keys.row(rf"(?i)^verified gain: {SOFTMAX}")
    workbench.picture("keys-proposals")
    keys.press("Enter")
    expect(workbench.tab(re.compile(SOFTMAX, re.IGNORECASE))).to_be_visible()
    workbench.command("evolverec: Focus on Proposals View")
    workbench.picture("keys-diff")
    workbench.command("View: Focus Active Editor Group")
    keys.close(re.compile(SOFTMAX, re.IGNORECASE))


def hand_it_to_the_team(workbench, keys, repo):
    workbench.command("evolverec: Copy as Pull-Request Text")
    keys.pick(SOFTMAX, "Which patch?", picture="keys-which-patch")
    expect(workbench.notice("in the clipboard")).to_be_visible()
    workbench.command("evolverec: New Branch from Patch")
    keys.pick(SOFTMAX, "Which patch?")
    expect(workbench.page.locator(".quick-input-widget")).to_contain_text("The patch is committed to it")
    keys.press("Enter")
    expect(workbench.notice("committed to the new branch")).to_be_visible()
    assert (repo / ".git/refs/heads/full-softmax-loss").exists()
    workbench.close_notices()


def dismiss(workbench, keys):
    """A finding, by the menu of its row: it leaves the view."""
    keys.view("Findings")
    said = keys.row(rf"^(error|warning|information): (?!{LOSS})")
    code = said.split(": ")[1].split(",")[0]
    keys.menu("Dismiss Finding")
    rows = workbench.page.locator(f".sidebar .monaco-list-row[aria-label*=': {code},']")
    expect(rows).to_have_count(0)


def apply_and_undo(workbench, keys, repo):
    """Applied by the palette and undone, then by the menu of its row and saved."""
    before = (repo / FILE).read_text()
    workbench.go_to(FILE)
    workbench.command("evolverec: Apply Patch")
    keys.pick(SOFTMAX, "Which patch?")
    unsaved = workbench.status("not saved yet")
    expect(unsaved).to_be_visible()
    workbench.picture("keys-applied")
    keys.press("Control+z")
    expect(unsaved).to_have_count(0)
    expect(workbench.page.locator(".tabs-container .tab.dirty")).to_have_count(0)
    workbench.close_notices()
    keys.view("Proposals")
    keys.row(rf"(?i)^verified gain: {SOFTMAX}")
    keys.menu("Apply Patch", picture="keys-patch-menu")
    expect(unsaved).to_be_visible()
    workbench.command("View: Focus Active Editor Group")
    workbench.save()
    expect(unsaved).to_have_count(0)
    with Store.open(repo) as store:
        (patch,) = [known for known in store.proposals() if SOFTMAX in known.idea.title.lower()]
    assert before != (repo / FILE).read_text()
    assert is_applied(patch.patch.edits, lambda path: (repo / path).read_text())


def curves_and_report(keys):
    keys.chord("c")
    keys.close("Curves: shop")
    keys.chord("r")
    expect(keys.workbench.tab("Report: shop")).to_be_visible()
    keys.workbench.picture("keys-report")
