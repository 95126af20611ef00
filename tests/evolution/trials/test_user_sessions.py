"""Sessions of simulated users in a trial: only where they are asked for, the same users for every model, paired by user."""

from dataclasses import replace

import numpy as np
import pytest

from diagnosis.contract_kinds import contract_kind
from diagnosis.evidence import TopLists
from diagnosis.findings import Nature
from evolution.base.errors import DataError
from evolution.domain.objective import parse_expression
from evolution.repo.config import Config, DataSection, ObjectiveSection, RecommenderSection
from evolution.trials import user_sessions
from evolution.trials.artifacts import read_per_user
from evolution.trials.bootstrap import paired_interval
from evolution.trials.data import SESSION_USERS
from evolution.trials.frozen import read_test
from evolution.trials.identity import training_fingerprint
from evolution.trials.request import Supervision
from evolution.trials.user_sessions import check_participants, checked, held_figures, participants_of
from seeds.interactions import Questions
from seeds.metrics.intervals import MeanInterval
from simulator.sessions.listening import Listening
from simulator.sessions.recommenders import baselines
from simulator.sessions.sessions import NoSessions

MIXED = ObjectiveSection(expression="0.5*NDCG@10 + 0.5*satisfy@session/10")
NAMES = ("satisfy@session", "view@session", "depth@session")


class Lists:
    """A worker's session as far as sessions know it: answers by a ranker, and keeps what it was asked."""

    def __init__(self, ask) -> None:
        self.ask, self.asked = ask, list[tuple[str, Questions]]()

    def instruct(self, users, texts):
        return False

    def rank_these(self, name, questions):
        self.asked.append((name, questions))
        items = self.ask(len(self.asked), questions).astype(np.int32)
        return TopLists(
            items=items, scores=np.zeros(items.shape, np.float32), ties=np.zeros((len(items), 2), np.int32)
        )


def of(micro, name):
    return Lists(baselines(micro.training, 0)[name])


def config(**objective) -> Config:
    return Config(
        recommender=RecommenderSection(entry="model:build", max_history=50),
        data=DataSection(source="shop-micro"),
        objective=ObjectiveSection.model_validate(objective),
    )


def test_only_what_asks_for_sessions_changes_the_key_of_a_trial():
    plain = training_fingerprint(config())
    assert training_fingerprint(config(guardrails=["coverage@10 >= .1"])) == plain
    asking = [
        config(sessions=True),
        config(guardrails=["satisfy@session >= .9 * parent"]),
        config(expression="satisfy@session"),
    ]
    assert [one.objective.holds_sessions for one in asking] == [True] * 3
    assert plain not in {training_fingerprint(one) for one in asking}


def test_the_same_users_meet_every_model_and_their_difference_has_a_paired_interval(micro):
    participants, questions = participants_of(micro), micro.validation
    markov, random = (held_figures(of(micro, name), participants, questions) for name in ("markov", "random"))
    assert set(markov) == set(NAMES)
    assert all(column.shape == (len(questions),) for column in markov.values())
    gain = paired_interval(markov["satisfy@session"], random["satisfy@session"], 0)
    assert gain.low is not None and gain.low > 1.0
    again = held_figures(of(micro, "markov"), participants, questions)
    assert all((again[name] == markov[name]).all() for name in NAMES)


def test_who_has_no_session_has_the_mean_of_those_who_have_one(micro):
    participants, questions = participants_of(micro), micro.validation
    assert len(participants.walk.minds) == SESSION_USERS < len(questions)
    column = held_figures(of(micro, "popularity"), participants, questions)["satisfy@session"]
    others = ~np.isin(questions.users, participants.walk.minds.users)
    assert others.any() and column[others] == pytest.approx(np.full(others.sum(), column.mean()))


def test_users_without_a_question_stay_away(micro):
    participants, questions = participants_of(micro), micro.validation
    few = np.arange(20, dtype=np.int32)
    some = Questions(
        users=questions.users[few],
        items=questions.items[: questions.offsets[20]],
        offsets=questions.offsets[:21],
        targets=questions.targets[few],
    )
    session = of(micro, "markov")
    column = held_figures(session, participants, some)["satisfy@session"]
    assert column.shape == (20,) and np.isfinite(column).all()
    assert set(session.asked[0][1].users) <= set(some.users)
    nobody = replace(
        some, users=some.users[:0], offsets=some.offsets[:1], items=some.items[:0], targets=some.targets[:0]
    )
    assert held_figures(of(micro, "markov"), participants, nobody) == {}


