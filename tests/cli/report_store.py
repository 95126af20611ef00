"""A store as a run of evolution leaves it, small, with texts that would break a page which did not escape them."""

import time
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.findings import Anchor, Finding, FoundBy, Measurement, Role, Severity
from evolution.domain.edits import make_edits
from evolution.domain.feedback import Feedback
from evolution.domain.probe import ProbeRecord, ProbeState
from evolution.domain.proposal import Effect, Idea, Patch, Proposal, Verified
from evolution.domain.run import Moved, Node, NodeStatus, Run, RunState, RunTerms
from evolution.domain.trial import Cost, Failure, FailureReason, Metric, Trial, TrialKey, TrialStatus
from evolution.llm.exchanges import Exchange
from evolution.llm.usage import Usage
from evolution.repo.programs import Programs
from evolution.store.store import Store
from simulator.critiques import Critique, Fidelity, Quote, Simulation
from tests.findings import make_finding

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
MODEL = "some-model"
MEASURED = Metric(value=0.142, low=0.138, high=0.146)
FIDELITY = Fidelity(auc=0.86, low=0.83, high=0.89, users=200, by_popularity=0.61)


def trial(name: str, program: str, status: TrialStatus = TrialStatus.COMPLETE, value: float = 0.142) -> Trial:
    metric = Metric(value=value, low=value - 0.004, high=value + 0.004)
    complete = status is TrialStatus.COMPLETE
    failure = Failure(reason=FailureReason.CRASH, message="boom", path="shelf.py", line=3)
    return Trial(
        id=name,
        key=TrialKey(program=program, data="d", training="t", seed=0, device="cpu/1", harness="h"),
        status=status,
        created_at=time.time(),
        wall_s=3.0,
        best_epoch=2,
        metrics={"NDCG@10": metric, "coverage@10": Metric(value=0.4, low=None, high=None)}
        if complete
        else {},
        objective=metric if complete else None,
        cost=Cost(fit_s=2.0, peak_memory_bytes=10**8),
        failure=failure if status is TrialStatus.FAILED else None,
    )


def measurement(value: float, *, healthy: bool, code: str = "popularity-bias") -> Measurement:
    return Measurement(
        code=code,
        value=value,
        low=value - 0.02,
        high=value + 0.02,
        reference=0.5,
        reference_name="real choices",
        unit="quantile",
        higher_is_better=False,
        healthy=healthy,
        severity=Severity.WARNING,
        message="",
    )


def finding(
    code: str = "popularity-bias",
    value: float | None = 0.72,
    found_by: FoundBy = FoundBy.PROBE,
    probe: str = "",
) -> Finding:
    anchor = Anchor(path="shelf.py", start_line=3, end_line=3, blob="b", text="x", role=Role.LOSS)
    return make_finding(
        code,
        message=f"Lists are bestsellers. {HOSTILE}",
        why="They are.",
        definition="Mean quantile.",
        value=value,
        low=None if value is None else value - 0.02,
        high=None if value is None else value + 0.02,
        reference=None if value is None else 0.5,
        reference_name="real choices",
        unit="quantile",
        anchors=(anchor,),
        found_by=found_by,
        details={"probe": probe},
    )


def simulation(share: float, *, model: str = "") -> Simulation:
    critique = Critique(
        id=f"overused-popularity{model}",
        code="overused-popularity",
        positive=False,
        signal="popularity",
        message="Pages lean on what is popular.",
        count=round(200 * share),
        users=200,
        share=share,
        low=share - 0.05,
        high=share + 0.05,
        quotes=(Quote(user=7, persona=f"explores {HOSTILE}", text=f"Always the same. {HOSTILE}"),),
        fidelity=FIDELITY,
    )
    kind = "llm" if model else "statistical"
    return Simulation(
        users=200, seed=0, fidelity=FIDELITY, critiques=(critique,), mean_align=0.6, mean_rating=None,
        wall_s=1.0, kind=kind, model=model,
    )  # fmt: skip


