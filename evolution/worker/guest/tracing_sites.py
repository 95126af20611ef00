"""Records where modules, parameters, optimizers and data loaders are built, by wrapping their constructors."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
import torch.optim.optimizer as torch_optimizer
from torch.utils.data import DataLoader

from .tracing_frames import Places, StopTracing
from .tracing_ops import OpRecorder

STEPS = 2
OPTIMIZER_FACTS = ("lr", "weight_decay", "betas", "momentum", "eps")


class SiteRecorder:
    """Context manager: while entered, torch's constructors report; the optimizer step number `last_step` ends the run.

    Everything patched is restored on exit, whatever happened between. last_step: None for no such end.
    """

    def __init__(self, places: Places, recorder: OpRecorder, *, last_step: int | None = STEPS) -> None:
        self._last_step = last_step
        self.modules: list[tuple[Any, dict[str, Any]]] = []
        self.optimizers: list[dict[str, Any]] = []
        self.loaders: list[dict[str, Any]] = []
        self.steps: list[dict[str, Any]] = []
        self.n_steps = 0
        self._loader_sites: list[tuple[Any, dict[str, Any]]] = []
        self._places, self._recorder = places, recorder
        self._undo: list[Callable[[], Any]] = []

    def __enter__(self) -> SiteRecorder:
        self._wrap_init(torch.nn.Module, self._before_module, None)
        self._wrap_init(torch.optim.Optimizer, None, self._after_optimizer)
        self._wrap_init(DataLoader, None, self._after_loader)
        self._wrap_parameter()
        self._wrap_iteration()
        if hasattr(torch_optimizer, "register_optimizer_step_post_hook"):
            # torch before 2.1 has no such hooks: the third backward ends the run there
            self._undo.append(torch_optimizer.register_optimizer_step_pre_hook(self._before_step).remove)
            self._undo.append(torch_optimizer.register_optimizer_step_post_hook(self._after_step).remove)
        return self

    def __exit__(self, *exception: Any) -> None:
        while self._undo:
            self._undo.pop()()

    def _wrap_init(self, owner: Any, before: Any, after: Any) -> None:
        original = owner.__dict__["__init__"]

        def initialise(self: Any, *args: Any, **kwargs: Any) -> None:
            if before is not None:
                before(self)
            original(self, *args, **kwargs)
            if after is not None:
                after(self)

        owner.__init__ = initialise
        self._undo.append(lambda: setattr(owner, "__init__", original))

    def _wrap_parameter(self) -> None:
        original = torch.nn.Parameter.__dict__["__new__"]
        make = original.__func__ if isinstance(original, staticmethod) else original
        recorder = self._recorder

        def create(cls: Any, data: Any = None, *args: Any, **kwargs: Any) -> Any:
            parameter = make(cls, data, *args, **kwargs)
            recorder.add_parameter(parameter, data)
            return parameter

        torch.nn.Parameter.__new__ = staticmethod(create)  # type: ignore[method-assign, assignment]
        self._undo.append(lambda: setattr(torch.nn.Parameter, "__new__", original))

    def _before_module(self, module: Any) -> None:
        place = self._places.here(module)
        if place is not None:
            own = self._places.here() != place or type(module).__module__.split(".")[0] != "torch"
            site = {
                "type": type(module).__name__,
                "path": place[0],
                "line": place[1],
                "name": "",
                "library": not own,
            }
            self.modules.append((module, site))

    def _after_optimizer(self, optimizer: Any) -> None:
        place = self._places.here(optimizer)
        if place is None:
            return
        facts = {k: v for k, v in optimizer.defaults.items() if k in OPTIMIZER_FACTS and _plain(v)}
        sources = [self._recorder.source(p) for group in optimizer.param_groups for p in group["params"]]
        self.optimizers.append(
            {
                "type": type(optimizer).__name__,
                "path": place[0],
                "line": place[1],
                "defaults": facts,
                "groups": len(optimizer.param_groups),
                "decays": [
                    float(decay)
                    for group in optimizer.param_groups[:100]
                    if isinstance(decay := group.get("weight_decay", 0.0), (int, float))
                ],
                "parameters": [s for s in sources if s][:500],
            }
        )

    def _after_loader(self, loader: Any) -> None:
        place = self._places.here(loader)
        if place is None:
            return
        size = getattr(loader, "batch_size", None)
        self.loaders.append(
            {
                "path": place[0],
                "line": place[1],
                "phase": self._recorder.phase,
                "sampler": type(getattr(loader, "sampler", None)).__name__,
                "batch_size": size if isinstance(size, int) else 0,
                "rows": _rows_of(loader),
                "drops_last": bool(getattr(loader, "drop_last", False)),
                "trained": False,
            }
        )
        self._loader_sites.append((weakref.ref(loader), self.loaders[-1]))

    def _wrap_iteration(self) -> None:
        original = DataLoader.__iter__
        recorder = self

        def iterate(self: Any) -> Any:
            for loader, site in recorder._loader_sites:
                if loader() is self and recorder._recorder.phase == "train":
                    site["trained"] = True
            return original(self)

        DataLoader.__iter__ = iterate  # type: ignore[method-assign]
        self._undo.append(lambda: setattr(DataLoader, "__iter__", original))

    def _before_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self._recorder.paused = True  # the optimizer's own arithmetic is not the repo's

    def _after_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        self._recorder.paused = False
        place = self._places.here()
        if place is not None and self._recorder.phase == "train":
            site = {"path": place[0], "line": place[1], "type": type(optimizer).__name__}
            if site not in self.steps:
                self.steps.append(site)
        self.n_steps += 1
        if (
            self._last_step is not None
            and self._recorder.phase == "train"
            and self.n_steps >= self._last_step
        ):
            raise StopTracing

    def name_parameters(self) -> list[dict[str, Any]]:
        """Give modules and parameters their dotted names, as the outermost module knows them; the modules' sites."""
        children = {id(child) for module, _ in self.modules for child in _children(module)}
        index = {id(module): i for i, (module, _) in enumerate(self.modules)}
        for outer in [module for module, _ in self.modules if id(module) not in children]:
            for name, module in outer.named_modules():
                at = index.get(id(module), -1)
                if at >= 0 and not self.modules[at][1]["name"]:
                    self.modules[at][1]["name"] = name
                for attribute, parameter in module._parameters.items():
                    self._name_parameter(parameter, name + "." + attribute if name else attribute, at)
        return [site for _, site in self.modules]

    def _name_parameter(self, parameter: Any, name: str, module: int) -> None:
        source = self._recorder.source(parameter) if parameter is not None else None
        if source is None:
            return
        record = self._recorder.parameters[int(source[1:])]
        if not record["name"]:
            record["name"], record["module"] = name, module


def _children(module: Any) -> list[Any]:
    return [child for child in getattr(module, "_modules", {}).values() if child is not None]


def _plain(value: Any) -> bool:
    return isinstance(value, (bool, int, float)) or (
        isinstance(value, (tuple, list)) and all(isinstance(v, (int, float)) for v in value)
    )


def _rows_of(loader: Any) -> int:
    """Rows of a pass; 0 where that is not known, as of streams."""
    try:
        return len(loader.sampler)
    except (TypeError, AttributeError, NotImplementedError):
        return 0
