"""Formats figures for people: short, and with their interval or the remark that there is none."""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from diagnosis.findings import Measurement
from evolution.base.amounts import count, number, signed
from evolution.domain.proposal import SAME, Corrected, Effect, Proposal, Verified
from evolution.domain.trial import Metric
from seeds.amounts import amount, figure

LINE = 90  # characters that Problems and a line's end have room for
LEAST = 30  # characters that say something by themselves
MENU = 100  # characters that a line of a menu has room for


def headline(text: str, most: int = LINE) -> str:
    """A message as one line of at most `most` characters: its first sentence, else as many of its clauses as there is room
    for, else its first words and `…`. What is left out, its hover says.
    """
    line = text.strip().split("\n")[0].rstrip()
    whole = _first_sentence(line)
    if len(whole) <= most:
        return whole
    clauses = [end for end in _clause_ends(whole) if LEAST <= end <= most]
    if clauses:
        apart = [end for end in clauses if whole[end] != ","]
        return whole[: (apart or clauses)[-1]]
    return cut(whole, most)


def cut(text: str, most: int) -> str:
    """The text, or its first words and `…` where it has more than `most` characters."""
    if len(text) <= most:
        return text
    room = text[: most - 1]
    return (room.rsplit(" ", 1)[0] if " " in room else room).rstrip(" ,;:(") + "…"


def _first_sentence(line: str) -> str:
    end = re.search(r"[.?](?= [A-Z])|\.$", line)
    return line[: end.start()] + end[0].strip(".") if end else line


def _clause_ends(text: str) -> Iterator[int]:
    """Where a clause ends: before `: `, `; `, `, ` and ` (` outside of brackets and of code."""
    depth, code = 0, False
    for at, char in enumerate(text):
        if not depth and not code and text[at : at + 2] in (": ", "; ", ", ", " ("):
            yield at
        code ^= char == "`"
        if not code:
            depth += (char in "([") - (char in ")]")


def spread(metric: Metric) -> str:
    """A metric with half the width of its 95 % interval: `.142 ± .004`."""
    if metric.low is None or metric.high is None:
        return f"{number(metric.value)} (no interval)"
    return f"{number(metric.value)} ± {number((metric.high - metric.low) / 2)}"


def measured(found: Measurement | None) -> str:
    """The value with its interval and reference; "" for no measurement."""
    if found is None:
        return ""
    against = f"; {held_against(found)}" if found.reference is not None else ""
    return with_interval(found.value, found.low, found.high, found.unit) + against


def held_against(found: Measurement) -> str:
    """The reference's name and value; "" if there is none."""
    if found.reference is None:
        return ""
    return f"{found.reference_name or 'reference'} {figure(found.reference, found.unit)}"


def with_interval(value: float, low: float | None, high: float | None, unit: str) -> str:
    """For example `12.1 dimensions, 95 % [10, 14]`, `64 % of attention, 95 % [60, 68] %`, or `.120, no interval`."""
    if not math.isfinite(value):
        return "not a number"
    words = amount(value, unit)
    if low is None or high is None:
        return f"{words}, no interval"
    ends = [figure(end, unit) for end in (low, high)]
    in_percent = all(end.endswith(" %") for end in ends)
    between = ", ".join(end.removesuffix(" %") for end in ends)
    return f"{words}, 95 % [{between}]{' %' if in_percent else ''}"


def bracketed(value: float, low: float | None, high: float | None, unit: str = "") -> str:
    """A figure in a narrow row, without its unit's name: `.184 [.150, .218]`, `44 % [37, 51]`, `.184` where it has no interval."""
    if low is None or high is None or not math.isfinite(value):
        return figure(value, unit) if math.isfinite(value) else "not a number"
    ends = (figure(end, unit).removesuffix(" %") for end in (low, high))
    return f"{figure(value, unit)} [{', '.join(ends)}]"


def ago(seconds: float) -> str:
    """A time in the past: `just now`, `12 min ago`, `3 h ago`, `2 days ago`."""
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds / 60:.0f} min ago"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.0f} h ago"
    return f"{seconds / 86400:.0f} days ago"


