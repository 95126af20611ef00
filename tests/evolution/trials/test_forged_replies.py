"""Whatever a worker sends is a failed trial with a reason, or does no harm; never an exception that ends the job."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnosis.roles import find_sites
from evolution.base import serial
from evolution.domain.trial import Failure, FailureReason, Trial, TrialStatus
from evolution.store.store import Store
from evolution.trials import session, traces
from evolution.trials.answers import BadAnswerError, read_array
from evolution.trials.asked import CANDIDATES_FAULT
from evolution.trials.failing import TrialFailed
from evolution.trials.frozen import read_test
from evolution.trials.replies import told_failure
from evolution.trials.run import run_trial, smoke_trial
from evolution.trials.wire import MAX_BYTES, BadMessageError, parse_message
from tests.evolution.trials.forged import SOURCE, TRACE, honest

NASTY = [
    None, True, -1, 0, 1.5, 10**30, -(10**400), float("nan"), float("inf"), "", "abc", "\ud800", "\x1b[2J\x00", "x" * 300_000, [],
    {}, [[]], {"": None}, {"a": {"b": []}}, ["o99999"], [1, "2", None],
]  # fmt: skip


OVERLOOKED = "could not go on"  # what the last net says, which should have nothing to catch


def fits_everywhere(trial: Trial, folder: Path) -> None:
    """It can be stored, found and printed, and what it says of a failure is short and clean."""
    with Store.open(folder) as store:
        store.put_trial(trial)
        assert store.spent()["trials"] == 1
        assert store.trials() == [serial.loads(Trial, serial.dumps(trial))]
    if trial.failure is not None:
        assert trial.failure.message and len(trial.failure.message) <= 4000
        assert trial.failure.reason is not FailureReason.CANCELLED
        trial.failure.message.encode("utf-8")
        assert "\x1b" not in trial.failure.message


def test_an_honest_worker_is_measured(forge, tmp_path):
    trial = forge()
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    assert [epoch.reported for epoch in trial.epochs] == [
        {"loss": 1.0},
        {"loss": 0.5},
        {"loss": pytest.approx(1 / 3)},
    ]
    fits_everywhere(trial, tmp_path)
    assert forge(work=smoke_trial).note["executed"] == {"model.py": [1, 2, 3]}


def deep(levels: int) -> bytes:
    return b'{"ok": {"reported": ' + b"[" * levels + b"]" * levels + b"}}"


LINES = {
    "deep": (deep(30_000), "nested deeper"),
    "rather deep": (deep(200), "nested deeper"),
    "deep objects": (b'{"ok": ' + b'{"a":' * 20_000 + b"1" + b"}" * 20_001, "nested deeper"),
    "no json": (b"loss: 0.1", "is not JSON"),
    "not utf-8": (b'{"ok": "\xff\xfe"}', "is not JSON"),
    "empty": (b"", "is not JSON"),
    "a list": (b"[1, 2]", "no JSON object"),
    "a number": (b"7", "no JSON object"),
    "digits": (
        b'{"ok": {"reported": {"loss": ' + b"9" * 10_000 + b"}}}",
        "loss = inf",
    ),
    "endless": (b'{"ok": "' + b"x" * MAX_BYTES + b'"}', "longer than"),
    "nothing": (b"{}", "something else than a document"),
    "ok is a text": (b'{"ok": "yes"}', "something else than a document"),
    "a failure of nothing": (b'{"failure": null}', "without a word"),
    "a failure of lists": (
        b'{"failure": {"kind": [], "message": {}, "path": 7, "line": "x"}}',
        "without a word",
    ),
}


EVERYWHERE = [
    (wanted, name) for wanted in ("smoke", "build", "rank") for name in ("deep", "no json", "a number")
]


@pytest.mark.parametrize(("wanted", "name"), [*(("epoch", name) for name in LINES), *EVERYWHERE])
def test_a_line_that_is_no_reply_fails_the_trial(forge, tmp_path, wanted, name):
    line, words = LINES[name]
    trial = forge(lambda asked, reply, wire: line if asked == wanted else honest(asked, reply, wire))
    assert trial.status is TrialStatus.FAILED
    assert words in trial.failure.message
    fits_everywhere(trial, tmp_path)


@pytest.mark.parametrize("kind", ["cancelled", "timeout", "nonsense", ["crash"], None, 7])
def test_a_worker_cannot_say_that_the_user_has_cancelled(forge, kind):
    """The job would end as cancelled. That, and a limit of time, is seen from outside alone."""
    failure = json.dumps({"failure": {"kind": kind, "message": "enough"}}).encode()
    trial = forge(lambda asked, reply, wire: failure if asked == "epoch" else honest(asked, reply, wire))
    assert (trial.failure.reason, trial.failure.message) == (FailureReason.CRASH, "epoch 1: enough")


@pytest.mark.parametrize("path", ["/etc/passwd", "../../x.py", "a/../../b.py", "x" * 2000, 7, None])
def test_a_failure_points_into_the_program_or_nowhere(path):
    assert told_failure({"path": path, "line": 3}).path == ""
    assert told_failure({"path": "pkg/model.py", "line": 3}).path == "pkg/model.py"


@pytest.mark.parametrize(
    ("reported", "words"),
    [
        ({"loss": "abc"}, "loss = 'abc', expected a number"),
        ({"loss": None}, "loss = nothing, expected a number"),
        ({"loss": [1.0]}, "loss = a list of 1, expected a number"),
        ({"loss": {}}, "loss = a mapping of 0, expected a number"),
        ({"loss": True}, "expected a number"),
        ({"loss": float("nan")}, "diverged"),
        ({"loss": 10**400}, "diverged"),
        ("abc", "'abc', expected a mapping"),
        ([0.1], "a list of 1, expected a mapping"),
        (0.5, "expected a mapping"),
        ({str(i): 0.0 for i in range(5000)}, "5000 figures of one epoch"),
    ],
)
def test_a_loss_that_is_no_number_breaks_the_contract_by_name(forge, reported, words):
    def forging(asked, reply, wire):
        return honest(
            asked, {"ok": {**reply["ok"], "reported": reported}} if asked == "epoch" else reply, wire
        )

    failure = forge(forging).failure
    assert failure.reason in (FailureReason.CONTRACT, FailureReason.NOT_FINITE)
    assert words in failure.message


def paths_in(document: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        document.items()
        if isinstance(document, dict)
        else enumerate(document)
        if isinstance(document, list)
        else ()
    )
    return [at, *(path for key, value in inner for path in paths_in(value, (*at, key)))]


def with_value(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.copy(document)
    changed[path[0]] = with_value(document[path[0]], path[1:], value)
    return changed


JSON = st.recursive(
    st.sampled_from(NASTY) | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
ASKED = (
    "enter",
    "load",
    "smoke",
    "build",
    "score",
    "mode_left",
    "rank",
    "dense",
    "embeddings",
    "epoch",
    "save_state",
    "memory",
    "walk",
)
FUZZ = settings(
    deadline=None,
    max_examples=120,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)


@pytest.mark.slow
@FUZZ
@given(data=st.data(), wanted=st.sampled_from(ASKED), after=st.integers(0, 4))
def test_no_value_anywhere_in_a_reply_ends_the_job(forge, tmp_path_factory, data, wanted, after):
    """One value of one reply is exchanged, a key dropped, or a foreign one added."""
    seen = iter(range(10_000))

    def forging(asked, reply, wire):
        if asked != wanted or next(seen) < after:
            return honest(asked, reply, wire)
        path = data.draw(st.sampled_from(paths_in(reply["ok"])), label="where")
        changed = with_value(reply["ok"], path, data.draw(JSON, label="value"))
        if isinstance(changed, dict) and changed and data.draw(st.booleans(), label="drop"):
            changed = {key: value for key, value in changed.items() if key != next(iter(changed))}
        return json.dumps({"ok": changed}).encode()

    trial = forge(forging, smoke_trial if wanted == "walk" else run_trial)
    assert trial.status in (TrialStatus.COMPLETE, TrialStatus.FAILED)
    assert trial.failure is None or OVERLOOKED not in trial.failure.message
    fits_everywhere(trial, tmp_path_factory.mktemp("store"))


WRITES = {
    "scores": "score",
    "dense": "dense",
    "embeddings": "embeddings",
    **dict.fromkeys(("top_items", "top_scores", "top_ties"), "rank"),
}


@pytest.mark.slow
@FUZZ
@given(data=st.data())
def test_no_content_of_a_file_ends_the_job(forge, data):
    name = data.draw(
        st.sampled_from(["scores", "dense", "top_items", "top_scores", "top_ties", "embeddings"])
    )
    kind = data.draw(st.sampled_from(["bytes", "cut", "values", "shape", "dtype", "header"]))

    def forging(asked, reply, wire):
        path = wire / f"{name}.npy"
        if asked == WRITES[name]:
            known, raw = np.load(path), path.read_bytes()
            if kind == "bytes":
                path.write_bytes(data.draw(st.binary(max_size=300)))
            elif kind == "cut":
                path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
            elif kind == "values":
                low, high = (
                    (np.iinfo(known.dtype).min, np.iinfo(known.dtype).max)
                    if known.dtype.kind == "i"
                    else (0, 1)
                )
                filled = np.random.default_rng(data.draw(st.integers(0, 9))).integers(
                    low, high, known.shape, endpoint=True
                )
                special = (
                    data.draw(st.sampled_from([np.nan, np.inf, -np.inf, 3e38, 0.0]))
                    if known.dtype.kind == "f"
                    else 0
                )
                np.save(
                    path,
                    np.full(known.shape, special, known.dtype) if special else filled.astype(known.dtype),
                )
            elif kind == "shape":
                np.save(path, np.zeros(data.draw(st.lists(st.integers(0, 9), max_size=4)), known.dtype))
            elif kind == "dtype":
                np.save(path, known.astype(data.draw(st.sampled_from(["f8", "i8", "u1", "c8", "U3", "?"]))))
            else:
                at = data.draw(st.integers(8, 100))
                path.write_bytes(raw[:at] + data.draw(st.binary(max_size=12)) + raw[at:])
        return honest(asked, reply, wire)

    trial = forge(forging)
    assert trial.status in (TrialStatus.COMPLETE, TrialStatus.FAILED)
    assert trial.failure is None or OVERLOOKED not in trial.failure.message


@settings(deadline=None, max_examples=300)
@given(st.one_of(st.binary(max_size=60), JSON.map(lambda value: json.dumps(value).encode())))
def test_any_bytes_are_a_clean_document_or_a_bad_message(line):
    try:
        document = parse_message(line)
    except BadMessageError:
        return
    json.dumps(serial.finite(document), ensure_ascii=False).encode("utf-8")
    for text in texts_in(document):
        assert not [char for char in text if ord(char) < 32 and char not in "\t\n"]


def texts_in(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for inner in value.values() for text in texts_in(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in texts_in(inner)]
    return [value] if isinstance(value, str) else []


@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_whatever_passes_for_a_trace_gives_sites(data):
    """Roles are read in the job's own process: a trace that is let through must not stumble there."""
    changed = TRACE
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(paths_in(changed)))
        changed = with_value(
            changed, path, data.draw(JSON | st.sampled_from(["o0", "p0", "o4", "embedding", "train"]))
        )
    told = parse_message(json.dumps({"trace": changed}).encode())
    try:
        trace = traces.checked_trace(told)
    except TrialFailed as refused:
        assert "makes no sense" in refused.failure.message and refused.failure.reason is FailureReason.CRASH
        return
    for n_items in (1, 8, 10**6):
        find_sites(trace, {"model.py": SOURCE}, n_items)
    json.dumps(serial.finite(trace)).encode()


