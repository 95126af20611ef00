"""Shared by the load bench and the property tests: a long program, and a store with much to say of it."""

import subprocess
import time
from pathlib import Path

from diagnosis.anchors import make_anchor
from diagnosis.findings import Finding, Role, Severity, Site
from evolution.domain.edits import make_edits
from evolution.domain.feedback import Feedback
from evolution.domain.proposal import Effect, Idea, Patch, Proposal, Verified
from evolution.domain.trial import Metric, Trial, TrialKey, TrialStatus
from evolution.repo.programs import Programs
from evolution.store.store import Store
from tests.findings import make_finding

LAYER = '''\
class Layer{n}(torch.nn.Module):
    """Layer {n}: what was tried on day {day}."""

    def __init__(self, width, dropout=0.{digit}):
        super().__init__()
        self.weight = torch.nn.Linear(width, width)
        self.norm = torch.nn.LayerNorm(width)
        self.dropout = torch.nn.Dropout(dropout)
        self.scale = {n} / 1000.0

    def forward(self, x, mask=None):
        hidden = self.weight(self.norm(x))
        if mask is not None:
            hidden = hidden.masked_fill(mask, 0.0)
        hidden = torch.nn.functional.gelu(hidden * self.scale)
        return x + self.dropout(hidden)


'''
ENTRY = """\
def build(data, *, device, seed):
    torch.manual_seed(seed)
    return Layer0(64).to(device)
"""
CONFIG = (
    '[recommender]\nentry = "model:build"\n\n[data]\nsource = "shop-micro"\n\n[training]\ndevice = "cpu"\n'
)
ROLES = (Role.ITEM_TABLE, Role.ENCODER, Role.LOSS, Role.DROPOUT, Role.NORMALIZATION)


def program(lines: int) -> str:
    """Python of about so many lines, most of them like others, as in long files."""
    size = LAYER.count("\n")
    layers = [LAYER.format(n=n, day=n % 30 + 1, digit=n % 5) for n in range(max(1, lines // size))]
    return "import torch\n\n\n" + "".join(layers) + ENTRY


def fill(root: Path, lines: int, findings: int, proposals: int) -> str:
    """Make a repo at `root` whose store has so many findings and proposals, spread over its file; the file's text."""
    text = program(lines)
    root.mkdir(parents=True)
    (root / "model.py").write_text(text, encoding="utf-8")
    (root / "evolverec.toml").write_text(CONFIG, encoding="utf-8")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    with Store.open(root) as store:
        tree = Programs.open(root).snapshot().tree
        key = TrialKey(program=tree, data="d", training="t", seed=0, device="cpu/1", harness="1")
        metric = Metric(value=0.142, low=0.138, high=0.146)
        store.put_trial(
            Trial(
                id="trial0000001",
                key=key,
                status=TrialStatus.COMPLETE,
                created_at=time.time() - 700,
                wall_s=3.0,
                best_epoch=3,
                metrics={"NDCG@10": metric, "HR@10": metric},
                objective=metric,
            )
        )
        found = [_finding(text, n, findings) for n in range(findings)]
        store.put_feedback(
            Feedback(trial="trial0000001", program=tree, created_at=time.time() - 600, findings=tuple(found))
        )
        for n in range(proposals):
            store.put_proposal(_proposal(text, n, proposals, tree, found))
    return text


def _site(text: str, n: int, of: int, offset: int) -> Site:
    """A line of the n-th of `of` equal parts of the file."""
    size, layers = LAYER.count("\n"), text.count("class Layer")
    row = 3 + size * (n * layers // of) + offset
    return Site(role=ROLES[n % len(ROLES)], path="model.py", start_line=row + 1, end_line=row + 1)


def _finding(text: str, n: int, of: int) -> Finding:
    anchors = tuple(make_anchor(_site(text, n, of, offset), text) for offset in (5, 14))
    return make_finding(
        f"code-{n % 20}",
        id=f"finding-{n}",
        severity=(Severity.WARNING, Severity.INFORMATION, Severity.ERROR)[n % 3],
        message=f"Something was measured here, number {n}.",
        why="It costs accuracy.",
        definition="A share of users, mean over all of them.",
        value=0.12,
        low=0.1,
        high=0.14,
        reference=0.6,
        reference_name="untrained model",
        unit="of the width",
        anchors=anchors,
    )


def _proposal(text: str, n: int, of: int, tree: str, found: list[Finding]) -> Proposal:
    """Two hunks, each on a line that occurs once, or with context until it does."""
    lines = text.split("\n")
    row = _site(text, n, of, 5).start_line - 1
    lines[row] = lines[row].replace("width, width", f"width, width, bias={bool(n % 2)}")
    lines[row + 3] = lines[row + 3].replace("/ 1000.0", f"/ {900 + n}.0")
    return Proposal(
        id=f"proposal-{n}",
        idea=Idea(
            code="some-recipe",
            title=f"Patch {n}",
            rationale="It was measured.",
            addresses=tuple(finding.id for finding in found[n * len(found) // of :][:3]),
            rests_on=("a paper",),
            proposer="recipe",
        ),
        patch=Patch(base=tree, edits=tuple(make_edits("model.py", text, "\n".join(lines)))),
        parent=tree,
        child=f"child-{n}",
        trials=(f"trial-{n}",),
        verified=Verified.GAIN,
        effect=Effect(metric="objective", before=0.142, after=0.142 + n / 1000, low=0.001, high=0.05),
        created_at=time.time(),
    )
