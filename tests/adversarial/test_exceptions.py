"""Exceptions that cannot be looked at, and processes that end oddly: a failed trial with its reason, in good words."""

import json
from pathlib import Path

import pytest

from evolution.base import serial
from evolution.domain.trial import FailureReason, Trial, TrialStatus
from evolution.worker.guest.failures import TRACEBACK_CHARS, ContractBroken, describe

NASTY = {
    "its text raises": ("class E(Exception):\n def __str__(self): raise ValueError('no')", "E()", "E"),
    "its text ends the process": ("class E(Exception):\n def __str__(self): raise SystemExit(0)", "E()", "E"),
    "its text is none": ("class E(Exception):\n def __str__(self): return 7", "E()", "E"),
    "its text is one of itself": ("class E(Exception):\n def __str__(self): return str(self)", "E()", "E"),
    "its class says another": ("class E(Exception):\n __class__ = property(lambda self: 1 / 0)", "E()", "E"),
    "its class has no name": (
        "class M(type):\n __name__ = property(lambda self: 1 / 0)\nclass E(Exception, metaclass=M): pass",
        "E('x')",
        "E",
    ),
    "its attributes raise": (
        "class E(Exception):\n def __getattribute__(self, name): raise KeyboardInterrupt",
        "E('x')",
        "E",
    ),
    "its text interrupts": ("class E(Exception):\n def __str__(self): raise KeyboardInterrupt", "E()", "E"),
    "its word for readers ends the process": (
        "class E(Exception):\n def __repr__(self): raise SystemExit(0)",
        "E(E())",
        "E",
    ),
    "its class ends the process": (
        "class E(Exception):\n @property\n def __class__(self): raise SystemExit(0)",
        "E('x')",
        "E",
    ),
    "its traceback ends the process": (
        "class E(Exception):\n @property\n def __traceback__(self): raise SystemExit(0)",
        "E('x')",
        "E",
    ),
    "its attributes end the process": (
        "class E(SyntaxError):\n def __getattribute__(self, name): raise SystemExit(0)",
        "E('x')",
        "E",
    ),
    "its cause ends the process when it is asked for its truth": (
        "class C(Exception):\n def __bool__(self): raise SystemExit(0)\nE = ValueError('x'); E.__cause__ = C()",
        "E",
        "ValueError",
    ),
    "its cause ends the process when it is asked for its text": (
        "class C(Exception):\n def __str__(self): raise SystemExit(0)\nE = ValueError('x'); E.__cause__ = C()",
        "E",
        "ValueError",
    ),
    "its name ends the process": (
        "class E(ModuleNotFoundError):\n @property\n def name(self): raise SystemExit(0)",
        "E('x')",
        "E",
    ),
    "its file ends the process": (
        "class E(SyntaxError):\n @property\n def filename(self): raise SystemExit(0)",
        "E('x')",
        "E",
    ),
    "the class of its class has no attributes": (
        "class M(type):\n def __getattribute__(self, name): raise SystemExit(0)\n"
        "class E(Exception, metaclass=M): pass",
        "E('x')",
        "E",
    ),
    "its text is of a class that ends the process": (
        "class S(str):\n def __getitem__(self, at): raise SystemExit(0)\n"
        "class E(Exception):\n def __str__(self): return S('x')",
        "E()",
        "E",
    ),
    "lone surrogates": ("", "ValueError('half \\ud800 of a pair \\udfff')", "ValueError"),
    "a text of ten million": ("", "ValueError('x' * 10**7)", "ValueError"),
    "control characters": ("", "ValueError('\\x1b]0;title\\x07\\x1b[2J\\x9b31m\\r')", "ValueError"),
    "an exit": ("", "SystemExit(0)", "SystemExit"),
    "an interrupt": ("", "KeyboardInterrupt()", "KeyboardInterrupt"),
    "a generator's end": ("", "GeneratorExit()", "GeneratorExit"),
    "a base exception of its own": ("class E(BaseException): pass", "E('x')", "E"),
    "its cause is itself": ("E = ValueError('round'); E.__cause__ = E", "E", "ValueError"),
}
GROUP = "ExceptionGroup('many', [ValueError(str(i)) for i in range(200_000)])"


