"""The language server in the worst hour it is made for: how fast it answers, and what it holds at the end.

python tests/bench/server_load.py                  about 5 minutes
python tests/bench/server_load.py --edits 200      a short form; does not write the figure

A generated store with 200 findings and 50 verified patches on one Python file of 10,000 lines, which is open beside
evolverec.toml. One process for each core keeps the cores busy, at the priority that jobs run at. First, in real time:
ten edits a second, sent as editors do, and right behind each edit one request, so that it waits for the edit too:
hover, code action (one in ten at the entry, where all patches are offered), pulled diagnostics, completion in turn.
Then the hour, compressed: as many edits and requests as an hour has at one edit a second, as fast as they are
answered. Writes docs/results/server-load.json. Memory is that of the server and of its processes.
`load_before`: what else the machine was doing; on a machine that is not idle the times say little, the CPU figure stays.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
from figures import record
from lsp_wire import CAPABILITIES, Connection
from server_load_repo import CONFIG, fill

from evolution.jobs.main import NICE

LINES, FINDINGS, PROPOSALS = 10_000, 200, 50
LIMITS = {"p99_ms": 50.0, "completion_p99_ms": 30.0, "memory_mb": 150.0, "growth_mb": 10.0}
EDITS_A_SECOND = 10.0
TYPED_S = 120  # in real time
HOUR = 3600  # edits: one a second on average, since nobody types without a pause
SAMPLES = 40  # of memory, over the hour
PULLING = {
    **CAPABILITIES,
    "workspace": {**CAPABILITIES["workspace"], "diagnostics": {"refreshSupport": True}},
    "textDocument": {
        **CAPABILITIES["textDocument"],
        "diagnostic": {},
        "publishDiagnostics": {"relatedInformation": True, "tagSupport": {"valueSet": [1]}},
        "hover": {"contentFormat": ["markdown"]},
    },
}
METHODS = (
    "textDocument/hover",
    "textDocument/codeAction",
    "textDocument/diagnostic",
    "textDocument/completion",
)


class Typist:
    """An editor in which somebody types into a long file: words into a comment, now and then an import above all."""

    def __init__(self, connection: Connection, root: Path, text: str) -> None:
        self.connection, self.lines = connection, text.split("\n")
        self.start = list(self.lines)
        self.code, self.config = (root / "model.py").as_uri(), (root / "evolverec.toml").as_uri()
        self.version, self.edits, self.above = 1, 0, 0
        self.noted = [row for row, line in enumerate(self.lines) if "torch.nn.Linear" in line]
        self.known: str | None = None

    def edit(self) -> None:
        """One key. Every 40 keys the place changes, and every 400 the text is as it was."""
        self.edits += 1
        if self.edits % 400 == 0:
            self.lines, self.above = list(self.start), 0
            self._tell({"text": "\n".join(self.lines)})
        elif self.edits % 200 == 0:
            self.lines.insert(1, "import os")
            self.above = 1
            self._tell(_typed("import os\n", 1, 0))
        else:
            row = self.noted[(self.edits // 40 * 37) % len(self.noted)] - 3 + self.above
            typed = " x" if self.edits % 8 else "  # "
            self._tell(_typed(typed, row, len(self.lines[row])))
            self.lines[row] += typed

    def _tell(self, change: dict[str, Any]) -> None:
        self.version += 1
        document = {"uri": self.code, "version": self.version}
        self.connection.tell("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})

    def ask(self, method: str) -> float:
        """Milliseconds to the answer."""
        place = {"line": self.noted[self.edits * 31 % len(self.noted)] + self.above, "character": 10}
        document: dict[str, Any] = {"textDocument": {"uri": self.code}}
        if method == "textDocument/hover":
            document["position"] = place
        elif method == "textDocument/codeAction":
            if self.edits // len(METHODS) % 10 == 0:
                place = {"line": len(self.lines) - 4, "character": 0}
            document |= {"range": {"start": place, "end": place}, "context": {"diagnostics": []}}
        elif method == "textDocument/diagnostic":
            document["previousResultId"] = self.known
        else:
            document = {"textDocument": {"uri": self.config}, "position": {"line": 4, "character": 10}}
        spent, answer = self.connection.ask(method, document)
        if "error" in answer:
            sys.exit(f"{method}: {answer['error']}")
        if method == "textDocument/diagnostic":
            self.known = answer["result"]["resultId"]
        return spent


def _typed(text: str, line: int, column: int) -> dict[str, Any]:
    place = {"line": line, "character": column}
    return {"range": {"start": place, "end": place}, "text": text}


@contextlib.contextmanager
def busy_cores() -> Iterator[int]:
    """As many processes as cores, each of which wants one whole, and as nice to the editor as jobs are."""
    count = os.cpu_count() or 1
    burning = [
        subprocess.Popen([sys.executable, "-c", f"import os; os.nice({NICE}); exec('while True: pass')"])
        for _ in range(count)
    ]
    try:
        yield count
    finally:
        for process in burning:
            process.kill()
            process.wait()


def memory_mb(connection: Connection) -> float:
    """Of the server and the processes it has started."""
    server = psutil.Process(connection.process.pid)
    total = 0
    for process in [server, *server.children(recursive=True)]:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total / 2**20


def cpu_s(connection: Connection) -> float:
    """Of the server alone: what it costs, however busy the machine is."""
    return sum(psutil.Process(connection.process.pid).cpu_times()[:2])


def in_real_time(typist: Typist, edits: int) -> dict[str, list[float]]:
    """Milliseconds by method. An edit that is late by an answer is not made up for."""
    times: dict[str, list[float]] = {method: [] for method in METHODS}
    due = time.perf_counter()
    for number in range(edits):
        time.sleep(max(0.0, due - time.perf_counter()))
        due = max(due + 1 / EDITS_A_SECOND, time.perf_counter())
        typist.edit()
        method = METHODS[number % len(METHODS)]
        times[method].append(typist.ask(method))
    return times


def compressed(typist: Typist, edits: int) -> tuple[list[float], list[float]]:
    """Memory in MB over the edits and their requests: of the server alone, and with its processes, which come and go."""
    own, whole = [], []
    for number in range(edits):
        typist.edit()
        typist.ask(METHODS[number % len(METHODS)])
        if number % max(1, edits // SAMPLES) == 0:
            own.append(typist.connection.resident_mb())
            whole.append(memory_mb(typist.connection))
    return own, whole


def summary(times: list[float]) -> dict[str, float]:
    ordered = sorted(times)
    return {
        "requests": len(times),
        "p50_ms": round(statistics.median(times), 2),
        "p99_ms": round(ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], 2),
        "max_ms": round(ordered[-1], 2),
    }


def measure(root: Path, typed: int, hour: int) -> dict[str, Any]:
    text = fill(root, LINES, FINDINGS, PROPOSALS)
    connection = Connection()
    connection.open(root, root / "model.py", PULLING)
    item = {"uri": (root / "evolverec.toml").as_uri(), "languageId": "toml", "version": 1, "text": CONFIG}
    connection.tell("textDocument/didOpen", {"textDocument": item})
    typist = Typist(connection, root, text)
    with busy_cores() as cores:
        for method in METHODS * 5:  # what is loaded on first use is not what is measured
            typist.ask(method)
        start_mb, used_s = memory_mb(connection), cpu_s(connection)
        by_method = {method: summary(times) for method, times in in_real_time(typist, typed).items()}
        used_s = cpu_s(connection) - used_s
        own, whole = compressed(typist, hour - typed)
    end_mb = memory_mb(connection)
    connection.close()
    settled = own[len(own) // 4 :]
    quarter = max(1, len(settled) // 4)
    growth = statistics.median(settled[-quarter:]) - statistics.median(settled[:quarter])
    return {
        "lines": text.count("\n"),
        "findings": FINDINGS,
        "proposals": PROPOSALS,
        "busy_processes": cores,
        "typed_in_real_time": typed,
        "edits_a_second": EDITS_A_SECOND,
        "edits_and_requests_of_the_hour": hour,
        "by_method": by_method,
        "server_cpu_ms_per_edit_with_its_request": round(1000 * used_s / typed, 2),
        "memory_start_mb": round(start_mb, 1),
        "memory_end_mb": round(end_mb, 1),
        "memory_max_mb": round(max([start_mb, end_mb, *whole]), 1),
        "growth_mb": round(growth, 1),
        "growth_is": "of the server alone: median of the last quarter minus that of the first, after a quarter of the hour to settle",
    }


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edits", type=int, default=HOUR, help="of the hour; fewer write no figure")
    options = parser.parse_args()
    load_before = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="server-load-") as folder:
        os.environ["EVOLVEREC_CONFIG_HOME"] = str(Path(folder) / "config")
        os.environ["XDG_CACHE_HOME"] = str(Path(folder) / "cache")
        typed = min(int(TYPED_S * EDITS_A_SECOND), options.edits // 2)
        figures = measure(Path(folder) / "repo", typed, options.edits)
    by_method = figures["by_method"]
    completion = by_method[METHODS[3]]["p99_ms"]
    within = (
        all(by_method[method]["p99_ms"] <= LIMITS["p99_ms"] for method in METHODS[:3])
        and completion <= LIMITS["completion_p99_ms"]
        and figures["memory_max_mb"] <= LIMITS["memory_mb"]
        and figures["growth_mb"] <= LIMITS["growth_mb"]
    )
    found = {"load_before": load_before, **figures, "limits": LIMITS, "within_limits": within}
    if options.edits < HOUR:
        print(found)
    else:
        record("server-load", found)
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
