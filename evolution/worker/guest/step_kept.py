"""One training step kept whole: every torch call of the repo with its tensors, up to the first `backward`.

What is random but has a mean (dropout, noise drawn from a normal distribution) is at its mean meanwhile, and a batch is normalised
by what was kept of earlier ones, so that the step can be held against scoring. Negatives are drawn as always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from .tracing_frames import Limit, Places, StopTracing
from .tracing_ops import _name, _tensors, writes

LARGEST_STEP = 1 << 30  # bytes of all results; what is larger is not kept
DROPOUTS = {
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_alpha_dropout",
    "dropout_",
}
NOISE = {"randn", "randn_like", "normal_"}
RECURRENT = {"gru", "lstm", "rnn_tanh", "rnn_relu"}
OTHER_NOISE = {"bernoulli", "bernoulli_", "rand_like", "gumbel_softmax", "exponential_"}
LOOKS = {"shape", "device", "dtype", "requires_grad", "is_cuda", "ndim", "size", "dim", "is_leaf", "grad_fn"}


class Call:
    """A torch call of the step. place: (path, line, scope). inputs, outputs: its tensors. number: its place in the step.

    sources: for each input the number of the call that had made it by then, -1 where it comes from elsewhere.
    """

    __slots__ = ("args", "function", "inputs", "kwargs", "number", "outputs", "place", "sources")

    def __init__(
        self, number: int, function: str, place: tuple[str, int, str], args: Any, kwargs: Any, outputs: Any
    ):
        self.number, self.function, self.place, self.args, self.kwargs = number, function, place, args, kwargs
        self.inputs, self.outputs = list(_tensors((args, kwargs))), outputs
        self.sources: list[int] = []

    def told(self) -> list[Any]:
        """[path, line, function]."""
        return [self.place[0], self.place[1], self.function]


class KeptStep:
    """calls: in order. loss: what `backward` was called on."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.loss: Any = None
        self.noisy = False  # something random that has no mean of its own
        self._cut: dict[int, tuple[Any, Call]] = {}  # results of calls that were made without a graph
        self._makers: dict[int, int] = {}
        self._written: dict[int, Any] = {}  # numbers as they were -> the tensors that were written into

    def add(
        self, function: str, place: tuple[str, int, str], args: Any, kwargs: Any, outputs: list[Any]
    ) -> None:
        call = Call(len(self.calls), function, place, args, kwargs, outputs)
        if all(any(out is one for one in call.inputs) for out in outputs) and not writes(function):
            return  # it gave back what it took
        call.sources = [self._makers.get(id(one), -1) for one in call.inputs]
        self.calls.append(call)
        for tensor in outputs:
            self._makers[id(tensor)] = len(self.calls) - 1

    def add_cut(self, function: str, place: tuple[str, int, str], outputs: list[Any]) -> None:
        """A call without a graph: only where its results are from is remembered."""
        for one in outputs:
            self._cut[id(one)] = one, Call(-1, function, place, (), {}, [])

    def cut(self, tensor: Any) -> Call | None:
        """The call without a graph that made a tensor; None where there is none."""
        known = self._cut.get(id(tensor))
        return known[1] if known is not None else None

    def keep_earlier(self, tensor: Any, earlier: Any) -> None:
        """A number into which the last call wrote, as in `loss += penalty`: earlier calls had made what it was before."""
        last = self.calls[-1]
        for call in self.calls:
            call.inputs = [earlier if one is tensor else one for one in call.inputs]
            if call is not last:
                call.outputs = [earlier if one is tensor else one for one in call.outputs]
        made = [source for one, source in zip(last.inputs, last.sources) if one is earlier and source >= 0]
        if made:
            self._makers[id(earlier)] = made[0]
        self._written[id(earlier)] = tensor

    def live(self, tensor: Any) -> Any:
        """The tensor itself, or what it has become by being added to: a loss has the same slope at both."""
        while id(tensor) in self._written:
            tensor = self._written[id(tensor)]
        return tensor

    def maker(self, tensor: Any) -> Call | None:
        """The call that made a tensor, or wrote into it last; None where it comes from elsewhere."""
        number = self._makers.get(id(tensor))
        return None if number is None else self.calls[number]

    def upstream(self, tensor: Any) -> list[Call]:
        """The calls that a tensor is made of, in order."""
        maker = self.maker(tensor)
        return [] if maker is None else self.region(maker, -1)

    def region(self, call: Call, since: int) -> list[Call]:
        """A call and those after number `since` that it is made of, in order."""
        found: set[int] = set()
        todo = [call.number]
        while todo:
            number = todo.pop()
            if number > since and number not in found:
                found.add(number)
                todo += self.calls[number].sources
        return [self.calls[number] for number in sorted(found)]

    def users(self, tensor: Any) -> Iterator[Call]:
        """The calls that take a tensor."""
        return (call for call in self.calls if any(one is tensor for one in call.inputs))


