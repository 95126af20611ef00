"""The analyst's process: reads the evidence of one trial and measures it. It runs no candidate code."""

import traceback
from pathlib import Path
from typing import Any

import numpy as np

from diagnosis.evidence import Evidence, load_artifacts
from diagnosis.examination import FOLDER as EXAMINATION
from diagnosis.examination import load_examination
from evolution.base import serial
from evolution.trials.data import read_lists
from evolution.trials.exporting import read_interactions, read_questions
from evolution.worker.guest.wire import Channel


def serve() -> None:
    """Answer requests; there is one kind, which measures the evidence in a folder."""
    channel = Channel()
    for request in channel:
        arguments = request["with"]
        try:
            channel.reply({"ok": {"measurements": measured(Path(arguments["folder"]), arguments["seed"])}})
        except Exception:  # noqa: BLE001 - the host reads what was raised
            channel.reply({"failure": {"kind": "crash", "message": traceback.format_exc()}})


def measured(folder: Path, seed: int) -> list[Any]:
    """The measurements of the evidence in `folder`, as plain documents."""
    from diagnosis.measure import measure

    with np.errstate(all="ignore"):  # probes judge NaN themselves
        return [
            serial.finite(serial.plain(measurement)) for measurement in measure(read_evidence(folder, seed))
        ]


def read_evidence(folder: Path, seed: int) -> Evidence:
    """Read a folder that holds training/, names/, validation/, targets/, references/<name>/, artifacts/ and perhaps
    examination/."""
    return Evidence(
        training=read_interactions(folder / "training", folder / "names"),
        questions=read_questions(folder / "validation", folder / "targets" / "validation.npy"),
        artifacts=load_artifacts(folder / "artifacts"),
        references={path.name: read_lists(path) for path in sorted((folder / "references").iterdir())},
        seed=seed,
        examination=load_examination(folder / EXAMINATION),
    )
