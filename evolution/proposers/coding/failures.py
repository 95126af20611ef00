"""Describes a failed smoke trial for the debugger: reason, message, traceback, and the lines named, without paths of
this machine.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath

from evolution.domain.trial import Failure
from evolution.proposers.coding.views import excerpt

TRACEBACK_CHARS = 4_000
PLACES = 4  # lines shown of those that a traceback names, the innermost ones, each with the lines around it
_FRAME = re.compile(r'File "([^"\n]+)", line (\d+)')
_PLACE = re.compile(r"(?:^| )([\w./-]+\.\w+):(\d+)", re.MULTILINE)
_ABSOLUTE = re.compile(r"(?<![\w.:/<>-])/(?:[^\s/'\":,;()\[\]]+/)+([^\s/'\":,;()\[\]]*)")
_LIBRARY = re.compile(r"^.*(?:site-packages|dist-packages|lib/python[\d.]+)/")
_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,}\b")  # an object's address, which differs between processes
_OWN = "_evolverec_worker/"


def told(failure: Failure, files: Iterable[str]) -> str:
    """The failure in words, with its traceback.

    files: paths of the program.
    """
    known = list(files)
    message = without_paths(failure.message, known)
    where = f" at {failure.path}:{failure.line}" if failure.path and failure.line else ""
    trace = traceback_of(failure, known)
    return f"{failure.reason.value}{where}: {message}" + (f"\n{trace}" if trace else "")


def traceback_of(failure: Failure, files: Iterable[str]) -> str:
    """The traceback without frames of our own worker; only the end of a long one."""
    kept: list[str] = []
    ours = False
    for line in without_paths(failure.traceback, files).rstrip().split("\n"):
        frame = _FRAME.search(line)
        if frame:
            ours = frame[1].startswith(_OWN)
        elif not line.startswith("    "):
            ours = False
        if not ours:
            kept.append(line)
    text = "\n".join(kept)
    return text if len(text) <= TRACEBACK_CHARS else f"...\n{text[-TRACEBACK_CHARS:].partition(chr(10))[2]}"


def places_of(message: str, files: Mapping[str, str]) -> list[dict[str, str]]:
    """Lines of the program that a message names, the last named (innermost) first, as {"place", "text"}."""
    named = [(path, int(line)) for path, line in _FRAME.findall(message)]
    named += [(path, int(line)) for path, line in _PLACE.findall(message)]
    unique = [found for found in dict.fromkeys(reversed(named)) if found[0] in files][:PLACES]
    return [{"place": f"{path}:{line}", "text": excerpt(files[path], line)} for path, line in unique]


def without_paths(text: str, files: Iterable[str]) -> str:
    """The text without absolute paths and memory addresses, so that one failure always has the same words.

    The program's files become relative to it, libraries relative to their folder, and other paths a file name.
    """
    known = sorted(files, key=len, reverse=True)

    def relative(match: re.Match[str]) -> str:
        full = match[0]
        own = next((path for path in known if full.endswith(f"/{path}")), "")
        if _OWN in full:
            return _OWN + full.partition(_OWN)[2]
        if _LIBRARY.match(full):
            return _LIBRARY.sub("", full)
        return own or PurePosixPath(full).name

    return _ADDRESS.sub("0x...", _ABSOLUTE.sub(relative, text))
