"""A training that breaks off leaves what it had measured, and says where it broke."""

import pytest

from evolution.domain.trial import FailureReason, TrialStatus
from evolution.trials.artifacts import read_per_user
from tests.trials import MARKOV, Bench

pytestmark = pytest.mark.process

TORCH = """
import torch


class Model:
    def __init__(self, data):
        self.n = data.n_items
        self.table = torch.nn.Parameter(torch.randn(data.n_items + 1, 4) * 0.1)
        self.opt = torch.optim.SGD([self.table], lr=0.1)
        self.plan = torch.optim.lr_scheduler.OneCycleLR(self.opt, 0.1, total_steps=4)
        self.step = 0

    def fit(self):
        while True:
            for _ in range(2):
                self.step += 1
                x = self.table[torch.randint(1, self.n + 1, (32,))]
                loss = {loss}
                self.opt.zero_grad()
                loss.backward()
                self.opt.step()
                {plan}
            yield {{"loss": float(loss.detach())}}

    def score(self, users, histories):
        with torch.no_grad():
            return self.table[torch.as_tensor(histories[:, -1])] @ self.table.T


def build(data, *, device, seed):
    return Model(data)
"""
MANY = 8  # more epochs than any of these trainings lasts


def _torch(*, loss: str = "(x ** 2).mean()", plan: str = "pass") -> str:
    pytest.importorskip("torch")
    text = TORCH.format(loss=loss, plan=plan)
    return text


def test_a_schedule_that_ends_too_early_leaves_the_epochs_before_and_is_named(bench: Bench) -> None:
    text = _torch(plan="self.plan.step()")
    trial = bench.run(text, max_epochs=MANY)
    assert trial.status is TrialStatus.FAILED and trial.failure is not None
    assert [epoch.epoch for epoch in trial.epochs] == [1, 2]
    assert trial.objective is not None and trial.metrics["NDCG@10"].value >= 0
    assert text.split("\n")[trial.failure.line - 1].strip() == "self.plan.step()"
    assert "epoch 3" in trial.failure.message and "set max_epochs = 2" in trial.failure.message


def test_a_crash_without_torch_leaves_the_epochs_before(bench: Bench) -> None:
    broken = MARKOV.replace('yield {"loss"', 'epoch < 2 or 1 / 0\n            yield {"loss"')
    trial = bench.run(broken, max_epochs=MANY)
    assert trial.failure is not None and trial.failure.reason is FailureReason.CRASH
    assert len(trial.epochs) == 2 and trial.best_epoch in (1, 2)
    assert "max_epochs" not in trial.failure.message  # no schedule is to blame
    assert len(read_per_user(bench.request().folder)["objective"]) == len(bench.data.validation)


BAD = {
    "a logarithm of zero": "-torch.log(x.abs().mean() * float(self.step < 4))",
    "a distance of zero, in the gradient": "(x[0] - (x[0] if self.step > 3 else x[1])).pow(2).sum().sqrt()",
}


@pytest.mark.parametrize("case", BAD)
def test_the_first_value_that_is_not_finite_is_named_with_its_line(bench: Bench, case: str) -> None:
    text = _torch(loss=BAD[case])
    trial = bench.run(text, max_epochs=MANY)
    assert trial.failure is not None and trial.failure.reason is FailureReason.NOT_FINITE
    assert len(trial.epochs) == 1
    assert text.split("\n")[trial.failure.line - 1].strip() == f"loss = {BAD[case]}"
    assert "step 2 of epoch 2" in trial.failure.message


def test_a_mask_of_infinities_is_no_bad_value(bench: Bench) -> None:
    bad = (
        "(x.masked_fill(x > 0, float('-inf')).exp().sum() + 1).log() * (float('nan') if self.step > 3 else 1)"
    )
    trial = bench.run(_torch(loss=bad), max_epochs=MANY)
    assert trial.failure is not None
    assert "mul gave nan" in trial.failure.message


def test_numpy_names_the_line_that_made_nan(bench: Bench) -> None:
    line = "self.table += np.float64(epoch > 0) / np.float64(epoch < 1) - np.float64(epoch > 0) / np.float64(epoch < 1)"
    bad = MARKOV.replace('yield {"loss"', f'{line}\n            yield {{"loss"')
    trial = bench.run(bad, max_epochs=MANY)
    assert trial.failure is not None and trial.failure.reason is FailureReason.NOT_FINITE
    assert len(trial.epochs) == 1
    assert bad.split("\n")[trial.failure.line - 1].strip() == line
