"""A candidate that was trained and cannot be measured: it is refused by name, and the run goes on."""

from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from diagnosis.coevolution.rejection import ProbeFailed
from evolution.coevolution.probe_runner import ProbeRunner
from evolution.domain.proposal import Idea, Patch, Verified
from evolution.domain.run import Node, NodeStatus
from evolution.domain.trial import Metric, Trial, TrialKey, TrialStatus
from evolution.evolving.loop import Evolution
from evolution.laboratory.candidates import Candidate
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.laboratory.paired_comparison import ALONE
from evolution.trials import analysis
from evolution.trials.analysis import AnalysisError, analyse, sensible

KEY = TrialKey(program="p1", data="", training="", seed=0, device="cpu/1", harness="")
OBJECTIVE = Metric(value=0.2, low=0.1, high=0.3)
CHILD = Trial(id="t1", key=KEY, status=TrialStatus.COMPLETE, created_at=0.0, wall_s=1.0, objective=OBJECTIVE)
IDEA = Idea(code="x", title="x", rationale="", addresses=("f1",), rests_on=(), proposer="recipe")
CANDIDATE = Candidate(idea=IDEA, patch=Patch(base="p0", edits=()), child="p1", diff="", note="")
NODE = Node(order=1, generation=1, program="p1", parent="p0", trial="", status=NodeStatus.PRUNED, idea=IDEA)


@pytest.fixture
def answering(monkeypatch):
    """Call it with the document that the analyst answers."""

    def use(document):
        process = SimpleNamespace(ask=lambda wanted, **arguments: document)
        entered = nullcontext(process)
        monkeypatch.setattr(
            analysis,
            "analyst",
            lambda *given, **more: (_Asked(process, entered), SimpleNamespace(__str__=lambda: "")),
        )
        monkeypatch.setattr("evolution.coevolution.probe_runner.analyst", analysis.analyst)
        monkeypatch.setattr("evolution.coevolution.probe_runner.rankings_folder", lambda data: None)

    return use


class _Asked(SimpleNamespace):
    def __init__(self, process, entered):
        super().__init__(ask=process.ask)
        self._entered = entered

    def __enter__(self):
        return self._entered.__enter__()

    def __exit__(self, *_):
        return None


@pytest.mark.parametrize(
    "answer",
    [{}, {"measurements": None}, {"measurements": 7}, {"measurements": [{}]}, {"measurements": ["x"]}],
)
def test_an_analyst_that_says_something_else_has_not_measured(answering, tmp_path, answer):
    answering(answer)
    with pytest.raises(AnalysisError, match="the analyst's answer makes no sense"):
        nothing: Any = SimpleNamespace()
        analyse(tmp_path, nothing)


@pytest.mark.parametrize(
    "answer",
    [
        {"values": None}, {"values": [1]}, {"values": {"model": "abc"}}, {"values": {"model": [[1]]}}, {"values": {"model": [None, {}]}},
        {"rejection": 7}, {"rejection": {"reason": "none of ours"}},
    ],
)  # fmt: skip
def test_a_probe_that_writes_on_the_wire_is_rejected(answering, tmp_path, answer):
    answering(answer)
    spec: Any = SimpleNamespace()
    data: Any = SimpleNamespace()
    with pytest.MonkeyPatch.context() as patch, pytest.raises(ProbeFailed, match="makes no sense"):
        patch.setattr("evolution.coevolution.probe_runner.serial.plain", lambda _: {})
        ProbeRunner(data=data).run(spec, ("model",), tmp_path)


def test_only_faults_of_data_are_taken_for_some(capsys):
    with (
        pytest.raises(AnalysisError, match=r"the trace makes no sense \(KeyError: 'line'\)"),
        sensible("the trace"),
    ):
        {}["line"]
    assert "KeyError" in capsys.readouterr().err
    with pytest.raises(OSError), sensible("the trace"):
        raise OSError("the disk")


def unmeasurable(trial):
    raise AnalysisError(f"trial {trial.id} cannot be measured")


def test_a_candidate_that_cannot_be_measured_is_not_verified(monkeypatch):
    evaluation: Any = CandidateEvaluation.__new__(CandidateEvaluation)
    said = {}
    evaluation.observe = unmeasurable
    evaluation.laboratory = None
    target = SimpleNamespace(code="order-ignored", self_reported=False)
    monkeypatch.setattr("evolution.laboratory.evaluation.targets_of", lambda idea, feedback: [target])
    evaluation._publish = lambda candidate, parent, trials, verified, **more: said.update(
        verified=verified, **more
    )
    evaluation.settle(CHILD, SimpleNamespace(), CANDIDATE, CHILD)
    assert said == {"verified": Verified.NO, "why_not": "trial t1 cannot be measured"}


@pytest.mark.parametrize("directional", [True, False])
def test_a_run_goes_on_without_a_candidate_that_cannot_be_looked_at(directional):
    parent = replace(NODE, order=0, program="p0", trial="t0", status=NodeStatus.COMPLETE, objective=OBJECTIVE)
    evolution: Any = Evolution.__new__(Evolution)
    evolution.strategy = SimpleNamespace(directional=directional)
    evolution.archive = SimpleNamespace(complete=[parent], root=parent)
    evolution.root = replace(CHILD, id="t0")
    evolution.heard, evolution.looks = set(), {}
    evolution.verification = SimpleNamespace(is_affordable=lambda: False, judged=lambda node, proposal: node)
    evolution.evaluation = SimpleNamespace(
        settle=lambda *given, **more: SimpleNamespace(id="x", verified=Verified.NO, why_not="", trials=())
    )
    evolution._trial_of = lambda node: evolution.root
    evolution._goes_on = lambda: True
    evolution._for_user = lambda parent, candidate: candidate
    evolution._look = lambda trial: (
        SimpleNamespace(feedback=None) if trial.id == "t0" else unmeasurable(trial)
    )
    node = evolution._judged(NODE, parent, CANDIDATE, CHILD, ALONE, leads=True)
    assert (node.status, node.objective, node.why) == (NodeStatus.FAILED, None, "trial t1 cannot be measured")
