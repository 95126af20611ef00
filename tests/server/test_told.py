"""What jobs have brought is told once, in a line, with the patch that it is about; and what mends a job that failed."""

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from evolution.domain.job import EventType, JobKind, JobRecord, JobState
from evolution.domain.proposal import PROMISING, Verified
from evolution.domain.trial import ContractCheck, Metric
from evolution.repo.baseline import Accepted
from evolution.trials.interpreter import NUMPY_MISSING
from server.lsp import claims, telling
from server.shown.knowledge import Knowledge
from server.shown.news import News, of_job, of_patch
from server.shown.troubles import Mend, trouble_of
from tests.server.editor import Editor

EDITOR = "visual-studio-code"
EFFECT = {"metric": "objective", "before": 0.142, "after": 0.171, "low": 0.0213, "high": 0.0355}
SHOWN = {"metric": "NDCG@10", "before": 0.15, "after": 0.171, "low": 0.012, "high": 0.03}
PATCH = {
    "id": "p1", "title": "Full softmax loss", "verified": "gain", "effect": EFFECT, "effects": {"NDCG@10": SHOWN},
    "corrected": None,
}  # fmt: skip
DIAGNOSIS = {
    "findings": [{"severity": "warning"}, {"severity": "information"}],
    "verdict": {"healthy": ["a"]},
}
USERS = {"users": 200, "no_vote": None, "critiques": [{"positive": False}, {"positive": True}]}
TRAINED = {"metrics": {"NDCG@10": {"value": 0.184, "low": 0.15, "high": 0.218}}}
NOTHING: Any = None  # for kinds that tell nothing of the repo


def message(kind: JobKind, document: dict[str, Any]) -> str:
    news = of_job(kind, document, NOTHING)
    assert news is not None
    return news.message


def test_a_round_of_patches_tells_how_many_were_verified_and_the_best():
    other = {**PATCH, "id": "p2", "verified": False}
    told = of_job(JobKind.PROPOSE, {"proposals": [PATCH, other]}, NOTHING)
    words = "1 of 2 patches verified, best: Full softmax loss +20 % [+15, +25]"
    assert told == News(message=words, proposal="p1", verified=True)
    assert message(JobKind.PROPOSE, {"proposals": [other]}) == "1 patch tried, none verified"
    assert message(JobKind.PROPOSE, {"proposals": []}) == "no patch fits this code"
    more = {"converged": False, "words": "train longer first"}
    assert message(JobKind.PROPOSE, {"proposals": [], "more_training": more}) == "train longer first"


def test_sessions_tell_satisfy_beside_markov_and_whose_session_the_report_has():
    def of(name, value):
        return {"name": name, "satisfy": {"value": value, "low": value - 0.125, "high": value + 0.125}}

    held = {
        "users": 200,
        "recommenders": [of("model", 5.5), of("markov", 4.25), of("random", 1.25)],
        "session": None,
    }
    words = "Sessions held: Satisfy 5.5 ± .125, Markov 4.25, of 200 simulated users"
    assert message(JobKind.SESSIONS, held) == words
    told = {**held, "session": {"user": "u\n7"}}
    assert message(JobKind.SESSIONS, told) == f"{words}; the report tells the session of user u 7"


def test_a_patch_that_was_measured_again_is_told_with_why_it_is_not_verified():
    told = of_job(JobKind.VERIFY, {"proposals": [PATCH]}, NOTHING)
    words = "Verified: Full softmax loss +20 % [+15, +25]"
    assert told == News(message=words, proposal="p1", verified=True)
    refused = {**PATCH, "verified": False, "effect": None, "why_not": "its seeds differ. More of it"}
    told = of_job(JobKind.VERIFY, {"proposals": [refused]}, NOTHING)
    assert told == News(message="Not verified: Full softmax loss: its seeds differ", proposal="p1")