def duration(seconds: float) -> str:
    """A length of time: `45 s`, `12 min`, `2.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def change(effect: Effect, corrected: Corrected | None = None) -> str:
    """An effect: `objective .142 → .171 (+20 %, 95 % [+15, +25] %)`, relative to `before` unless that is 0.

    corrected: what is left of it after the choice among several, told behind it.
    """
    name = effect.metric if "*" not in effect.metric else "objective"  # an expression is too long for a menu
    path = f"{name} {number(effect.before)} → {number(effect.after)}"
    left = corrected_words(corrected, effect.before)
    return f"{path} ({relative(effect)}{left and '; '}{left})"


def corrected_words(corrected: Corrected | None, before: float) -> str:
    """What is left of a change of `before` after the choice: `+6 %, 95 % [+1, +15] % corrected for 14 candidates`; "" for one."""
    if corrected is None:
        return ""
    return f"{relative(_left_of(before, corrected))} corrected for {corrected.candidates} candidates"


def _left_of(before: float, corrected: Corrected) -> Effect:
    after = before + corrected.change
    return Effect(metric="", before=before, after=after, low=corrected.low, high=corrected.high)


def relative(effect: Effect) -> str:
    """The change in percent of the value before: `+20 %, 95 % [+15, +25] %`; as a difference if that value was 0."""
    if not effect.before:
        return f"95 % [{signed(effect.low)}, {signed(effect.high)}]"
    scale = 100 / abs(effect.before)
    whole, low, high = (
        _points(part * scale) for part in (effect.after - effect.before, effect.low, effect.high)
    )
    return f"{whole} %, 95 % [{low}, {high}] %"


def spent_words(spent: Mapping[str, float], limits: Mapping[str, float]) -> str:
    """The spending and limits of a run: `7 of 12 trials, 28 s of training, 9,100 tokens (1,300 a trial: planner 6,000, coder
    3,100), 0.0312 of 1.0000 USD (0.0045 a trial: planner 0.0210, coder 0.0102)`.
    """
    units = {
        "trials": ("trials", ".0f"),
        "gpu_s": ("s of training", ".0f"),
        "tokens": ("tokens", ",.0f"),
        "usd": ("USD", ".4f"),
    }
    parts = [
        f"{spent[name]:{form}}"
        + (f" of {limits[name]:{form}}" if name in limits else "")
        + f" {unit}"
        + (by_role(spent, name, form) if name in ("tokens", "usd") else "")
        for name, (unit, form) in units.items()
        if name in spent
    ]
    return ", ".join(parts)


def costs_by_role(spent: Mapping[str, float]) -> list[tuple[str, float, float | None]]:
    """(role, tokens, dollars or None without a price) of a run, most tokens first."""
    roles = {name.removeprefix("tokens:"): n for name, n in spent.items() if name.startswith("tokens:") and n}
    return [
        (role, tokens, spent.get(f"usd:{role}"))
        for role, tokens in sorted(roles.items(), key=lambda pair: (-pair[1], pair[0]))
    ]


def by_role(spent: Mapping[str, float], unit: str, form: str) -> str:
    """A run's tokens or dollars a trial and for each role, in brackets, most first; "" where none were counted by role.

    unit: "tokens" or "usd". form: of a number.
    """
    mark = f"{unit}:"
    roles = {name.removeprefix(mark): n for name, n in spent.items() if name.startswith(mark) and n}
    if not roles:
        return ""
    each = f"{spent[unit] / spent['trials']:{form}} a trial: " if spent.get("trials") else ""
    said = (f"{role} {n:{form}}" for role, n in sorted(roles.items(), key=lambda pair: (-pair[1], pair[0])))
    return f" ({each}{', '.join(said)})"


def proposal_title(proposal: Proposal) -> str:
    """The proposal in a menu's line, at most `MENU` characters: its title, whether an LLM had the idea, the gain and how it was
    compared: `Full softmax loss: +20 % [+15, +25] objective, 2 seeds, equal steps`. `comparison` has what there is no room for.
    """
    name = f"{proposal.idea.title} (by an LLM)" if proposal.idea.by_llm else proposal.idea.title
    whole = [f"{name}: {found}" for found in _measured_at(proposal) if len(name) + len(found) + 2 <= MENU]
    return whole[0] if whole else _cut_title(proposal)


def _cut_title(proposal: Proposal) -> str:
    between = " (by an LLM): " if proposal.idea.by_llm else ": "
    found = _measured_at(proposal)[-1]
    return f"{cut(proposal.idea.title, MENU - len(between) - len(found))}{between}{found}"


def _measured_at(proposal: Proposal) -> list[str]:
    """What was measured of a proposal, and how, the longest first: `+20 % [+15, +25] objective, 2 seeds, equal steps, 1 of 9 tried`."""
    effect = kept_effect(proposal.effect, proposal.corrected)
    if effect is None:
        is_same = proposal.verified is Verified.FIX and proposal.details.get(SAME)
        return ["fix, every figure as before", "fix"] if is_same else ["not measured to the end"]
    seeds = count(len(proposal.trials), "seed") if proposal.trials else ""
    terms = str(proposal.details.get("terms", ""))
    choice = f"1 of {proposal.corrected.candidates} tried" if proposal.corrected else ""
    many = ((seeds, terms, choice), (seeds, terms), (terms,))
    claim = "fix" if proposal.verified is Verified.FIX else ""  # no gain is claimed, whatever the figure
    return [", ".join(filter(None, (claim, objective_gain(effect), *parts))) for parts in many]


def epoch_of(epoch: object, epochs: object) -> str:
    """How far a training is, of how many epochs at most: `epoch 6/60`, `epoch 12/100,000`."""
    now, most = (f"{number:,}" if isinstance(number, int) else str(number) for number in (epoch, epochs))
    return f"epoch {now}/{most}"


def objective_gain(effect: Effect) -> str:
    """The change with the name of what changed: `+20 % [+15, +25] objective`."""
    what = effect.metric if "*" not in effect.metric else "objective"  # an expression is too long for a menu
    return f"{gain(effect)} {what}"


def comparison(proposal: Proposal) -> str:
    """How a proposal was compared with its parent, in sentences; "" where that was not stored."""
    effect, corrected = proposal.effect, proposal.corrected
    words = [str(proposal.details.get("compared", ""))]
    if effect is not None and corrected is not None:
        words.append(
            f"Chosen from {corrected.candidates} candidates: {gain(effect)} before that choice was corrected for."
        )
    return " ".join(filter(None, words))


def kept_effect(effect: Effect | None, corrected: Corrected | None) -> Effect | None:
    """The effect, or what is left of it after the choice among several; None for none."""
    if effect is None or corrected is None:
        return effect
    return replace(_left_of(effect.before, corrected), metric=effect.metric)


def difference(effect: Effect) -> str:
    """The change of a metric by its name: `NDCG@10 +.087 [+.051, +.120]`."""
    change = signed(effect.after - effect.before)
    return f"{effect.metric} {change} [{signed(effect.low)}, {signed(effect.high)}]"


def gain(effect: Effect) -> str:
    """The change with its 95 % interval, short: `+20 % [+15, +25]`; as a difference if the value before was 0."""
    if not effect.before:
        return f"{signed(effect.after - effect.before)} [{signed(effect.low)}, {signed(effect.high)}]"
    scale = 100 / abs(effect.before)
    whole, low, high = (
        _points(part * scale) for part in (effect.after - effect.before, effect.low, effect.high)
    )
    return f"{whole} % [{low}, {high}]"


def _points(percent: float) -> str:
    """With its sign: `+20`; what would read as nothing has a digit more, `+.3`, as a gain is verified where its interval is above 0."""
    text = f"{percent:+.0f}"
    text = f"{percent:+.1f}".replace("0.", ".", 1) if text in ("+0", "-0") else text
    return "0" if text in ("+.0", "-.0") else text
