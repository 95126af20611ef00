"""What a worker says of one training step that it kept: checked whole, and kept for the analyst.

evolution/worker/guest/replaying.py writes it; each question is a file of its own there, `step_*.py`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from diagnosis.examination import REPLAYED
from evolution.domain.trial import FailureReason
from evolution.trials.failing import failed
from evolution.trials.replies import LAST_LINE

Name = Annotated[str, Field(max_length=1000)]
Line = Annotated[int, Field(ge=0, le=LAST_LINE)]
Count = Annotated[int, Field(ge=0, le=10**12)]
Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Nothing = Annotated[dict[Any, Any], Field(max_length=0)]
Place = Annotated[tuple[Name, Line, Name], Strict(False)]  # path, line, function
Row = Annotated[list[Annotated[int, Field(ge=-(10**12), le=10**12)]], Field(max_length=10_000)]
Places = Annotated[list[Place], Field(max_length=20)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Future(_Part):
    rows: Count
    seen: Share
    places: Places


class _Faint(_Part):
    gradient: Number
    places: Places


class _Terms(_Part):
    value: Number
    gradient: Number
    penalty: Number
    penalty_gradient: Number
    places: Places
    faint: Annotated[list[_Faint], Field(max_length=20)]


class _Serving(_Part):
    rows: Count
    agreement: Annotated[float, Field(ge=0, le=1.001)]
    unserved: bool
    negated: bool
    places: Places


class _Inputs(_Part):
    rows: Count
    trained: Annotated[list[Number], Field(max_length=2)]
    served: Annotated[list[Number], Field(max_length=1)]
    places: Places


class _Direction(_Part):
    rows: Count
    gain: Number
    error: Number
    lifted: Share
    above: Share
    one_way: bool
    places: Places
    cut: Places = []


class _WrongClass(_Part):
    right: Count
    taken: Count
    places: Places


class _Padding(_Part):
    padded: Count
    counted: Share
    share: Share
    places: Places


class _Attended(_Part):
    rows: Count
    share: Share
    places: Places


class _Correction(_Part):
    kind: Literal["right", "added", "rows", "none"]
    classes: Count
    places: Places


class _Twins(_Part):
    rows: Count
    twice: Count
    classes: Count
    places: Places


class _Features(_Part):
    tables: Count
    column: Name
    by: Annotated[int, Field(ge=-1, le=1)]
    places: Places


class _Layers(_Part):
    layers: Count
    before: Count
    between: Count
    after: Count
    places: Places


class _Guess(_Part):
    loss: Number
    guess: Number


class _Scale(_Part):
    classes: Count
    width: Number
    seen: Number
    biased: bool = False
    places: Places


class _Asked(_Part):
    ids: Annotated[list[Row], Field(max_length=100)]
    histories: Annotated[list[Row], Field(max_length=100)]
    read: Row
    looked_up: Places
    read_at: Places


class _Replayed(_Part):
    format: Literal[1]
    note: Annotated[str, Field(max_length=2000)]
    error: Annotated[str, Field(max_length=5000)]
    future: _Future | Nothing = {}
    terms: _Terms | Nothing = {}
    serving: _Serving | Nothing = {}
    inputs: _Inputs | Nothing = {}
    padding: _Padding | Nothing = {}
    attended: _Attended | Nothing = {}
    direction: _Direction | Nothing = {}
    features: _Features | Nothing = {}
    twins: _Twins | Nothing = {}
    correction: _Correction | Nothing = {}
    wrong_class: _WrongClass | Nothing = {}
    layers: _Layers | Nothing = {}
    scale: _Scale | Nothing = {}
    guess: _Guess | Nothing = {}
    asked: _Asked | Nothing = {}


def keep_replay(reply: Mapping[str, Any], folder: Path) -> None:
    """Write what the reply says to `folder`; nothing where nothing was replayed. Raises TrialFailed: it makes no sense."""
    document = reply.get("replayed")
    if document == {}:
        return
    try:
        _Replayed.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "all of it"
        why = f"the worker's account of a kept step makes no sense: {where[:200]}: {first['msg'][:200]}"
        raise failed(FailureReason.CRASH, why) from None
    (folder / REPLAYED).write_text(json.dumps(document, allow_nan=False), encoding="utf-8")