def test_all_that_improve_did_is_one_line():
    document = {"train": TRAINED, "diagnosis": DIAGNOSIS, "users": USERS, "proposals": [PATCH]}
    assert message(JobKind.IMPROVE, document) == (
        "NDCG@10 .184 ± .034; 1 finding; 200 users, 1 complaint; "
        "1 of 1 patch verified, best: Full softmax loss NDCG@10 +.021 [+.012, +.030]"
    )
    left = {"candidates": 3, "change": 0.0142, "low": 0.00142, "high": 0.0355, "p": 0.01}
    chosen = {**document, "proposals": [{**PATCH, "corrected": left}]}
    assert message(JobKind.IMPROVE, chosen).endswith("Full softmax loss objective +10 % [+1, +25]")
    silent = {**document, "diagnosis": {**DIAGNOSIS, "findings": []}, "users": {**USERS, "no_vote": "chance"}}
    words = message(JobKind.IMPROVE, silent)
    assert "no findings, 1 checks healthy" not in words and "no findings, 1 check healthy" in words
    assert "200 users, at the level of chance, so what they say does not count" in words
    remark = {**DIAGNOSIS["findings"][0], "severity": "information"}
    words = message(JobKind.IMPROVE, {**document, "diagnosis": {**DIAGNOSIS, "findings": [remark, remark]}})
    assert "; 2 remarks, 1 check healthy; " in words and "no findings" not in words


def test_a_run_tells_its_best_and_a_replay_nothing():
    best = {
        "order": 3, "title": "Full softmax loss", "objective": {"value": 0.216}, "verified": "gain", "proposal": "p1",
    }  # fmt: skip
    told = of_job(JobKind.EVOLVE, {"best": best}, NOTHING)
    words = "Evolved: best is Full softmax loss, objective .216, verified"
    assert told == News(message=words, proposal="p1", verified=True)
    unsure = of_job(JobKind.EVOLVE, {"best": {**best, "verified": None}}, NOTHING)
    assert unsure is not None and (unsure.verified, unsure.promising) == (False, False), (
        "nothing decides on it any more"
    )
    assert message(JobKind.EVOLVE, {"best": {**best, "order": 0}}).endswith("no version is better than yours")
    assert of_job(JobKind.EVOLVE, {"same": True}, NOTHING) is None
    assert of_job(JobKind.TEST, {}, NOTHING) is None


def test_a_missing_package_is_told_with_the_interpreter_that_lacks_it():
    advice = (
        "import: import of recommender:build raised ModuleNotFoundError: No module named '{}'. {} is no file of the "
        "program (those that git ignores are left out), and the interpreter that runs repos has no such package"
    )
    trouble = trouble_of("training", advice.format("torch.nn", "torch"), None, "/env/python")
    assert trouble.message == "PyTorch is not installed in /env/python"
    assert trouble.mends == (Mend.INTERPRETER, Mend.INSTALL, Mend.LOG) and trouble.package == "torch"
    assert trouble_of("training", advice.format("sklearn", "sklearn"), None, "p").package == "scikit-learn"
    without = trouble_of("training", f"{NUMPY_MISSING}. Install it: `p -m pip install numpy`", None, "p")
    assert (without.message, without.package) == ("numpy is not installed in p", "numpy")
    assert without.mends == (Mend.INTERPRETER, Mend.INSTALL, Mend.LOG)
    other = trouble_of("training", "mine is no file of the program", None, "p")
    assert other.mends == (Mend.LOG,), "nothing says that a package is missing"


def test_a_failed_training_opens_its_line_and_a_wrong_config_the_file():
    failed = {"path": "model.py", "line": 12, "message": "fit() raised KeyError: 'x'. More of it"}
    trouble = trouble_of("training", "crash: fit() raised KeyError: 'x'", failed, "p")
    assert (trouble.message, trouble.path, trouble.line) == (
        "Training failed: fit() raised KeyError: 'x'", "model.py", 12,
    )  # fmt: skip
    assert trouble.mends == (Mend.OPEN, Mend.LOG)
    wrong = trouble_of("training", "evolverec.toml:5: data.source: there is no x", None, "p")
    assert (wrong.message, wrong.mends) == ("evolverec.toml:5 data.source: there is no x", (Mend.OPEN,))
    baseline = trouble_of(
        "training", "evolverec.baseline.toml:1: accepted.reason: missing, or no text", None, "p"
    )
    assert baseline.message == "evolverec.baseline.toml:1 accepted.reason: missing, or no text"
    lost = trouble_of("training", "its process ended without a last word", None, "p")
    assert (lost.mends, lost.message) == (
        (Mend.LOG,),
        "Training failed: its process ended without a last word",
    )


