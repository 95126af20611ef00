"""Shared by the benches: where results go and what a figure must carry with it. Running it alone does nothing."""

import importlib
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("seeds")  # the package, before the bench of that name can be taken for it
RESULTS = ROOT / "docs" / "results"
SHARED_DATA = ROOT.parent / "shared" / "data"


def record(name: str, figures: dict[str, Any]) -> None:
    """Write docs/results/<name>.json with machine, date and commit, and print it."""
    document = {**provenance(), **figures}
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    (RESULTS / f"{name}.json").write_text(text, encoding="utf-8")
    print(text, end="")


def provenance() -> dict[str, Any]:
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.strip()
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": commit,
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {_memory_gb()} GB, Python {platform.python_version()}",
        "load_at_end": [round(value, 1) for value in os.getloadavg()],
    }


def _memory_gb() -> int:
    import psutil

    return round(psutil.virtual_memory().total / 1e9)
