"""The byte stream of a client, cut into messages; what is broken costs no more than itself."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.lsp.framing import MAX_BODY_BYTES, Broken, Frame, Frames, Left, written


class Trickle(io.RawIOBase):
    """A pipe that gives a few bytes at a time."""

    def __init__(self, data: bytes, at_once: int) -> None:
        self._data, self._at_once = io.BytesIO(data), at_once

    def readable(self) -> bool:
        return True

    def read1(self, size: int) -> bytes:
        return self._data.read(min(size, self._at_once))


def frames_of(data: bytes, at_once: int = 10_000) -> list[Frame | Broken | Left]:
    frames = Frames(Trickle(data, at_once))  # type: ignore[arg-type]
    found = [frames.next()]
    while not isinstance(found[-1], Left):
        found.append(frames.next())
    return found


def bodies(data: bytes, at_once: int = 10_000) -> list[bytes]:
    return [found.body for found in frames_of(data, at_once) if isinstance(found, Frame)]


MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers()},
        optional={"text": st.sampled_from(("Content-Length: 5\r\n\r\n", "}Content-Length: 7\n", "é😀", ""))},
    ),
    min_size=1,
    max_size=4,
)
JUNK = st.lists(
    st.sampled_from((b"", b"\r\n", b"Welcome!\r\n", b"Last login: today\n", b"\x00\xff", b"Content-", b"{}")),
    min_size=5,
    max_size=5,
)


@given(MESSAGES, JUNK, st.integers(1, 40))
def test_messages_are_found_between_junk_in_pieces_of_any_size(messages, junk, at_once):
    sent = [written(message) for message in messages]
    data = b"".join(part for both in zip(junk, sent) for part in both)
    assert [json.loads(body) for body in bodies(data, at_once)] == messages


@given(st.integers(1, 60), st.integers(1, 200))
def test_a_length_that_is_too_large_takes_nothing_of_the_next_message(more, at_once):
    first, second = b'{"id": 1}', written({"id": 2})
    data = b"Content-Length: %d\r\n\r\n" % (len(first) + more) + first + second
    assert [json.loads(body) for body in bodies(data, at_once)] == [{"id": 1}, {"id": 2}]


@given(st.integers(0, 8), st.integers(1, 200))
def test_a_length_that_is_too_small_spoils_its_own_message_alone(length, at_once):
    data = b"Content-Length: %d\r\n\r\n" % length + b'{"id": 1}' + written({"id": 2})
    *_, last = bodies(data, at_once)
    assert json.loads(last) == {"id": 2}


@pytest.mark.parametrize(
    "value", [b"-1", b"", b"1e3", b"0x10", b"+5", b"5 5", b"9" * 40, b"%d" % (MAX_BODY_BYTES + 1)]
)
def test_a_length_that_is_none_is_named_and_skipped(value):
    broken, frame, left = frames_of(b"Content-Length: " + value + b"\r\n\r\n{}" + written({"id": 2}))
    assert isinstance(broken, Broken) and "Content-Length is" in broken.reason
    assert isinstance(frame, Frame) and json.loads(frame.body) == {"id": 2}
    assert left == Left()


def test_bytes_that_hold_no_message_end_in_words_that_show_them():
    (left,) = frames_of(b"GET / HTTP/1.1\r\n" * 100_000)
    assert isinstance(left, Left) and "'GET / HTTP/1.1" in left.reason


def test_a_stream_that_fails_ends_the_session_with_the_reason():
    class Reset(Trickle):
        def read1(self, size: int) -> bytes:
            raise ConnectionResetError(104, "Connection reset by peer")

    left = Frames(Reset(b"", 1)).next()  # type: ignore[arg-type]
    assert isinstance(left, Left) and "reset by peer" in left.reason


HEADLESS = (
    b'{"jsonrpc": "2.0", "id": 1, "method": "shutdown"}\n',
    b"Content-Type: application/json\r\n\r\n{}",
)


@pytest.mark.parametrize("at_once", [1, 10, 40, 10_000])
@pytest.mark.parametrize("headless", HEADLESS, ids=["no header", "no length"])
def test_a_message_without_a_length_is_refused_whether_the_next_one_came_with_it_or_later(headless, at_once):
    broken, frame, left = frames_of(headless + written({"id": 2}), at_once)
    assert isinstance(broken, Broken) and "no Content-Length" in broken.reason
    assert isinstance(frame, Frame) and json.loads(frame.body) == {"id": 2}
    assert left == Left()
