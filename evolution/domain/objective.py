"""The objective: a weighted sum of metrics, and guardrails, read from text without `eval`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a running language server checks objectives, and holds no numpy
    import numpy as np
    from numpy.typing import NDArray

ACCURACY = ("HR", "NDCG", "MRR", "Recall")
LISTS = ("coverage", "gini", "novelty", "diversity")
CUTOFFS = (1, 5, 10, 20, 50)
_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TERM = re.compile(
    rf"\s*(?P<sign>[+-]?)\s*(?:(?P<weight>{_NUMBER})\s*\*\s*)?(?P<name>[A-Za-z]+)@(?P<k>\d+)\s*"
)
_GUARDRAIL = re.compile(
    rf"^\s*(?P<name>cost|memory|[A-Za-z]+@\d+)\s*(?P<op>>=|<=)\s*(?P<bound>{_NUMBER})\s*(?P<parent>\*\s*parent)?\s*$"
)


class ObjectiveError(ValueError):
    """An expression or guardrail that cannot be read; the message names the wrong part."""


@dataclass(frozen=True, kw_only=True)
class Objective:
    """A weighted sum of metrics.

    terms: metric name ("HR@5") -> weight.
    """

    text: str
    terms: Mapping[str, float]

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

    name: a metric, "cost" (seconds of fit per epoch) or "memory" (peak bytes).
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


def _check_metric(name: str, k: int, allowed: tuple[str, ...], text: str) -> None:
    if name not in allowed or k not in CUTOFFS:
        raise ObjectiveError(
            f"unknown metric {name}@{k} in {text!r}; expected one of {', '.join(allowed)} at k in {', '.join(map(str, CUTOFFS))}"
        )


def parse_expression(text: str) -> Objective:
    """Read an objective such as `0.6*HR@5 + 0.4*NDCG@5`. Raises ObjectiveError naming the part that is wrong."""
    terms: dict[str, float] = {}
    at = 0
    while at < len(text):
        match = _TERM.match(text, at)
        if match is None or (at and not match["sign"]):
            raise ObjectiveError(f"cannot read {text[at:]!r}; expected a sum such as 0.6*HR@5 + 0.4*NDCG@5")
        _check_metric(match["name"], int(match["k"]), ACCURACY, text)
        weight = float(match["weight"] or 1.0) * (-1.0 if match["sign"] == "-" else 1.0)
        key = f"{match['name']}@{int(match['k'])}"
        terms[key] = terms.get(key, 0.0) + weight
        at = match.end()
    if not terms:
        raise ObjectiveError("is empty; expected a sum such as 0.6*HR@5 + 0.4*NDCG@5")
    return Objective(text=text, terms=terms)


def parse_guardrail(text: str) -> Guardrail:
    """Read a guardrail such as `coverage@10 >= 0.2` or `cost <= 2 * parent`. Raises ObjectiveError."""
    match = _GUARDRAIL.match(text)
    if match is None:
        raise ObjectiveError(
            f"cannot read {text!r}; expected for example coverage@10 >= 0.2 or cost <= 2 * parent"
        )
    name = match["name"]
    if "@" in name:
        _check_metric(*_split(name), ACCURACY + LISTS, text)
    return Guardrail(
        text=text,
        name=name,
        at_least=match["op"] == ">=",
        bound=float(match["bound"]),
        relative=bool(match["parent"]),
    )


def _split(name: str) -> tuple[str, int]:
    base, k = name.split("@")
    return base, int(k)
