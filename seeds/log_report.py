"""What a log is like and what was left out of it, as values; `seeds/loading/telling.py` puts them into words."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """reason: in a few words. count: rows. example: the first, as "file:line: what stands there"."""

    reason: str
    count: int
    example: str


@dataclass(frozen=True, kw_only=True)
class Alike:
    """Ids that differ only by blanks around them or zeros before them. example: two of them."""

    count: int = 0
    example: str = ""


@dataclass(frozen=True, kw_only=True)
class LogReport:
    """rows: read, without blank lines. events: kept. dropped: rows that could not be used, by reason.

    filtered: events that a setting left out: "below data.min_rating" -> number.
    unit: what times are kept in, "" where there is only an order. first, last: seconds since 1970, 0 without times.
    zero, future: events at time 0, and later than the time of reading. tied: events at the same time as the user's one before.
    duplicates: events of the same user, item and time as another. repeats: events of a pair that was there before.
    unread_ratings: ratings that are no numbers; their events are kept. facts: items that something is known of.
    """

    rows: int
    events: int
    users: int
    items: int
    dropped: tuple[Fault, ...] = ()
    filtered: tuple[tuple[str, int], ...] = ()
    unit: str = ""
    first: int = 0
    last: int = 0
    zero: int = 0
    future: int = 0
    tied: int = 0
    duplicates: int = 0
    repeats: int = 0
    unread_ratings: int = 0
    facts: int = 0
    alike_users: Alike = Alike()
    alike_items: Alike = Alike()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SplitReport:
    """What the split makes of a log. validation, test: questions. unrankable_validation, unrankable_test: of these, whose
    target stands in the history. several: users of whose held-out events of one part the first alone is asked for.
    """

    validation: int
    test: int
    unrankable_validation: int = 0
    unrankable_test: int = 0
    several: int = 0
