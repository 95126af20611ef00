"""Probes of the user's run in a process of their own: what they may return, and what is a fault on which line."""

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from diagnosis.user_probes.judging import MODEL, Answer, judged
from diagnosis.user_probes.reading import read_user_probe
from evolution.analyst import user_probe_process
from evolution.analyst.user_probe_process import WrongAnswer, told_answer
from evolution.coevolution.probe_runner import ProbeRunner
from evolution.coevolution.user_probes import FaultyProbe, measured_with
from evolution.domain.feedback import Feedback
from evolution.laboratory.observer import feedback_of, observer_version
from tests.trials import Bench

HEALTHY = (0.5, 3, np.float32(2.0), [1.0, 2.0, np.nan], np.array([True, False, True]), torch.ones(3), None)
WRONG = {
    "measure returned 'high' \\(str\\)": "high",
    "measure returned True \\(bool\\)": True,
    r"an array of shape \(3, 2\); expected \(\) or \(3,\)": np.ones((3, 2)),
    r"an array of shape \(2,\)": [1.0, 2.0],
    "expected `value`": {"score": 1},
    "expected True, False or None": {"value": 1, "healthy": "no"},
    "`message` = 3": {"value": 1, "message": 3},
    "uneven parts": [[1], [1, 2]],
    "function": lambda view: 1,
}


@pytest.fixture(scope="session")
def measured_trial(tmp_path_factory, micro):
    """A trial that probes can look at, made once: (runner, folder)."""
    place = tmp_path_factory.mktemp("probed")
    (place / "repo").mkdir()
    bench = Bench(repo=place / "repo", data=micro)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOLVEREC_CONFIG_HOME", str(place / "config"))
        trial = bench.run()
    assert trial.failure is None
    return ProbeRunner(data=bench.data), bench.request().folder


def measured(trial, probe):
    runner, folder = trial
    return measured_with(runner, folder, probe, 0)


def probe_of(body: str, *constants: str):
    text = "\n".join(['"""P."""', "def measure(view):", f"    {body}", *constants, ""])
    return read_user_probe("probes/p.py", text)


@pytest.mark.parametrize("answer", HEALTHY, ids=repr)
def test_what_a_probe_may_return(answer):
    told = told_answer(answer, 3)
    assert (told is None) == (answer is None)
    wrapped = told_answer({"value": answer, "message": "m", "healthy": np.bool_(True)}, 3)
    if told is not None:
        assert repr(wrapped["values"]) == repr(told["values"]) and wrapped["healthy"] is True


@pytest.mark.parametrize("said", WRONG)
def test_what_it_may_not_return_is_told_with_what_is_expected(said):
    with pytest.raises(WrongAnswer, match=said):
        told_answer(WRONG[said], 3)


@pytest.mark.process
def test_a_reference_is_measured_by_the_same_function(measured_trial):
    body = "return (view.lists[:, :10] == view.targets[:, None]).any(axis=1)"
    found, _ = measured(measured_trial, probe_of(body, 'REFERENCE = "random"', 'AT = "loss"'))
    assert found.healthy is True and found.reference_name == "random"
    assert found.low is not None and found.high is not None and found.reference is not None
    assert found.reference < found.low < found.value < found.high


@pytest.mark.process
@pytest.mark.parametrize(
    ("body", "line", "said"),
    [
        ("x = {}\n    return x['a']", 4, "KeyError: 'a'"),
        ("import sys\n    sys.exit(3)", 4, "SystemExit: 3"),
        ("x = 1\n    return 'high'", 4, "measure returned 'high' (str)"),
    ],
)
def test_a_fault_is_told_with_its_line(measured_trial, body, line, said):
    with pytest.raises(FaultyProbe) as raised:
        measured(measured_trial, probe_of(body))
    assert raised.value.fault.line == line and said in raised.value.fault.message


@pytest.mark.process
def test_what_this_trial_lacks_is_no_fault(measured_trial):
    found, _ = measured(measured_trial, probe_of("return view.item_embeddings.mean()"))
    assert found.healthy is None and "offers no item_embeddings()" in found.details["reason"]


@pytest.mark.process
def test_an_import_that_is_not_there_is_told_on_its_line(measured_trial):
    text = '"""P."""\nimport nowhere_at_all\n\ndef measure(view):\n    return 1\n'
    with pytest.raises(FaultyProbe, match="No module named 'nowhere_at_all'") as raised:
        measured(measured_trial, read_user_probe("probes/p.py", text))
    assert raised.value.fault.line == 2


@pytest.mark.process
def test_a_process_that_dies_or_lies_is_a_fault_of_its_probe(measured_trial):
    for body in (
        "import os\n    os._exit(7)",
        "import os\n    os.write(3, b'hello'); os.write(4, b'hello'); os.close(4); os.close(3)",
    ):
        with pytest.raises(FaultyProbe) as raised:
            measured(measured_trial, probe_of(body))
        assert raised.value.fault.line in (2, 3, 4)


@pytest.mark.process
def test_a_probe_writes_nothing_outside_of_its_sandbox(measured_trial, tmp_path, sandboxed):
    body = f"open({str(tmp_path / 'x')!r}, 'w').write('x')\n    return 1"
    with pytest.raises(FaultyProbe):
        measured(measured_trial, probe_of(body))
    assert not (tmp_path / "x").exists()


def test_a_probe_that_goes_on_for_ever_is_stopped_on_the_line_that_it_has_reached(monkeypatch):
    def measure():
        while True:
            pass

    monkeypatch.setattr(user_probe_process, "LONGEST_CALL_S", 0.1)
    with pytest.raises(user_probe_process.TooSlow) as raised:
        user_probe_process.within_limits(measure)
    first = measure.__code__.co_firstlineno
    assert user_probe_process.line_in(__file__, raised.value.__traceback__) in (first + 1, first + 2)


def test_a_run_of_evolution_does_not_hear_them():
    said = judged(probe_of("return 1.0"), {MODEL: Answer(values=np.array(1.0))}, 0)
    stored = Feedback(
        trial="t", program="p", created_at=0.0, made_by=observer_version(), own=(said,), own_key="k"
    )
    store = SimpleNamespace(feedback=lambda trial: stored)
    laboratory: Any = SimpleNamespace(context=SimpleNamespace(store_lock=nullcontext(), store=store))
    trial: Any = SimpleNamespace(id="t")
    heard = feedback_of(laboratory, trial)
    assert stored.all_measurements() == (said,) and heard.all_measurements() == () and heard.own_key == ""
