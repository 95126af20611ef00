"""How far a repo is, for a view of findings that is empty: which of its states it is in, and what to say then. Pure but for
reading what evolverec.toml names.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from evolution.base.amounts import count
from evolution.base.places import CONFIG_NAME
from evolution.domain.trial import TrialStatus
from evolution.domain.verdict import verdict_on
from server.shown.knowledge import Knowledge
from server.shown.wording import headline

LONGEST = 120  # characters of a row


class Stage(StrEnum):
    """How far a repo is, the first that holds."""

    CONFIG = "config"  # evolverec.toml is wrong, so that nothing can run
    FAILED = "failed"  # the last training, or the last job that was to measure these files
    UNTRAINED = "untrained"
    UNDIAGNOSED = "undiagnosed"
    FINDINGS = "findings"
    CLEAN = "clean"  # diagnosed, and nothing was found


@dataclass(frozen=True, kw_only=True)
class Standing:
    """words: one line; "" where the findings speak. path, line: what is wrong, relative to the repo and from 1; "" and 0 for none."""

    stage: Stage
    words: str = ""
    path: str = ""
    line: int = 0


def standing_of(
    known: Knowledge, config: str, findings: int, moment: object = None, *, edited: bool = False
) -> Standing:
    """How far the repo is.

    config: the text of evolverec.toml. findings: how many are shown. moment: changes when a file on disk has changed.
    edited: the text differs from the last measured version.
    """
    if (wrong := _wrong_config(known.root, config, moment)) is not None:
        return wrong
    newest = known.newest
    failure = newest.failure if newest is not None and newest.status is TrialStatus.FAILED else None
    if failure is not None:
        words = f"Training failed: {headline(failure.message, LONGEST)}"
        return Standing(stage=Stage.FAILED, words=words, path=failure.path, line=failure.line)
    if known.failed is not None and (newest is None or known.failed.finished_at > newest.ended_at):
        return Standing(stage=Stage.FAILED, words=headline(known.failed.error, LONGEST))
    if findings:
        return Standing(stage=Stage.FINDINGS)
    if known.trial is None:
        return Standing(stage=Stage.UNTRAINED, words="Not trained yet")
    if known.diagnosed is None or known.diagnosed[0].key.program != known.trial.key.program:
        return Standing(stage=Stage.UNDIAGNOSED, words="Trained, not diagnosed")
    healthy = len(verdict_on(*known.diagnosed, known.dismissed).healthy)
    where = " on an earlier version" if edited else ""
    return Standing(stage=Stage.CLEAN, words=f"No findings{where}: {count(healthy, 'check')} healthy")


@lru_cache(maxsize=16)
def _wrong_config(root: Path, text: str, moment: object) -> Standing | None:
    """The first fault of evolverec.toml; None where there is none. moment: as in `standing_of`."""
    from evolution.repo.config import config_problems
    from server.shown.config_faults import config_faults

    found = config_problems(text) or [(fault.line, fault.message) for fault in config_faults(root, text)]
    for line, message in found[:1]:
        words = f"{CONFIG_NAME}:{line} {headline(message, LONGEST)}"
        return Standing(stage=Stage.CONFIG, words=words, path=CONFIG_NAME, line=line)
    return None
