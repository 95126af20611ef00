"""Start-up, memory and latency of the language server: `python tests/bench/server_latency.py`.

Idle: seconds from process start to the answer to `initialize`, and resident memory once a repo is open.
Busy: hover, code lens and code action in turn, 1,000 requests, while two processes keep both cores busy at the
priority that jobs run at (nice 5). Writes docs/results/server-latency.json. Limits: 600 ms, 100 MB, 50 ms at the 99th percentile.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from figures import record

import evolverec_entry

LIMITS = {"initialize_ms": 600.0, "resident_mb": 100.0, "p99_ms": 50.0}
BUSY = "import os; os.nice({nice})\nwhile True: pass"


class Connection:
    def __init__(self) -> None:
        self.started = time.perf_counter()
        self.process = subprocess.Popen(
            [sys.executable, evolverec_entry.__file__, "lsp"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self.last = 0

    def send(self, method: str, params: object, ident: int | None = None) -> None:
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        body = json.dumps(message if ident is None else {**message, "id": ident}).encode()
        assert self.process.stdin
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def ask(self, method: str, params: object) -> tuple[float, dict]:
        """(milliseconds, answer)."""
        self.last += 1
        begun = time.perf_counter()
        self.send(method, params, self.last)
        while (message := self.read()).get("id") != self.last or "method" in message:
            pass
        return 1000 * (time.perf_counter() - begun), message

    def read(self) -> dict:
        assert self.process.stdout
        length = 0
        while (line := self.process.stdout.readline()).strip():
            name, _, value = line.partition(b":")
            length = int(value) if name == b"Content-Length" else length
        return json.loads(self.process.stdout.read(length))

    def open(self, root: Path, file: Path) -> float:
        """Milliseconds from process start to the answer to `initialize`."""
        folders = [{"uri": root.as_uri(), "name": "repo"}]
        params = {"processId": os.getpid(), "rootUri": None, "capabilities": {}, "workspaceFolders": folders}
        self.ask("initialize", params)
        elapsed_ms = 1000 * (time.perf_counter() - self.started)
        self.send("initialized", {})
        item = {"uri": file.as_uri(), "languageId": "python", "version": 1, "text": file.read_text()}
        self.send("textDocument/didOpen", {"textDocument": item})
        return elapsed_ms

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def close(self) -> None:
        self.ask("shutdown", None)
        self.send("exit", None)
        self.process.wait()


def requests(file: Path, line: int) -> list[tuple[str, dict]]:
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


def measure_busy(root: Path, file: Path, line: int, count: int, nice: int) -> dict[str, float]:
    connection = Connection()
    connection.open(root, file)
    kinds = requests(file, line)
    for method, params in kinds:
        connection.ask(method, params)
    hogs = [
        subprocess.Popen([sys.executable, "-c", BUSY.format(nice=nice)]) for _ in range(os.cpu_count() or 2)
    ]
    try:
        time.sleep(0.5)
        times = sorted(connection.ask(*kinds[number % 3])[0] for number in range(count))
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
    resident_mb = connection.resident_mb()
    connection.close()
    return {
        "p50_ms": times[count // 2],
        "p99_ms": times[int(0.99 * count)],
        "max_ms": times[-1],
        "resident_after_mb": resident_mb,
    }


def entry_line(file: Path) -> int:
    return next(n for n, line in enumerate(file.read_text().splitlines()) if line.startswith("def build"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repo", type=Path, help="a repo with findings; by default a fresh sasrec repo")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--nice", type=int, default=5, help="priority of the busy processes; jobs run at 5")
    options = parser.parse_args()
    load_before = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory() as scratch:
        root = options.repo.resolve() if options.repo else Path(scratch) / "repo"
        if not options.repo:
            new = [
                sys.executable,
                evolverec_entry.__file__,
                "new",
                "sasrec",
                str(root),
                "--data",
                "shop-micro",
            ]
            subprocess.run(new, check=True, stdout=sys.stderr)
        file = root / "recommender.py"
        figures = measure_start(root, file, 5)
        figures |= measure_busy(root, file, entry_line(file), options.requests, options.nice)
    within = all(figures[name] <= limit for name, limit in LIMITS.items())
    rounded = {name: round(value, 2) for name, value in figures.items()}
    asked = {"requests": options.requests, "nice": options.nice, "load_before": load_before}
    record("server-latency", {**asked, **rounded, "limits": LIMITS, "within_limits": within})
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
