"""What a worker prints, kept at both ends."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from evolution.trials.worker_log import HEAD_BYTES, TAIL_BYTES, WorkerLog, log_tail


@pytest.fixture
def printing(tmp_path: Path) -> Iterator[tuple[WorkerLog, int, Path]]:
    """A log, the descriptor that a worker would have, the file."""
    log = WorkerLog(tmp_path / "log")
    writer = os.dup(log.writer)
    log.begin()
    yield log, writer, tmp_path / "log"


def write(writer: int, text: bytes) -> None:
    while text:
        text = text[os.write(writer, text) :]


def test_what_fits_is_kept_whole_and_at_once(printing):
    log, writer, file = printing
    write(writer, b"one\ntwo\n")
    assert log.tail(4) == "two\n"
    assert file.read_bytes() == b"one\ntwo\n"
    os.close(writer)
    log.close()
    assert file.read_bytes() == b"one\ntwo\n"


def test_of_what_does_not_fit_the_middle_is_left_out_and_counted(printing):
    log, writer, file = printing
    lines = b"".join(b"%09d\n" % n for n in range(900_000))
    write(writer, lines)
    assert log.tail(10) == "000899999\n"
    os.close(writer)
    log.close()
    kept = file.read_bytes()
    head, _, rest = kept.partition(b"\n[evolverec left out ")
    assert head == lines[:HEAD_BYTES]
    assert rest.endswith(lines[-TAIL_BYTES:])
    left_out = int(rest.split(b" ")[0])
    assert HEAD_BYTES + left_out + TAIL_BYTES == len(lines)


def test_a_process_that_keeps_the_pipe_does_not_keep_the_log_open(printing):
    log, writer, file = printing
    write(writer, b"so far\n")
    log.close()
    assert file.read_bytes() == b"so far\n"
    os.close(writer)


def test_the_next_worker_of_a_trial_adds_to_the_log_until_it_is_long(tmp_path):
    file = tmp_path / "log"
    for word in (b"first\n", b"second\n"):
        log = WorkerLog(file)
        os.write(log.writer, word)
        log.begin()
        log.close()
    assert file.read_bytes() == b"first\nsecond\n" and log_tail(file, 7) == "second\n"
    file.write_bytes(b"x" * (HEAD_BYTES + TAIL_BYTES + 1))
    log = WorkerLog(file)
    log.begin()
    log.close()
    assert file.stat().st_size == 0