def raised(setup: str, expression: str, folder: Path) -> BaseException:
    """What a program in the folder raises, in the line `raise ...` of its model.py."""
    path = folder / "model.py"
    path.write_text(f"{setup}\nraise {expression}\n", encoding="utf-8")
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), {"__name__": "model"})  # noqa: S102
    except BaseException as error:  # noqa: BLE001
        return error
    raise AssertionError("nothing was raised")


@pytest.mark.parametrize("name", NASTY)
def test_an_exception_that_cannot_be_looked_at_is_described_with_its_line(name, tmp_path):
    setup, expression, shown = NASTY[name]
    told = describe(raised(setup, expression, tmp_path), stage="fit()", root=str(tmp_path))
    assert f"fit() raised {shown}" in told["message"] and len(told["message"]) < 3_000
    assert (told["path"], told["line"]) == ("model.py", setup.count("\n") + 2)
    assert told["kind"] == "crash" and 0 < len(told["traceback"]) <= TRACEBACK_CHARS
    json.loads(json.dumps(told))


def test_an_exception_raised_again_by_another_one_has_the_line_of_the_first(tmp_path):
    """As where a library of ours or of theirs cannot hand on an exception of this class."""
    first = raised("", "ValueError('x')", tmp_path)
    told = describe(raised_by_a_library(first), stage="fit()", root=str(tmp_path))
    assert told["message"] == "fit() raised AttributeError: read-only" and told["path"] == "model.py"


def raised_by_a_library(context: BaseException) -> BaseException:
    try:
        try:
            raise context
        except BaseException:  # noqa: BLE001
            raise AttributeError("read-only")  # noqa: B904
    except AttributeError as error:
        return error


def test_the_function_to_blame_may_not_be_found(tmp_path):
    def asked():
        raise SystemExit(0)

    told = describe(ContractBroken("wrong"), stage="score()", root=str(tmp_path), asked=asked)
    assert (told["kind"], told["message"], told["path"]) == ("contract", "wrong", "")


def test_a_file_name_that_no_file_can_have_is_none_of_the_repo(tmp_path):
    code = compile("raise ValueError('x')", "model\ud800.py", "exec")
    try:
        exec(code)  # noqa: S102
    except ValueError as error:
        assert describe(error, stage="fit()", root=str(tmp_path))["path"] == ""


def test_a_group_of_very_many_exceptions_is_not_opened(tmp_path):
    told = describe(raised("", GROUP, tmp_path), stage="fit()", root=str(tmp_path))
    assert "fit() raised ExceptionGroup: many (200000 sub-exceptions)" in told["message"]
    assert len(told["traceback"]) < 2_000


def test_a_chain_without_end_is_cut(tmp_path):
    error: BaseException = ValueError("first")
    for number in range(500):
        following = ValueError(f"number {number}")
        following.__context__ = error
        error = following
    told = describe(error, stage="fit()", root=str(tmp_path))
    assert "number 499" in told["traceback"] and "number 400" not in told["traceback"]


LINE = "            np.add.at"
ODD = {
    "closes every file": ("import os; os.closerange(3, 256)", FailureReason.CRASH),
    "answers twice by a fork": ("import os; epoch == 1 and os.fork()", None),
    "a recursion limit of five": ("import sys; sys.setrecursionlimit(100)", None),
    "an exit handler that raises": ("import atexit; atexit.register(lambda: 1 / 0)", None),
    "a thread that goes on": (
        "import threading, time; threading.Thread(target=lambda: time.sleep(600), daemon=False).start()",
        None,
    ),
    "a hook of the collector": ("import gc; gc.callbacks.append(lambda *a: 1 / 0)", None),
    "an audit hook that refuses files": (
        "import sys\n            if epoch == 1: sys.addaudithook(lambda e, a: 1 / 0 if e == 'open' else None)",
        FailureReason.CRASH,
    ),
    "a signal that interrupts": (
        "import signal; signal.signal(signal.SIGALRM, lambda *a: exec('raise KeyboardInterrupt')); "
        "signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)\n            import time; time.sleep(5)",
        FailureReason.CRASH,
    ),
    "deletes what it is told to write": (
        "import os, shutil; shutil.rmtree('/evolverec/wire', ignore_errors=True)",
        None,
    ),
}


