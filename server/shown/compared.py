"""Two trials side by side, as Markdown: metrics, findings, training. Pure."""

from diagnosis.findings import Severity
from evolution.base.amounts import count
from evolution.domain.feedback import Feedback
from evolution.domain.trial import Metric, Trial
from server.shown.news import SHOWN_METRIC
from server.shown.plot import small_svg
from server.shown.wording import ago, headline, number, signed, spread


def compared_text(one: Trial, other: Trial, feedback: dict[str, Feedback], now: float) -> str:
    """The page. one: the earlier trial. feedback: trial -> its feedback, where it was diagnosed. now: Unix seconds."""
    parts = [
        f"# Trials `{one.id}` and `{other.id}`",
        f"Measured {ago(now - one.ended_at)} and {ago(now - other.ended_at)}; {_programs(one, other)}{_data(one, other)}. ± is half the 95 % interval over "
        "users; a change between the two has no interval here, as `evolverec propose` makes one of paired users.",
        _metrics(one, other),
        _training(one, other),
        _findings(one, other, feedback),
    ]
    return "\n\n".join(parts) + "\n"


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
    rows = [_row("objective", one.objective, other.objective)]
    rows += [_row(name, one.metrics.get(name), other.metrics.get(name)) for name in names]
    return "\n".join(["| metric | first | second | change (no interval) |", "|---|---|---|---|", *rows])


def _row(name: str, before: Metric | None, after: Metric | None) -> str:
    told = [spread(metric) if metric else "not measured" for metric in (before, after)]
    change = "" if before is None or after is None else signed(after.value - before.value)
    return f"| {name} | {told[0]} | {told[1]} | {change} |"


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
    was, now = (_codes(feedback[trial.id]) for trial in (one, other))
    told = {"Healed": was - now, "New": now - was, "In both": was & now}
    lines = [
        f"- {name}: {', '.join(f'`{code}`' for code in sorted(codes))}"
        for name, codes in told.items()
        if codes
    ]
    return "**Findings.**" + ("\n\n" + "\n".join(lines) if lines else " None in either.")


def _codes(feedback: Feedback) -> frozenset[str]:
    return frozenset(f.code for f in feedback.all_findings() if f.severity is not Severity.INFORMATION)
