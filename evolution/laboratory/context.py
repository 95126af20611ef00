"""The arguments of a job's function: repo, request, store, settings, an event log, and the flag for cancellation."""

import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from evolution.base import serial
from evolution.base.errors import Cancelled
from evolution.domain.job import Event, EventType, JobRecord
from evolution.domain.request import Request
from evolution.repo.config import Config
from evolution.repo.settings import UserSettings
from evolution.store.store import Store


class EventLog:
    """Appends events to a file as JSON lines. Several threads may share one log."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def emit(self, kind: EventType, message: str, **data: Any) -> None:
        """Append an event with the current time; the line is flushed to the file before this returns."""
        event = Event(t=time.time(), type=kind, message=message, data=serial.finite(data))
        with self._lock:
            self._stream.write(serial.dumps(event) + "\n")
            self._stream.flush()


@dataclass(kw_only=True)
class JobContext:
    """Everything that the function of one job needs. `stop` is set when the user cancels the job."""

    repo: Path
    job: JobRecord
    request: Request
    store: Store
    store_lock: (
        threading.RLock
    )  # held for each use of the store, whose one connection the threads of parallel trials share
    config: Config
    settings: UserSettings
    events: EventLog
    scratch: Path
    stop: threading.Event = field(default_factory=threading.Event)

    def cancelled(self) -> bool:
        """Whether the job was told to stop, by the user or because parallel work failed."""
        return self.stop.is_set()

    def check_cancelled(self) -> None:
        """Raises Cancelled if the job was told to stop."""
        if self.stop.is_set():
            raise Cancelled("cancelled")
