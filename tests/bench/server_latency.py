"""Start-up, memory and latency of the language server: `python tests/bench/server_latency.py`, about five minutes.

Idle: milliseconds from process start to the answer to `initialize`, and resident memory once a repo is open.
Busy: hover, code lens and code action in turn, 1,000 requests, 50 in a second at most, while `evolverec train` trains
the repo that is open, one trial for each core. The repo has findings, critiques and a measured patch, from a short real
run of every step; the requests are on the line of a finding that the patch addresses. Writes
docs/results/server-latency.json. Limits: 600 ms, 100 MB, 50 ms at the 99th percentile. `load_before`: what else the
machine was doing.
"""

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from figures import record
from lsp_wire import Connection
from ml1m_softmax import evolverec

import evolverec_entry
from evolution.domain.job import EventType
from evolution.domain.proposal import Verified
from evolution.jobs import control, stopping
from evolution.store.store import Store

LIMITS = {"initialize_ms": 600.0, "resident_mb": 100.0, "p99_ms": 50.0}
TRIALS = os.cpu_count() or 1
PAUSE_S = 0.02  # between requests, so that the server has to be woken for each and the trainings get on
LASTS_EPOCHS = 100_000  # until it is cancelled


def prepared(root: Path, data: str) -> dict[str, int]:
    """A sasrec repo whose store a short real run has filled; how much it has to show."""
    new = [sys.executable, evolverec_entry.__file__, "new", "sasrec", str(root), "--data", data]
    subprocess.run(new, check=True, stdout=sys.stderr)
    set_epochs(root, 6)
    evolverec("train", root)
    findings = evolverec("diagnose", root)["findings"]
    critiques = evolverec("simulate", root)["critiques"]
    proposals = evolverec("propose", root, "--trials", "1")["proposals"]
    verified = sum(bool(proposal["verified"]) for proposal in proposals)
    return {"findings": len(findings), "critiques": len(critiques), "verified_patches": verified}


def set_epochs(root: Path, epochs: int) -> None:
    config = root / "evolverec.toml"
    text = re.sub(r"(max_epochs|patience) = \d+", rf"\1 = {epochs}", config.read_text())
    config.write_text(text)


@contextlib.contextmanager
def training(root: Path, scratch: Path) -> Iterator[list[str]]:
    """The ids of TRIALS train jobs that are in their epochs; cancelled at the end, after a look that they still ran."""
    set_epochs(root, LASTS_EPOCHS)
    environment = {**os.environ, "EVOLVEREC_SLOTS": str(TRIALS)}
    before = {path.name for path in jobs_of(root)}
    commands = []
    with (scratch / "train.log").open("w") as log:
        for seed in range(1, TRIALS + 1):
            command = [
                sys.executable,
                evolverec_entry.__file__,
                "train",
                str(root),
                "--seed",
                str(seed),
                "--trust",
                "--json",
            ]
            commands.append(subprocess.Popen(command, stdout=log, stderr=log, env=environment))
    jobs: list[str] = []
    try:
        while len(jobs) < TRIALS:
            time.sleep(0.5)
            if any(command.poll() is not None for command in commands):
                sys.exit((scratch / "train.log").read_text())
            jobs = [
                path.name for path in jobs_of(root) if path.name not in before and epochs_of(root, path.name)
            ]
        yield jobs
    finally:
        for job in {path.name for path in jobs_of(root)} - before:
            stopping.ask(root, job)
        for command in commands:
            command.wait()


def jobs_of(root: Path) -> list[Path]:
    return sorted((root / ".evolverec" / "jobs").glob("train-*"))


def epochs_of(root: Path, job: str) -> int:
    """Epochs a running job has told of; 0 once it has ended."""
    events, _ = control.read_events(root, job, 0)
    ended = any(event.type is EventType.FINISHED for event in events)
    return 0 if ended else sum(event.type is EventType.EPOCH for event in events)


def requests(file: Path, line: int) -> list[tuple[str, dict[str, Any]]]:
    document = {"textDocument": {"uri": file.as_uri()}}
    place = {"line": line, "character": 4}
    span = {"range": {"start": place, "end": place}, "context": {"diagnostics": []}}
    return [
        ("textDocument/hover", {**document, "position": place}),
        ("textDocument/codeLens", document),
        ("textDocument/codeAction", {**document, **span}),
    ]


