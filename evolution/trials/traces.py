"""The trace of a smoke step as a worker tells it: checked whole, before anybody reads roles from it.

What the fields mean is said in evolution/worker/guest/tracing.py, which writes them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evolution.domain.trial import FailureReason
from evolution.trials.failing import TrialFailed, failed
from evolution.trials.replies import LAST_LINE

Name = Annotated[str, Field(max_length=1000)]
Line = Annotated[int, Field(ge=0, le=LAST_LINE)]
Count = Annotated[int, Field(ge=0)]
Shape = Annotated[list[Count], Field(max_length=64)]
Phase = Literal["build", "train", "score"]
Scalar = bool | int | float | Name | list[bool | int | float]
Lines = dict[Name, list[Line]]
_NODE = re.compile(r"([op])(\d{1,6})")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Placed(_Part):
    path: Name
    line: Line


class Op(_Placed):
    phase: Phase
    function: Name
    scope: Name
    inputs: list[list[Name]]
    taken: list[Shape] = Field(alias="in")
    out: list[Shape]
    dtype: Name
    scalars: dict[Name, Scalar]
    count: Count
    grads: list[Count] = []


class Parameter(_Placed):
    shape: Shape
    name: Name
    module: int
    data: Name


class Module(_Placed):
    type: Name
    name: Name
    library: bool


class Optimizer(_Placed):
    type: Name
    defaults: dict[Name, Scalar]
    groups: Count
    decays: Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(max_length=100)] = []
    parameters: list[Name]


class Loader(_Placed):
    phase: Phase
    sampler: Name
    batch_size: int | bool
    rows: int = 0
    drops_last: bool = False
    trained: bool


class Step(_Placed):
    type: Name


class _Score(_Part):
    sources: list[Name] = []
    shape: Shape = []
    requires_grad: bool = False


class Numbering(_Part):
    kind: Literal["rows", "pairs"]
    given: Annotated[float, Field(ge=-1.0, le=1.0)]
    best: Annotated[float, Field(ge=-1.0, le=1.0)]
    chance: Annotated[float, Field(ge=-1.0, le=1.0)]
    order: Name
    first: int
    shift: int
    user_shift: int
    users: int | None = None
    path: Name
    line: Line
    ids_path: Name
    ids_line: Line
    padding: Annotated[list[int | Name], Field(max_length=4)]


class _Trace(_Part):
    format: Literal[1]
    kind: Literal["torch", "python"]
    note: str
    error: str
    seconds: int | float
    steps: Count
    score: _Score
    numbering: Numbering | dict[Name, Name] = {}
    executed: Lines
    executed_training: Lines
    ops: Annotated[list[Op], Field(max_length=10_000)]
    parameters: Annotated[list[Parameter], Field(max_length=100_000)]
    modules: Annotated[list[Module], Field(max_length=100_000)]
    optimizers: Annotated[list[Optimizer], Field(max_length=1_000)]
    loaders: Annotated[list[Loader], Field(max_length=10_000)]
    step_sites: Annotated[list[Step], Field(max_length=10_000)]


def checked_trace(reply: Mapping[str, Any]) -> dict[str, Any]:
    """The trace in a reply, as it was told. Raises TrialFailed where it is no trace."""
    document = reply.get("trace")
    try:
        trace = _Trace.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        raise _no_trace(f"{where[:200]}: {first['msg'][:200]}") from None
    check_references(trace.ops, trace.parameters, trace.optimizers, _no_trace, trace.score.sources)
    for parameter in trace.parameters:
        if not -1 <= parameter.module < len(trace.modules):
            raise _no_trace(f"a parameter belongs to module {parameter.module}, which it does not have")
    assert isinstance(document, dict)
    return document


def check_references(
    ops: Sequence[Op],
    parameters: Sequence[Parameter],
    optimizers: Sequence[Optimizer],
    nonsense: Callable[[str], TrialFailed],
    score: Sequence[str] = (),
) -> None:
    """Raise what `nonsense` makes of a sentence where a part of a trace names a node that is not there."""
    named: list[tuple[str, Iterable[str]]] = [("an op", source) for op in ops for source in op.inputs]
    named += [("an optimizer", optimizer.parameters) for optimizer in optimizers]
    named += [("the score", score)]
    named += [("a parameter", [parameter.data]) for parameter in parameters if parameter.data]
    for where, names in named:
        for name in names:
            match = _NODE.fullmatch(name)
            if match is None or int(match[2]) >= len(ops if match[1] == "o" else parameters):
                raise nonsense(f"{where} names {name[:50]!r}, which it does not have")


def _no_trace(why: str) -> TrialFailed:
    return failed(FailureReason.CRASH, f"the worker's trace of the first steps makes no sense: {why}")