def test_no_label_is_told_to_the_worker(micro):
    """Histories alone: those of validation, and what users took by what training says of them."""
    session = of(micro, "markov")
    held_figures(session, participants_of(micro), micro.validation)
    first = session.asked[0][1]
    place = {int(user): row for row, user in enumerate(micro.validation.users)}
    for row, user in enumerate(first.users):
        assert first.history(row).tolist() == micro.validation.history(place[int(user)]).tolist()
    assert not any(questions.targets.any() for _, questions in session.asked)
    other = replace(micro, folder=micro.folder)  # nothing remembered
    shuffled = replace(micro.validation, targets=np.roll(micro.validation.targets, 1))
    other.__dict__["validation"] = shuffled
    assert (
        participants_of(other).walk.sessions(baselines(micro.training, 0)["markov"]).items
        == participants_of(micro).walk.sessions(baselines(micro.training, 0)["markov"]).items
    ).all()


def test_data_that_knows_no_sessions_is_told_before_any_training_on_the_line_that_asks(
    micro, tmp_path, monkeypatch
):
    def none(data):
        raise NoSessions("no user took more than three different items in training")

    text = '[recommender]\nentry = "model:build"\n[data]\nsource = "shop-micro"\n[objective]\nguardrails = ["view@session >= .1"]\n'
    (tmp_path / "evolverec.toml").write_text(text, encoding="utf-8")
    asks = config(guardrails=["view@session >= .1"])
    check_participants(asks, micro, tmp_path)
    monkeypatch.setattr(user_sessions, "participants_of", none)
    check_participants(config(), micro, tmp_path)  # which asks for none
    with pytest.raises(
        DataError, match=r"objective\.guardrails asks for sessions .* three different items"
    ) as told:
        check_participants(asks, micro, tmp_path)
    assert (told.value.path, told.value.line) == ("evolverec.toml", 6)


def test_users_at_chance_level_decide_about_no_patch_but_may_be_looked_at(micro, tmp_path, monkeypatch):
    guessing = replace(participants_of(micro).fidelity, auc=0.5, low=0.45, high=0.55)
    participants = replace(participants_of(micro), fidelity=guessing)
    monkeypatch.setattr(user_sessions, "participants_of", lambda data: participants)
    with pytest.raises(DataError, match="not surely better than chance"):
        check_participants(config(expression="satisfy@session"), micro, tmp_path)
    check_participants(config(sessions=True), micro, tmp_path)


@pytest.mark.process
def test_a_trial_and_its_test_reading_have_session_figures_with_intervals_where_asked(bench):
    trial = bench.run(objective=MIXED)
    assert trial.failure is None and trial.note["sessions"]["users"] == SESSION_USERS
    for name in NAMES:
        metric = trial.metrics[name]
        assert metric.low < metric.value < metric.high
    assert trial.metrics["satisfy@session"].low >= 1 and trial.metrics["satisfy@session"].high <= 10
    means = {name: metric.value for name, metric in trial.metrics.items()}
    objective = parse_expression(MIXED.expression)
    assert trial.objective.value == pytest.approx(objective.of_means(means), abs=1e-6)
    assert [epoch.metrics["objective"] for epoch in trial.epochs] == pytest.approx(
        [0.5 * epoch.metrics["NDCG@10"] for epoch in trial.epochs]
    )
    kept = read_per_user(bench.request().folder)
    assert objective.per_user(kept) == pytest.approx(kept["objective"])
    reading = read_test(bench.request(objective=MIXED), trial, Supervision())
    assert reading.failure is None and reading.objective is not None
    assert reading.metrics["satisfy@session"].low < reading.metrics["satisfy@session"].value


@pytest.mark.process
def test_a_trial_that_asks_for_none_has_none(bench):
    trial = bench.run()
    assert not set(NAMES) & set(trial.metrics) and "sessions" not in trial.note


