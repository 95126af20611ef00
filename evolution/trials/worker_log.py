"""What a worker prints, as a file: its beginning and its end. A candidate may print for ever; it fills neither disk nor memory.

The worker writes into a pipe, and a thread of the job's reads it. While all of it fits, the file has all of it.
"""

import contextlib
import fcntl
import os
import select
import threading
import time
from collections import deque
from pathlib import Path

HEAD_BYTES = 1 << 20
TAIL_BYTES = 4 << 20
_CHUNK = 1 << 20
_PIPE_BYTES = 1 << 20
_SETTLES_WITHIN_S = 1.0
_SET_PIPE_SIZE = getattr(fcntl, "F_SETPIPE_SZ", None)
_FIONREAD = 0x541B if os.uname().sysname == "Linux" else 0x4004667F


class WorkerLog:
    """writer: the file descriptor to give to the worker; `begin` once it has it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab")
        if self._file.tell() > HEAD_BYTES + TAIL_BYTES:  # of earlier workers, whose end was told
            self._file.truncate(0)
        self._start = self._file.tell()
        self._written = 0  # bytes that this worker has printed
        self._end: deque[bytes] = deque()  # what follows the head, not much more than its last TAIL_BYTES
        self._end_bytes = 0
        self._lock = threading.Lock()
        self._reader, self.writer = os.pipe()
        self._stopping, self._stop = os.pipe()
        os.set_blocking(self._reader, False)
        if _SET_PIPE_SIZE is not None:
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._reader, _SET_PIPE_SIZE, _PIPE_BYTES)
        self._thread = threading.Thread(target=self._read, name="worker log", daemon=True)

    def begin(self) -> None:
        """Let go of the worker's end, and read from now on."""
        os.close(self.writer)
        self._thread.start()

    def tail(self, size: int) -> str:
        """The last characters that were printed, of about `size` bytes, once what is under way has arrived."""
        deadline = time.monotonic() + _SETTLES_WITHIN_S
        while self._is_under_way() and time.monotonic() < deadline:
            time.sleep(0.005)
        with self._lock:
            self._file.flush()
            kept = b"".join(self._end)
        if len(kept) < size:
            with contextlib.suppress(OSError), Path(self._file.name).open("rb") as file:
                file.seek(max(self._start, file.seek(0, os.SEEK_END) - size))
                kept = file.read()
        return kept[-size:].decode("utf-8", "replace")

    def close(self) -> None:
        """Read what there is, and no more of what a process that got away may still print."""
        if not self._thread.is_alive() and self._reader < 0:
            return
        os.write(self._stop, b".")
        self._thread.join()
        for descriptor in (self._reader, self._stopping, self._stop):
            os.close(descriptor)
        self._reader = -1
        with contextlib.suppress(OSError), self._file:
            self._shorten()

    def _is_under_way(self) -> bool:
        with self._lock:
            waiting = fcntl.ioctl(self._reader, _FIONREAD, b"\0\0\0\0")
            return int.from_bytes(waiting, "little") > 0

    def _read(self) -> None:
        stopping = False
        while True:
            ready, _, _ = select.select([self._reader, self._stopping], [], [], 0 if stopping else None)
            with self._lock:
                chunk = self._chunk() if self._reader in ready else None
                if chunk:
                    self._keep(chunk)
            if chunk == b"" or stopping:
                return
            stopping = self._stopping in ready

    def _chunk(self) -> bytes | None:
        """b"" where nobody is left who could write, None where nothing is there."""
        try:
            return os.read(self._reader, _CHUNK)
        except BlockingIOError:
            return None

    def _keep(self, chunk: bytes) -> None:
        room = max(0, HEAD_BYTES + TAIL_BYTES - self._written)
        with contextlib.suppress(OSError):  # a full disk: the end is still in memory
            self._file.write(chunk[:room])
            self._file.flush()
        beyond = chunk[max(0, HEAD_BYTES - self._written) :]
        self._written += len(chunk)
        if beyond:
            self._end.append(beyond)
            self._end_bytes += len(beyond)
        while self._end and self._end_bytes - len(self._end[0]) >= TAIL_BYTES:
            self._end_bytes -= len(self._end.popleft())

    def _shorten(self) -> None:
        """Where not all of it fitted: the head, a line on what was left out, the end."""
        if self._written <= HEAD_BYTES + TAIL_BYTES:
            return
        end = b"".join(self._end)[-TAIL_BYTES:]
        left_out = self._written - HEAD_BYTES - len(end)
        self._file.truncate(self._start + HEAD_BYTES)
        self._file.write(f"\n[evolverec left out {left_out} bytes of the worker's output here]\n".encode())
        self._file.write(end)


def log_tail(log: Path, size: int = 4000) -> str:
    """The end of a log's file."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - size))
        return file.read().decode("utf-8", "replace")
