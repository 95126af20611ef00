"""What a run verifies with what it kept back, on trials whose users' hits are made up."""

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from evolution.domain.archive import Archive
from evolution.domain.limits import Limits
from evolution.domain.proposal import Corrected, Effect, Idea, Patch, Proposal, Verified
from evolution.domain.run import Node, NodeStatus
from evolution.domain.trial import Metric, Trial, TrialStatus
from evolution.evolving.ledger import Ledger
from evolution.evolving.verification import Verification
from evolution.laboratory.paired_comparison import ALONE, Rivals
from tests.evolution.laboratory.stored import trial

IDEA = Idea(code="a", title="A", rationale="", addresses=(), rests_on=(), proposer="recipe")


class Shelf:
    """The trials of a test, as a store has them."""

    def __init__(self, *trials: Trial) -> None:
        self.known = {one.id: one for one in trials}

    def trial(self, name: str) -> Trial | None:
        return self.known.get(name)

    def trials(self, program: str) -> list[Trial]:
        return [one for one in self.known.values() if one.key.program == program]


def seed_of(repo: Path, program: str, seed: int, hits: float) -> Trial:
    made = trial(repo, f"{program}-{seed}", np.full(8, hits))
    objective = Metric(value=hits, low=hits, high=hits)
    return replace(made, key=replace(made.key, program=program, seed=seed), objective=objective)


def proposal_of(child: str, *seeds: int, verified: Verified = Verified.NO) -> Proposal:
    trials = tuple(f"{child}-{seed}" for seed in seeds)
    effect = Effect(metric="HR@5", before=0.2, after=0.3, low=-0.1, high=0.3)
    return Proposal(
        id=f"of-{child}", idea=IDEA, patch=Patch(base="root", edits=()), parent="root", child=child, trials=trials,
        verified=verified, effect=effect, why_not="" if verified is not Verified.NO else "one seed",
    )  # fmt: skip


class Judge:
    """Judges what a test says: one more seed makes `gains` verified gains."""

    def __init__(self, *gains: str) -> None:
        self.gains, self.asked = gains, []

    def is_open(self, proposal: Proposal, rivals: Rivals) -> bool:
        return proposal.verified is Verified.NO and len(proposal.trials) < 3

    def further(self, proposal: Proposal, rivals: Rivals) -> Proposal:
        self.asked.append(proposal.child)
        verified = Verified.GAIN if proposal.child in self.gains else Verified.NO
        return proposal_of(proposal.child, *range(len(proposal.trials) + 1), verified=verified)

    def among(self, proposal: Proposal, rivals: Rivals) -> Proposal:
        corrected = Corrected(candidates=len(rivals.trials), change=0.01, low=-0.01, high=0.1, p=0.2)
        return replace(proposal, verified=Verified.NO, why_not="luck", corrected=corrected)


@pytest.fixture
def made(tmp_path: Path) -> dict[str, Any]:
    """A user's version with .2, and two candidates: `lucky` with .5 and then .1, `good` with .4 and then .42."""
    values = {"root": (0.2, 0.22, 0.2), "lucky": (0.5, 0.1, 0.1), "good": (0.4, 0.42, 0.4)}
    trials = [
        seed_of(tmp_path, name, seed, hits) for name, row in values.items() for seed, hits in enumerate(row)
    ]
    shelf = Shelf(*trials)
    context = SimpleNamespace(store=shelf, store_lock=threading.RLock(), repo=tmp_path)
    config = SimpleNamespace(objective=SimpleNamespace(expression="HR@5"))
    return {"laboratory": SimpleNamespace(context=context, config=config), "root": shelf.known["root-0"]}


def run_of(made: dict[str, Any], judge: Judge, limit: int) -> tuple[Verification, Archive]:
    ledger = Ledger(limits=Limits(trials=limit))
    whole: Any = {**made, "evaluation": judge, "ledger": ledger}
    verification = Verification(**whole)
    shared: Any = {"generation": 1, "status": NodeStatus.COMPLETE, "idea": IDEA, "parent": "root"}
    shelf = made["laboratory"].context.store
    nodes = [
        Node(order=n, program=name, trial=f"{name}-0", objective=shelf.known[f"{name}-0"].objective, **shared)
        for n, name in enumerate(("root", "lucky", "good"))
    ]
    judged = [verification.judged(node, proposal_of(node.program, 0)) for node in nodes[1:]]
    return verification, Archive(nodes=(nodes[0], *judged))


def verified(verification: Verification, archive: Archive) -> Archive:
    while (best := verification.open_best(archive, ALONE)) is not None:
        again = verification.with_seed(best, ALONE)
        archive = replace(archive, nodes=tuple(again if n.order == again.order else n for n in archive.nodes))
    return archive


def test_the_lucky_seed_is_told_over_its_seeds_and_the_next_best_is_verified(made) -> None:
    judge = Judge("good")
    verification, archive = run_of(made, judge, limit=5)
    assert verification.kept == 2
    archive = verified(verification, archive)
    _, lucky, good = archive.nodes
    assert judge.asked == ["lucky", "good"]
    assert (lucky.seeds, lucky.objective.value, lucky.verified) == (2, pytest.approx(0.3), Verified.NO)
    assert (good.seeds, good.objective.value, good.verified) == (2, pytest.approx(0.41), Verified.GAIN)
    root = verification.of_root(archive.root)
    assert (root.seeds, root.objective.value) == (2, pytest.approx(0.21))
    assert verification.kept == 1  # the user's version has its further seed
    assert verification.ledger.trials == 5


def test_no_seed_is_trained_beyond_the_limit_or_below_a_verified_gain(made) -> None:
    judge = Judge("lucky", "good")
    verification, archive = run_of(made, judge, limit=3)  # one trial is left, and two are needed
    assert not verification.is_affordable()
    assert verified(verification, archive) == archive and judge.asked == []
    verification, archive = run_of(made, judge, limit=20)
    verified(verification, archive)
    assert judge.asked == ["lucky", "good"]  # the second stands above the first's .3


def test_a_gain_is_judged_anew_among_more_candidates_and_what_failed_is_not(made) -> None:
    verification, archive = run_of(made, Judge(), limit=20)
    gain = verification.judged(archive.nodes[2], proposal_of("good", 0, 1, verified=Verified.GAIN))
    rivals = verification.rivals(archive.nodes)
    again = verification.among(gain, rivals)
    assert len(rivals.trials) == 2
    assert (again.verified, again.why) == (Verified.NO, "luck") and again.corrected is not None
    failed = replace(gain, status=NodeStatus.FAILED, verified=Verified.NO)
    assert verification.among(failed, rivals) == failed


def test_a_seed_that_does_not_end_well_is_not_asked_for_again(made) -> None:
    judge = Judge()
    judge.further = lambda proposal, rivals: (judge.asked.append(proposal.child), proposal)[1]
    verification, archive = run_of(made, judge, limit=20)
    assert verified(verification, archive) == archive
    assert judge.asked == ["lucky", "good"]


def test_dead_code_is_no_rival(made) -> None:
    verification, archive = run_of(made, Judge(), limit=20)
    dead = replace(archive.nodes[1], status=NodeStatus.NOT_MADE)
    pruned = replace(made["laboratory"].context.store.known["good-1"], status=TrialStatus.PRUNED)
    rivals = verification.rivals((archive.root, dead, archive.nodes[2]), [pruned])
    assert [one.id for one in rivals.trials] == ["good-0", "good-1"]
