"""The main job with nothing prepared: a server process, real jobs, real training, message by message.

Under one editor's capabilities: tests/editors and tests/vscode do it in the real editors. Six epochs are enough for first
findings and a first gain.
"""

import asyncio
import re
import subprocess
import sys
import time

import pytest
from lsprotocol import types

import evolverec_entry
from diagnosis.findings import Role
from evolution.domain.job import JobState
from evolution.repo.applying import is_applied
from evolution.store.store import Store

FILES = ("recommender.py", "model.py", "batches.py")
SHOWN_S = 20.0
JOB_S = 300.0  # of one job at most, on a machine that does other things too
HINT = types.DiagnosticSeverity.Hint
# What stands on the line that an anchor with this role should point to, in the seed's own words.
WORDS = {
    Role.LOSS: "binary_cross_entropy_with_logits(",
    Role.ITEM_TABLE: "nn.Embedding(n_items + 1",
    Role.NEGATIVES: "torch.randint(",
    Role.ENCODER: "scaled_dot_product_attention(",
    Role.OPTIMIZER: "torch.optim.Adam(",
    Role.POSITION_TABLE: "nn.Embedding(max_len",
    Role.SCORING: "self.item_embedding.weight.T",
    Role.ENTRY: "def build(",
}

pytestmark = [pytest.mark.training, pytest.mark.process, pytest.mark.timeout(1200)]


@pytest.fixture
def repo(tmp_path, config_home):
    root = tmp_path / "shop repo"
    new = [sys.executable, evolverec_entry.__file__, "new", "sasrec", str(root), "--data", "shop-micro"]
    subprocess.run(new, check=True, capture_output=True)
    config = root / "evolverec.toml"
    config.write_text(
        config.read_text()
        .replace("max_epochs = 60", "max_epochs = 6")
        .replace("patience = 5", "patience = 6")
    )
    git(root, "commit", "--quiet", "--all", "--message", "six epochs")
    return root


def git(root, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    asked = ["git", "-C", str(root), *identity, *arguments]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout


async def run(editor, command, **asked):
    """What the editor was told of a job's progress, from its begin to its end."""
    started = await editor.command(command, **asked)
    told = editor.client.progress_reports
    token = f"evolverec-{started['job']}"
    await editor.wait(lambda: told.get(token) and told[token][-1].kind == "end", timeout_s=JOB_S)
    with Store.open(editor.repo) as store:
        job = store.job(started["job"])
    assert job.state == JobState.DONE, job.error
    return told[token]


def shown(editor):
    """Where findings and critiques stand: (code, path, line from 0)."""
    return {
        (found.code, path, found.range.start.line)
        for path in FILES
        for found in editor.shown(editor.uri(path))
    }


async def fixes(editor, uri, line):
    actions = await editor.actions(uri, line, only=["quickfix"])
    return [action for action in actions if action.kind == types.CodeActionKind.QuickFix]


async def until(ask, enough):
    """The first answer that is enough; what a job wrote is shown a moment after its end was told."""
    end = time.monotonic() + SHOWN_S
    while not enough(answer := await ask()):
        assert time.monotonic() < end, f"the last answer was {answer}"
        await asyncio.sleep(0.1)
    return answer


async def test_the_main_job(connect_process, repo):
    editor = await connect_process("visual-studio-code")
    uris = {editor.open(path): (repo / path).read_text() for path in FILES}
    uri = editor.uri("recommender.py")
    text = uris[uri]
    entry = text.splitlines().index("def build(data, *, device: str, seed: int) -> Recommender:")
    assert (await editor.lenses(uri))[0].command.title == "evolverec: not trained yet"

    told = await run(editor, "train")
    assert [report.kind for report in (told[0], told[-1])] == ["begin", "end"]
    epochs = [
        found for report in told if (found := re.search(r"epoch (\d)/6, loss \d*\.\d+", report.message or ""))
    ]
    assert epochs and sorted(found[1] for found in epochs) == [found[1] for found in epochs]
    assert told[-2].percentage == 99  # all is done when the progress ends, not before
    (lens, *_) = await until(lambda: editor.lenses(uri), lambda found: "NDCG@10 ." in found[0].command.title)
    assert lens.range.start.line == entry

    await run(editor, "diagnose")
    await run(editor, "askUsers")
    with Store.open(repo) as store:
        feedback = store.latest_feedback()
        said = feedback.simulation.critiques
        anchored = [(finding.code, finding.anchors) for finding in feedback.all_findings()]
        anchored += [(one.code, feedback.critique_anchors[one.id]) for one in said if not one.positive]
    expected = {
        (code, anchors[0].path, anchors[0].start_line - 1, anchors[0].role) for code, anchors in anchored
    }
    assert {code for code, *_ in expected} >= {"overconfidence", "overused-popularity"}
    await editor.wait(lambda: shown(editor) == {row[:3] for row in expected})
    (group,) = (await editor.ask("users"))["groups"]
    assert len(group["personas"]) == group["asked"] > 50
    assert all(len(one["page"]) == 10 and one["history"] for one in group["personas"])
    assert {quote["user"] for c in group["critiques"] for quote in c["quotes"]} <= {
        one["user"] for one in group["personas"]
    }
    for code, path, line, role in expected:
        assert WORDS[role] in uris[editor.uri(path)].splitlines()[line], code

    await run(editor, "propose", trials=1)
    line = next(line for code, path, line, _ in expected if code == "overconfidence")
    (fix,) = await until(lambda: fixes(editor, uri, line), bool)
    assert re.search(r": \+\d+ % \[.+\] objective", fix.title) and "overconfidence" in {
        found.code for found in fix.diagnostics
    }
    if fix.edit is None:
        fix = await editor.client.code_action_resolve_async(fix)
    patched = editor.text_after(fix.edit, uri, text)
    editor.change(uri, patched)
    await editor.wait(
        lambda: any(found.code == "overconfidence" and found.severity == HINT for found in editor.shown(uri))
    )
    assert "measured on an earlier version" in (await editor.lenses(uri))[0].command.title
    with Store.open(repo) as store:
        await editor.wait(lambda: [proposal.state for proposal in store.proposals()] == ["applied"])
        (proposal,) = store.proposals()
    assert is_applied(proposal.patch.edits, {"recommender.py": patched}.get)
    assert git(repo, "status", "--porcelain") == ""  # the text is the editor's, not yet saved
