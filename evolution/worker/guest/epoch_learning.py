"""Follows who learns in a training: gradients, updates and decay of each parameter, learning rates, cleared gradients."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import torch
import torch.optim.optimizer as torch_optimizer

from .tracing_frames import Places
from .tracing_ops import OpRecorder

CLOSELY = 50  # steps at which every gradient is measured, then one in EVERY
EVERY = 10
LARGE = 20_000_000  # elements of a parameter whose rows are not followed
MAX_CHANGES = 5000  # of the learning rate
MAX_LOSSES = 50_000

FALLING = ("StepLR", "MultiStepLR", "ExponentialLR")
MOST_FALLS = 100  # of a learning rate that are told


class Learner:
    """What is known of one parameter. before: a copy of the weights at its first step."""

    def __init__(self, parameter: Any, optimizer: int, group: int) -> None:
        self.parameter, self.optimizer, self.group = parameter, optimizer, group
        self.before = parameter.detach().clone()
        self.looked_at = self.with_gradient = 0
        self.gradient_norms = 0.0
        rows = parameter.shape[0] if parameter.dim() > 1 and parameter.numel() <= LARGE else 0
        self.touched = torch.zeros(rows, dtype=torch.bool, device=parameter.device) if rows else None
        self.moved_untouched: float | None = None

    def look(self) -> bool:
        """Measure the gradient; whether there is one."""
        if self.looked_at == CLOSELY:  # from now on gradients go unseen, and with them touched rows
            self._close_rows()
        gradient = self.parameter.grad
        self.looked_at += 1
        if gradient is None:
            return False
        if gradient.is_sparse:
            gradient = gradient.coalesce()
            norm = float(gradient.values().norm())
            if self.touched is not None and self.moved_untouched is None:
                self.touched[gradient.indices()[0]] = True
        else:
            norm = float(gradient.norm())
            if self.touched is not None and self.moved_untouched is None:
                self.touched |= gradient.ne(0).flatten(1).any(1)
        self.with_gradient += norm != 0.0
        self.gradient_norms += norm if math.isfinite(norm) else 0.0
        return norm != 0.0

    def _close_rows(self) -> None:
        """How far rows without any gradient have moved by now."""
        if self.touched is not None and self.moved_untouched is None:
            moved = (self.parameter.detach() - self.before)[~self.touched]
            self.moved_untouched = float(moved.float().norm())

    def summary(self) -> dict[str, Any]:
        """Norms, and of a table how many rows had a gradient in the first CLOSELY steps (-1: it has no rows)."""
        self._close_rows()
        now = self.parameter.detach()
        moved = (now - self.before).float()
        return {
            "steps_looked_at": self.looked_at,
            "steps_with_grad": self.with_gradient,
            "grad_norm": self.gradient_norms / max(self.looked_at, 1),
            "weight_norm_before": float(self.before.float().norm()),
            "weight_norm_after": float(now.float().norm()),
            "update_norm": float(moved.norm()),
            "moved_without_grad_norm": self.moved_untouched or 0.0,
            "rows_touched": -1 if self.touched is None else int(self.touched.sum()),
        }


class LearningWatch:
    """Context manager over a training. step: optimizer steps done (backward calls where no optimizer steps)."""

    def __init__(self, places: Places, recorder: OpRecorder) -> None:
        self.step = 0
        self.losses: list[float] = []
        self.not_cleared = self.without_gradient = 0
        self.loss_place: list[Any] = []
        self.step_place: list[Any] = []
        self.clear_place: list[Any] = []
        self.scheduler: dict[str, Any] = {}
        self.learning_rates: list[tuple[int, float]] = []
        self.learners: dict[int, Learner] = {}
        self._places, self._recorder = places, recorder
        self._stepped = self._steps_of_optimizers = 0
        self._optimizers: list[Any] = []
        self._undo: list[Callable[[], Any]] = []

    @property
    def optimizer_steps(self) -> int:
        return self._steps_of_optimizers

    def __enter__(self) -> LearningWatch:
        if hasattr(torch_optimizer, "register_optimizer_step_pre_hook"):
            self._undo.append(torch_optimizer.register_optimizer_step_pre_hook(self._before_step).remove)
            self._undo.append(torch_optimizer.register_optimizer_step_post_hook(self._after_step).remove)
        self._wrap(torch.optim.Optimizer, "zero_grad", self._clearing)
        scheduler = getattr(torch.optim.lr_scheduler, "LRScheduler", None) or getattr(
            torch.optim.lr_scheduler, "_LRScheduler", None
        )
        for owner in {scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau} - {None}:
            self._wrap_subclasses(owner)
        return self

    def __exit__(self, *exception: Any) -> None:
        while self._undo:
            self._undo.pop()()

    def before_backward(self, loss: Any, place: tuple[str, int, str] | None) -> None:
        """To be called before each `backward`."""
        if place is not None and not self.loss_place:
            self.loss_place = [place[0], place[1]]
        if self._stepped and self._any_gradient():
            self.not_cleared += 1
        self._stepped = 0
        if len(self.losses) < MAX_LOSSES and isinstance(loss, torch.Tensor) and loss.numel() == 1:
            self.losses.append(float(loss.detach()))
        if not self._steps_of_optimizers:
            self.step += 1

    def summary(self) -> dict[str, Any]:
        """Everything but the parameters, as plain data; numbers that are not finite are null."""
        return {
            "learning_rates": self.learning_rates,
            "losses": [loss if math.isfinite(loss) else None for loss in self.losses],
            "loss_place": self.loss_place,
            "step_place": self.step_place,
            "clear_place": self.clear_place,
            "gradients_not_cleared": self.not_cleared,
            "steps_without_gradient": self.without_gradient,
            "scheduler": self.scheduler,
        }

    def _any_gradient(self) -> bool:
        """Whether a gradient of an earlier step is still there."""
        for learner in list(self.learners.values())[:8]:
            gradient = learner.parameter.grad
            if gradient is not None and bool(
                (gradient.values() if gradient.is_sparse else gradient).ne(0).any()
            ):
                return True
        return False

    def _before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self._recorder.phase != "train":
            return
        paused, self._recorder.paused = self._recorder.paused, True
        self._know(optimizer)
        if self._steps_of_optimizers < CLOSELY or self._steps_of_optimizers % EVERY == 0:
            of_this = {id(p) for group in optimizer.param_groups for p in group["params"]}
            found = [self.learners[known].look() for known in of_this if known in self.learners]
            self.without_gradient += bool(found) and not any(found)
        self._recorder.paused = paused

    def _know(self, optimizer: Any) -> None:
        if not any(known is optimizer for known in self._optimizers):
            self._optimizers.append(optimizer)
        number = next(i for i, known in enumerate(self._optimizers) if known is optimizer)
        for group, contents in enumerate(optimizer.param_groups):
            for parameter in contents["params"]:
                if id(parameter) not in self.learners:
                    self.learners[id(parameter)] = Learner(parameter, number, group)

    def _after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self._recorder.phase != "train":
            return
        self._steps_of_optimizers += 1
        self.step = self._steps_of_optimizers
        self._stepped += 1
        if not self.step_place:
            place = self._places.here()
            self.step_place = [place[0], place[1]] if place else []
        rate = float(optimizer.param_groups[0].get("lr", 0.0))
        if (not self.learning_rates or self.learning_rates[-1][1] != rate) and len(
            self.learning_rates
        ) < MAX_CHANGES:
            self.learning_rates.append((self.step, rate))

    def _clearing(self, optimizer: Any) -> None:
        place = self._places.here()
        if place is not None and not self.clear_place and self._recorder.phase == "train":
            self.clear_place = [place[0], place[1]]

    def _scheduling(self, scheduler: Any) -> None:
        if self._recorder.phase != "train":
            return
        place = self._places.here()
        if not self.scheduler:
            total = getattr(scheduler, "total_steps", None) or getattr(scheduler, "T_max", None)
            self.scheduler = {
                "type": type(scheduler).__name__,
                "path": place[0] if place else "",
                "line": place[1] if place else 0,
                "calls": 0,
                "total": int(total) if isinstance(total, (int, float)) else 0,
                **_falls(scheduler),
            }
        self.scheduler["calls"] += 1

    def _wrap(self, owner: Any, name: str, told: Callable[[Any], None]) -> None:
        original = owner.__dict__[name]

        @functools.wraps(original)
        def wrapped(self: Any, *args: Any, **kwargs: Any) -> Any:
            told(self)
            return original(self, *args, **kwargs)

        setattr(owner, name, wrapped)
        self._undo.append(lambda: setattr(owner, name, original))

    def _wrap_subclasses(self, owner: Any) -> None:
        """`step` is wrapped where it is defined; torch's schedulers wrap it again for each object."""
        for kind in [owner, *owner.__subclasses__()]:
            if "step" in kind.__dict__:
                self._wrap(kind, "step", self._scheduling)


def _falls(scheduler: Any) -> dict[str, Any]:
    """{"factor", "at": calls of `step` by which the rate has fallen so once, twice, ...} of schedules that fall by a constant."""
    factor, at = getattr(scheduler, "gamma", None), getattr(scheduler, "milestones", None)
    if not isinstance(factor, float) or not 0 < factor < 1 or type(scheduler).__name__ not in FALLING:
        return {}
    if at is None:
        every = int(getattr(scheduler, "step_size", 1))
        return {"factor": factor, "at": [every * (number + 1) for number in range(MOST_FALLS)]}
    return {"factor": factor, "at": sorted(int(one) for one in at)[:MOST_FALLS]}
