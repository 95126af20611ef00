"""The store keeps what it is given, tells other readers, and believes no store that came with a repo."""

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from evolution.base.processes import ProcessId
from evolution.domain.edits import Edit
from evolution.domain.feedback import Feedback
from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.proposal import Effect, Idea, Patch, Proposal, ProposalState, Verified
from evolution.domain.trial import (
    EpochRecord,
    Failure,
    FailureReason,
    Metric,
    Trial,
    TrialKey,
    TrialStatus,
)
from evolution.store.store import REMEMBERED, Store, trial_id
from simulator.shown import Shown, ShownItem


def make_trial(program: str = "a" * 40, seed: int = 0, created_at: float = 1.0, **changes: object) -> Trial:
    key = TrialKey(program=program, data="d", training="t", seed=seed, device="cpu/1", harness="h")
    trial = Trial(id=trial_id(key), key=key, status=TrialStatus.COMPLETE, created_at=created_at, wall_s=1.5)
    return replace(trial, **changes)


def make_proposal(name: str, verified: Verified, low: float) -> Proposal:
    idea = Idea(code=name, title=name, rationale="r", addresses=("f1",), rests_on=(), proposer="recipe")
    return Proposal(
        id=name,
        idea=idea,
        patch=Patch(base="a" * 40, edits=(Edit(path="m.py", old="x", new="y"),)),
        parent="a" * 40,
        child=name.ljust(40, "0"),
        trials=(),
        verified=verified,
        effect=Effect(metric="m", before=0.1, after=0.2, low=low, high=0.3),
    )


def test_a_candidate_is_never_taken_for_the_users_own_version(tmp_path: Path) -> None:
    """Its feedback is stored before its proposal, and where the job is cancelled there never is one."""
    own, candidate = Feedback(trial="t1", program="a" * 40, created_at=1.0, findings=()), "b" * 40
    with Store.open(tmp_path) as store:
        store.put_feedback(own)
        store.put_candidate(candidate)
        store.put_candidate(candidate)
        store.put_feedback(replace(own, trial="t2", program=candidate, created_at=2.0))
        assert store.latest_feedback() == own
        store.put_proposal(replace(make_proposal("p1", Verified.GAIN, 0.1), child=candidate))
        assert store.latest_feedback() == own
        store.set_proposal_state("p1", ProposalState.APPLIED)
        assert store.latest_feedback() == store.feedback("t2"), "the user took it"


def test_users_who_were_asked_come_back_by_trial_and_kind(tmp_path: Path) -> None:
    item = ShownItem(rank=1, title="<b>[x](y)", align=True, rating=None, reason="Mine.")
    shown = Shown(user=7, persona="comes rarely", history=("a", "b"), page=(item,), words=("Good.",))
    with Store.open(tmp_path) as store:
        store.put_personas("t1", "statistical", [replace(shown, user=1)])
        store.put_personas("t1", "statistical", [shown])
        store.put_personas("t1", "llm", [])
        assert store.personas("t1", "statistical") == [shown], "the last asking counts"
        assert store.personas("t1", "llm") == store.personas("t2", "llm") == []


def test_two_hundred_users_take_little_room(tmp_path: Path) -> None:
    def user(number: int) -> Shown:
        items = tuple(
            ShownItem(
                rank=rank,
                title=f"{number * 37 % 900} Things of Sort {rank * number % 53}, Large",
                align=rank % 3 == 0,
                rating=None,
                reason=f"It is of a category that I buy, unlike the {rank * 7 % 13} others.",
            )
            for rank in range(1, 11)
        )
        return Shown(user=number, persona="comes rarely", history=("a title",) * 5, page=items, words=())

    with Store.open(tmp_path) as store:
        store.put_personas("t1", "statistical", [user(number) for number in range(200)])
    with sqlite3.connect(tmp_path / ".evolverec" / "store.sqlite") as db:
        assert db.execute("select length(record) from personas").fetchone()[0] < 60_000


