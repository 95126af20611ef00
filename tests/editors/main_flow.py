"""What an editor showed in the main flow, held against the store, the text on disk and git."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from evolution.domain.job import JobKind, JobState
from evolution.domain.proposal import Proposal, ProposalState, Verified
from evolution.domain.trial import Trial
from evolution.jobs.alive import is_alive
from evolution.repo.applying import changed_files
from evolution.store.store import Store
from server.lsp.config_schema import schema
from server.shown.wording import change, gain, headline, spread

FILE = "recommender.py"
SOFTMAX = "Full softmax loss"
EARLIER = "measured on an earlier version"
DECIDED = 3  # hunks of the patch: one is taken, the others are not

Seen = dict[str, list[Any]]


def seen_in(output: str) -> Seen:
    """Fact -> its values, in the order they were shown. The editor may print words of its own between them."""
    seen: Seen = {}
    for line in output.splitlines():
        if line.startswith('["'):
            fact, value = json.loads(line)
            seen.setdefault(fact, []).append(value)
    return seen


def check(seen: Seen, repo: Path) -> None:
    assert seen["done"] == [True]
    check_config_help(seen)
    with Store.open(repo) as store:
        check_consent_and_cancel(seen, store)
        trial = the_trial(store)
        check_figure(seen, trial)
        check_findings(seen, store)
        check_users(seen, store, trial)
        (patch,) = [known for known in store.proposals() if known.idea.title == SOFTMAX]
    check_patch(seen, repo, patch)
    check_report(seen, repo)
    check_git(repo)


def the_trial(store: Store) -> Trial:
    """What the second training measured, and everything after it speaks of."""
    results = [job.result for job in store.jobs() if job.result and job.kind is not JobKind.PROPOSE]
    (name,) = {result["trial"] for result in results}
    trial = store.trial(name)
    assert trial is not None
    return trial


def check_config_help(seen: Seen) -> None:
    key = schema()["training"]["patience"]
    (hovered,) = seen["config hover"]
    assert "training.patience" in plain(hovered) and key.description in plain(hovered)
    (offered,) = seen["config completion"]
    assert f"eval_every = {schema()['training']['eval_every'].default}" in offered


def check_consent_and_cancel(seen: Seen, store: Store) -> None:
    assert "do you trust it?" in seen["asked"][0] and "do you trust it?" in seen["asked"][1]
    assert re.search(r"nothing of .* was run: .*[Tt]rust", seen["refused"][0])
    assert seen["store after the refusal"] == [0], "something ran in a folder that was not trusted"
    assert re.search(r"evolverec: training \d+ ?% .*epoch \d+/100,000", seen["progress"][0])
    jobs = list(reversed(store.jobs()))
    assert [(job.kind.value, job.state) for job in jobs] == [
        ("train", JobState.CANCELLED),
        ("train", JobState.DONE),
        ("diagnose", JobState.DONE),
        ("simulate", JobState.DONE),
        ("propose", JobState.DONE),
    ]
    assert not is_alive(store.repo, jobs[0])


def check_figure(seen: Seen, trial: Trial) -> None:
    assert seen["before"] == ["evolverec: not trained yet"]
    figure = f"NDCG@10 {spread(trial.metrics['NDCG@10'])}"
    assert seen["trained"][0].startswith(f"{figure}, ")
    assert seen["figures while proposing"] == [[figure]], "a candidate's figure was shown as the user's"


def check_findings(seen: Seen, store: Store) -> None:
    """Each finding stands on the line of its anchor, and the one of the loss is told in full by hover and fades."""
    (job,) = [job for job in store.jobs() if job.kind.value == "diagnose"]
    assert job.result is not None
    found = [(finding, finding["anchors"][0]) for finding in job.result["findings"]]
    here = [(finding, anchor) for finding, anchor in found if anchor["path"] == FILE]
    assert len(here) > 1
    for finding, anchor in here:
        lines = [line for line, message in seen["diagnostic"] if headline(finding["message"])[:28] in message]
        assert lines == [anchor["start_line"]], finding["message"]
    (loss,) = [finding for finding, anchor in here if finding["code"] == "overconfidence"]
    hovered = plain(seen["hover"][0])
    assert "overconfidence" in hovered and loss["definition"] in hovered
    assert re.search(r"Measured:? .*95 % \[", hovered)
    told = headline(loss["message"])[:28]  # a faded one has less room
    assert any("earlier version: " in message and told in message for message in seen["faded"])
    assert not any(told in message for message in seen.get("still there", []))
    assert EARLIER in seen["lens"][0]


def check_users(seen: Seen, store: Store, trial: Trial) -> None:
    feedback = store.feedback(trial.id)
    assert feedback is not None and feedback.simulation is not None
    asked = feedback.simulation
    (shown,) = seen["users"]
    assert shown.startswith(f"Statistical users, {asked.asked} asked. Fidelity: ")
    assert any(not critique.positive for critique in asked.critiques)
    for critique in asked.critiques:
        word = "praise" if critique.positive else "complaint"
        assert re.search(
            rf"^{word}: {re.escape(critique.message)}\n  .* of users, 95 % \[", shown, re.MULTILINE
        )
        assert all(f'"{quote.text}" user {quote.user}, ' in shown for quote in critique.quotes)


def check_patch(seen: Seen, repo: Path, patch: Proposal) -> None:
    """Seen with its gain, taken in part, then whole; on disk only once it was saved."""
    assert patch.effect is not None and patch.effect.low > 0 and patch.verified is Verified.GAIN
    picked = [label for label in seen["picked"] if label.startswith(SOFTMAX)]
    assert len(picked) >= 2 and all(
        label.startswith((f"{SOFTMAX}: {gain(patch.effect)}", f"{SOFTMAX}: {change(patch.effect)}"))
        for label in picked
    )
    assert len(patch.patch.edits) == DECIDED and {edit.path for edit in patch.patch.edits} == {FILE}
    (diff,) = seen["diff"]
    assert signed("-", diff) == [line for edit in patch.patch.edits for line in edit.old.splitlines()]
    assert signed("+", diff) == [line for edit in patch.patch.edits for line in edit.new.splitlines()]
    original = git(repo, "show", f"HEAD:{FILE}")
    assert seen["text with one change"] == [changed_files(patch.patch.edits[:1], lambda _: original)[FILE]]
    assert "this mix is unmeasured until you train" in seen["taken"][0]
    assert (repo / FILE).read_text() == changed_files(patch.patch.edits, lambda _: original)[FILE]
    assert patch.state is ProposalState.APPLIED


def signed(sign: str, diff: str) -> list[str]:
    """The lines that a unified diff adds or removes."""
    return [line[1:] for line in diff.splitlines() if line.startswith(sign) and not line.startswith(sign * 3)]


def check_report(seen: Seen, repo: Path) -> None:
    page = repo / ".evolverec" / "report.html"
    assert seen["report"] == [f"evolverec: the report is in {page}"]
    assert SOFTMAX in page.read_text(encoding="utf-8")


def check_git(repo: Path) -> None:
    """The user's git saw nothing but what the editor saved."""
    assert git(repo, "rev-list", "--count", "HEAD") == "1\n"
    assert git(repo, "status", "--porcelain") == f" M evolverec.toml\n M {FILE}\n"


def git(repo: Path, *command: str) -> str:
    return subprocess.run(
        ["git", "-C", str(repo), *command], check=True, capture_output=True, text=True
    ).stdout


def plain(text: str) -> str:
    """Without what Markdown adds."""
    return re.sub(r"[*`\\]", "", text)
