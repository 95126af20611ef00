"""The objective: a weighted sum of metrics, and guardrails, read from text without `eval`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a running language server checks objectives, and holds no numpy
    import numpy as np
    from numpy.typing import NDArray

ACCURACY = ("HR", "NDCG", "MRR", "Recall")
LISTS = ("coverage", "gini", "novelty", "diversity")
CUTOFFS = (1, 5, 10, 20, 50)
SESSIONS = (
    "satisfy",
    "view",
    "depth",
)  # of whole sessions of simulated users, see simulator/sessions/figures.py
SESSION = "session"  # stands for the cutoff in their names: satisfy@session
STAND_IN = "NDCG@10"  # what epochs are chosen by where an objective has no metric of lists
LARGEST = 1e9  # weight or bound
LONGEST_QUOTE = 100  # characters
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TERM = re.compile(
    rf"\s*(?P<sign>[+-]?)\s*(?:(?P<weight>{_NUMBER})\s*\*\s*)?(?P<name>[A-Za-z]+)@(?P<k>\w+)\s*"
    rf"(?:/\s*(?P<over>{_NUMBER})\s*)?"
)
_GUARDRAIL = re.compile(
    rf"^\s*(?P<name>cost|memory|[A-Za-z]+@\w+)\s*(?P<op>>=|<=)\s*(?P<bound>{_NUMBER})\s*(?P<parent>\*\s*parent)?\s*$"
)


class ObjectiveError(ValueError):
    """An expression or guardrail that cannot be read; the message names the wrong part."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A weighted sum of metrics.

    terms: metric name ("HR@5", "satisfy@session") -> weight.
    """

    text: str
    terms: Mapping[str, float]

    @property
    def of_sessions(self) -> bool:
        """Whether it can be told only after sessions of simulated users."""
        return any(map(is_of_sessions, self.terms))

    @property
    def of_lists(self) -> "Objective":
        """The part that a ranking alone tells, by which epochs are compared; STAND_IN where there is none."""
        if not self.of_sessions:
            return self
        terms = {name: weight for name, weight in self.terms.items() if not is_of_sessions(name)}
        return Objective(text=self.text, terms=terms or {STAND_IN: 1.0})

    def per_user(self, metrics: "Mapping[str, NDArray[np.float64]]") -> "NDArray[np.float64]":
        """Each user's own objective, float64 (Q,); its mean is the trial's."""
        import numpy as np

        return np.sum([weight * metrics[name] for name, weight in self.terms.items()], axis=0)

    def of_means(self, metrics: Mapping[str, float]) -> float:
        """The trial's objective, from its mean metrics."""
        return float(sum(weight * metrics[name] for name, weight in self.terms.items()))


@dataclass(frozen=True, kw_only=True)
class Guardrail:
    """A bound that a candidate must keep.

    name: a metric, "cost" (seconds of fit per epoch, see laboratory/program_cost.py) or "memory" (peak bytes).
    """

    text: str
    name: str
    at_least: bool
    bound: float
    relative: bool  # to the parent's value

    def holds(self, value: float, parent: float) -> bool:
        """Whether a value keeps the bound. parent: the parent's value, for a relative bound."""
        limit = self.bound * parent if self.relative else self.bound
        return value >= limit if self.at_least else value <= limit


def is_of_sessions(name: str) -> bool:
    """Whether a metric such as "satisfy@session" is a figure of sessions."""
    return name.endswith(f"@{SESSION}")


def needs_sessions(expression: str, guardrails: Sequence[str]) -> bool:
    """Whether an objective or a guardrail that can be read names a figure of sessions."""
    named = [*parse_expression(expression).terms, *(parse_guardrail(text).name for text in guardrails)]
    return any(map(is_of_sessions, named))


def session_metrics() -> tuple[str, ...]:
    """The names of all figures of sessions."""
    return tuple(f"{name}@{SESSION}" for name in SESSIONS)


def _metric(name: str, k: str, allowed: tuple[str, ...], text: str) -> str:
    """The metric's name, such as "HR@5". Raises ObjectiveError if there is no such metric."""
    if name in SESSIONS and k == SESSION:
        return f"{name}@{k}"
    cutoff = k.lstrip("0")
    if name not in allowed or cutoff not in map(str, CUTOFFS):
        raise ObjectiveError(
            f"unknown metric {name[:20]}@{k[:20]} in {_brief(text)}; expected one of {', '.join(allowed)} "
            f"at k in {', '.join(map(str, CUTOFFS))}, or one of {', '.join(session_metrics())}"
        )
    return f"{name}@{cutoff}"


def parse_expression(text: str) -> Objective:
    """Read an objective such as `0.6*HR@5 + 0.4*NDCG@5` or `0.5*NDCG@10 + 0.5*satisfy@session/10`.

    Raises ObjectiveError naming the part that is wrong.
    """
    terms: dict[str, float] = {}
    at = 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None or (at and not match["sign"]):
            raise ObjectiveError(
                f"cannot read {_brief(text[at:])}; expected a sum such as 0.6*HR@5 + 0.4*NDCG@5"
            )
        name = _metric(match["name"], match["k"], ACCURACY, text)
        weight = _number(match["weight"] or "1", text) * (-1.0 if match["sign"] == "-" else 1.0)
        terms[name] = terms.get(name, 0.0) + weight / _divisor(match["over"] or "1", text)
        at = match.end()
    if not terms:
        raise ObjectiveError("is empty; expected a sum such as 0.6*HR@5 + 0.4*NDCG@5")
    return Objective(text=text, terms=terms)


def parse_guardrail(text: str) -> Guardrail:
    """Read a guardrail such as `coverage@10 >= 0.2` or `cost <= 2 * parent`. Raises ObjectiveError."""
    match = _GUARDRAIL.match(text)
    if match is None:
        raise ObjectiveError(
            f"cannot read {_brief(text)}; expected for example coverage@10 >= 0.2 or cost <= 2 * parent"
        )
    name = match["name"]
    if "@" in name:
        base, k = name.split("@")
        name = _metric(base, k, ACCURACY + LISTS, text)
    return Guardrail(
        text=text,
        name=name,
        at_least=match["op"] == ">=",
        bound=_number(match["bound"], text),
        relative=bool(match["parent"]),
    )


def _divisor(written: str, text: str) -> float:
    divisor = _number(written, text)
    if divisor < 1 / LARGEST:
        raise ObjectiveError(
            f"{_brief(text)} divides by {_brief(written)}; expected a divisor such as 10, as in satisfy@session/10"
        )
    return divisor


def _number(written: str, text: str) -> float:
    number = float(written)
    if number > LARGEST:
        raise ObjectiveError(
            f"the number {_brief(written)} in {_brief(text)} is too large; expected at most {LARGEST:g}"
        )
    return number


def _brief(text: str) -> str:
    return repr(text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}...")
