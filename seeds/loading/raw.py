"""What a format reads from files, before ids are numbered and anything is left out: text, numbers, and the line of each row."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seeds.errors import SourceError
from seeds.loading.faults import Faults

if TYPE_CHECKING:
    import polars

    from seeds.assembly import ItemFacts

EVENT_COLUMNS = ("user", "item", "time", "position", "rating", "split")  # what a source may know of an event


@dataclass(frozen=True, kw_only=True, eq=False)
class RawLog:
    """events: "user", "item", "file", "line", and of EVENT_COLUMNS what the source has; "part" (from 0, as PARTS) where
    files divide it. files: by "file", how a message names each. items: "item" and facts, None where nothing is known.

    facts: item ids from 1 ("" for 0) -> what is known of them, where `items` has a layout of its own. faults: what was left out already. notes: sentences that a reader of the report should know.
    candidates: part -> user -> items that a held-out one is to be ranked among, where the source brings such lists.
    timeless: why no order of events is known, "" where one is.
    """

    events: "polars.DataFrame"
    files: tuple[str, ...]
    items: "polars.DataFrame | None" = None
    facts: "Callable[[tuple[str, ...]], ItemFacts] | None" = None
    faults: Faults = field(default_factory=Faults)
    notes: tuple[str, ...] = ()
    timeless: str = ""
    candidates: Mapping[int, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)

    def place(self, row: int) -> tuple[str, int]:
        """The file and line of a row of `events`."""
        return self.files[int(self.events["file"][row])], int(self.events["line"][row])

    def error(self, row: int, column: str, *, expected: str, found: str, next_step: str) -> SourceError:
        """A SourceError about one row."""
        path, line = self.place(row)
        return SourceError(
            path=path, line=line, column=column, expected=expected, found=found, next_step=next_step
        )
