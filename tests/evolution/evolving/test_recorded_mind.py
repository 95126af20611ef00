"""A recorded run of a real mind (`tests/llm/recorded`), answered again: the same proposals, and the verdict that was recorded.

What hangs on the last digit of a training is taken from the record: the verdict is judged anew from the recorded ranks, and the
replay, whose trainings are short, is held to what the answers alone decide.
"""

from pathlib import Path

import numpy as np
import pytest

from evolution.base.places import trial_folder
from evolution.domain.limits import Limits
from evolution.domain.objective import parse_expression
from evolution.domain.proposal import Verified
from evolution.domain.run import NodeStatus
from evolution.domain.trial import Trial, TrialKey, TrialStatus
from evolution.evolving.plan import FIRST
from evolution.jobs import stopping
from evolution.laboratory.paired_comparison import (
    Rivals,
    corrected_effect,
    objective_effect,
    pooled_objective,
)
from evolution.llm.estimate import estimate, likely_proposals
from evolution.llm.settings import LlmSettings
from evolution.proposers.coding.replies import CodeReply, DebugReply
from evolution.proposers.planning.replies import Queries, Report
from evolution.repo.programs import Programs
from evolution.store.store import Store
from evolution.trials.artifacts import artifacts_folder, write_per_user
from seeds.new import new_repo
from seeds.reading import parse_json
from simulator.replies import page_reply, ranking_reply
from tests.evolution.evolving.truth import untrue
from tests.llm.recorded_mind import FOLDER, items_of, outcome, patch, recorded, recorded_mind
from tests.llm.scripted import Request

OBJECTIVE = "0.6*HR@5 + 0.4*NDCG@5"
DRAFTS = 3  # proposals of the first generation, which stand on one plan
TRIALS = DRAFTS + FIRST
SCHEMAS = {"plan-queries": Queries, "plan-report": Report, "code": CodeReply, "debug": DebugReply}


@pytest.mark.parametrize("number", range(len(recorded())))
def test_every_recorded_answer_fits_what_it_was_asked_for(number):
    one = recorded()[number]
    if one.prompt == "persona":
        schema = page_reply(items_of(one.question))
    elif one.prompt == "persona-choice":
        schema = ranking_reply(items_of(one.question))
    else:
        schema = SCHEMAS[one.prompt]
    schema.model_validate(one.answer)


def stored(repo: Path, name: str, seed: int, ranks: str) -> Trial:
    """A trial whose users found their item at these places of their lists, 0 for none of the first five."""
    place = np.array([int(rank) for rank in ranks])
    gain = np.where(place > 0, 1 / np.log2(np.maximum(place, 1) + 1), 0.0)
    folder = trial_folder(repo, f"{name}{seed}")
    folder.mkdir(parents=True)
    write_per_user(artifacts_folder(folder), {"HR@5": (place > 0).astype(float), "NDCG@5": gain})
    key = TrialKey(program=name, data="d", training="t", seed=seed, device="cpu/1", harness="h")
    return Trial(id=f"{name}{seed}", key=key, status=TrialStatus.COMPLETE, created_at=0.0, wall_s=1.0)


def test_the_recorded_verdict_follows_from_the_recorded_ranks(tmp_path):
    ranks = parse_json((FOLDER / "ranks.json").read_text(encoding="utf-8"))
    made = {
        name: [stored(tmp_path, name, seed, line) for seed, line in enumerate(lines)]
        for name, lines in ranks.items()
    }
    objective, nodes = parse_expression(OBJECTIVE), outcome()["nodes"]
    for name, order in (("root", 0), ("softmax", 1), ("content", 2), ("past", 3), ("both", 4)):
        reached = pooled_objective(tmp_path, objective, made[name])
        assert reached.value == pytest.approx(nodes[order]["objective"]["value"], abs=1e-4)
        assert len(made[name]) == nodes[order]["seeds"]
    pairs = list(zip(made["root"], made["content"]))
    effect = objective_effect(tmp_path, objective, pairs)
    assert nodes[2]["verified"] == Verified.GAIN and effect.low > 0.005
    rivals = Rivals(trials=tuple(made[name][0] for name in ("softmax", "past", "both")))
    corrected = corrected_effect(tmp_path, objective, pairs, rivals)
    assert corrected is not None and 0 < corrected.low < corrected.change < effect.after - effect.before
    for name in ("softmax", "past"):
        assert objective_effect(tmp_path, objective, [(made["root"][0], made[name][0])]).low < 0


def test_a_trial_took_fewer_than_60_000_tokens_and_the_estimate_is_within_a_quarter(tmp_path):
    told = outcome()
    assert told["tokens"]["all"] / told["trials"] < 60_000
    assert sum(n for role, n in told["tokens"].items() if role != "all") == told["tokens"]["all"]
    new_repo("sasrec", tmp_path / "shop", data="shop-micro")
    size = sum(path.stat().st_size for path in (tmp_path / "shop").glob("*.py"))
    settings = LlmSettings(base_url="http://localhost/v1", key="", model="any")
    proposals = likely_proposals(Limits(trials=told["trials"]), kept=FIRST)
    assert proposals is not None
    expected = estimate(settings, source_bytes=size, users=told["users"]).of(proposals)
    assert expected.tokens == pytest.approx(told["tokens"]["all"], rel=0.25)


def edited(sources: dict[str, str], rounds: list[str]) -> dict[str, str]:
    """The sources with the recorded edits of the rounds that these words begin."""
    files = dict(sources)
    for words in rounds:
        prompt, _, said = words.partition(": ")
        answer = next(
            one.answer
            for one in recorded()
            if one.prompt == prompt and said.startswith(one.answer.get("approach") or one.answer["cause"])
        )
        for edit in answer["edits"]:
            assert files[edit["path"]].count(edit["old"]) == 1
            old, new = (f"{edit[side]}\n" if edit[side] else "" for side in ("old", "new"))  # whole lines
            files[edit["path"]] = files[edit["path"]].replace(old, new)
    return files


@pytest.mark.parametrize("number", [n for n, one in enumerate(recorded()) if one.prompt in ("code", "debug")])
def test_every_recorded_patch_is_found_by_its_prompt(number):
    one = recorded()[number]
    request = Request(number=0, prompt=one.prompt, body={"messages": [{"content": one.question}]}, headers={})
    assert patch(request) == one.answer


@pytest.mark.training
@pytest.mark.process
@pytest.mark.timeout(600)
def test_its_answers_lead_to_the_recorded_proposals(grounds, with_llm):
    """The first generation alone: which parent is next depends on the trainings."""
    server = with_llm(recorded_mind())
    job = grounds.start(trials=TRIALS)
    assert grounds.wait_for_nodes(1 + DRAFTS), grounds.log(job)[-2000:]
    run, wanted = grounds.run(), outcome()["nodes"][1 : 1 + DRAFTS]
    stopping.stop(grounds.repo, job.id)
    assert grounds.finish(job).state.ended
    made = [node for node in run.nodes if node.generation == 1]
    assert [node.idea.code for node in made] == [node["code"] for node in wanted]
    assert all(node.trial and node.status in (NodeStatus.COMPLETE, NodeStatus.PRUNED) for node in made)
    assert [list(node.rounds) for node in made] == [node["rounds"] for node in wanted]
    programs = Programs.open(grounds.repo)
    root = programs.sources(run.terms.root)
    for node, told in zip(made, wanted):
        assert programs.sources(node.program) == edited(root, told["rounds"])
    assert server.prompts().count("persona-choice") == outcome()["users"]
    with Store.open(grounds.repo) as store:
        assert [said for request in server.requests for said in untrue(request, run, store)] == []