def idea(title: str, proposer: str = "recipe") -> Idea:
    rests_on = ("Petrov and Macdonald, gSASRec, 2308.07192", "A book of 1999")
    return Idea(
        code="gbce", title=title, rationale="Sampling inflates.", addresses=("id-popularity-bias",),
        rests_on=rests_on, proposer=proposer,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Filled:
    run: Run
    best: Proposal
    version: Trial


def proposal_of(repo: Path, by: str = MODEL) -> Proposal:
    """A verified gain: one changed line of the repo."""
    programs = Programs.open(repo)
    base = programs.snapshot().tree
    before = (repo / "shelf.py").read_text()
    after = before.replace("seed=seed)\n\n    def fit", "seed=seed, shuffle=True)\n\n    def fit")
    child = programs.with_files(base, {"shelf.py": after})
    effect = Effect(metric="0.6*HR@5 + 0.4*NDCG@5", before=0.142, after=0.171, low=0.0213, high=0.0355)
    return Proposal(
        id="abcdef0123",
        idea=idea(f"Shuffle {HOSTILE}", by),
        patch=Patch(base=base, edits=tuple(make_edits("shelf.py", before, after))),
        parent=base,
        child=child,
        trials=("trial000000b", "trial000000c"),
        verified=Verified.GAIN,
        effect=effect,
        effects={"NDCG@10": replace(effect, metric="NDCG@10")},
        fixed=("popularity-bias",),
        created_at=time.time(),
        details={"diff": programs.diff(base, child), "parent_trial": "trial000000a"},
    )


def fill(repo: Path, *, with_run: bool = True) -> Filled:
    best = proposal_of(repo)
    version = trial("trial000000a", best.parent)
    run = _run(best)
    with Store.open(repo) as store:
        for known in (
            version,
            trial("trial000000b", best.child, value=0.171),
            trial("trial000000d", "p2", TrialStatus.PRUNED),
            trial("trial000000e", "p3", TrialStatus.FAILED),
        ):
            store.put_trial(known)
        store.put_proposal(best)
        _feedback(store, version.id, best)
        _probes(store, version.id)
        store.put_exchange(
            Exchange(
                key="k",
                created_at=1.0,
                prompt="code",
                version=1,
                role="coder",
                model=MODEL,
                effort="",
                attempt=0,
                messages=(),
                usage=Usage(input=1000, output=234, estimated=True),
                usd=str(Decimal("0.0421")),
            )
        )
        store.log_test_read(
            version.id,
            {
                "metrics": {"NDCG@10": {"value": 0.1311, "low": 0.12, "high": 0.14}},
                "objective": {"value": 0.1357, "low": 0.13, "high": 0.14},
            },
        )
        if with_run:
            store.put_run(run)
    return Filled(run=run, best=best, version=version)


def _feedback(store: Store, version: str, best: Proposal) -> None:
    rule = finding("loss-of-probabilities", None, FoundBy.RULE)
    evolved = finding("evolved-missed-price", probe="pr")
    store.put_feedback(
        Feedback(
            trial=version,
            program=best.parent,
            created_at=1.0,
            findings=(finding(), rule),
            measurements=(measurement(0.72, healthy=False),),
            simulation=simulation(0.48),
            interviews=simulation(0.3, model=MODEL),
            evolved_findings={"pr": (evolved,)},
        )
    )
    new = finding("embedding-collapse", 0.1)
    store.put_feedback(
        Feedback(
            trial=best.trials[0],
            program=best.child,
            created_at=2.0,
            findings=(new,),
            measurements=(measurement(0.51, healthy=True),),
            simulation=simulation(0.1),
        )
    )


def _probes(store: Store, version: str) -> None:
    spec = ProbeSpec(
        name="missed-price", complaint="missed-price", signal="price", definition="The mean gap in price.",
        unit="share", higher_is_better=False, author=MODEL, source="x = 1",
    )  # fmt: skip
    for name, state in (("missed-price", ProbeState.ADMITTED), ("copied", ProbeState.REJECTED)):
        store.put_probe(
            ProbeRecord(
                id=name,
                spec=replace(spec, name=name, source=name),
                state=state,
                trial=version,
                reason="",
                sentence=f"tells good from bad {HOSTILE}",
                created_at=1.0,
            )
        )


def _run(best: Proposal) -> Run:
    terms = RunTerms(
        root=best.parent, measured="m", strategy="directional", seed=0, proposer="both", model=MODEL
    )
    recipe = idea("Clip the gradient")
    moved = Moved(code="popularity-bias", before=0.72, after=0.51, as_intended=True, healthy=True)
    spent = {"trials": 3.0, "gpu_s": 6.0, "tokens": 1234.0, "usd": 0.0421}
    spent |= {"tokens:planner": 1000.0, "usd:planner": 0.04, "tokens:persona": 234.0, "usd:persona": 0.0021}

    def node(order: int, program: str, trial: str, status: NodeStatus, **more) -> Node:
        return Node(
            order=order, generation=order, program=program, trial=trial, status=status, spent=spent, **more
        )

    return Run(
        id=terms.run_id,
        terms=terms,
        state=RunState.STOPPED,
        created_at=1_700_000_000.0,
        limits={"trials": 12.0, "usd": 1.0},
        spent=spent,
        notes=(f"a note {HOSTILE}",),
        judged=(
            {"model": MODEL, "program": best.child, "scores": {"insight": 7}, "because": {"insight": f"Line 1. {HOSTILE}"}},
        ),
        nodes=(
            node(0, best.parent, "trial000000a", NodeStatus.COMPLETE, parent="", idea=None, objective=MEASURED),
            node(
                1, best.child, "trial000000b", NodeStatus.COMPLETE, parent=best.parent, idea=best.idea,
                objective=Metric(value=0.171, low=0.167, high=0.175), verified=Verified.GAIN, proposal=best.id,
                moved=(moved,),
            ),
            node(2, "p2", "trial000000d", NodeStatus.PRUNED, parent=best.child, idea=recipe, why="far behind"),
            node(3, "p3", "trial000000e", NodeStatus.FAILED, parent=best.parent, idea=recipe, why="crash: boom"),
            node(4, "", "", NodeStatus.NOT_MADE, parent=best.parent, idea=recipe, why=f"no edit {HOSTILE}"),
        ),
    )  # fmt: skip
