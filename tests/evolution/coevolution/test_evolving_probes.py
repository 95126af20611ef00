"""A run's probes: authored for what users complain of, admitted, counted from then on, retired, and decided once."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from diagnosis.coevolution.rejection import Reason
from evolution.base.errors import NotStored
from evolution.coevolution.author import Author
from evolution.coevolution.evolved_measurements import BROKEN
from evolution.coevolution.evolving_probes import EvolvingProbes
from evolution.coevolution.unverified import unverified_complaints
from evolution.domain.archive import Archive
from evolution.domain.edits import make_edits
from evolution.domain.feedback import Feedback
from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.limits import Limits
from evolution.domain.probe import ProbeState
from evolution.domain.proposal import RECIPE, Idea
from evolution.domain.request import EvolveRequest
from evolution.domain.run import Node, NodeStatus
from evolution.domain.trial import Metric, Trial
from evolution.laboratory.candidates import Candidate, carry_out
from evolution.laboratory.context import EventLog, JobContext
from evolution.laboratory.evaluation import CandidateEvaluation
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.observer import feedback_of
from evolution.llm.budget import Budget
from evolution.llm.client import LlmClient
from evolution.llm.exchanges import StoredExchanges
from evolution.llm.settings import LlmSettings
from evolution.repo.config import read_config
from evolution.repo.settings import user_settings
from evolution.store.store import Store
from tests.evolution.coevolution.candidates import BAD, WRITTEN
from tests.evolution.coevolution.grounds import faulty_model
from tests.llm.scripted import MODEL, ScriptedLlm, in_turn, refuse, reply

pytestmark = [pytest.mark.slow, pytest.mark.process]
CONFIG = """
[recommender]
entry = "model:build"
[data]
source = "shop-micro"
[training]
max_epochs = 2
device = "cpu"
"""


class Ground:
    """A repo whose recommender goes by price alone, its trial, and what its users say of it."""

    def __init__(self, repo: Path) -> None:
        self.repo = repo
        self.log = (repo.parent / "events.jsonl").open("w")
        self.store = Store.open(repo)
        job = JobRecord(
            id="j1",
            kind=JobKind.EVOLVE,
            state=JobState.RUNNING,
            created_at=time.time(),
            pid=0,
            pid_started=0.0,
        )
        context = JobContext(
            repo=repo,
            job=job,
            request=EvolveRequest(),
            store=self.store,
            store_lock=threading.RLock(),
            config=read_config(repo),
            settings=user_settings(),
            events=EventLog(self.log),
            scratch=repo / ".evolverec" / "scratch",
        )
        context.scratch.mkdir(exist_ok=True)
        self.laboratory = Laboratory(context)

    def look(self) -> tuple[Trial, Feedback, Archive]:
        trial = self.laboratory.trial(self.laboratory.user_program(), seed=0, label="yours")
        assert trial.failure is None, trial.failure
        feedback = feedback_of(self.laboratory, trial, users=200)
        node = Node(
            order=0,
            generation=0,
            program=trial.key.program,
            parent="",
            trial=trial.id,
            status=NodeStatus.COMPLETE,
            idea=None,
            objective=trial.objective or Metric(value=0.0, low=None, high=None),
        )
        return trial, feedback, Archive(nodes=(node,))

    @property
    def said(self) -> str:
        self.log.flush()
        return (self.repo.parent / "events.jsonl").read_text()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    repo = tmp_path_factory.mktemp("dear") / "repo"
    repo.mkdir()
    (repo / "model.py").write_text(faulty_model("dear"))
    (repo / "evolverec.toml").write_text(CONFIG)
    return repo


@pytest.fixture
def own_configuration(
    tmp_path_factory: pytest.TempPathFactory, made: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """One configuration for this file, so that the store that the first test made is the next one's own too."""
    folder = made.parent / "config"
    folder.mkdir(exist_ok=True)
    monkeypatch.setenv("EVOLVEREC_CONFIG_HOME", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
    return folder


@pytest.fixture
def ground(made: Path, own_configuration: Path) -> Iterator[Ground]:
    ground = Ground(made)
    yield ground
    with ground.store._writing() as db:
        for table in ("probes", "exchanges"):
            db.execute(f"delete from {table}")
    ground.store.close()
    ground.log.close()


@pytest.fixture
def author(ground: Ground, scripted_llm: ScriptedLlm) -> Iterator[Callable[..., Author]]:
    """An LLM over HTTP that answers in turn, then refuses."""
    settings = LlmSettings(base_url=scripted_llm.base_url, key="", model=MODEL, retries=0)
    context = ground.laboratory.context
    log = StoredExchanges(store=context.store, lock=context.store_lock)
    with LlmClient(settings, log=log, budget=Budget(Limits())) as client:

        def answers(*replies: Any) -> Author:
            scripted_llm.script = in_turn(*replies, *[refuse()] * 20)
            return Author(ask=client.ask, model=MODEL, retrieve=lambda queries, codes, limit: [])

        yield answers


def written(name: str, complaint: str) -> dict[str, Any]:
    candidate = next(c for c in (*WRITTEN, *BAD) if c.id == name)
    return {
        "reasoning": "It counts what users miss.",
        "name": candidate.id,
        "definition": "What is counted.",
        "unit": "share",
        "higher_is_better": candidate.better == "higher",
        "source": f"```python\n{candidate.source}```",
    }


def test_complaints_that_nothing_measures_are_found_and_those_with_a_probe_are_not(ground: Ground) -> None:
    _, feedback, _ = ground.look()
    open_codes = [complaint.code for complaint in unverified_complaints(feedback, ())]
    assert "missed-category" in open_codes
    spec = next(c.spec for c in WRITTEN if c.complaint == "missed-category")
    assert "missed-category" not in [complaint.code for complaint in unverified_complaints(feedback, [spec])]


def test_templates_are_admitted_and_count_from_then_on(ground: Ground) -> None:
    trial, feedback, archive = ground.look()
    run = EvolvingProbes(ground.laboratory, None)
    assert run.extended(feedback, trial) == feedback
    admitted = run.after_generation(archive, 1, heard=())
    assert admitted and [spec.id for spec in run.specs] == list(admitted), ground.said
    extended = run.extended(feedback, trial)
    new = {found.code for found in extended.all_findings()} - {found.code for found in feedback.findings}
    assert new and all(code.startswith("evolved-") for code in new)
    assert {record.state for record in ground.store.probes(admitted[0])} == {ProbeState.ADMITTED}
    stored = ground.store.feedback(trial.id)
    assert stored is not None and set(admitted) <= set(stored.evolved)

    again = EvolvingProbes(ground.laboratory, None)
    ground.laboratory.replays = True  # nothing may be run: all of it is stored
    assert again.after_generation(archive, 1, heard=()) == admitted
    assert again.extended(feedback, trial).all_findings() == extended.all_findings()
    with ground.store._writing() as db:
        db.execute("delete from probes")
    with pytest.raises(NotStored):
        EvolvingProbes(ground.laboratory, None).after_generation(archive, 1, heard=())


def test_a_column_that_a_version_has_come_to_read_is_open_for_a_probe_where_nothing_measures_it(
    ground: Ground,
) -> None:
    trial, feedback, _ = ground.look()
    model = ground.repo / "model.py"
    reads = model.read_text()
    model.write_text(
        "def build(data, *, device, seed):\n    return None\n"
    )  # the user's version, which reads no column
    root = ground.laboratory.user_program()
    model.write_text(reads)
    silent = replace(feedback, measurements=(), simulation=None)
    run = EvolvingProbes(ground.laboratory, None)
    assert "track-price" in [complaint.code for complaint in run._open(silent, trial.id, root)]
    (price,) = (found for found in feedback.measurements if found.code == "off-price")
    told = replace(silent, measurements=(replace(price, healthy=True),))
    assert "track-price" not in [complaint.code for complaint in run._open(told, trial.id, root)]
    assert run._open(silent, trial.id, feedback.program) == []


def test_an_llm_is_told_why_its_probe_was_rejected_and_tries_again(
    ground: Ground, author: Callable[..., Author], scripted_llm: ScriptedLlm
) -> None:
    _, feedback, archive = ground.look()
    first, second_one = unverified_complaints(feedback, ())[:2]
    assert (first.code, second_one.code) == ("missed-popularity", "missed-sequence")
    llm = author(
        refuse(),
        reply(written("repeats-seen", second_one.code)),
        reply(written("w-first-follower", second_one.code)),
        refuse(),
    )
    run = EvolvingProbes(ground.laboratory, llm)
    admitted = run.after_generation(archive, 1, heard=())
    assert run.specs[0].author == MODEL and run.specs[0].id == admitted[0], ground.said
    assert "forbids" in ground.said
    second = scripted_llm.requests[2].body["messages"][1]["content"]
    assert "Rejected as serving-forbids" in second and "np.isin(page, history)" in second


def test_without_an_answer_templates_step_in(ground: Ground, author: Callable[..., Author]) -> None:
    _, _, archive = ground.look()
    run = EvolvingProbes(ground.laboratory, author(refuse(), refuse(), refuse()))
    assert run.after_generation(archive, 1, heard=())
    assert {spec.author for spec in run.specs} == {"template"}


def test_a_probe_that_an_architecture_change_broke_is_retired_and_its_complaint_open_again(
    ground: Ground,
) -> None:
    trial, feedback, archive = ground.look()
    broken = replace(next(c.spec for c in BAD if c.id == "absent-evidence"), complaint="missed-sequence")
    run = EvolvingProbes(ground.laboratory, None, [broken])
    found = run.extended(feedback, trial).evolved[broken.id][0]
    assert found.healthy is None and found.details[BROKEN] == Reason.ABSENT
    admitted = run.after_generation(archive, 1, heard=())
    assert broken not in run.specs and admitted
    assert [record.state for record in ground.store.probes(broken.id)] == [ProbeState.RETIRED]
    assert "missed-sequence" in {spec.complaint for spec in run.specs}


def test_a_probe_accepted_by_the_user_counts_from_the_start(ground: Ground) -> None:
    trial, feedback, _ = ground.look()
    accepted = replace(next(c.spec for c in WRITTEN if c.id == "w-price-ratio"), name="mine")
    extended = EvolvingProbes(ground.laboratory, None, [accepted]).extended(feedback, trial)
    assert "evolved-mine" in {found.code for found in extended.all_findings()}


def test_what_an_evolved_probe_measured_can_be_a_verified_fix(ground: Ground) -> None:
    trial, feedback, _ = ground.look()
    accepted = replace(next(c.spec for c in WRITTEN if c.id == "w-price-ratio"), name="mine")
    run = EvolvingProbes(ground.laboratory, None, [accepted])
    before = run.extended(feedback, trial)
    target = next(found for found in before.all_findings() if found.code == "evolved-mine")
    idea = Idea(
        code="forget-price",
        title="Forget the price",
        rationale="It decides everything.",
        addresses=(target.id,),
        rests_on=(),
        proposer=RECIPE,
    )
    programs = ground.laboratory.programs
    sources = programs.sources(trial.key.program)
    edits = make_edits("model.py", sources["model.py"], faulty_model("plain"))
    candidate = carry_out(ground.laboratory, trial.key.program, sources, idea, edits, "")
    assert isinstance(candidate, Candidate)
    evaluation = CandidateEvaluation(
        ground.laboratory, lambda seen: run.extended(feedback_of(ground.laboratory, seen, users=200), seen)
    )
    child = evaluation.train(trial, candidate)
    proposal = evaluation.settle(trial, before, candidate, child, replicate=False)
    assert proposal.fixed == ("evolved-mine",)
    assert (
        CandidateEvaluation(ground.laboratory).verify(proposal).fixed == proposal.fixed
    )  # measured again, outside the run
