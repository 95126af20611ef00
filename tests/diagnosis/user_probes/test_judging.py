"""A value is held against what its probe names, beyond doubt; where nothing is named it informs."""

import numpy as np
import pytest

from diagnosis.findings import Nature, Role, Severity, Site
from diagnosis.user_probes.findings import NoPlace, fault_finding, places_named, user_finding
from diagnosis.user_probes.judging import Answer, judged
from diagnosis.user_probes.probe import Fault
from diagnosis.user_probes.reading import read_user_probe

SOURCES = {
    "model.py": "import torch\n\n\nclass Net:\n    def forward(self, x):\n        return x\n\n\ndef build(): ...\n"
}
SITES = (
    Site(role=Role.LOSS, path="model.py", start_line=6, end_line=6),
    Site(role=Role.ENTRY, path="model.py", start_line=9, end_line=9),
)


def probe(*constants: str):
    return read_user_probe("probes/p.py", "\n".join([*constants, "def measure(view):", "    return 1.0", ""]))


def per_user(mean: float, spread: float = 0.1, size: int = 400) -> Answer:
    return Answer(values=mean + spread * np.resize([-1.0, 1.0], size))


CASES = {
    "far above": (["WARN_ABOVE = 0.5"], per_user(0.7), {}, False),
    "above, but not beyond doubt": (["WARN_ABOVE = 0.5"], per_user(0.51, 1.0), {}, True),
    "far below": (["WARN_BELOW = 0.5"], per_user(0.3), {}, False),
    "between both": (["WARN_BELOW = 0.1", "WARN_ABOVE = 0.5"], per_user(0.3), {}, True),
    "one number beyond": (["WARN_ABOVE = 3"], Answer(values=np.array(3.1)), {}, False),
    "one number within": (["WARN_ABOVE = 3"], Answer(values=np.array(2.9)), {}, True),
    "worse than EASE": (['REFERENCE = "ease"'], per_user(0.3), {"ease": per_user(0.4)}, False),
    "as good as EASE": (['REFERENCE = "ease"'], per_user(0.4), {"ease": per_user(0.4)}, True),
    "lower and better": (
        ['REFERENCE = "ease"', "HIGHER_IS_BETTER = False"],
        per_user(0.3),
        {"ease": per_user(0.4)},
        True,
    ),
    "no EASE here": (['REFERENCE = "ease"'], per_user(0.3), {}, None),
    "nothing named": ([], per_user(0.3), {}, None),
    "its own word": (["WARN_ABOVE = 0.5"], Answer(values=np.array(9.0), healthy=True), {}, True),
}


@pytest.mark.parametrize("case", CASES)
def test_a_value_is_healthy_unless_it_is_beyond_doubt_beyond_what_is_named(case):
    constants, own, others, healthy = CASES[case]
    found = judged(probe(*constants), {"model": own, **others}, 0)
    assert found.healthy is healthy and found.code == "user/p"
    assert (found.low is None) == (own.values.ndim == 0)


@pytest.mark.parametrize("values", [np.array(np.nan), np.full(9, np.nan), np.array(np.inf)])
def test_what_is_no_number_is_not_judged(values):
    found = judged(probe("WARN_ABOVE = 1"), {"model": Answer(values=values)}, 0)
    assert found.healthy is None and "cannot tell" in found.details["reason"]
    assert judged(probe(), {"model": None}, 0).healthy is None


def test_users_whom_a_probe_cannot_judge_are_left_out():
    values = np.array([1.0, np.nan, 1.0, 1.0])
    assert judged(probe(), {"model": Answer(values=values)}, 0).value == 1.0


def test_a_finding_stands_where_the_probe_says_else_on_the_entry():
    unhealthy = judged(probe("WARN_ABOVE = 0"), {"model": per_user(1.0)}, 0)
    places = {"": 9, "loss": 6, "optimizer": 9, "model.py:Net.forward": 5, "model.py:4": 4, "model.py": 1}
    for at, line in places.items():
        one = probe("WARN_ABOVE = 0", f'AT = "{at}"')
        finding, fault = user_finding(one, unhealthy, "", SITES, SOURCES)
        assert fault is None and finding is not None
        assert (finding.anchors[0].start_line, finding.severity, finding.code) == (
            line,
            Severity.WARNING,
            "user/p",
        )
    finding, _ = user_finding(probe("WARN_ABOVE = 0"), unhealthy, "loss", SITES, SOURCES)
    assert finding is not None and finding.anchors[0].start_line == 6


@pytest.mark.parametrize("at", ["gone.py", "model.py:99", "model.py:Net.backward", "the loss", "../x.py:1"])
def test_a_place_that_is_none_is_a_fault_on_its_line_and_the_finding_stays_on_the_entry(at):
    with pytest.raises(NoPlace):
        places_named(at, SITES, SOURCES)
    one = probe("WARN_ABOVE = 0", f'AT = "{at}"')
    finding, fault = user_finding(one, judged(one, {"model": per_user(1.0)}, 0), "", SITES, SOURCES)
    assert finding is not None and finding.anchors[0].start_line == 9
    assert fault is not None and fault.line == 2


def test_what_only_informs_is_advice_and_what_is_healthy_or_unknown_says_nothing():
    informs = probe()
    finding, _ = user_finding(informs, judged(informs, {"model": per_user(1.0)}, 0), "", SITES, SOURCES)
    assert finding is not None
    assert (finding.severity, finding.kind.nature) == (Severity.INFORMATION, Nature.ADVICE)
    for one, answers in ((probe("WARN_ABOVE = 9"), {"model": per_user(1.0)}), (informs, {"model": None})):
        assert user_finding(one, judged(one, answers, 0), "", SITES, SOURCES) == (None, None)


def test_a_fault_stands_on_lines_that_occur_once():
    text = "def measure(view):\n    x = 1\n    x = 1\n    return x\n"
    found = fault_finding(read_user_probe("probes/p.py", text), Fault(line=2, message="no"))
    anchor = found.anchors[0]
    assert (anchor.path, anchor.start_line) == ("probes/p.py", 2)
    assert f"\n{text}\n".count(f"\n{anchor.text}\n") == 1
