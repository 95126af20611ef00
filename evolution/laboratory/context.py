"""What a job's work is given: the repo, the request, the store, the settings, and how to speak and to notice a cancel."""

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
from evolution.repo.settings import Settings
from evolution.store.store import Store


class EventLog:
    """Appends one JSON line per event; each is on disk before `emit` returns. Threads may share it."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def emit(self, kind: EventType, message: str, **data: Any) -> None:
        event = Event(t=time.time(), type=kind, message=message, data=serial.finite(data))
        with self._lock:
            self._stream.write(serial.dumps(event) + "\n")
            self._stream.flush()


@dataclass(kw_only=True)
class JobContext:
    repo: Path
    job: JobRecord
    request: Request
    store: Store
    store_lock: threading.RLock  # the store is one connection: threads of parallel trials take turns
    config: Config
    settings: Settings
    events: EventLog
    scratch: Path
    stop: threading.Event = field(default_factory=threading.Event)

    def cancelled(self) -> bool:
        return self.stop.is_set()

    def check_cancelled(self) -> None:
        """Raises Cancelled once the user has asked for it."""
        if self.stop.is_set():
            raise Cancelled("cancelled")
