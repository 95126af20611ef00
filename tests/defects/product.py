"""Runs the product on a planted repo: the whole of `diagnose` in a process of its own, or the static rules alone."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from diagnosis.catalogue import kind_of
from diagnosis.rules.check import check_sources
from tests.defects.scoring import Found

TIMEOUT_S = 600
FAILED = re.compile(r"the trial failed \(([\w ]+)\)")


class ProductFailed(Exception):
    """`evolverec diagnose` neither diagnosed nor said why the trial failed."""


def diagnose(repo: Path, config: Path) -> list[Found]:
    """The findings on a repo; training included, on one thread. config: the folder of the user's own settings.

    Of a trial that fails there are the rules' findings, and the failure where it names a line.
    """
    command = [
        str(Path(sys.executable).parent / "evolverec"),
        "diagnose",
        str(repo),
        "--trust",
        "--json",
        "--device",
        "cpu",
    ]
    environment = os.environ | {"EVOLVEREC_CONFIG_HOME": str(config), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    try:
        document = json.loads(done.stdout)
    except ValueError:
        raise ProductFailed(f"rc {done.returncode}: {done.stderr[-2000:]}") from None
    if "findings" in document:
        return [_found(finding) for finding in document["findings"]]
    return _failure(document.get("error", {})) + static(repo)


def static(repo: Path) -> list[Found]:
    """The findings of the static rules on every file of a repo; nothing of the repo runs."""
    texts = {
        p.relative_to(repo).as_posix(): p.read_text(encoding="utf-8") for p in sorted(repo.rglob("*.py"))
    }
    return [
        Found(
            code=hit.code,
            nature=kind_of(hit.code).nature.value,
            message=hit.message,
            anchors=((hit.path, hit.start_line, hit.end_line),),
        )
        for hit in check_sources(texts)
    ]


def _found(finding: dict[str, Any]) -> Found:
    return Found(
        code=finding["code"],
        nature=finding.get("nature") or kind_of(finding["code"]).nature.value,
        message=finding["message"],
        anchors=tuple((a["path"], a["start_line"], a["end_line"]) for a in finding["anchors"]),
    )


def _failure(error: dict[str, Any]) -> list[Found]:
    message = error.get("message", "")
    reason = FAILED.search(message)
    if not reason:
        raise ProductFailed(message)
    if not error.get("path"):
        return []
    code = "failed-" + reason[1].replace(" ", "-")
    line = int(error["line"] or 1)
    return [Found(code=code, nature="cause", message=message, anchors=((error["path"], line, line),))]
