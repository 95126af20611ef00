"""The tables of `evolverec export`: what the store holds as CSV, one row each, under the names of the JSON documents."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evolution.base.errors import UsageError
from evolution.base.new_files import write_new
from evolution.domain.trial import Metric, Trial
from evolution.store.documents import finding_document, proposal_document, train_document
from evolution.store.run_document import run_document
from evolution.store.store import Store

Row = dict[str, Any]
_TRIAL = (
    "trial",
    "status",
    "reason",
    "message",
    "epochs",
    "best_epoch",
    "wall_s",
    "program",
    "seed",
    "device",
    "checkpoint",
)
_FINDING = ("id", "code", "title", "severity", "nature", "message", "value", "low", "high", "reference")
_PROPOSAL = ("id", "title", "recipe", "proposer", "verified", "state", "why_not")
_EFFECT = ("metric", "before", "after", "low", "high")
_RUN = ("run", "strategy", "proposer", "model", "seed", "state")
_NODE = (
    "order",
    "generation",
    "program",
    "parent",
    "trial",
    "status",
    "title",
    "proposer",
    "verified",
    "proposal",
)


COLUMNS: Mapping[str, Sequence[str]] = {
    "trials": (*_TRIAL, "created_at", "fit_s", "parameters"),
    "metrics": ("trial", "split", "metric", "value", "low", "high"),
    "epochs": ("trial", "epoch", "kind", "name", "value"),
    "findings": ("trial", *_FINDING, "path", "line"),
    "proposals": (*_PROPOSAL, "trials", *(f"effect_{name}" for name in _EFFECT)),
    "runs": (*_RUN, *(f"node_{name}" for name in _NODE), "objective"),
}


def export_tables(repo: Path, folder: Path, *, force: bool) -> dict[str, Any]:
    """Write one file for each table into a new folder. tables: name -> number of rows.

    force: replace tables that are in the folder already; nothing else there is touched. Raises UsageError.
    """
    tables = stored_tables(repo)
    _make(folder, force=force)
    for name, rows in tables.items():
        write_new(
            folder / f"{name}.csv",
            lambda draft, name=name, rows=rows: _write(draft, COLUMNS[name], rows),
            force=force,
        )
    return {"out": str(folder), "tables": {name: len(rows) for name, rows in tables.items()}}


def stored_tables(repo: Path) -> dict[str, list[Row]]:
    """Name -> rows, whose keys are the columns that COLUMNS has for the name."""
    with Store.open(repo) as store:
        trials = store.trials()
        return {
            "trials": [_trial(trial) for trial in trials],
            "metrics": [row for trial in trials for row in _metrics(store, trial)],
            "epochs": [row for trial in trials for row in _epochs(trial)],
            "findings": [row for trial in trials for row in _findings(store, trial)],
            "proposals": [_proposal(proposal_document(proposal)) for proposal in store.proposals()],
            "runs": [row for run in store.runs() for row in _nodes(run_document(run))],
        }


def _make(folder: Path, *, force: bool) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except FileNotFoundError:
        raise UsageError(f"{folder.parent} is no folder; make it first") from None
    except FileExistsError:
        raise UsageError(f"{folder} is a file; expected the name of a folder") from None
    if not force and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; expected another folder, or --force to replace its tables")


def _write(draft: Path, columns: Sequence[str], rows: Sequence[Row]) -> None:
    with draft.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        table.writerows(rows)


def _trial(trial: Trial) -> Row:
    document = train_document(trial)
    cost = document["cost"]
    return {
        **_picked(document, _TRIAL),
        "created_at": trial.created_at,
        "fit_s": cost["fit_s"],
        "parameters": cost["parameters"],
    }


def _metrics(store: Store, trial: Trial) -> Iterator[Row]:
    """The figures of the kept epoch on validation, and each reading of the test events."""

    def row(split: str, metric: str, told: Mapping[str, Any]) -> Row:
        return {
            "trial": trial.id,
            "split": split,
            "metric": metric,
            **_picked(told, ("value", "low", "high")),
        }

    def told(metric: Metric) -> Mapping[str, Any]:
        return {"value": metric.value, "low": metric.low, "high": metric.high}

    objective = {"objective": trial.objective} if trial.objective else {}
    yield from (
        row("validation", name, told(metric)) for name, metric in {**trial.metrics, **objective}.items()
    )
    for _, record in store.test_reads(trial.id):
        yield from (row("test", name, metric) for name, metric in record["metrics"].items())


def _epochs(trial: Trial) -> Iterator[Row]:
    for epoch in trial.epochs:
        for kind, figures in (("reported", epoch.reported), ("validation", epoch.metrics)):
            for name, value in figures.items():
                yield {"trial": trial.id, "epoch": epoch.epoch, "kind": kind, "name": name, "value": value}


def _findings(store: Store, trial: Trial) -> Iterator[Row]:
    feedback = store.feedback(trial.id)
    for finding in feedback.all_findings() if feedback else ():
        document = finding_document(finding)
        place = next(iter(document["anchors"]), {})
        yield {
            "trial": trial.id,
            **_picked(document, _FINDING),
            "path": place.get("path"),
            "line": place.get("start_line"),
        }


def _proposal(document: Mapping[str, Any]) -> Row:
    effect: Mapping[str, Any] = document["effect"] or {}
    gains = {f"effect_{name}": effect.get(name) for name in _EFFECT}
    return {**_picked(document, _PROPOSAL), "trials": " ".join(document["trials"]), **gains}


def _nodes(document: Mapping[str, Any]) -> Iterator[Row]:
    for node in document["nodes"]:
        objective: Mapping[str, Any] = node["objective"] or {}
        yield {
            **_picked(document, _RUN),
            **{f"node_{name}": node[name] for name in _NODE},
            "objective": objective.get("value"),
        }


def _picked(document: Mapping[str, Any], names: Sequence[str]) -> Row:
    return {name: document.get(name) for name in names}