class CallKeeper(TorchFunctionMode):
    """While entered, the repo's torch calls are kept in `step`."""

    def __init__(self, places: Places) -> None:
        super().__init__()
        self.step = KeptStep()
        self._places = places
        self._bytes = 0

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        keywords = kwargs or {}
        out = func(*args, **keywords)
        place = self._places.here()
        if place is not None and _name(func) not in LOOKS:
            self._keep(_name(func), place, args, keywords, out)
        return out

    def _keep(
        self, name: str, place: tuple[str, int, str], args: Any, kwargs: dict[str, Any], out: Any
    ) -> None:
        outputs = list(_tensors(args[:1] if name == "__setitem__" else out))
        self._bytes += sum(one.numel() * one.element_size() for one in outputs if one.layout is torch.strided)
        if self._bytes > LARGEST_STEP:
            raise StopTracing
        if outputs:
            self.step.add(name, place, args, kwargs, outputs)


class StepKeeper(CallKeeper):
    """While entered, calls are kept; at the first `backward`, `at_backward` gets the step, and StopTracing is raised.

    Raises StopTracing also where the step is too large or takes too long, with nothing told.
    """

    def __init__(self, places: Places, limit: Limit, at_backward: Callable[[KeptStep], None]) -> None:
        super().__init__(places)
        self._limit, self._at_backward = limit, at_backward

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        keywords = kwargs or {}
        name = _name(func)
        if name == "backward" and args and self.step.calls:
            self.step.loss = args[0]
            self._at_backward(self.step)
            raise StopTracing
        if name in LOOKS:
            return func(*args, **keywords)
        if self._limit.reached():
            raise StopTracing
        place = self._places.here()
        earlier = _number_before(name, args) if place is not None else None
        out = func(*args, **keywords) if place is None else self._at_its_mean(func, name, args, keywords)
        if place is not None and torch.is_grad_enabled():
            self._keep(name, place, args, keywords, out)
            if earlier is not None:
                self.step.keep_earlier(args[0], earlier)
        elif place is not None and self._bytes < LARGEST_STEP:
            self._note_cut(name, place, out)
        return out

    def _note_cut(self, name: str, place: tuple[str, int, str], out: Any) -> None:
        made = [one for one in _tensors(out) if one.is_floating_point()]
        self._bytes += sum(one.numel() * one.element_size() for one in made if one.layout is torch.strided)
        self.step.add_cut(name, place, made)

    def _at_its_mean(self, func: Any, name: str, args: Any, kwargs: dict[str, Any]) -> Any:
        if name in DROPOUTS:
            return args[0] if args else kwargs["input"]
        if name == "batch_norm" and _has_statistics(func, args, kwargs):
            return func(
                *args[:5], *((False, *args[6:]) if len(args) > 5 else ()), **_not_training(args, kwargs)
            )
        if name == "normal" and args and isinstance(args[0], torch.Tensor):
            return args[0].clone()
        self.step.noisy |= name in OTHER_NOISE or name == "batch_norm"
        out = func(*_without_dropout(name, args), **_keywords_without_dropout(kwargs))
        if name in NOISE:
            with torch.no_grad():
                out.zero_()
        return out


def _has_statistics(func: Any, args: Any, kwargs: dict[str, Any]) -> bool:
    """Whether a call of `batch_norm` was given a mean and a variance that it could use in place of the batch's own."""
    at = 3 if func is torch.batch_norm else 1  # torch's own takes the weights first
    mean = args[at] if len(args) > at else kwargs.get("running_mean")
    return isinstance(mean, torch.Tensor)


def _not_training(args: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keywords of `batch_norm`, whose sixth argument says whether it reads and updates the statistics of the batch."""
    return kwargs if len(args) > 5 else {**kwargs, "training": False}


def _number_before(name: str, args: Any) -> Any:
    """What a number with a gradient is before a call writes into it; None of other calls."""
    into = args[0] if args and writes(name) else None
    if not isinstance(into, torch.Tensor) or not into.requires_grad or into.numel() != 1 or into.is_leaf:
        return None
    return into.clone()


def _without_dropout(name: str, args: Any) -> Any:
    """The arguments with a dropout of 0, for the calls that bring their own."""
    at = {"multi_head_attention_forward": 10, "scaled_dot_product_attention": 4}.get(name, -1)
    if name in RECURRENT:
        at = next((n for n, one in enumerate(args) if isinstance(one, float)), -1)
    return args if not 0 <= at < len(args) else (*args[:at], 0.0, *args[at + 1 :])


def _keywords_without_dropout(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {name: 0.0 if name == "dropout_p" else value for name, value in kwargs.items()}
