"""Writes a probe into a repo's `probes/` folder, in the form that `files.py` reads. It loads nothing that a language server
must not hold.
"""

import json
from pathlib import Path

from diagnosis.coevolution.spec import ProbeSpec
from evolution.base.errors import RepoError
from evolution.base.places import PROBES_FOLDER
from seeds.reading import leads_out

TEXTS = (
    "name",
    "complaint",
    "signal",
    "definition",
    "unit",
    "author",
    "template",
    "admitted_because",
)


def save_probe(repo: Path, spec: ProbeSpec) -> Path:
    """Write a probe into the repo's `probes/` folder and return the file's path.

    Raises OSError, and RepoError if the folder or file is a link that leads out of the repo.
    """
    path = repo / PROBES_FOLDER / f"{spec.name}.py"
    if leads_out(path, repo):
        raise RepoError("is a link that leads out of the repo; nothing was written", path=PROBES_FOLDER)
    path.parent.mkdir(exist_ok=True)
    path.write_text(probe_text(spec), encoding="utf-8")
    return path


def probe_text(spec: ProbeSpec) -> str:
    """The text of a probe's file."""
    facts = {name: getattr(spec, name) for name in TEXTS}
    lines = [f"{name} = {_toml(text)}" for name, text in facts.items() if text]
    lines.append(f"higher_is_better = {str(spec.higher_is_better).lower()}")
    if spec.parameters:
        lines.append("[parameters]")
        lines += [f"{name} = {_toml(text)}" for name, text in sorted(spec.parameters.items())]
    block = "".join(f"# {line}\n" for line in lines)
    return f"# /// probe\n{block}# ///\n{spec.source}"


def _toml(text: str) -> str:
    """A TOML basic string. A JSON string on one line is one, except for the character DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
