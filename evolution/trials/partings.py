"""What a worker says of two answers: the line where they part, and what an answer changes. Self-reported, and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diagnosis.findings import CodePlace
from diagnosis.kit import is_kit
from evolution.domain.trial import FailureReason
from evolution.trials.failing import failed
from evolution.trials.replies import LAST_LINE
from seeds.interactions import Int64

Batch = tuple[Int64, Int64]  # users (B,), histories (B, L)
Name = Annotated[str, Field(max_length=1000)]
Line = Annotated[int, Field(ge=0, le=LAST_LINE)]
_Config = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, kw_only=True)
class Parting:
    """parts: the line whose inputs agree and whose outputs do not. loses: the last whose inputs differ while its outputs
    agree. Each is () where no line was found. function, losing: torch's names of the calls that part and that lose, "" where it
    is a line. taken: whether what parts took something that had been made of the question, rather than a parameter alone."""

    parts: tuple[CodePlace, ...] = ()
    loses: tuple[CodePlace, ...] = ()
    function: str = ""
    losing: str = ""
    taken: bool = False


@dataclass(frozen=True, kw_only=True)
class Changed:
    """A value that an answer changes: name is its path from the recommender or the module. generator: of random numbers."""

    name: str
    generator: bool
    places: tuple[CodePlace, ...]


@dataclass(frozen=True, kw_only=True)
class Behind:
    """A table that answers and does not keep up with what learns. what: an answer that was kept ("cache"), weights that were
    copied once ("copy") or averaged ("average"). share: its way in an epoch relative to that of the learning weights.

    Of tables that are trained by hand also: answers do not read them ("unread"), they have lost nearly all of their length ("shrunk", share: what
    is left), or updates lower what users chose ("backwards", share: of all tables)."""

    what: str
    name: str
    share: float
    places: tuple[CodePlace, ...]


class _Step(BaseModel):
    model_config = _Config
    path: Name
    line: Line
    function: Name
    taken: bool


class _Parting(BaseModel):
    model_config = _Config
    parts: Annotated[list[_Step], Field(max_length=1)]
    loses: Annotated[list[_Step], Field(max_length=1)]


class _Changed(BaseModel):
    model_config = _Config
    name: Name
    generator: bool
    path: Name
    line: Line


class _Changes(BaseModel):
    model_config = _Config
    changed: Annotated[list[_Changed], Field(max_length=100)]


class _Behind(BaseModel):
    model_config = _Config
    what: Literal["cache", "copy", "average", "unread", "shrunk", "backwards"]
    name: Name
    share: Annotated[float, Field(ge=0, le=1)]
    path: Name
    line: Line


class _Found(BaseModel):
    model_config = _Config
    found: Annotated[list[_Behind], Field(max_length=1)]


def behind_in(reply: Mapping[str, Any]) -> Behind | None:
    """None where all keeps up. Raises TrialFailed where the reply makes no sense."""
    for one in _checked(_Found, reply).found:
        places = (CodePlace(path=one.path, line=one.line),) if one.path else ()
        return Behind(what=one.what, name=one.name, share=one.share, places=places)
    return None


def parting_in(reply: Mapping[str, Any]) -> Parting:
    """Raises TrialFailed where the reply is no parting."""
    told = _checked(_Parting, reply)
    return Parting(
        parts=_places(told.parts),
        loses=_places(told.loses),
        function=told.parts[0].function if told.parts else "",
        losing=told.loses[0].function if told.loses else "",
        taken=bool(told.parts) and told.parts[0].taken,
    )


def _places(steps: list[_Step]) -> tuple[CodePlace, ...]:
    """Those that are the user's own lines: of the kit's he has none to change."""
    return tuple(CodePlace(path=step.path, line=step.line) for step in steps if not is_kit(step.path))


def changes_in(reply: Mapping[str, Any]) -> tuple[Changed, ...]:
    """Raises TrialFailed where the reply is no list of changes."""
    return tuple(
        Changed(
            name=one.name,
            generator=one.generator,
            places=(CodePlace(path=one.path, line=one.line),) if one.path else (),
        )
        for one in _checked(_Changes, reply).changed
    )


def _checked(model: Any, reply: Mapping[str, Any]) -> Any:
    try:
        return model.model_validate(dict(reply))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        raise failed(
            FailureReason.CRASH,
            f"the worker's comparison of two answers makes no sense: {where[:200]}: {first['msg'][:200]}",
        ) from None
