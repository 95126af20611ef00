"""Reads the probes in a repo's `probes/` folder: one Python file each, with its facts as TOML in a comment block at the top.

    # /// probe
    # name = "missed-price-gap"
    # ...
    # ///

Probes are code that came with the repo. Nothing here runs it, but loaded probes will be run to measure trials. So only
a caller who has the user's consent to run the repo's code may load them.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from diagnosis.coevolution.rejection import ProbeFailed
from diagnosis.coevolution.source import checked
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.coevolution.templates import template
from diagnosis.encoding import unmarked
from evolution.base.errors import ConsentError, RepoError
from evolution.base.places import PROBES_FOLDER
from evolution.coevolution.probe_text import TEXTS
from evolution.repo.files import read_code
from evolution.repo.user_probes import is_user_probe
from seeds.reading import parse_toml

_BLOCK = re.compile(r"# /// probe\n((?:#(?: .*)?\n)*?)# ///\n", re.MULTILINE)


def load_probes(repo: Path, *, consented: bool) -> list[ProbeSpec]:
    """The evolved probes that the repo keeps, by file name; [] if it has none. Those that the user wrote are none of them.

    consented: whether the user lets this repo's code run.

    Raises ConsentError without consent, and RepoError naming a file that is no probe, or whose source may not run.
    """
    files = sorted((repo / PROBES_FOLDER).glob("[!_]*.py"))
    if files and not consented:
        raise ConsentError(
            f"{PROBES_FOLDER}/ holds code of this repo; trust the repo (--trust) to measure with it"
        )
    named = [f"{PROBES_FOLDER}/{file.name}" for file in files]
    texts = {path: unmarked(read_code(repo, path) or "") for path in named}
    return [read_probe(text, path) for path, text in texts.items() if not is_user_probe(path, text)]


def read_probe(text: str, path: str) -> ProbeSpec:
    """The probe in a file's text. Raises RepoError if the text is none, or its source may not run.

    path: for the message.
    """
    match = _BLOCK.match(text)
    if match is None:
        raise RepoError("expected a comment block `# /// probe` at the top", path=path, line=1)
    toml = "".join(line[2:] + "\n" for line in match.group(1).split("\n")[:-1])
    try:
        spec = _spec(parse_toml(toml), text[match.end() :])
        if spec.source:
            checked(spec.source)
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise RepoError(f"its facts cannot be read: {error}", path=path, line=1) from error
    except ProbeFailed as failed:
        raise RepoError(f"its source may not run: {failed.rejection.sentence}", path=path) from failed
    return spec


def _spec(facts: Mapping[str, object], source: str) -> ProbeSpec:
    texts = {name: str(facts.get(name, "")) for name in TEXTS}
    for name in ("name", "complaint", "signal", "definition", "unit"):
        if not texts[name]:
            raise KeyError(name)
    if re.fullmatch(r"[a-z0-9-]+", texts["name"]) is None:
        raise TypeError(f"name {texts['name']!r} is not kebab-case")
    if bool(texts["template"]) == bool(source.strip()):
        raise TypeError("expected either a template or a source")
    given = facts.get("parameters", {})
    if not isinstance(given, Mapping):
        raise TypeError("parameters is not a table")
    parameters = {str(name): str(value) for name, value in given.items()}
    if texts["template"]:
        template(texts["template"], parameters)
    return ProbeSpec(
        **texts,
        higher_is_better=bool(facts["higher_is_better"]),
        parameters=parameters,
        source=source if source.strip() else "",
    )
