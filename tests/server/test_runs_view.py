"""The Runs view over the wire, how a run is gone on with, the set-up of a folder, and new recommenders in one."""

import subprocess
import sys
import time

import pytest
from pygls.exceptions import JsonRpcException

from evolution.domain.job import JobKind
from evolution.domain.proposal import Idea, Verified
from evolution.domain.run import Node, NodeStatus, Run, RunState, RunTerms
from evolution.domain.trial import Metric

EDITOR = "visual-studio-code"


def a_run(records, **changes):
    def node(order, value, **more):
        idea = Idea(
            code="x", title=f"Idea {order}", rationale="", addresses=(), rests_on=(), proposer="gpt-x"
        )
        values = {
            "order": order,
            "generation": order,
            "program": f"p{order}" if order else records.program,
            "parent": records.program if order else "",
            "trial": f"t{order}",
            "status": NodeStatus.COMPLETE if value else NodeStatus.PRUNED,
            "idea": idea if order else None,
            "objective": Metric(value=value, low=value - 0.01, high=value + 0.01) if value else None,
        }
        return Node(**{**values, **more})

    terms = RunTerms(
        root=records.program, measured="m", strategy="directional", seed=0, proposer="llm", model="gpt-x"
    )
    nodes = (
        node(0, 0.1),
        node(1, 0.3, verified=Verified.GAIN, proposal="p1"),
        node(2, None, why="it was behind"),
        node(3, 0.2, parent="p1"),
    )
    values = {
        "id": terms.run_id,
        "terms": terms,
        "state": RunState.STOPPED,
        "created_at": time.time() - 720,
        "nodes": nodes,
        "limits": {"trials": 12.0, "usd": 1.0},
        "spent": {
            "trials": 7.0,
            "gpu_s": 28.0,
            "tokens": 12_345.0,
            "usd": 0.0312,
            "tokens:coder": 3_000.0,
            "usd:coder": 0.0212,
            "tokens:planner": 9_345.0,
            "usd:planner": 0.01,
        },
    }
    run = Run(**{**values, **changes})
    records.store.put_run(run)
    return run


async def test_a_run_tells_its_lineage_its_cost_and_how_far_it_came(connect, records):
    records.trial()
    run = a_run(records)
    editor = await connect(EDITOR)
    (told,) = (await editor.ask("runs"))["runs"]
    assert (told["id"], told["strategy"], told["model"], told["state"]) == (
        run.id,
        "directional",
        "gpt-x",
        "stopped",
    )
    tokens = "12,345 tokens (1,764 a trial: planner 9,345, coder 3,000)"
    dollars = "0.0312 of 1.0000 USD (0.0045 a trial: coder 0.0212, planner 0.0100)"
    assert told["cost"] == f"7 of 12 trials, 28 s of training, {tokens}, {dollars}"
    assert (told["when"], told["best"]["text"]) == ("12 min ago", ".300, 95 % [.290, .310]")
    assert told["bestSoFar"] == [0.1, 0.3, 0.3, 0.3]
    assert [(node["order"], node["parent"], node["title"]) for node in told["nodes"]] == [
        (0, -1, "your version"),
        (1, 0, "Idea 1"),
        (2, 0, "Idea 2"),
        (3, 1, "Idea 3"),
    ]
    assert [node["byLlm"] for node in told["nodes"]] == [False, True, True, True]
    first, behind = told["nodes"][1:3]
    assert (first["verified"], first["proposal"]) == ("gain", "p1")
    assert first["trial"]
    assert (behind["status"], behind["objective"], behind["why"]) == ("pruned", None, "it was behind")


async def test_the_users_own_trials_are_listed_newest_first(connect, records):
    records.trial("trial0000001", age_s=7200)
    records.feedback(trial="trial0000001", age_s=7200)
    records.end(records.running_job("train-2", params={}), {"trial": "trial0000002"})
    records.trial("trial0000002", age_s=65, objective=None)
    records.trial("candidate001")
    editor = await connect(EDITOR)
    told = (await editor.ask("runs"))["trials"]
    assert [(trial["id"], trial["when"]) for trial in told] == [
        ("trial0000002", "1 min ago"),
        ("trial0000001", "2 h ago"),
    ]
    assert told[0]["objective"] is None and told[1]["objective"]["text"] == ".150, 95 % [.140, .160]"
    assert (told[1]["status"], told[1]["seconds"]) == ("complete", 3.0)


async def test_a_stopped_run_can_be_gone_on_with_only_where_its_files_are(connect, records, sample):
    records.trial()
    a_run(records)
    editor = await connect(EDITOR)
    uri = editor.open("model.py")

    async def resumable():
        (told,) = (await editor.ask("runs"))["runs"]
        return told["resumable"]

    assert await resumable()
    editor.change(uri, sample.patched)
    assert not await resumable()