async def test_a_training_tells_what_moved_and_what_was_healed(connect, records, sample):
    records.trial("trial0000001", age_s=7200)
    records.feedback(records.finding(), records.finding("popularity-bias", sample.loss), age_s=7200)
    first = records.running_job("done0001")
    records.end(first, {"trial": "trial0000001"}, finished_at=time.time() - 7000)
    (records.repo / "other.py").write_text("x = 1\n")
    records.trial("trial0000002", age_s=5, metrics={"NDCG@10": Metric(value=0.216, low=0.2, high=0.232)})
    records.feedback(records.finding(), trial="trial0000002", age_s=1)
    job = records.running_job("train002")
    editor = await connect(EDITOR, views=True)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    records.end(job, {"trial": "trial0000002"})
    records.event(job, EventType.FINISHED, "train done", state="done", exit_code=0)
    await editor.wait(lambda: editor.told)
    (told,) = editor.told
    assert told.message == "Trained: NDCG@10 .142 → .216 ± .016, 1 finding healed"
    assert (told.level, told.proposal, told.mends) == ("done", "", [])


def test_what_is_hidden_or_was_not_looked_for_is_neither_new_nor_healed(records, sample):
    """The trial before was examined, the one that was trained now was not."""
    (old, new), codes = (
        ("trial0000001", "trial0000002"),
        ("hidden", "other", "hidden-too", "companions", "padding"),
    )
    wrong = {code: records.finding(code, sample.loss) for code in codes}
    checks = [ContractCheck(code=code, passed=False, severity="warning", message="") for code in codes[-2:]]
    before = records.trial(old, contract=(checks[1],))
    told = [wrong[code] for code in ("companions", "padding", "hidden")]
    first = records.feedback(*told, trial=old, asked=tuple(checks), examined=True)
    (records.repo / "other.py").write_text("x = 1\n")
    after = records.trial(new)
    second = records.feedback(wrong["other"], wrong["hidden-too"], trial=new)
    known = Knowledge(
        root=records.repo, trials=(after, before), history=((after, second), (before, first)),
        dismissed=frozenset({wrong["hidden-too"].id}), accepted=(Accepted(code="hidden", reason="known"),),
    )  # fmt: skip
    news = of_job(JobKind.TRAIN, {"trial": new}, known)
    assert news is not None and news.message.endswith(", 1 finding healed, 1 new")
    elsewhere = replace(before, key=replace(before.key, data="another log"))
    news = of_job(JobKind.TRAIN, {"trial": new}, replace(known, trials=(after, elsewhere)))
    assert news is not None and "→" not in news.message and "healed" not in news.message


async def test_the_first_promising_and_the_first_verified_patch_of_a_job_are_told(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    job = records.running_job(kind=JobKind.PROPOSE)
    editor = await connect(EDITOR, views=True)
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))

    def tell(name, **changes):
        records.proposal(name, sample.patched, **changes)
        records.event(job, EventType.PROPOSAL, "a patch", proposal=name)

    promising = {"verified": Verified.NO, "details": {PROMISING: True}}
    tell("p0", verified=Verified.NO)
    tell("p1", **promising)
    tell("p2", **promising)
    await editor.wait(lambda: editor.told)
    await editor.until("proposals", lambda told: sum(row["promising"] for row in told["proposals"]) == 2)
    tell("p1", trials=("a", "b"))
    tell("p2")
    records.event(job, EventType.PROGRESS, "patch 3 of 4", step="patch 3 of 4", fraction=0.5)
    await editor.wait(lambda: len(editor.told) == 2)
    words = "Full softmax loss: +20 % [+15, +25] objective"
    assert [told.message for told in editor.told] == [
        f"Promising: {words}, 1 seed. Further seeds decide",
        f"Verified: {words}, 2 seeds",
    ]
    assert [(told.proposal, told.verified) for told in editor.told] == [("p1", False), ("p1", True)]
    rows = await editor.until(
        "proposals", lambda told: not any(row["promising"] for row in told["proposals"])
    )
    assert len(rows["proposals"]) == 3


