"""What the planner is told of attempts and of users: nothing of a patch that was void, no outcome of what was not measured."""

from dataclasses import replace

from evolution.domain.archive import Archive
from evolution.domain.proposal import Verified
from evolution.domain.run import NodeStatus
from evolution.proposers.combining import open_combinations
from evolution.proposers.planning.briefing import history, unshared, voice_facts
from simulator.critiques import Fidelity, Quote, Simulation, Voice
from tests.evolution.nodes import node

SURE = Fidelity(auc=0.8, low=0.7, high=0.9, users=20)


def test_a_void_patch_has_no_line_and_one_that_waits_no_outcome():
    void = replace(node(1, None, idea="spread", status=NodeStatus.VOID), why="it is dead code")
    waits = node(2, None, idea="softmax", status=NodeStatus.WAITING)
    pruned = replace(node(3, None, idea="decay", status=NodeStatus.PRUNED), why="pruned after 3 epochs")
    said = history(Archive(nodes=(node(0, 0.2), void, waits, pruned)), {})
    assert said == [
        "tried 'softmax' (softmax) on the user's version: about to be trained, so nothing is known of it yet",
        "tried 'decay' (decay) on the user's version: pruned: pruned after 3 epochs",
    ]


def test_a_change_is_told_over_the_same_seeds():
    """The user's version has two seeds once something was verified, and a candidate that was not has one."""
    root = replace(node(0, 0.25), seeds=2)
    single, verified = node(1, 0.26, idea="decay"), replace(node(2, 0.29, idea="softmax"), seeds=2)
    first = {root.trial: 0.3, single.trial: 0.26, verified.trial: 0.31}
    one, other = history(Archive(nodes=(root, single, verified)), first)
    assert "objective 0.3000 -> 0.2600 (-13.3 %)" in one
    assert "objective 0.2500 -> 0.2900 (+16.0 %)" in other


def test_a_void_patch_wears_no_parent_out():
    archive = Archive(
        nodes=(node(0, 0.2), node(1, None, idea="x", status=NodeStatus.VOID), node(2, 0.1, idea="y"))
    )
    assert archive.tries()["p0"] == 1


def asked(*voices: Voice) -> Simulation:
    return Simulation(
        users=20, seed=0, fidelity=SURE, critiques=(), mean_align=None, mean_rating=None, wall_s=0.0, kind="llm",
        model="some-model", voices=voices,
    )  # fmt: skip


def test_what_many_users_say_is_passed_on_without_agreement_and_against_the_control():
    quote = Quote(user=1, persona="someone", text="Only teas.")
    strong = Voice(
        code="overused-category", signal="category", count=9, users=20, control_count=3, control_users=18,
        quotes=(quote,),
    )  # fmt: skip
    usual = replace(strong, code="missed-price", count=4, control_count=9)  # said of real choices as much
    single = replace(strong, code="missed-store", count=1, control_count=0)
    said = asked(strong, usual, single)
    assert unshared(said) == [strong]
    assert voice_facts(strong, said) == {
        "code": "overused-category",
        "users": "9 of 20 users",
        "control": "3 of 18",
        "played_by": "some-model",
        "quotes": ["Only teas."],
    }


def test_verified_gains_are_combined_once():
    one = replace(node(1, 0.3, idea="a"), verified=Verified.GAIN)
    other = replace(node(2, 0.28, idea="b"), verified=Verified.GAIN)
    archive = Archive(nodes=(node(0, 0.2), one, other, node(3, 0.25, idea="c")))
    assert open_combinations(archive) == [(one, other), (other, one)]
    both = node(4, 0.31, idea="b", parent="p1")
    assert open_combinations(archive.with_node(both)) == []