async def test_a_run_whose_job_is_gone_has_stopped_and_one_that_works_names_it(connect, records):
    records.trial()
    job = records.running_job("evolve-1", kind=JobKind.EVOLVE)
    a_run(records, state=RunState.RUNNING, job=job.id)
    editor = await connect(EDITOR)
    (told,) = (await editor.ask("runs"))["runs"]
    assert (told["state"], told["job"], told["resumable"]) == ("running", "evolve-1", False)
    records.end(job, state="cancelled")

    answer = await editor.until("runs", lambda told: told["runs"][0]["state"] == "stopped")
    (told,) = answer["runs"]
    assert (told["state"], told["job"], told["resumable"]) == ("stopped", "", True)


async def test_without_runs_or_a_store_there_is_nothing_and_none_is_made(connect, repo):
    editor = await connect(EDITOR)
    assert await editor.ask("runs") == {"repo": str(repo), "trials": [], "runs": []}
    assert not (repo / ".evolverec").exists()


@pytest.mark.process
async def test_resuming_starts_a_job_for_that_run(connect, records, repo):
    records.trial()
    run = a_run(records)
    editor = await connect(EDITOR, trusted=True, python=sys.executable)
    answer = await editor.command("evolve", resume=run.id, trials=20)
    started = records.store.job(answer["job"])
    await editor.command("cancel", job=started.id)
    assert (started.kind, started.params["resume"], started.params["trials"]) == (JobKind.EVOLVE, run.id, 20)
    await editor.wait(lambda: records.store.job(started.id).state.ended, timeout_s=120.0)


async def test_what_cannot_be_resumed_is_said(connect, records):
    records.trial()
    run = a_run(records)
    editor = await connect(EDITOR, trusted=True)
    with pytest.raises(JsonRpcException, match="no single run 'nothing'"):
        await editor.command("evolve", resume="nothing")
    with pytest.raises(JsonRpcException, match="goes on as directional"):
        await editor.command("evolve", resume=run.id, strategy="nas")
    with pytest.raises(JsonRpcException, match="goes on as directional"):
        await editor.command("evolve", resume=run.id, strategy="directional")


async def test_a_run_that_works_is_not_started_twice(connect, records):
    records.trial()
    job = records.running_job("evolve-1", kind=JobKind.EVOLVE)
    run = a_run(records, state=RunState.RUNNING, job=job.id)
    editor = await connect(EDITOR, trusted=True)
    told = await editor.command("evolve", resume=run.id)
    assert (told["job"], told["already_running"]) == ("evolve-1", True)
    await editor.wait(
        lambda: (
            [m.message for m in editor.client.messages] == ["evolverec: joined evolving, which runs already"]
        )
    )
    with pytest.raises(JsonRpcException, match=f"job evolve-1 is working on run {run.id}; cancel it"):
        await editor.command("evolve", resume=run.id, trials=40)


@pytest.mark.process
async def test_the_setup_tells_what_the_doctor_tells(connect, repo, tmp_path):
    editor = await connect(EDITOR, python=sys.executable)
    told = await editor.ask("setup", folder=repo.as_uri())
    checks = {check["name"]: check for check in told["checks"]}
    assert (told["folder"], told["hasConfig"], told["ok"]) == (str(repo), True, True)
    assert sys.executable in checks["interpreter"]["message"]
    assert checks["trust"]["ok"] is False and "--trust" in checks["trust"]["help"]
    bare = tmp_path / "bare"
    bare.mkdir()
    assert (await editor.ask("setup", folder=str(bare)))["hasConfig"] is False


@pytest.mark.parametrize("folder", ["", "relative", "/nowhere/at/all"])
async def test_the_setup_of_no_folder_is_refused_in_words(connect, folder):
    editor = await connect(EDITOR)
    with pytest.raises(JsonRpcException, match="expected the path or URI of a folder that exists"):
        await editor.ask("setup", folder=folder)


async def test_a_new_recommender_is_made_and_is_there_at_once(connect, config_home, tmp_path):
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    editor = await connect(EDITOR, folders=[workspace])
    told = await editor.command("newRepo", folder=(workspace / "mine").as_uri(), data="shop-micro")
    assert told == {"repo": str(workspace / "mine"), "seed": "sasrec", "data": "shop-micro"}
    assert "shop-micro" in (workspace / "mine" / "evolverec.toml").read_text()
    log = subprocess.run(["git", "log", "--oneline"], cwd=workspace / "mine", capture_output=True, check=True)
    assert len(log.stdout.splitlines()) == 1
    (state,) = (await editor.ask("overview"))["repos"]
    assert (state["repo"], state["trusted"]) == (str(workspace / "mine"), False)


async def test_a_new_recommender_never_lands_on_something(connect, repo):
    editor = await connect(EDITOR)
    before = sorted(repo.iterdir())
    for wrong, words in {
        (str(repo), "sasrec"): "exists and is not an empty folder",
        (str(repo / "new"), "nothing"): "There is no seed 'nothing'",
        ("new", "sasrec"): "absent or empty",
    }.items():
        folder, seed = wrong
        with pytest.raises(JsonRpcException, match=words):
            await editor.command("newRepo", folder=folder, seed=seed)
    with pytest.raises(JsonRpcException, match="does not exist"):
        await editor.command("newRepo", folder=str(repo / "new"), data="/no/log.inter")
    assert sorted(repo.iterdir()) == before