def test_a_trace_of_ours_passes():
    assert traces.checked_trace({"trace": TRACE}) == TRACE
    assert find_sites(TRACE, {"model.py": SOURCE}, 8)


def test_a_header_is_not_evaluated_and_no_more_is_read_than_was_asked_for(tmp_path):
    path = tmp_path / "a.npy"

    def written(header: bytes, content: bytes = b"") -> Path:
        padded = header + b" " * (-(len(header) + 11) % 64) + b"\n"
        path.write_bytes(b"\x93NUMPY\x01\x00" + len(padded).to_bytes(2, "little") + padded + content)
        return path

    for header in (
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (" + b"-" * 5000 + b"1,), }",
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 1000000000000), }",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
        b"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,), }",
        b"__import__('os').system('true')",
        b"[" * 5000,
    ):
        with pytest.raises(BadAnswerError):
            read_array(written(header), shape=(None, None), dtype=np.float32)
    with path.open("wb") as sparse:  # 16 GiB that are not there
        sparse.truncate(16 << 30)
    with pytest.raises(BadAnswerError):
        read_array(path, shape=(None, None), dtype=np.float32)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(3, 4), (0, 5), (1, 1)])
def test_arrays_as_numpy_writes_them_are_read(tmp_path, order, shape):
    array = np.asarray(np.random.default_rng(0).normal(size=shape).astype(np.float32), order=order)
    np.save(tmp_path / "a.npy", array)
    read = read_array(tmp_path / "a.npy", shape=(shape[0], None), dtype=np.float32)
    np.testing.assert_array_equal(read, array)
    assert read.flags.writeable


