"""What `[data]` of evolverec.toml says of reading a log, apart from where it lies. Values only; nothing heavy is imported."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

PARTS = ("train", "valid", "test")  # the parts of a given split; a part's place here is its number


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Which column holds what; "" where a usual name is looked for. A number is a column's place, from 1."""

    user: str = ""
    item: str = ""
    time: str = ""
    rating: str = ""
    split: str = ""


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to read a log.

    given: events are divided as the source says, so a user's training events come before the held-out ones whatever
    their times. parts: the file of each of PARTS, relative to the source's folder; empty where usual names are looked for.
    items: a file of item columns, None where one beside the log is looked for.
    separator: "" where it is recognised. time_unit: "auto" where it is recognised.
    min_rating: events with a lower one are left out. core: users and items with fewer events are left out, again and again.
    repeats: which of a user's events with the same item stay.
    """

    columns: Columns = field(default_factory=Columns)
    given: bool = False
    parts: Mapping[str, str] = field(default_factory=dict)
    items: Path | None = None
    separator: str = ""
    encoding: str = ""
    time_unit: Literal["auto", "s", "ms", "us", "ns"] = "auto"
    min_rating: float = -math.inf
    core: int = 0
    repeats: Literal["keep", "first", "last"] = "keep"