@pytest.mark.process
def test_a_pruned_trial_has_no_objective_that_lacks_a_part(bench):
    trial = bench.run(objective=MIXED, supervision=Supervision(prune=lambda epochs: len(epochs) == 2))
    assert trial.status == "pruned" and trial.objective is None and "NDCG@10" in trial.metrics


HEARING = """
    def instruct(self, users, texts):
        assert users.dtype == np.int64 and len(users) == len(texts) > 0
        self.wishes |= {int(user): text for user, text in zip(users, texts)}
        print("TOLD", len(texts), max(texts, key=len))

    def score(self, users, histories):
        scores = self.table[histories[:, -1]].copy()
        for row, user in enumerate(users):
            for kind, items in self.kinds.items():
                if f"No more {kind} for now" in self.wishes.get(int(user), ""):
                    scores[row, items] -= 1e6
        return scores
"""
KINDS = """
        self.wishes, self.kinds = {}, {}
        for item, path in enumerate(data.item_columns["categories"]):
            for kind in path:
                self.kinds.setdefault(kind, []).append(item)
"""


def hearing(bench):
    """The Markov recommender that can be told what users wish."""
    return bench.changed(
        ("        self.data = data\n", "        self.data = data\n" + KINDS),
        ("    def score(self, users, histories):\n        return self.table[histories[:, -1]]\n", HEARING),
    )


@pytest.mark.process
def test_a_model_that_can_be_told_hears_wishes_and_one_that_cannot_is_told_what_that_costs(bench):
    heard = bench.run(hearing(bench), objective=ObjectiveSection(sessions=True))
    assert heard.failure is None
    listening = heard.note["sessions"]["listening"]
    assert listening["told"] and listening["satisfy"] is None and listening["wished"]["value"] > 0
    log = (bench.request().folder / "worker.log").read_text()
    assert "TOLD" in log and "for now, please." in log
    check = next(check for check in heard.contract if check.code == "wishes-unheard")
    assert check.passed and "instruct() was told" in check.message

    silent = bench.run(objective=ObjectiveSection(sessions=True))
    listening = silent.note["sessions"]["listening"]
    assert not listening["told"] and listening["satisfy"]["low"] <= listening["satisfy"]["value"]
    check = next(check for check in silent.contract if check.code == "wishes-unheard")
    assert check.severity == "warning" and "asked to be spared a kind of thing" in check.message


@pytest.mark.process
def test_wishes_are_taken_back_so_that_the_model_answers_as_before(bench):
    """Else the frozen state would be asked by other rules than those of the trial."""
    trial = bench.run(hearing(bench), objective=MIXED)
    reading = read_test(bench.request(objective=MIXED), trial, Supervision())
    assert reading.failure is None


@pytest.mark.process
def test_an_instruct_that_raises_fails_the_trial_on_its_line(bench):
    broken = hearing(bench).replace(
        '        print("TOLD"', '        raise ValueError("no wishes")\n        print("TOLD"'
    )
    trial = bench.run(broken, objective=MIXED)
    assert (
        trial.failure is not None
        and "no wishes" in trial.failure.message
        and trial.failure.path == "model.py"
    )


def test_what_not_being_heard_costs_is_advice_only_where_it_surely_costs():
    def heard(low, high, pages=0.0):
        satisfy = MeanInterval(value=(low + high) / 2, low=low, high=high)
        depth = MeanInterval(value=pages, low=pages / 2, high=2 * pages)
        wished = MeanInterval(value=0.31, low=0.25, high=0.37)
        return Listening(wished=wished, told=False, satisfy=satisfy, depth=depth)

    costly = checked(heard(0.02, 0.06), 200)
    assert costly.passed is False and costly.severity == "warning"
    assert (
        "31 % of 200 simulated users" in costly.message and "Satisfy +.040 [+.020, +.060]" in costly.message
    )
    assert checked(heard(-0.02, 0.06), 200).passed
    assert checked(heard(-0.02, 0.01, pages=0.25), 200).passed is False
    assert checked(heard(-0.05, -0.02, pages=0.25), 200).passed
    assert contract_kind("wishes-unheard").nature is Nature.ADVICE