@pytest.mark.process
@pytest.mark.parametrize("name", ODD)
def test_a_process_that_behaves_oddly_ends_as_one_trial(bench, micro, name):
    """Either it is measured as an honest one, or it has failed and the trial says why."""
    code, reason = ODD[name]
    trial = bench.run(bench.changed((LINE, f"            {code}\n{LINE}")), timeout_s=20.0)
    assert trial.status in (TrialStatus.COMPLETE, TrialStatus.FAILED)
    assert serial.loads(Trial, serial.dumps(trial)) == trial
    if reason is not None:
        assert trial.failure is not None and trial.failure.reason is reason, trial
    if trial.failure is not None:
        assert "could not go on" not in trial.failure.message
    else:
        assert trial.metrics == bench.run(bench.changed()).metrics


ENDING = """
class Meta(type):
    def __getattribute__(self, name):
        raise SystemExit(0)


class Cause(Exception, metaclass=Meta):
    def __bool__(self):
        raise SystemExit(0)

    def __getattribute__(self, name):
        raise SystemExit(0)

    __str__ = __repr__ = __bool__


"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("place", "raising", "shown"),
    [
        ("            np.add.at", "raise ValueError('x') from Cause()", "fit() raised ValueError: x"),
        ("            np.add.at", "raise Cause()", "fit() raised Cause: its text cannot be read"),
        ("        return self.table", "raise Cause()", "score() raised Cause: its text cannot be read"),
        ("            np.add.at", "yield Cause()", "raised SystemExit"),
        ("            np.add.at", "yield {'loss': 1.0, 'x': Cause()}", "fit() raised"),
        ("        return self.table", "return Cause()", "raised SystemExit"),
        ("        self.data = data", "raise Cause()", "build() raised Cause: its text cannot be read"),
    ],
)
def test_an_exception_that_ends_whoever_looks_at_it_is_a_failure_with_its_line(bench, place, raising, shown):
    indent = place[: len(place) - len(place.lstrip())]
    text = ENDING + bench.changed((place, f"{indent}{raising}\n{place}"))
    trial = bench.run(text)
    assert trial.status is TrialStatus.FAILED
    assert "exited" not in trial.failure.message, trial.failure
    assert shown in trial.failure.message, trial.failure
    assert trial.failure.path == "model.py" and trial.failure.line
    assert trial.failure.reason in (FailureReason.CRASH, FailureReason.CONTRACT)


@pytest.mark.process
@pytest.mark.parametrize(
    "raising",
    [
        "raise type('E', (BaseException,), {'__str__': lambda self: 1 / 0})()",
        "raise SystemExit(0)",
        "raise ValueError('\\ud800\\x1b[2J')",
        "raise KeyboardInterrupt",
    ],
)
@pytest.mark.parametrize("place", ["class Markov", "        self.data = data", "        return self.table"])
def test_an_odd_exception_anywhere_is_a_crash(bench, place, raising):
    """On import, in build() and in score()."""
    indent = place[: len(place) - len(place.lstrip())]
    trial = bench.run(bench.changed((place, f"{indent}{raising}\n{place}")) if indent else f"{raising}\n")
    assert trial.status is TrialStatus.FAILED
    assert trial.failure.reason in (FailureReason.CRASH, FailureReason.IMPORT), trial.failure
    assert trial.failure.path == "model.py" and "raised" in trial.failure.message
    assert "\x1b" not in trial.failure.message + trial.failure.traceback
    assert serial.loads(Trial, serial.dumps(trial)) == trial