def measure_start(root: Path, file: Path, repeats: int) -> dict[str, float]:
    times, memory = [], []
    for _ in range(repeats):
        connection = Connection()
        times.append(connection.open(root, file))
        connection.ask("textDocument/codeLens", {"textDocument": {"uri": file.as_uri()}})
        memory.append(connection.resident_mb())
        connection.close()
    return {"initialize_ms": statistics.median(times), "resident_mb": max(memory)}


def measure_busy(root: Path, file: Path, line: int, jobs: list[str], count: int) -> dict[str, Any]:
    """Latency of `count` requests while `jobs` train, and proof that they did."""
    connection = Connection()
    connection.open(root, file)
    kinds = requests(file, line)
    answers = {method: connection.ask(method, params)[1]["result"] for method, params in kinds}
    epochs, used_s, begun = [epochs_of(root, job) for job in jobs], cpu_s_of(root, jobs), time.perf_counter()
    times = []
    for number in range(count):
        time.sleep(PAUSE_S)
        times.append(connection.ask(*kinds[number % len(kinds)])[0])
    wall_s = time.perf_counter() - begun
    cores = (cpu_s_of(root, jobs) - used_s) / wall_s
    resident_mb = connection.resident_mb()
    connection.close()
    return {
        "p50_ms": statistics.median(times),
        "p99_ms": sorted(times)[int(0.99 * count)],
        "max_ms": max(times),
        "p99_ms_by_method": {
            method: sorted(times[place :: len(kinds)])[int(0.99 * count / len(kinds))]
            for place, (method, _) in enumerate(kinds)
        },
        "resident_after_mb": resident_mb,
        "requests_wall_s": wall_s,
        "cores_used_by_training": cores,
        "epochs_before_and_after": [
            list(pair) for pair in zip(epochs, (epochs_of(root, job) for job in jobs))
        ],
        "answered": {
            "hover_characters": len(answers["textDocument/hover"]["contents"]["value"]),
            "lenses": len(answers["textDocument/codeLens"]),
            "actions": len(answers["textDocument/codeAction"]),
        },
    }


def cpu_s_of(root: Path, jobs: list[str]) -> float:
    """CPU seconds that these jobs and their workers have used."""
    import psutil

    with Store.open(root) as store:
        pids = [job.pid for name in jobs if (job := store.job(name))]
    trees = [[psutil.Process(pid), *psutil.Process(pid).children(recursive=True)] for pid in pids]
    return sum(sum(process.cpu_times()[:2]) for tree in trees for process in tree)


def busiest_line(root: Path) -> tuple[Path, int]:
    """The file, and the line (from 0) in it, that most of the stored verified patches and findings are about."""
    with Store.open(root) as store:
        feedback = store.latest_feedback()
        assert feedback
        patched = {
            found
            for proposal in store.proposals()
            if proposal.verified is not Verified.NO
            for found in proposal.idea.addresses
        }
        anchors = [
            (finding.id in patched, finding.anchors[0])
            for finding in feedback.all_findings()
            if finding.anchors
        ]
    _, anchor = max(anchors, key=lambda entry: entry[0])
    return root / anchor.path, anchor.start_line - 1


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default="shop-demo")
    parser.add_argument("--requests", type=int, default=1000)
    options = parser.parse_args()
    load_before = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="server-latency-") as folder:
        scratch = Path(folder)
        os.environ["EVOLVEREC_CONFIG_HOME"] = str(scratch / "config")
        os.environ["XDG_CACHE_HOME"] = str(scratch / "cache")  # nobody else's jobs hold the slots
        root = scratch / "repo"
        shown = prepared(root, options.data)
        file, line = busiest_line(root)
        figures: dict[str, Any] = measure_start(root, file, 5)
        with training(root, scratch) as jobs:
            figures |= measure_busy(root, file, line, jobs, options.requests)
    trained = all(0 < before < after for before, after in figures["epochs_before_and_after"])
    within = trained and all(figures[name] <= limit for name, limit in LIMITS.items())
    asked = {
        "data": options.data,
        "requests": options.requests,
        "training_jobs": TRIALS,
        "load_before": load_before,
    }
    record(
        "server-latency",
        {**asked, "repo_has": shown, **rounded(figures), "limits": LIMITS, "within_limits": within},
    )
    return 0 if within else 1


def rounded(figures: dict[str, Any]) -> dict[str, Any]:
    return {
        name: round(value, 2)
        if isinstance(value, float)
        else rounded(value)
        if isinstance(value, dict)
        else value
        for name, value in figures.items()
    }


if __name__ == "__main__":
    sys.exit(main())