async def test_of_a_job_that_was_stopped_nothing_is_promising_any_more(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    job = records.running_job(kind=JobKind.PROPOSE)
    records.proposal("p1", sample.patched, verified=Verified.NO, details={PROMISING: True})
    editor = await connect(EDITOR, views=True)
    await editor.until("proposals", lambda told: [row["promising"] for row in told["proposals"]] == [True])
    records.end(job, state=JobState.CANCELLED)
    await editor.until("proposals", lambda told: [row["promising"] for row in told["proposals"]] == [False])


async def test_what_happened_before_the_editor_came_is_not_told_again(connect, records, sample):
    records.trial()
    records.feedback(records.finding())
    job = records.running_job(kind=JobKind.PROPOSE)
    records.proposal("p1", sample.patched)
    records.event(job, EventType.PROPOSAL, "a patch", proposal="p1")
    editor = await connect("emacs")
    uri = editor.open("model.py")
    await editor.wait(lambda: editor.shown(uri))
    records.end(job, {"proposals": [PATCH]})
    records.event(job, EventType.FINISHED, "propose done", state="done", exit_code=0)
    await editor.wait(lambda: editor.client.messages)
    (said,) = [found.message for found in editor.client.messages]
    assert said == "evolverec: 1 of 1 patch verified, best: Full softmax loss +20 % [+15, +25]"


async def test_a_failed_training_is_told_with_its_line_and_its_log(connect, records, sample):
    job = records.running_job()
    editor = await connect(EDITOR, views=True)
    editor.open("model.py")
    await editor.until("overview", lambda told: told["repos"][0]["jobs"])
    failed = {
        "trial": "",
        "path": "model.py",
        "line": sample.loss + 1,
        "message": "fit() raised KeyError: 'x'",
    }
    records.end(job, failed, state=JobState.FAILED, error="crash: fit() raised KeyError: 'x'")
    records.event(job, EventType.FINISHED, "crash", state="failed", exit_code=1)
    await editor.wait(lambda: editor.told)
    (told,) = editor.told
    assert (told.level, told.message) == ("error", "Training failed: fit() raised KeyError: 'x'")
    first, log = told.mends
    assert (first.kind, first.uri, first.line) == ("open", editor.uri("model.py"), sample.loss)
    assert log.kind == "log" and log.uri.endswith(f"/jobs/{job.id}/log.txt")


@pytest.mark.parametrize("verified", [Verified.GAIN, Verified.FIX])
def test_a_patch_that_is_neither_verified_nor_promising_is_no_news(records, sample, verified):
    records.trial()
    assert of_patch(records.proposal("p1", sample.patched, verified=Verified.NO)) is None
    news = of_patch(records.proposal("p1", sample.patched, verified=verified))
    assert news is not None and news.verified


def ended(records, name: str, *, ago_s: float, asked: bool = True, **changes: Any) -> JobRecord:
    """A diagnosis that ended while no server ran."""
    job = records.running_job(name, kind=JobKind.DIAGNOSE)
    if asked:
        claims.note_asked(records.repo, name)
    records.end(job, DIAGNOSIS, **{"finished_at": time.time() - ago_s, **changes})
    return job


async def test_what_ended_while_no_editor_was_there_is_told_at_the_next_start_once(connect, records):
    ended(records, "asked001", ago_s=7300)
    ended(records, "terminal", ago_s=10, asked=False)
    ended(records, "stopped1", ago_s=10, state=JobState.CANCELLED)
    editor = await connect(EDITOR, views=True)
    await editor.wait(lambda: editor.told)
    again = await connect(EDITOR, views=True)
    await again.ask("overview")
    job = ended(records, "marker01", ago_s=0)  # told as one that is followed: what comes before it has come
    records.store.put_job(replace(job, state=JobState.RUNNING, result=None))
    await again.until("overview", lambda told: told["repos"][0]["jobs"])
    records.end(job, DIAGNOSIS)
    records.event(job, EventType.FINISHED, "done", state="done", exit_code=0)
    await again.wait(lambda: again.told or len(editor.told) > 1)
    assert [told.message for told in editor.told][:1] == ["Diagnosed: 1 finding (2 h ago)"]
    assert [told.message for told in (*editor.told[1:], *again.told)] == ["Diagnosed: 1 finding"], (
        "by one of them"
    )


async def test_of_two_windows_one_tells(connect, records):
    one, other = await connect(EDITOR, views=True), await connect("emacs")
    for number in (1, 2):  # by the end of the second, both have dealt with that of the first
        job = records.running_job(f"train00{number}", kind=JobKind.DIAGNOSE)
        for editor in (one, other):
            await editor.until("overview", lambda told: told["repos"][0]["jobs"])
        records.end(job, {**DIAGNOSIS, "findings": DIAGNOSIS["findings"] * number})
        records.event(job, EventType.FINISHED, "done", state="done", exit_code=0)
        words = f"Diagnosed: {number} finding{'s' * (number > 1)}"
        await one.wait(lambda words=words: said_by(one, other, words))
    assert said_by(one, other, "Diagnosed: 1 finding") == 1


def said_by(one: Editor, other: Editor, words: str) -> int:
    """How often two windows told it."""
    return [told.message for told in one.told].count(words) + [
        found.message.removeprefix("evolverec: ") for found in other.client.messages
    ].count(words)


def test_a_claim_succeeds_once_for_each_thing_that_is_told(records):
    job = records.running_job("train008")
    assert claims.claim(records.repo, job.id) and not claims.claim(records.repo, job.id)
    assert claims.claim(records.repo, job.id, "told-verified")
    assert not claims.was_asked(records.repo, job.id)
    claims.note_asked(records.repo, job.id)
    assert claims.was_asked(records.repo, job.id)
    assert claims.claim(records.repo, "no-such-folder"), "nowhere to note it: told rather than lost"


def test_only_the_newest_of_many_missed_jobs_are_told(records):
    for number in range(6):
        ended(records, f"missed0{number}", ago_s=600 - number, created_at=time.time() - 1000 + number)
    found = [job.id for job in claims.missed(records.repo, records.store)]
    assert found == ["missed03", "missed04", "missed05"]
    assert [job.id for job in claims.missed(records.repo, records.store)] == found, (
        "not told yet: the next server's"
    )
    assert all(claims.claim(records.repo, job) for job in found)
    assert claims.missed(records.repo, records.store) == []


async def test_a_window_that_closes_while_it_waits_leaves_the_news_to_the_next(records, monkeypatch):
    job = ended(records, "asked002", ago_s=0)
    sent = list[tuple[str, Any]]()

    async def store(read: Any, *given: Any) -> Any:
        return read(*given)

    session: Any = SimpleNamespace(
        closed=False,
        started=set[str](),
        background=SimpleNamespace(store=store),
        changes=SimpleNamespace(wanted=True),
        server=SimpleNamespace(protocol=SimpleNamespace(notify=lambda *told: sent.append(told))),
    )
    repo: Any = SimpleNamespace(
        root=records.repo, trouble="", knowledge=None, existing_store=lambda: records.store
    )

    async def closing(_: float) -> None:
        session.closed = True

    monkeypatch.setattr(telling.asyncio, "sleep", closing)
    await telling.tell_end(session, repo, job.id)
    assert sent == [] and [one.id for one in claims.missed(records.repo, records.store)] == [job.id]
    session.closed, session.started = False, {job.id}
    await telling.tell_end(session, repo, job.id)
    await telling.tell_end(session, repo, job.id)
    assert [document["message"] for _, document in sent] == ["Diagnosed: 1 finding"]
