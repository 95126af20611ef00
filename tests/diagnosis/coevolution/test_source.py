"""What a written probe may contain is read from its syntax tree: nothing that reaches out, hides, or remembers."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from diagnosis.coevolution.rejection import ProbeFailed, Reason
from diagnosis.coevolution.source import checked, compiled, needs

PLAIN = "import numpy as np\n\nTOP = 10\n\n\ndef measure(view):\n    return view.price[view.lists[:, :TOP]].mean(axis=1)\n"


def inside(body: str) -> str:
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"import numpy as np\n\n\ndef measure(view):\n{lines}\n    return np.zeros(3)\n"


def reason_of(source: str) -> Reason:
    with pytest.raises(ProbeFailed) as failed:
        checked(source)
    return failed.value.rejection.reason


def test_a_plain_probe_runs_with_nothing_but_its_view() -> None:
    view: Any = SimpleNamespace(price=np.array([np.nan, 1.0, 3.0]), lists=np.array([[1, 2], [2, 2]]))
    assert compiled(PLAIN)(view).tolist() == [2.0, 3.0]


def test_parts_that_numpy_loads_late_can_be_loaded_by_numpy() -> None:
    body = "rng = np.random.default_rng(view)\nreturn np.linalg.norm(np.median(rng.random((3, 4)), axis=1))"
    seed: Any = 0  # this probe takes its view for a number
    assert compiled(inside(body))(seed) > 0


def test_it_is_known_what_a_probe_needs() -> None:
    assert needs(PLAIN) == {"price", "lists"}


@pytest.mark.parametrize(
    "body",
    [
        "open('x')",
        "f = open\nf('x')",
        "import os",
        "import numpy.lib",
        "from numpy import load",
        "from numpy import *",
        "eval('1')",
        "np.load('x')",
        "np.zeros(3).tofile('x')",
        "f = np.memmap\nf('x')",
        "np.ma.extras",
        "().__class__",
        "getattr(np, 'load')",
        "__import__('os')",
        "globals()",
        "f'{view.__class__}'",
    ],
)
def test_what_reaches_for_files_modules_or_the_interpreter_is_forbidden(body: str) -> None:
    assert reason_of(inside(body)) is Reason.FORBIDDEN


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("try:\n    pass\nexcept Exception:\n    pass", Reason.SWALLOWS),
        ("try:\n    pass\nfinally:\n    pass", Reason.SWALLOWS),
        ("global kept\nkept = 1", Reason.GLOBAL_STATE),
        ("np.mean = max", Reason.GLOBAL_STATE),
        ("measure.calls = 1", Reason.GLOBAL_STATE),
        ("view.lists.setflags(write=True)", Reason.GLOBAL_STATE),
        ("np.seterr(all='raise')", Reason.GLOBAL_STATE),
        ("np.random.rand()", Reason.NOT_DETERMINISTIC),
        ("np.random.default_rng()", Reason.NOT_DETERMINISTIC),
        ("match np:\n    case np.ndarray(ctypes=c):\n        pass", Reason.MALFORMED),
        ("class A: pass", Reason.MALFORMED),
        ("yield 1", Reason.MALFORMED),
    ],
)
def test_every_other_fault_has_its_reason(body: str, reason: Reason) -> None:
    assert reason_of(inside(body)) is reason


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("kept = []\n" + PLAIN, Reason.GLOBAL_STATE),
        ("def helper(box={}):\n    return box\n" + PLAIN, Reason.GLOBAL_STATE),
        ("print('hello')\n" + PLAIN, Reason.MALFORMED),
        (PLAIN.replace("measure", "probe"), Reason.MALFORMED),
        (PLAIN + PLAIN, Reason.MALFORMED),
        (PLAIN.replace("(view)", "(view, more)"), Reason.MALFORMED),
        ("This is the probe:\n" + PLAIN, Reason.MALFORMED),
        ("#" * 9_000, Reason.MALFORMED),
        ("def measure(view):\n    return " + "-" * 7_000 + "1\n", Reason.MALFORMED),
    ],
)
def test_the_outline_of_a_source_is_imports_constants_and_functions(source: str, reason: Reason) -> None:
    assert reason_of(source) is reason


def test_an_objection_names_the_line() -> None:
    with pytest.raises(ProbeFailed, match="line 6: import of socket"):
        checked(inside("x = 1\nimport socket"))
