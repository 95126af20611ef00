"""The process that runs the static rules on one long file: text on stdin, hits as JSON on stdout, and why there are none."""

import contextlib
import dataclasses
import json
import os
import sys

from diagnosis.rules.check import check_source, unseen_by_rules


def check_rules(path: str) -> int:
    """Run the rules on the text from stdin and print the hits. Returns the exit code.

    path: the file's relative path, which the hits carry
    """
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)  # the editor and running trials have priority
    text = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
    hits = [dataclasses.asdict(hit) for hit in check_source(path, text)]
    json.dump({"hits": hits, "unseen": unseen_by_rules(text)}, sys.stdout)
    return 0
