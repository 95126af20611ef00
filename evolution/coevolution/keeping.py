"""Keeps an evolved probe in the user's repo."""

from dataclasses import replace
from pathlib import Path

from evolution.base.errors import UsageError
from evolution.base.places import PROBES_FOLDER
from evolution.coevolution.probe_text import probe_text, save_probe
from evolution.domain.probe import ProbeState
from evolution.repo.files import read_code
from evolution.store.store import Store


def keep(repo: Path, store: Store, wanted: str) -> Path:
    """Write the admitted probe with this id into `probes/`, mark it as accepted, and return the file's path.

    Raises UsageError if no such probe was admitted, or if a file of its name holds another probe; RepoError if what has
    its name is no plain file of the repo.
    """
    record = next(
        (r for r in store.probes(wanted) if r.state in (ProbeState.ADMITTED, ProbeState.ACCEPTED)), None
    )
    if record is None:
        raise UsageError(f"no probe {wanted!r} was admitted here; run evolve again")
    path = repo / PROBES_FOLDER / f"{record.spec.name}.py"
    if read_code(repo, f"{PROBES_FOLDER}/{path.name}") not in (None, probe_text(record.spec)):
        raise UsageError(
            f"{PROBES_FOLDER}/{path.name} exists and is another probe; rename it, then keep this one"
        )
    saved = save_probe(repo, record.spec)
    store.put_probe(replace(record, state=ProbeState.ACCEPTED))
    return saved
