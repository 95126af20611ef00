"""A rate that sweeps away what the weights began with is told although the loss comes down again."""

from types import SimpleNamespace
from typing import Any

import pytest

import diagnosis.probes.not_learning as not_learning_probe
from diagnosis.probes.learning_rate import TOO_HIGH, learning_rate

OVERSHOOTS = [1.48, 1.73, 2.11, 2.95, 1.53, 1.4, *[1.37, 1.36] * 4, *[1.3, 1.28] * 8]
FALLS = [1.48 - 0.02 * step for step in range(30)]


def codes(losses: list[float], moved: dict[tuple[int, ...], list[float]]) -> set[str]:
    """moved: shape -> by how much of their length parameters of that shape moved."""
    parameters = [
        SimpleNamespace(steps_with_grad=30, weight_norm_before=2.0, update_norm=2.0 * times, shape=shape)
        for shape, found in moved.items()
        for times in found
    ]
    watched: Any = SimpleNamespace(
        losses=losses, parameters=parameters, optimizer_steps=len(losses), steps=len(losses), epochs=2, max_epochs=3,
        epoch_ends=[len(losses) // 2, len(losses)], learning_rates=[(1, 0.2)], gradients_not_cleared=0, scheduler={},
        trace={"optimizers": [{"path": "m.py", "line": 3, "defaults": {"lr": 0.2}}]}, step_place=None,
    )  # fmt: skip
    evidence: Any = SimpleNamespace(watched=watched)
    return {one.code for one in learning_rate(evidence) if one.healthy is False}


@pytest.mark.parametrize(
    "shapes", [{(201, 48): [10.0], (48, 48): [8.0, 8.5], (48,): [1.0]}, {(300, 8): [5.0, 6.0]}]
)
def test_weights_that_are_swept_away_while_the_loss_overshoots_name_the_rate(shapes: dict) -> None:
    assert codes(OVERSHOOTS, shapes) == {TOO_HIGH.code}


@pytest.mark.parametrize(
    ("losses", "shapes"),
    [
        (FALLS, {(201, 48): [50.0], (300, 48): [60.0]}),  # tables that began next to zero grow many times
        (OVERSHOOTS, {(201, 48): [5.0], (48, 48): [0.3, 0.4]}),  # a rise, as of a penalty that sets in
    ],
)
def test_tables_that_grow_and_a_loss_that_rises_alone_are_healthy(losses: list[float], shapes: dict) -> None:
    assert codes(losses, shapes) == set()


RISES = [0.51, 0.5, 0.62, 0.74, 0.81]


@pytest.mark.parametrize(
    ("kind", "rate", "curve", "lost", "found"),
    [
        ("Adam", 0.5, RISES, True, {TOO_HIGH.code}),
        ("SGD", 0.5, RISES, True, set()),  # whose steps are as long as the gradients
        ("Adam", 0.02, RISES, True, set()),
        ("Adam", 0.5, [0.5, 0.4, 0.4, 0.39, 0.38], True, set()),
        ("Adam", 0.5, RISES, False, set()),  # the model ranks on as well as it did
    ],
)
def test_a_loss_that_rises_over_epochs_under_adam_names_a_rate_that_is_large(
    kind: str, rate: float, curve: list[float], lost: bool, found: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(not_learning_probe, "_ranking_lost", lambda evidence: lost)
    monkeypatch.setattr(not_learning_probe, "_ranks_better_than_before", lambda evidence: True)
    learned = SimpleNamespace(steps_with_grad=30, weight_norm_before=2.0, update_norm=40.0, shape=(9, 4))
    watched: Any = SimpleNamespace(
        losses=[0.69, 0.54, 0.41, 0.53, 0.48, 0.65, 0.36, 0.58, 0.5, 0.69], parameters=[learned], optimizer_steps=10, steps=10, epochs=2,
        max_epochs=5, epoch_ends=[5, 10], learning_rates=[(1, rate)], gradients_not_cleared=0, scheduler={}, step_place=None,
        trace={"optimizers": [{"type": kind, "path": "m.py", "line": 3, "defaults": {"lr": rate}}]},
    )  # fmt: skip
    curves = [{"reported": {"loss": loss}} for loss in curve]
    evidence: Any = SimpleNamespace(watched=watched, artifacts=SimpleNamespace(curves=curves))
    assert {one.code for one in learning_rate(evidence) if one.healthy is False} == found


def falling(scheduler: dict[str, Any], *, planned: int, steps: int) -> set[str]:
    """The codes of a training that is planned for so many epochs of so many steps, of which two were watched."""
    watched: Any = SimpleNamespace(
        losses=[2.0 - 0.01 * at for at in range(2 * steps)], parameters=[], optimizer_steps=2 * steps, steps=2 * steps, epochs=2,
        max_epochs=planned, epoch_ends=[steps, 2 * steps], learning_rates=[(1, 0.001)], gradients_not_cleared=0,
        scheduler={"type": "StepLR", "path": "m.py", "line": 5, "calls": 2, "total": 0, **scheduler},
        trace={"optimizers": []}, step_place=None,
    )  # fmt: skip
    evidence: Any = SimpleNamespace(watched=watched)
    return {one.code for one in learning_rate(evidence) if one.healthy is False}


EVERY_3 = {"factor": 0.1, "at": [3, 6, 9, 12]}
MILESTONES = {"factor": 0.2, "at": [4, 8]}


@pytest.mark.parametrize("plan", [EVERY_3, MILESTONES])
def test_a_plan_that_is_over_after_few_steps_runs_out(plan: dict[str, Any]) -> None:
    assert falling(plan, planned=30, steps=33) == {"schedule-runs-out"}


@pytest.mark.parametrize(
    ("plan", "planned", "steps"),
    [(EVERY_3, 30, 4000), (EVERY_3, 10, 33), (MILESTONES, 12, 33), ({"factor": 0.95, "at": [*range(1, 101)]}, 60, 10), ({}, 30, 33)],
)  # fmt: skip
def test_a_plan_that_falls_after_many_steps_or_late_is_healthy(plan: dict, planned: int, steps: int) -> None:
    assert falling(plan, planned=planned, steps=steps) == set()
