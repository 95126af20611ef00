"""The process that judges one long file by the static rules: text on stdin, hits as JSON on stdout."""

import contextlib
import dataclasses
import json
import os
import sys

from diagnosis.rules.check import check_source


def check_rules(path: str) -> int:
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)  # the editor's own work, and trials, come first
    text = sys.stdin.buffer.read().decode("utf-8", "surrogateescape")
    json.dump([dataclasses.asdict(hit) for hit in check_source(path, text)], sys.stdout)
    return 0