def test_an_older_store_has_no_users_and_gets_room_for_them(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    with sqlite3.connect(tmp_path / ".evolverec" / "store.sqlite") as db:
        db.execute("drop table personas")
    with Store.open(tmp_path) as store:
        assert store.personas("t1", "statistical") == []
        store.put_personas("t1", "statistical", [])


def test_opening_a_store_tells_no_reader_that_it_changed(tmp_path: Path) -> None:
    with Store.open(tmp_path) as reader:
        before = reader.version()
        Store.open(tmp_path).close()
        assert reader.version() == before
        with Store.open(tmp_path) as writer:
            writer.put_trial(make_trial())
        assert reader.version() != before


@pytest.mark.parametrize(
    "record", ["{}", "[]", "null", '{"trial": 3, "findings": [{"code": "gone"}]}', "no JSON"]
)
def test_a_record_of_another_versions_shape_counts_as_not_stored(tmp_path: Path, record: str) -> None:
    with Store.open(tmp_path) as store:
        store.put_feedback(Feedback(trial="t1", program="a" * 40, created_at=1.0))
        store.put_trial(make_trial())
    with sqlite3.connect(tmp_path / ".evolverec" / "store.sqlite") as db:
        db.execute("update feedback set record = ?, created_at = 2", (record,))
        db.execute("update trials set record = ?", (record,))
    with Store.open(tmp_path) as store:
        assert store.feedback("t1") is None and store.latest_feedback() is None
        assert store.trials() == []
        store.put_feedback(Feedback(trial="t1", program="a" * 40, created_at=3.0))
        assert store.feedback("t1") is not None, "and is made anew"


def test_what_is_remembered_of_the_store_is_never_older_than_the_store(tmp_path: Path) -> None:
    name = make_trial().id
    with Store.open(tmp_path) as reader, Store.open(tmp_path) as writer:
        writer.put_trial(make_trial(status=TrialStatus.RUNNING))
        first = reader.trial(name)
        assert first is not None and first is reader.trial(name), "read once"
        writer.put_trial(make_trial(wall_s=9.0))
        assert reader.trial(name) == make_trial(wall_s=9.0)
        writer.put_trial(make_trial(status=TrialStatus.RUNNING))
        assert reader.trial(name) == make_trial(status=TrialStatus.RUNNING)
        writer.mark_interrupted([name])
        assert reader.trial(name) is None and reader.trials() == []
        writer.put_trial(make_trial(created_at=2.0, wall_s=3.0))
        assert reader.trial(name) == make_trial(created_at=2.0, wall_s=3.0)


def test_a_proposals_state_and_its_next_measurement_are_seen_by_other_readers(tmp_path: Path) -> None:
    proposal = make_proposal("p1", Verified.GAIN, 0.1)
    with Store.open(tmp_path) as reader, Store.open(tmp_path) as writer:
        writer.put_proposal(proposal)
        assert reader.proposals() == [proposal]
        writer.set_proposal_state("p1", ProposalState.APPLIED)
        assert reader.proposals() == [replace(proposal, state=ProposalState.APPLIED)]
        writer.put_proposal(replace(proposal, why_not="measured again"))
        (again,) = reader.proposals()
        assert (again.why_not, again.state) == ("measured again", ProposalState.APPLIED)


def test_more_records_than_are_remembered_are_all_found(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for number in range(REMEMBERED + 5):
            store.put_trial(make_trial(seed=number, created_at=float(number)))
        assert [trial.key.seed for trial in store.trials()] == list(reversed(range(REMEMBERED + 5)))
        assert store.trial(make_trial(seed=0).id) == make_trial(seed=0, created_at=0.0)


def test_a_job_in_brief_has_of_its_result_the_trial_alone(tmp_path: Path) -> None:
    job = JobRecord(
        id="train-1", kind=JobKind.TRAIN, state=JobState.STARTING, pid=0, pid_started=0.0, created_at=1.0
    )
    with Store.open(tmp_path) as store:
        store.put_job(job)
        assert store.jobs_in_brief() == [job]
        store.note_process("train-1", ProcessId(pid=42, ticks=3, boot="b", namespace=1))
        assert store.jobs_in_brief()[0].pid == 42
        done = replace(job, state=JobState.DONE, result={"trial": "t1", "metrics": {"HR@5": 0.5}})
        store.put_job(done)
        assert store.jobs_in_brief() == [replace(done, result={"trial": "t1"})]
        assert store.jobs() == [done]


def test_a_trial_comes_back_equal(tmp_path: Path) -> None:
    trial = make_trial(
        epochs=(EpochRecord(epoch=1, wall_s=0.1, reported={"loss": 0.5}, metrics={"HR@5": 0.1}),),
        metrics={
            "HR@5": Metric(value=0.1, low=0.05, high=0.15),
            "coverage@10": Metric(value=0.5, low=None, high=None),
        },
        failure=Failure(reason=FailureReason.CRASH, message="bang", path="model.py", line=3),
        note={"sandbox": "bubblewrap", "nested": {"x": [1, 2]}},
    )
    with Store.open(tmp_path) as store:
        store.put_trial(trial)
    with Store.open(tmp_path) as store:
        assert store.trial(trial.id) == trial


def test_trials_are_found_by_program_and_by_the_beginning_of_their_id(tmp_path: Path) -> None:
    first, second = make_trial(seed=0, created_at=1.0), make_trial(seed=1, created_at=2.0)
    other = make_trial(program="b" * 40, created_at=3.0)
    with Store.open(tmp_path) as store:
        for trial in (first, second, other):
            store.put_trial(trial)
        assert [t.id for t in store.trials("a" * 40)] == [second.id, first.id]
        assert store.trial(first.id[:6]) == first
        assert store.trial("zzzz") is None
        assert store.trial(first.id[:2]) is None


def test_every_part_of_the_key_makes_another_trial() -> None:
    key = TrialKey(program="p", data="d", training="t", seed=0, device="cpu/1", harness="h")
    changed = [replace(key, **{name: 9 if name == "seed" else "other"}) for name in key.__dataclass_fields__]
    assert len({trial_id(k) for k in [key, *changed]}) == 1 + len(changed)


def test_the_version_changes_when_another_connection_writes(tmp_path: Path) -> None:
    with Store.open(tmp_path) as reader, Store.open(tmp_path) as writer:
        before = reader.version()
        assert reader.version() == before
        writer.put_trial(make_trial())
        assert reader.version() != before


def test_proposals_come_best_first_and_a_dismissal_outlives_a_new_measurement(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        for proposal in (
            make_proposal("none", Verified.NO, -0.1),
            make_proposal("small", Verified.GAIN, 0.01),
            make_proposal("fix", Verified.FIX, -0.001),
            make_proposal("large", Verified.GAIN, 0.05),
        ):
            store.put_proposal(proposal)
        assert [p.id for p in store.proposals()] == ["large", "small", "fix", "none"]
        store.set_proposal_state("large", ProposalState.DISMISSED)
        store.put_proposal(make_proposal("large", Verified.GAIN, 0.06))
        found = store.proposal("large")
        assert found is not None and found.state is ProposalState.DISMISSED


def test_a_store_that_came_with_the_repo_is_set_aside(tmp_path: Path) -> None:
    repo, copy = tmp_path / "repo", tmp_path / "copy"
    repo.mkdir()
    with Store.open(repo) as store:
        store.put_trial(make_trial())
    shutil.copytree(repo, copy)
    assert Store.open_existing(copy) is None
    with Store.open(copy) as store:
        assert store.trials() == []
    assert list((copy / ".evolverec").glob("foreign-*/store.sqlite"))
    with Store.open(repo) as store:
        assert len(store.trials()) == 1


def test_a_damaged_store_is_set_aside(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    (tmp_path / ".evolverec" / "store.sqlite").write_bytes(b"not a database" * 100)
    with Store.open(tmp_path) as store:
        assert store.trials() == []
    assert list((tmp_path / ".evolverec").glob("store.damaged-*"))


def test_a_damaged_store_is_set_aside_with_what_was_written_last(tmp_path: Path) -> None:
    with Store.open(tmp_path):
        pass
    store = tmp_path / ".evolverec" / "store.sqlite"
    store.write_bytes(b"no database" * 500)
    store.with_name("store.sqlite-wal").write_bytes(b"the last trials")
    with Store.open(tmp_path):
        pass
    (aside,) = store.parent.glob("store.damaged-*.sqlite")
    assert aside.read_bytes().startswith(b"no database")
    assert aside.with_name(aside.name + "-wal").read_bytes() == b"the last trials"


def test_a_store_that_cannot_be_looked_at_is_not_taken_for_damaged(tmp_path: Path) -> None:
    with Store.open(tmp_path):
        pass
    store = tmp_path / ".evolverec" / "store.sqlite"
    store.unlink()
    store.mkdir()
    with pytest.raises(sqlite3.OperationalError):
        Store.open(tmp_path)
    assert store.is_dir() and not list(store.parent.glob("store.damaged-*"))


def test_interrupted_trials_are_forgotten_and_finished_ones_are_not(tmp_path: Path) -> None:
    running, done = make_trial(seed=0, status=TrialStatus.RUNNING), make_trial(seed=1)
    with Store.open(tmp_path) as store:
        store.put_trial(running)
        store.put_trial(done)
        store.mark_interrupted([running.id, done.id])
        assert [t.id for t in store.trials()] == [done.id]


def test_unfinished_jobs_are_those_that_have_not_ended(tmp_path: Path) -> None:
    job = JobRecord(
        id="train-1", kind=JobKind.TRAIN, state=JobState.RUNNING, pid=1, pid_started=1.0, created_at=1.0
    )
    with Store.open(tmp_path) as store:
        store.put_job(job)
        store.put_job(replace(job, id="train-2", state=JobState.DONE))
        assert [j.id for j in store.unfinished_jobs()] == ["train-1"]


def test_the_store_folder_hides_itself_from_git(tmp_path: Path) -> None:
    Store.open(tmp_path).close()
    assert (tmp_path / ".evolverec" / ".gitignore").read_text() == "*\n"


def test_what_is_written_survives_without_a_close(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.put_trial(make_trial())
    raw = sqlite3.connect(tmp_path / ".evolverec" / "store.sqlite")
    try:
        assert raw.execute("select count(*) from trials").fetchone() == (1,)
    finally:
        raw.close()
        store.close()


@pytest.mark.parametrize("state", list(JobState))
def test_a_state_has_ended_or_not(state: JobState) -> None:
    assert state.ended is (state not in (JobState.STARTING, JobState.RUNNING))
