"""Writes trials and runs of evolution to an MLflow store: one run of MLflow each, in the experiment of the repo folder's name.

Needs the extra `evolverec[mlflow]`. MLflow's own usage reports are turned off: nothing leaves the machine but what is asked for.
"""

import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from evolution.base.errors import UsageError
from server.cli.exporting import stored_tables

AT_ONCE = 1000  # figures that MLflow takes in one request
LONGEST = 500  # characters of a value
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
KEY = "evolverec.id"  # the tag by which a run is found again
PARAMETERS = ("seed", "device", "program", "checkpoint")
TAGS = ("status", "reason", "message", "state", "strategy", "proposer", "model")
STATUS = {"complete": "FINISHED", "done": "FINISHED", "running": "RUNNING", "failed": "FAILED"}
Row = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class _Figure:
    name: str
    value: float
    step: int = 0


def export_to_mlflow(repo: Path, uri: str) -> dict[str, Any]:
    """Write to the store at `uri`: an address of MLflow's, or of an SQLite file. What is there already is brought up to date.

    Raises UsageError: MLflow is not installed, or the store cannot be used.
    """
    os.environ.update(QUIET)
    try:
        mlflow, entities = import_module("mlflow"), import_module("mlflow.entities")
        failure = import_module("mlflow.exceptions").MlflowException
    except ImportError as error:
        raise UsageError(
            f"--to mlflow needs the extra evolverec[mlflow] ({error}); install it beside evolverec"
        ) from None
    tables = stored_tables(repo)
    # The model registry, which is not used, cannot be in a database of the slim package's.
    registry = uri if uri.startswith("http") else repo.as_uri()
    try:
        target = _Target(mlflow.MlflowClient(tracking_uri=uri, registry_uri=registry), entities, repo.name)
        for trial in tables["trials"]:
            figures = list(_of_trial(trial["trial"], tables["metrics"], tables["epochs"]))
            target.write(f"trial {trial['trial']}", trial, figures, began_s=trial["created_at"])
        runs = _by_run(tables["runs"])
        for name, nodes in runs.items():
            target.write(f"run {name}", nodes[0], list(_of_nodes(nodes)), began_s=0.0)
    except failure as error:
        raise UsageError(f"{uri} cannot be written to: {str(error)[:LONGEST]}") from None
    return {"out": uri, "experiment": repo.name, "trials": len(tables["trials"]), "runs": len(runs)}


class _Target:
    """An experiment of an MLflow store. client, entities: MLflow's, which is loaded only here."""

    def __init__(self, client: Any, entities: Any, experiment: str) -> None:
        self._client, self._entities = client, entities
        found = client.get_experiment_by_name(experiment)
        self._experiment = found.experiment_id if found else client.create_experiment(experiment)

    def write(self, name: str, row: Row, figures: Sequence[_Figure], *, began_s: float) -> None:
        """Make the run of this name, or bring it up to date; equal figures of one step are one, since their time is too."""
        began = int(1000 * began_s)
        known = self._client.search_runs([self._experiment], filter_string=f"tags.`{KEY}` = '{name}'")
        run = (
            known[0]
            if known
            else self._client.create_run(
                self._experiment, start_time=began, run_name=name, tags={KEY: name, **_texts(row, TAGS)}
            )
        )
        identity = run.info.run_id
        entities = self._entities
        parameters = [entities.Param(*pair) for pair in _texts(row, PARAMETERS).items()]
        self._client.log_batch(identity, params=parameters)
        for start in range(0, len(figures), AT_ONCE):
            part = [
                entities.Metric(one.name, one.value, began, one.step)
                for one in figures[start : start + AT_ONCE]
            ]
            self._client.log_batch(identity, metrics=part)
        status = STATUS.get(str(row.get("status") or row.get("state")), "KILLED")
        if status != "RUNNING":
            ended = began + int(1000 * (row.get("wall_s") or 0.0))
            self._client.set_terminated(identity, status=status, end_time=ended)


def _texts(row: Row, names: Sequence[str]) -> dict[str, str]:
    return {name: str(row[name])[:LONGEST] for name in names if row.get(name) not in (None, "")}


def _of_trial(trial: str, metrics: Sequence[Row], epochs: Sequence[Row]) -> Iterator[_Figure]:
    """Figures of the kept epoch with their intervals, of the test events, and of each epoch."""
    for row in metrics:
        if row["trial"] == trial:
            for part, suffix in (("value", ""), ("low", "/low"), ("high", "/high")):
                yield from _figure(f"{row['split']}/{row['metric']}{suffix}", row[part])
    for row in epochs:
        if row["trial"] == trial:
            yield from _figure(f"epoch/{row['kind']}/{row['name']}", row["value"], row["epoch"])


def _of_nodes(nodes: Sequence[Row]) -> Iterator[_Figure]:
    for row in nodes:
        yield from _figure("objective", row["objective"], row["node_order"])


def _figure(name: str, value: float | None, step: int = 0) -> Iterator[_Figure]:
    """Nothing where there is no number. MLflow's names have no @: NDCG@10 is NDCG_at_10."""
    if value is not None and math.isfinite(value):
        named = re.sub(r"[^\w\-. :/]", "_", name.replace("@", "_at_"), flags=re.ASCII)
        yield _Figure(name=named, value=float(value), step=step)


def _by_run(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["run"], []).append(row)
    return found
