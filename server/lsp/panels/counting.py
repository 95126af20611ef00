"""How many findings a repo has: the one number that lens, status bar, Problems and the Findings view show."""

from collections import Counter
from dataclasses import dataclass

from diagnosis.findings import Severity
from evolution.base.errors import ConfigError
from evolution.base.places import CONFIG_NAME
from server.lsp.panels.findings import everything
from server.lsp.panels.snapshot import RepoSnapshot
from server.shown.edited import is_edited
from server.shown.standing import Standing, standing_of


@dataclass(frozen=True, kw_only=True)
class Counted:
    """A repo's counts.

    counts: the number of findings and critiques that have not faded, by severity
    edited: the text differs from the last measured version
    other_settings: evolverec.toml asks for another training or objective than that of the shown trial
    paths: files that static rules object to, open or not
    standing: how far the repo is, where it has no findings
    """

    counts: Counter[Severity]
    edited: bool
    other_settings: bool
    paths: frozenset[str]
    standing: Standing

    @property
    def findings(self) -> int:
        """Errors and warnings; advice and remarks are no findings."""
        return _findings(self.counts)


def _findings(counts: Counter[Severity]) -> int:
    return counts[Severity.ERROR] + counts[Severity.WARNING]


def count(seen: RepoSnapshot) -> Counted:
    """Count the notes by severity, and see whether the code was edited."""
    shown = everything(seen)
    counts = Counter(one.note.severity for one in shown if not one.faded)
    config = seen.read(CONFIG_NAME) or ""
    edited = is_edited(seen.knowledge.program_files, seen.read, seen.knowledge.sources)
    return Counted(
        counts=counts,
        edited=edited,
        other_settings=_has_other_settings(seen),
        paths=frozenset(one.note.anchors[0].path for one in shown if one.note.live and one.note.anchors),
        standing=standing_of(seen.knowledge, config, _findings(counts), seen.disk_changes, edited=edited),
    )


def _has_other_settings(seen: RepoSnapshot) -> bool:
    trial = seen.knowledge.trial
    if trial is None:
        return False
    from evolution.repo.config import (
        read_config,  # takes a moment to load, which no server waits for at its start
    )
    from evolution.trials.identity import training_fingerprint

    try:
        return training_fingerprint(read_config(seen.root)) != trial.key.training
    except (ConfigError, OSError):  # said on the file's own lines
        return False
