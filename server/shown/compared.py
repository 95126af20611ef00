"""Two trials side by side, as Markdown: metrics, slices, training, findings, lists of users. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from diagnosis.findings import Severity
from evolution.base.amounts import count, number, signed
from evolution.domain.feedback import Feedback
from evolution.domain.trial import Metric, Trial
from server.shown.markdown import escaped
from server.shown.news import SHOWN_METRIC
from server.shown.plot import small_svg
from server.shown.wording import ago, headline, spread
from simulator.shown import Shown, ShownItem

SLICES = "slice-gap"  # the measurement whose details have every slice
MOST_USERS = 3
Lists = Mapping[str, Sequence[Shown]]


def compared_text(
    one: Trial, other: Trial, feedback: dict[str, Feedback], now: float, lists: Lists | None = None
) -> str:
    """The page. one: the earlier trial. feedback, lists: trial -> its feedback, where it was diagnosed, and the users that were
    asked about it with their pages. now: Unix seconds.
    """
    parts = [
        f"# {_headline(one, other)}",
        f"Trials `{one.id}`, {ago(now - one.ended_at)}, and `{other.id}`, {ago(now - other.ended_at)}; {_programs(one, other)}{_data(one, other)}. ± is half the 95 % interval over "
        "users; a change between the two has no interval here, as `evolverec propose` makes one of paired users.",
        _metrics(one, other),
        _slices(one, other, feedback),
        _training(one, other),
        _findings(one, other, feedback),
        _users(one, other, lists or {}),
    ]
    return "\n\n".join(parts) + "\n"


def _headline(one: Trial, other: Trial) -> str:
    """`NDCG@10 .129 → .143`; without that metric of both, or on other data, what the page is about."""
    figures = [trial.metrics[SHOWN_METRIC].value for trial in (one, other) if SHOWN_METRIC in trial.metrics]
    if len(figures) < 2 or one.key.data != other.key.data:
        return "Two trials compared"
    return f"{SHOWN_METRIC} {' → '.join(map(number, figures))}"


def _programs(one: Trial, other: Trial) -> str:
    if one.key.program != other.key.program:
        return "two versions of the code"
    return "the same code" if one.key.training == other.key.training else "the same code with other settings"


def _data(one: Trial, other: Trial) -> str:
    if one.key.data == other.key.data:
        return ""
    return ". **They were measured on other data or another split, so their figures cannot be held against each other**"


def _metrics(one: Trial, other: Trial) -> str:
    names = [*one.metrics, *(name for name in other.metrics if name not in one.metrics)]
    names.sort(key=lambda name: name != SHOWN_METRIC)  # that of the lens first
    rows = [_row("objective", one.objective, other.objective)]
    rows += [_row(name, one.metrics.get(name), other.metrics.get(name)) for name in names]
    return "\n".join(["| metric | first | second | change (no interval) |", "|---|---|---|---|", *rows])


def _row(name: str, before: Metric | None, after: Metric | None) -> str:
    told = [spread(metric) if metric else "not measured" for metric in (before, after)]
    change = "" if before is None or after is None else signed(after.value - before.value)
    return f"| {name} | {told[0]} | {told[1]} | {change} |"


def _slices(one: Trial, other: Trial, feedback: dict[str, Feedback]) -> str:
    """NDCG@10 of each slice of users and items that both were measured in."""
    found = [_slices_of(feedback[trial.id]) if trial.id in feedback else {} for trial in (one, other)]
    both = [name for name in found[0] if name in found[1]]
    if not both or one.key.data != other.key.data:
        return "**Slices.** Not both have slices that were measured on the same questions."
    rows = [
        f"| {escaped(name)} | {found[1][name]['questions']} | {number(before)} | {number(after)} | {signed(after - before)} |"
        for name in both
        for before, after in [(found[0][name]["model"], found[1][name]["model"])]
    ]
    head = ["| slice | questions | first | second | change (no interval) |", "|---|---|---|---|---|"]
    return "\n".join([f"**Slices.** {SHOWN_METRIC} in each, without interval.", "", *head, *rows])


def _slices_of(feedback: Feedback) -> dict[str, dict[str, Any]]:
    told = next((m.details for m in feedback.all_measurements() if m.code == SLICES), {})
    return {str(one["slice"]): one for one in told.get("slices", ())}


def _users(one: Trial, other: Trial, lists: Lists) -> str:
    """The pages of the users whose pages differ most, side by side; ✓ stands at what the user would take."""
    pages = [{user.user: user for user in lists.get(trial.id, ())} for trial in (one, other)]
    both = sorted(pages[0].keys() & pages[1].keys(), key=lambda user: (_shared(pages, user), user))
    if not both:
        return "**Lists of users.** The same users were not asked about both; *Ask Users* does."
    parts = [
        f"**Lists of users.** Of {count(len(both), 'user')} that were asked about both, those whose pages differ most. ✓: fits the user."
    ]
    for user in both[:MOST_USERS]:
        before, after = pages[0][user], pages[1][user]
        longest = max(len(before.page), len(after.page))
        rows = [
            f"| {rank + 1} | {_item(before.page, rank)} | {_item(after.page, rank)} |"
            for rank in range(longest)
        ]
        history = ", ".join(escaped(title) for title in before.history[-5:]) or "nothing"
        head = f"User {user}, {escaped(before.persona)}. Newest of the history: {history}."
        parts.append("\n".join([head, "", "| | first | second |", "|---|---|---|", *rows]))
    return "\n\n".join(parts)


def _shared(pages: list[dict[int, Shown]], user: int) -> int:
    """How many items both pages of a user have."""
    titles = [{item.title for item in page[user].page} for page in pages]
    return len(titles[0] & titles[1])


def _item(page: Sequence[ShownItem], rank: int) -> str:
    if rank >= len(page):
        return ""
    return f"{'✓ ' if page[rank].align else ''}{escaped(page[rank].title)}"


def _training(one: Trial, other: Trial) -> str:
    return "\n\n".join(
        ["**Training.**", *(_curves(name, trial) for name, trial in (("First", one), ("Second", other)))]
    )


def _curves(name: str, trial: Trial) -> str:
    """The curves of one training, the best epoch, and how long it took."""
    if trial.failure is not None:
        said = headline(trial.failure.message).replace("`", "'")
        return f"{name}: failed ({trial.failure.reason}): `{said}`"
    losses = [epoch.reported["loss"] for epoch in trial.epochs if "loss" in epoch.reported]
    ranked = [epoch.metrics[SHOWN_METRIC] for epoch in trial.epochs if SHOWN_METRIC in epoch.metrics]
    head = f"{name}: {count(len(trial.epochs), 'epoch')}, best {trial.best_epoch}, {trial.wall_s:.0f} s"
    told = [
        f"{what} {number(values[0])} → {number(values[-1])} {small_svg(values, f'{what} of each epoch')}".rstrip()
        for what, values in (("loss", losses), (SHOWN_METRIC, ranked))
        if values
    ]
    return "\n\n".join([head, *told])


def _findings(one: Trial, other: Trial, feedback: dict[str, Feedback]) -> str:
    if one.id not in feedback or other.id not in feedback:
        return "**Findings.** Not both were diagnosed."
    both = (feedback[one.id], feedback[other.id])
    asked = [bool(said.simulations) for said in both]
    was, now = (_codes(said) | (_complaints(said) if all(asked) else frozenset()) for said in both)
    told = {"Healed": was - now, "New": now - was, "In both": was & now}
    lines = [
        f"- {name}: {', '.join(f'`{code}`' for code in sorted(codes))}"
        for name, codes in told.items()
        if codes
    ]
    left_out = (
        f" Users were asked about the {'first' if asked[0] else 'second'} only: what they said is left out."
    )
    head = f"**Findings.**{'' if lines else ' None in either.'}{left_out if any(asked) and not all(asked) else ''}"
    return "\n\n".join(filter(None, [head, "\n".join(lines)]))


def _complaints(feedback: Feedback) -> frozenset[str]:
    return frozenset(complaint.code for complaint in feedback.complaints())


def _codes(feedback: Feedback) -> frozenset[str]:
    return frozenset(f.code for f in feedback.all_findings() if f.severity is not Severity.INFORMATION)
