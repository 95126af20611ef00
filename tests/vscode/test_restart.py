"""What a window shows survives its server, and a job does too."""

import psutil
import pytest
from playwright.sync_api import expect

from evolution.store.store import Store

pytestmark = [pytest.mark.editor, pytest.mark.process, pytest.mark.training, pytest.mark.timeout(600)]


def lines_with_findings(repo, path):
    """Lines, from 1, on which the newest diagnosis says what is wrong in this file."""
    with Store.open(repo) as store:
        diagnosed = next(job for job in store.jobs() if job.kind == "diagnose")
    anchors = [finding["anchors"][0] for finding in diagnosed.result["findings"] if finding["anchors"]]
    return {anchor["start_line"] for anchor in anchors if anchor["path"] == path}


def test_a_server_killed_while_training_comes_back_with_its_findings(
    workbench, code_server, new_repo, set_epochs, evolverec
):
    repo = new_repo("shop")
    set_epochs(repo, 2)
    evolverec("diagnose", repo, "--trust")
    set_epochs(repo, 100_000)
    expected = lines_with_findings(repo, "recommender.py")
    workbench.open(repo)
    workbench.answer_trust(trust=True)
    workbench.go_to("recommender.py", line=max(expected))
    workbench.wait("squiggles", lambda: set(workbench.squiggled_lines()) & expected)
    workbench.command("evolverec: Train")
    expect(workbench.notice("training")).to_be_visible()
    with Store.open(repo) as store:
        (job,) = [job for job in store.jobs() if job.kind == "train"]

    (server,) = code_server.language_servers()
    server.kill()
    server.wait()

    (again,) = workbench.wait("another server", code_server.language_servers)
    assert again.pid != server.pid
    expect(workbench.status("training")).to_be_visible()
    expect(workbench.notice("training")).to_be_visible()
    workbench.wait("the same squiggles", lambda: max(expected) in workbench.squiggled_lines())
    shown = " ".join(workbench.problems())
    assert all(f"at line {line} and" in shown for line in expected), shown
    assert psutil.pid_exists(job.pid), "the training died with the server"
    workbench.notice("training").get_by_role("button", name="Cancel").click()
    expect(workbench.notice("training")).to_have_count(0)
    workbench.wait("the job to end", lambda: not psutil.pid_exists(job.pid))
