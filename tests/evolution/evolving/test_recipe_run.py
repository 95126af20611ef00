"""Runs without an LLM, on real trials: what each strategy does, what a kill loses, what a replay needs."""

import os
import signal
import subprocess

import pytest

from evolution.domain.job import EventType, JobKind, JobState
from evolution.domain.proposal import Verified
from evolution.domain.request import NEWEST
from evolution.domain.run import NodeStatus, RunState, decisions
from evolution.jobs import control
from evolution.laboratory.candidates import JOIN
from evolution.store.store import Store

pytestmark = [pytest.mark.training, pytest.mark.process, pytest.mark.timeout(600)]


def users_files(repo):
    return {
        path.relative_to(repo).as_posix(): path.read_bytes()
        for path in sorted(repo.rglob("*"))
        if path.is_file() and ".evolverec" not in path.parts
    }


def test_a_run_tries_different_drafts_then_builds_on_what_it_has_and_touches_nothing(grounds):
    before = users_files(grounds.repo)
    ended = grounds.job(trials=6)
    assert ended.state is JobState.DONE, ended.error
    run = grounds.run()
    assert run.state is RunState.DONE and run.terms.proposer == "recipes"
    drafts = [node for node in run.nodes if node.generation == 1]
    assert {node.parent for node in drafts} == {run.terms.root}
    assert 2 <= len({node.idea.code for node in drafts}) == len(drafts) <= 3
    first, second, both = (node.idea for node in drafts)  # two that feedback calls for apart, then together
    assert both.code == JOIN.join(sorted([first.code, second.code]))
    assert set(both.addresses) == {*first.addresses, *second.addresses}
    assert len({node.program for node in run.nodes}) == len(run.nodes)
    assert all(node.findings is not None for node in run.nodes if node.status is NodeStatus.COMPLETE)
    assert run.spent["trials"] == 6
    assert users_files(grounds.repo) == before
    with Store.open(grounds.repo) as store:
        proposals = {proposal.id: proposal for proposal in store.proposals(run.terms.root)}
    measured = [node for node in run.nodes[1:] if node.proposal]
    assert {node.proposal for node in measured} == set(
        proposals
    )  # what was measured is a change of the user's files
    assert all(p.patch.base == run.terms.root for p in proposals.values())
    said = [e for e in control.read_events(grounds.repo, ended.id, 0)[0] if e.type is EventType.NODE]
    assert [event.data["node"] for event in said] == [node.order for node in run.nodes[1:]]


def test_the_same_terms_again_are_the_same_run_and_train_nothing(grounds):
    first = grounds.run()
    with Store.open(grounds.repo) as store:
        trials = {trial.id: trial.created_at for trial in store.trials()}
    ended = grounds.job(trials=6)
    assert ended.result["run"] == first.id
    assert decisions(grounds.run()) == decisions(first)
    with Store.open(grounds.repo) as store:
        assert {trial.id: trial.created_at for trial in store.trials()} == trials


def test_a_replay_trains_nothing_and_says_what_it_lacks(grounds, tmp_path):
    run = grounds.run()
    assert grounds.job(replay=run.id).result["same"]
    elsewhere = grounds.without_words(tmp_path / "shop")
    with Store.open(elsewhere.repo) as store:
        store.put_run(run)
    last = next(node for node in reversed(run.nodes) if node.trial)
    elsewhere.forget_trial(last.trial)
    told = elsewhere.job(replay=run.id).result
    assert not told["same"] and "not in the store" in told["ended"]


def test_a_killed_run_goes_on_with_what_it_had(grounds, tmp_path):
    whole = grounds.run()
    elsewhere = grounds.without_words(tmp_path / "shop")
    for node in whole.nodes[4:]:
        if node.trial:
            elsewhere.forget_trial(node.trial)
    job = elsewhere.start(trials=6)
    assert elsewhere.wait_for_nodes(3)
    os.kill(elsewhere.record(job).pid, signal.SIGKILL)
    ended = elsewhere.job(resume=NEWEST)
    assert ended.state is JobState.DONE, ended.error
    again = elsewhere.run()
    assert [n.program for n in again.nodes] == [n.program for n in whole.nodes]
    assert [n.objective for n in again.nodes] == [n.objective for n in whole.nodes]


def test_more_budget_takes_a_finished_run_further(grounds):
    before = grounds.run()
    ended = grounds.job(resume=NEWEST, trials=8)
    assert ended.state is JobState.DONE, ended.error
    after = grounds.run(before.id)
    drafts = [node.program for node in before.nodes if node.generation <= 1]
    assert [node.program for node in after.nodes][: len(drafts)] == drafts
    assert len(after.nodes) > len(before.nodes)


