"""What an evolved probe does stays in its process: others measure on, and built-in probes never notice."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from diagnosis.coevolution.rejection import ProbeFailed, Reason
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.coevolution.subjects import MODEL
from evolution.base.places import PACKAGE_ROOT
from evolution.coevolution.evolved_measurements import is_broken, measure_evolved
from evolution.coevolution.probe_runner import ProbeBudget, ProbeRunner
from evolution.trials import sandbox
from evolution.trials.analysis import analyse
from tests.evolution.coevolution.candidates import BAD, TEMPLATES
from tests.evolution.coevolution.grounds import Grounds

pytestmark = [pytest.mark.slow, pytest.mark.process]
GOOD = TEMPLATES[0].spec


def bad(name: str) -> ProbeSpec:
    return next(candidate.spec for candidate in BAD if candidate.id == name)


def test_bad_probes_spoil_no_measurement_but_their_own(grounds: Grounds) -> None:
    folder, bench = grounds.folder("dear"), replace(grounds.bench, budget=ProbeBudget(time_s=0.5))
    before = analyse(folder, bench.data)
    alone = measure_evolved(bench, folder, [GOOD])
    others = [
        bad(name) for name in ("endless", "huge-array", "raises", "opens-file", "reseeds", "patches-numpy")
    ]
    together = measure_evolved(bench, folder, [*others, GOOD])
    assert together[-1] == alone[0] and alone[0].healthy is False
    assert all(found.healthy is None and found.message for found in together[:-1])
    assert analyse(folder, bench.data) == before


def test_a_probe_whose_evidence_is_gone_is_broken_and_one_that_is_slow_is_not(grounds: Grounds) -> None:
    bench = replace(grounds.bench, budget=ProbeBudget(time_s=0.5))
    absent, slow = measure_evolved(bench, grounds.folder("dear"), [bad("absent-evidence"), bad("endless")])
    assert is_broken(absent) and "item_embeddings" in absent.message
    assert not is_broken(slow) and "budget" in slow.message


def test_a_hang_is_killed_and_leaves_nothing_behind(grounds: Grounds, survivors) -> None:
    bench = replace(grounds.bench, budget=ProbeBudget(time_s=0.3))
    with pytest.raises(ProbeFailed) as failed:
        bench.run(bad("endless"), (MODEL,), grounds.folder("dear"))
    assert failed.value.rejection.reason is Reason.TIME
    assert survivors(str(grounds.folder("dear"))) == []


def test_without_a_sandbox_the_same_is_measured_and_the_same_refused(
    grounds: Grounds, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = grounds.folder("dear")
    confined = grounds.bench.run(GOOD, (MODEL,), folder)[MODEL]
    monkeypatch.setattr(sandbox, "works", lambda interpreter: False)
    assert grounds.bench.run(GOOD, (MODEL,), folder)[MODEL].tolist() == confined.tolist()
    with pytest.raises(ProbeFailed, match="`open` is not available"):
        grounds.bench.run(bad("opens-file"), (MODEL,), folder)
    with pytest.raises(ProbeFailed, match="MiB of memory"):
        grounds.bench.run(bad("huge-array"), (MODEL,), folder)


def test_what_gets_past_the_syntax_tree_is_caught_in_the_act() -> None:
    """The watch alone, in a process of its own, since an audit hook stays: a swallowed attempt is known too."""
    source = """
import json, socket, subprocess, sys
from evolution.analyst.probe_process import AccessWatch
watch = AccessWatch()
with watch:
    for reach in (lambda: open("/etc/passwd"), lambda: socket.socket(),
                  lambda: subprocess.run(["true"])):
        try:
            reach()
        except PermissionError:
            pass
print(json.dumps(watch.attempts))
open("/etc/passwd").close()
"""
    ran = subprocess.run(
        [sys.executable, "-c", source],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(PACKAGE_ROOT),
    )
    attempts = json.loads(ran.stdout)
    assert [attempt.partition("(")[0].split()[-1] for attempt in attempts] == [
        "open",
        "socket.__new__",
        "subprocess.Popen",
    ]


def test_cancelling_ends_a_probe(grounds: Grounds) -> None:
    from evolution.base.errors import Cancelled

    bench = ProbeRunner(data=grounds.bench.data, cancelled=lambda: True)
    with pytest.raises(Cancelled):
        bench.run(GOOD, (MODEL,), grounds.folder("dear"))
