"""How commands print results: one JSON document on stdout with `--json`, else text for people; logs go to stderr."""

import contextlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO

from evolution.base import serial
from evolution.base.errors import EvolverecError, RepoError
from evolution.base.plain_text import OBEYED, plain_text

SEVERITIES = ("information", "warning", "error")  # from the least


def deliver(document: dict[str, Any], *, as_json: bool, show: Callable[[dict[str, Any]], None]) -> None:
    """Print the document as JSON, or call `show` to print it for people."""
    if as_json:
        write_json(document)
    else:
        show(document)


def write_json(document: dict[str, Any]) -> None:
    """Print the document to stdout as strict JSON; infinities and NaN become null."""
    sys.stdout.write(json_text(document))
    sys.stdout.flush()


def json_text(document: dict[str, Any]) -> str:
    """The document as strict JSON without any character that a terminal would obey."""
    text = json.dumps(serial.finite(document), ensure_ascii=False, indent=2, allow_nan=False)
    return OBEYED.sub(_escaped, text) + "\n"


def _escaped(found: re.Match[str]) -> str:
    """A character that a terminal would obey, as JSON may write it in any of its strings."""
    return json.dumps(found[0])[1:-1]


def say(text: str, *, end: str = "\n", file: TextIO | None = None) -> None:
    """Print text for people without any style, to stdout unless another file is given. It may quote anybody: no character
    of it is one that a terminal obeys."""
    out = sys.stdout if file is None else file
    print(plain_text(text), end=end, file=out, flush=True)


def write_exactly(text: str) -> None:
    """Write what a program is to read, such as a patch, byte for byte as git gave it; for a pipe or a file, which obeys no
    character. A carriage return or an escape that was taken out would make it another patch."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogateescape"))
    sys.stdout.flush()


def end_output() -> bool:
    """Write what stdout still holds. False if that is not possible; it is dropped then, as Python would try once more at
    its end and print a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def report_error(error: EvolverecError, *, as_json: bool) -> int:
    """Print the error to stderr, with `--json` also as a document on stdout. Returns the exit code."""
    if as_json:
        place = (
            {"path": error.path or None, "line": error.line or None} if isinstance(error, RepoError) else {}
        )
        with contextlib.suppress(OSError):  # stdout may be what the error is about
            write_json({"error": {"message": str(error), **place}})
    say(f"evolverec: {error}", file=sys.stderr)
    return error.exit_code


def reaches(document: Mapping[str, Any], severity: str) -> bool:
    """Whether the document of `diagnose` has a finding of this severity or worse."""
    least = SEVERITIES.index(severity)
    return any(SEVERITIES.index(finding["severity"]) >= least for finding in document["findings"])
