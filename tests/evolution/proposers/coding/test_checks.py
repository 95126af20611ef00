"""What counts as dead on the torch seed, with the real worker: the paper's fault, and patches that work."""

from dataclasses import replace

import pytest

from evolution.domain.edits import Edit
from evolution.proposers.coding.checks import check
from evolution.proposers.coding.patching import patched
from evolution.repo.config import read_config
from evolution.trials.request import Supervision
from evolution.trials.run import smoke_trial
from tests.evolution.seed import SASREC, sasrec_sources

pytestmark = [pytest.mark.process, pytest.mark.slow]
RETURNED = "        return positive_loss + negative_loss"
TERM = (
    '    def spread(self) -> Tensor:\n        """Mean cosine of random pairs of items, which collapse makes 1."""\n'
    "        items = F.normalize(self.model.item_embedding.weight[1:], dim=1)\n"
    "        return (items * items.roll(1, 0)).sum(1).mean()\n\n    @torch.no_grad()\n    def score(self, users, histories) -> Tensor:"
)


def edit(old, new, path="recommender.py"):
    return Edit(path=path, old=old, new=new)


DEFINED = edit("    @torch.no_grad()\n    def score(self, users, histories) -> Tensor:", TERM)
PATCHES = {
    "a term that is never called": ((DEFINED,), "nothing calls Recommender.spread"),
    "a term that is computed and left": (
        (DEFINED, edit(RETURNED, f"        spread = self.spread()\n{RETURNED}")),
        "assigns spread, which nothing reads",
    ),
    "a layer that forward does not use": (
        (
            edit(
                "        self.norm = nn.LayerNorm(dim)",
                "        self.norm = nn.LayerNorm(dim)\n        self.gate = nn.Linear(dim, dim)",
                "model.py",
            ),
        ),
        "1 of the 1 statements",
    ),
    "a term that is off": (
        (
            DEFINED,
            edit("    max_len: int = 50", "    max_len: int = 50\n    spread: float = 0.0"),
            edit("        self.device = device", "        self.device = device\n        self.weight = settings.spread"),
            edit(RETURNED, f"        if self.weight:\n            return positive_loss + self.weight * self.spread()\n{RETURNED}"),
        ),
        "nothing calls Recommender.spread",
    ),
    "a term that is added": ((DEFINED, edit(RETURNED, f"{RETURNED} + 0.1 * self.spread()")), ""),
    "a schedule that steps after each epoch": (
        (
            edit(
                "    def fit(self) -> Iterator[dict[str, float]]:",
                "    def anneal(self) -> None:\n        for group in self.optimizer.param_groups:\n            group['lr'] *= 0.95\n\n"
                "    def fit(self) -> Iterator[dict[str, float]]:",
            ),
            edit(
                '            yield {"loss": float(total) / max(n_targets, 1)}',
                '            yield {"loss": float(total) / max(n_targets, 1)}\n            self.anneal()',
            ),
        ),
        "",
    ),
    "a gate in the encoder": (
        (
            edit(
                "        self.norm = nn.LayerNorm(dim)",
                "        self.norm = nn.LayerNorm(dim)\n        self.gate = nn.Linear(dim, dim)",
                "model.py",
            ),
            edit("        return self.norm(x)", "        return self.norm(x) * torch.sigmoid(self.gate(x))", "model.py"),
        ),
        "",
    ),
}  # fmt: skip


@pytest.fixture
def seed_smoke(bench):
    """The smoke trial of the seed with files laid over it."""
    sources = sasrec_sources()
    request = bench.request(timeout_s=240.0)
    recommender = read_config(SASREC).recommender.model_copy(update={"max_history": 50})
    config = request.config.model_copy(update={"recommender": recommender})

    def run(changed):
        for path, text in {**sources, **changed}.items():
            bench.write(text, path)
        return smoke_trial(replace(request, config=config), Supervision())

    return sources, run


@pytest.mark.parametrize("name", PATCHES)
def test_a_patch_of_the_seed_is_judged_by_the_lines_that_ran(seed_smoke, name):
    sources, smoke = seed_smoke
    edits, refusal = PATCHES[name]
    after = patched(sources, edits, editable=("*.py",))
    changed = {path: text for path, text in after.items() if text != sources[path]}
    checked = check(sources, changed, smoke)
    if refusal:
        assert checked.problem is not None
        assert refusal in checked.problem.message
    else:
        assert checked.problem is None, checked.problem
        assert checked.idle == ()