def test_a_fault_that_was_overlooked_is_a_failed_trial_with_its_traceback(forge, monkeypatch, capsys):
    """A bug of ours that a worker's data brings out: the run goes on, and we can find the bug."""

    def stumble(self):
        raise KeyError("an oversight")

    monkeypatch.setattr(session.WorkerSession, "memory", stumble)
    failure = forge().failure
    assert failure.reason is FailureReason.CRASH
    assert "KeyError: 'an oversight'" in failure.message and "stumble" in failure.traceback
    assert "in stumble" in capsys.readouterr().err


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_is_no_fault_of_data_is_not_blamed_on_the_candidate(forge, monkeypatch, error):
    def stumble(self):
        raise error

    monkeypatch.setattr(session.WorkerSession, "memory", stumble)
    with pytest.raises(type(error)):
        forge()


def test_the_reading_of_test_events_survives_as_well(forge, tmp_path):
    trial = forge()
    for line, words in (LINES["deep"], LINES["a list"]):

        def forging(asked, reply, wire, line=line):
            return line if asked == "rank" else honest(asked, reply, wire)

        reading = forge(forging, lambda request, supervision: read_test(request, trial, supervision))
        assert isinstance(reading.failure, Failure) and words in reading.failure.message


def test_a_pruned_trial_is_one_whose_lists_can_be(forge, bench, monkeypatch):
    def forging(asked, reply, wire):
        if asked == "rank":
            np.save(wire / "top_items.npy", np.ones_like(np.load(wire / "top_items.npy")))
        return honest(asked, reply, wire)

    def pruned(request, supervision):
        return run_trial(request, replace(supervision, prune=lambda epochs: True))

    assert forge(work=pruned).status is TrialStatus.PRUNED
    failure = forge(forging, pruned).failure
    assert failure.reason in CANDIDATES_FAULT and "the ranking is impossible" in failure.message
