"""What commands answered, for notebooks: the whole document, frames of its tables, and a table to look at."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import polars as pl

Document = Mapping[str, Any]
_FINDING = ("severity", "code", "message", "path", "line", "value", "low", "high", "nature")
_PROPOSAL = ("id", "title", "verified", "metric", "before", "after", "low", "high", "state")
_TRIAL = ("trial", "status", "seed", "epochs", "objective", "low", "high", "wall_s", "message")


@dataclass(frozen=True, kw_only=True)
class Answer(ABC):
    """document: as the command prints it with `--json`."""

    document: Document

    @property
    @abstractmethod
    def title(self) -> str:
        """One line on the whole."""

    @property
    @abstractmethod
    def frame(self) -> pl.DataFrame:
        """The table of this answer."""

    def to_pandas(self) -> Any:
        """`frame` as a pandas DataFrame. Raises ImportError: pandas and pyarrow are not installed."""
        return self.frame.to_pandas()

    def __repr__(self) -> str:
        return f"{self.title}\n{self.frame}"

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.title)}</p>{self.frame._repr_html_()}"


@dataclass(frozen=True, kw_only=True, repr=False)
class Trial(Answer):
    """One trained and measured version, or why that failed."""

    @property
    def id(self) -> str:
        return str(self.document["trial"])

    @property
    def ok(self) -> bool:
        """Whether it was measured."""
        return self.document["status"] == "complete"

    @property
    def title(self) -> str:
        said = (
            self.document.get("message")
            or f"{self.document['epochs']} epochs, best {self.document['best_epoch']}"
        )
        return f"trial {self.id}: {self.document['status']}, {said}, on {self.document['split']} events"

    @property
    def frame(self) -> pl.DataFrame:
        """metric, value, low, high; low and high are null for a figure without an interval."""
        rows = [{"metric": name, **metric} for name, metric in self.document["metrics"].items()]
        return _frame(rows, ("metric", "value", "low", "high"), numbers=("value", "low", "high"))


@dataclass(frozen=True, kw_only=True, repr=False)
class Diagnosis(Answer):
    """What is wrong, and where."""

    @property
    def title(self) -> str:
        verdict = self.document.get("verdict") or {}
        return (
            f"trial {self.document['trial']}: {verdict.get('level', '')} {verdict.get('checks', '')}".strip()
        )

    @property
    def findings(self) -> pl.DataFrame:
        """A row for each finding; path and line of its first anchor."""
        return self.frame

    @property
    def frame(self) -> pl.DataFrame:
        rows = [{**finding, **_place(finding)} for finding in self.document["findings"]]
        return _frame(rows, _FINDING, numbers=("value", "low", "high"), whole=("line",))


@dataclass(frozen=True, kw_only=True, repr=False)
class Proposals(Answer):
    """Measured patches."""

    @property
    def title(self) -> str:
        proposals: Sequence[Document] = self.document["proposals"]
        verified = sum(bool(proposal["verified"]) for proposal in proposals)
        return f"{len(proposals)} proposals, {verified} verified"

    @property
    def frame(self) -> pl.DataFrame:
        """A row for each patch; before, after, low, high: of the objective and of the gain's interval."""
        rows = [
            {**proposal, "verified": proposal["verified"] or "no", **(proposal["effect"] or {})}
            for proposal in self.document["proposals"]
        ]
        return _frame(rows, _PROPOSAL, numbers=("before", "after", "low", "high"))


def trials_frame(trials: Sequence[Document]) -> pl.DataFrame:
    """A row for each trial, newest first, with the objective and its interval."""
    rows = [{**trial, **_objective(trial)} for trial in trials]
    numbers = ("objective", "low", "high", "wall_s")
    return _frame(rows, _TRIAL, numbers=numbers, whole=("seed", "epochs"))


def _objective(trial: Document) -> Document:
    metric = trial["objective"] or {}
    return {"objective": metric.get("value"), "low": metric.get("low"), "high": metric.get("high")}


def _place(finding: Document) -> Document:
    anchor = next(iter(finding["anchors"]), {})
    return {"path": anchor.get("path"), "line": anchor.get("start_line")}


def _frame(
    rows: Sequence[Document], columns: Sequence[str], *, numbers: Sequence[str], whole: Sequence[str] = ()
) -> pl.DataFrame:
    """A frame of these columns, in this order, with the same types whether or not there are rows."""
    types = dict.fromkeys(numbers, pl.Float64) | dict.fromkeys(whole, pl.Int64)
    schema = {name: types.get(name, pl.String) for name in columns}
    return pl.DataFrame(
        [{name: row.get(name) for name in columns} for row in rows], schema=schema, strict=False
    )
