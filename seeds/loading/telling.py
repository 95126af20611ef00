"""A log's report in sentences, as `evolverec check` and `evolverec new` tell it."""

from datetime import UTC, datetime

from seeds.log_report import LogReport, SplitReport

FAR = 253_402_300_799  # the end of the year 9999, which is the last that can be told
SHOWN = 6  # reasons


def summary(report: LogReport) -> tuple[str, ...]:
    """What there is: events, times, items."""
    kept = "" if report.events == report.rows else f", of {report.rows:,} rows"
    said = [f"{report.events:,} events of {report.users:,} users with {report.items:,} items{kept}"]
    if report.unit:
        said.append(f"times in {report.unit}, from {day(report.first)} to {day(report.last)}")
    said.append(
        f"something is known of {report.facts:,} of {report.items:,} items"
        if report.facts
        else "nothing is known of items"
    )
    return tuple(said)


def remarks(report: LogReport) -> tuple[str, ...]:
    """What should be known of the log before its figures are believed; () where there is nothing."""
    said = list[str]()
    for fault in report.dropped[:SHOWN]:
        said.append(f"{_rows(fault.count)} left out: {fault.reason} (first: {fault.example})")
    said += [f"{_events(count)} left out: {reason}" for reason, count in report.filtered if count]
    counts = (
        (report.tied, "at the same time as the user's event before; file order decides between them"),
        (report.duplicates, "of the same user, item and time as another"),
        (report.repeats, "of a user and an item that the user had met before"),
        (report.zero, "at time 0, which says that it is not known"),
        (report.future, "in the future"),
        (report.unread_ratings, "with a rating that is no number; the event is kept without it"),
    )
    said += [f"{_events(count)} {reason}" for count, reason in counts if count]
    for alike, what in ((report.alike_users, "user"), (report.alike_items, "item")):
        if alike.count:
            said.append(
                f"{alike.count:,} {what} ids differ from another only by blanks or leading zeros ({alike.example}); they are kept apart"
            )
    return (*said, *report.notes)


def about_split(report: SplitReport) -> tuple[str, ...]:
    """What the split makes impossible; () where there is nothing."""
    said = list[str]()
    for part, count, of in (
        ("validation", report.unrankable_validation, report.validation),
        ("test", report.unrankable_test, report.test),
    ):
        if count:
            said.append(
                f"{count:,} of {of:,} {part} targets stand in their own history and cannot be ranked, since items that a "
                f"user has met are left out of lists: HR is at most {1 - count / of:.4f}. data.repeats leaves repeats out"
            )
    return tuple(said)


def left_unasked(report: SplitReport) -> tuple[str, ...]:
    """What of a given split is not asked for; () where there is nothing."""
    several = (
        f"{report.several:,} users have several held-out events in one part; the first alone is asked for"
    )
    return (several,) if report.several else ()


def day(seconds: int) -> str:
    """A day of the calendar, in UTC."""
    if not -62_135_596_800 <= seconds <= FAR:
        return f"second {seconds}"
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _rows(count: int) -> str:
    return f"{count:,} row" if count == 1 else f"{count:,} rows"


def _events(count: int) -> str:
    return f"{count:,} event" if count == 1 else f"{count:,} events"