def test_a_small_budget_keeps_back_what_verifying_its_best_costs(grounds, tmp_path):
    elsewhere = grounds.without_words(tmp_path / "shop")
    job = elsewhere.start(trials=3)
    ended = elsewhere.finish(job)
    assert ended.state is JobState.DONE, ended.error
    said = [event.message for event in elsewhere.events(job)]
    assert any("up to 1 proposal and the verification of the best" in words for words in said)
    run = elsewhere.run()
    root, first = run.nodes[0], run.nodes[1]
    beaten = first.objective is not None and first.seeds == root.seeds == 2
    assert beaten or len(run.nodes) > 2  # its seeds, or else the trials that verifying did not need
    if beaten:  # pooled over the seeds, as the effect is
        with Store.open(elsewhere.repo) as store:
            proposal = store.proposal(first.proposal)
        assert proposal is not None and proposal.effect is not None
        assert first.objective.value == pytest.approx(proposal.effect.after)
        assert root.objective.value == pytest.approx(proposal.effect.before)
    assert run.spent["trials"] == 3


def test_figures_are_those_of_the_best_of_all_candidates(grounds):
    run = grounds.run()
    measured = [node for node in run.nodes[1:] if node.status in (NodeStatus.COMPLETE, NodeStatus.PRUNED)]
    complete = [node for node in measured if node.status is NodeStatus.COMPLETE]
    assert {node.corrected.candidates for node in complete} == {len(measured)}
    with Store.open(grounds.repo) as store:
        proposals = {proposal.id: proposal for proposal in store.proposals()}
    for node in complete:
        known = proposals[node.proposal]
        assert known.corrected == node.corrected
        assert node.corrected.change <= known.effect.after - known.effect.before + 1e-9
        assert node.verified is not Verified.GAIN or node.corrected.low > 0


@pytest.mark.parametrize("strategy", ["nas", "greedy"])
def test_other_strategies_look_at_nothing_but_the_objective(grounds, strategy):
    ended = grounds.job(trials=4, strategy=strategy)
    assert ended.state is JobState.DONE, ended.error
    with Store.open(grounds.repo) as store:
        run = next(run for run in store.runs() if run.terms.strategy == strategy)
    assert all(node.findings is None and node.critiques is None for node in run.nodes)
    assert not any(JOIN in node.idea.code for node in run.nodes if node.generation == 1)
    if strategy == "greedy":
        for node in run.nodes[1:]:
            known = [n for n in run.nodes if n.generation < node.generation and n.objective]
            top = max(known, key=lambda n: (n.objective.value, -n.order))
            assert node.parent == top.program


def test_compare_holds_strategies_against_each_other_on_what_is_stored(grounds):
    ended = grounds.job(JobKind.COMPARE, strategies=["directional", "nas"], seeds=1, trials=4)
    assert ended.state is JobState.DONE, ended.error
    document = ended.result
    assert set(document["strategies"]) == {"directional", "nas"}
    assert len(document["strategies"]["nas"]["curve"]) == 5
    assert document["against_best_other"]["other"] == "nas"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"trials": 2}, "--trials 2 is too small for a proposal and its verification"),
        ({"proposer": "llm", "trials": 5}, "needs an LLM endpoint"),
        ({"replay": "nothing"}, "no single run 'nothing'"),
    ],
)
def test_what_cannot_be_run_is_said_before_anything_is_trained(grounds, params, said):
    ended = grounds.job(**params)
    assert (ended.state, ended.exit_code) == (JobState.FAILED, 2)
    assert said in ended.error


def test_a_repo_whose_files_changed_starts_a_run_of_its_own(grounds, tmp_path):
    elsewhere = grounds.without_words(tmp_path / "shop")
    with Store.open(elsewhere.repo) as store:
        store.put_run(grounds.run())
    (elsewhere.repo / "recommender.py").write_text(
        (elsewhere.repo / "recommender.py").read_text() + "\n# mine\n"
    )
    ended = elsewhere.job(resume=NEWEST)
    assert (ended.state, ended.exit_code) == (JobState.FAILED, 2)
    assert "no run of these files to resume" in ended.error
    subprocess.run(["git", "-C", str(elsewhere.repo), "checkout", "-q", "recommender.py"], check=True)


def test_verified_gains_of_a_run_can_be_applied(grounds, tmp_path):
    from server.cli.patches import apply_proposal

    elsewhere = grounds.without_words(tmp_path / "shop")
    with Store.open(grounds.repo) as store:
        proposal = next(p for p in store.proposals() if p.effect is not None)
    with Store.open(elsewhere.repo) as store:
        store.put_proposal(proposal)
    apply_proposal(elsewhere.repo, proposal.id, branch="")
    from evolution.repo.programs import Programs

    assert Programs.open(elsewhere.repo).snapshot().tree == proposal.child
    assert proposal.verified in tuple(Verified)
