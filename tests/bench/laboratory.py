"""A laboratory for benches: a repo's programs, trials and proposals in this process, without a job of their own."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.request import ProposeRequest
from evolution.laboratory.context import EventLog, JobContext
from evolution.laboratory.laboratory import Laboratory
from evolution.repo.config import read_config
from evolution.repo.settings import user_settings
from evolution.store.store import Store


@contextmanager
def opened_laboratory(repo: Path, kind: type[Laboratory] = Laboratory) -> Iterator[Laboratory]:
    """The laboratory of a repo whose code is trusted, until the end of the block. kind: a subclass of a bench's own."""
    job = JobRecord(
        id="bench",
        kind=JobKind.PROPOSE,
        state=JobState.RUNNING,
        pid=os.getpid(),
        pid_started=0.0,
        created_at=0.0,
    )
    with (
        tempfile.TemporaryDirectory(prefix="bench-scratch-") as scratch,
        Store.open(repo) as store,
        (Path(scratch) / "events").open("w", encoding="utf-8") as stream,
    ):
        yield kind(
            JobContext(
                repo=repo.resolve(),
                job=job,
                request=ProposeRequest(),
                store=store,
                store_lock=threading.RLock(),
                config=read_config(repo),
                settings=user_settings(),
                events=EventLog(stream),
                scratch=Path(scratch),
            )
        )
