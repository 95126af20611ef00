"""The process that runs the static rules on one file: text on stdin, hits as JSON on stdout, and why there are none."""

import contextlib
import dataclasses
import json
import os
import sys
from pathlib import Path

from diagnosis.rules.check import check_source, unseen_by_rules
from diagnosis.syntax import Hurdle, Unparsed, parse
from evolution.base.errors import UsageError


def check_rules(path: str, python: str) -> int:
    """Run the rules on the text from stdin and print the hits. Returns the exit code.

    path: the file's relative path, which the hits carry
    python: the interpreter that runs the repo, asked about text that is no Python of ours; "" if it may not be started
    """
    with contextlib.suppress(OSError, AttributeError):
        os.nice(10)  # the editor and running trials have priority
    text = sys.stdin.buffer.read().decode("utf-8", "surrogatepass")
    hits = [dataclasses.asdict(hit) for hit in check_source(path, text)]
    unseen, is_later = unseen_by_rules(text), False
    fault = parse(text)
    if python and isinstance(fault, Unparsed) and fault.hurdle is Hurdle.SYNTAX:
        unseen, is_later = _asked(python, text, fault)
    json.dump({"hits": hits, "unseen": unseen, "is_later": is_later}, sys.stdout)
    return 0


def _asked(python: str, text: str, fault: Unparsed) -> tuple[str, bool]:
    """Why no rule can look at a text that only the interpreter can read, "" if it cannot either; whether it is later than
    ours."""
    from evolution.trials.foreign_syntax import judged, of_later_python
    from evolution.trials.interpreter import interpreter_at

    try:
        interpreter = interpreter_at(Path(python))
    except UsageError:  # a job says what is wrong with it
        return "", False
    if interpreter.version <= sys.version_info[:2]:
        return "", False
    if judged(interpreter, text, fault) is not None:
        return "", True
    return of_later_python(interpreter).removeprefix("it "), True
