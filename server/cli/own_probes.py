"""`evolverec probes` lists the probes that the user has written in a repo; `evolverec new-probe` begins one."""

import re
from pathlib import Path
from typing import Any

from diagnosis.user_probes.probe import UserProbe, held_against
from evolution.base.errors import RepoError, UsageError
from evolution.base.places import PROBES_FOLDER
from evolution.repo.user_probes import read_user_probes
from seeds.reading import leads_out
from server.cli.output import say

TEMPLATE = '''"""{title}: share of the first ten items that are among the least popular four fifths.

The first words are the title of what is found, all of this its definition (`evolverec explain user/{name}`).
"""

import numpy as np

UNIT = "share of the page"
WARN_BELOW = 0.05
# REFERENCE = "ease"  # or: worse than popularity, markov, ease or random on the same users
# AT = "loss"  # where the finding stands: a role, "model.py:Net.forward" or "model.py:12"; else the entry


def measure(view):
    """A number per user, whose mean gets an interval; or one number, or {{"value": ..., "message": ...}}."""
    tail = view.popularity <= np.quantile(view.popularity[1:], 0.8)  # (n_items + 1,)
    return tail[view.lists[:, :10]].mean(axis=1)  # (S,)
'''


def probes_document(repo: Path) -> dict[str, Any]:
    """The document of `evolverec probes`. What is wrong with a probe's text is told by line; none is run."""
    return {"probes": [_document(probe) for probe in read_user_probes(repo)]}


def _document(probe: UserProbe) -> dict[str, Any]:
    return {
        "code": probe.code,
        "path": probe.path,
        "title": probe.title,
        "definition": probe.definition,
        "unit": probe.terms.unit,
        "reference": held_against(probe.terms),
        "faults": [{"line": fault.line, "message": fault.message} for fault in probe.faults],
    }


def show_probes(document: dict[str, Any]) -> None:
    """Print the probes for people."""
    for probe in document["probes"]:
        against = f"; held against: {probe['reference']}" if probe["reference"] else "; informs"
        say(f"{probe['code']}  {probe['title']}{against}")
        for fault in probe["faults"]:
            say(f"  x {probe['path']}:{fault['line']}: {fault['message']}")
    if not document["probes"]:
        say(f"no file of {PROBES_FOLDER}/ defines `measure(view)`; `evolverec new-probe DIR NAME` begins one")


def begin_probe(repo: Path, name: str) -> dict[str, Any]:
    """Write `probes/NAME.py` from the template. Raises UsageError: the name does not fit, or the file is there;
    RepoError: the folder is a link that leads out of the repo.
    """
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name) is None:
        raise UsageError(
            f"{name!r} is no name of a probe; expected letters, digits, `_` and `-`, such as long_tail"
        )
    path = repo / PROBES_FOLDER / f"{name}.py"
    if leads_out(path, repo):
        raise RepoError("is a link that leads out of the repo; nothing was written", path=PROBES_FOLDER)
    if path.exists():
        raise UsageError(f"{PROBES_FOLDER}/{name}.py is there already; nothing was written")
    path.parent.mkdir(exist_ok=True)
    title = name.replace("_", " ").replace("-", " ").capitalize()
    path.write_text(TEMPLATE.format(title=title, name=name), encoding="utf-8")
    return {"path": f"{PROBES_FOLDER}/{name}.py", "code": f"user/{name}"}
