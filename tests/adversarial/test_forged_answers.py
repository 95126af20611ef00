"""Answers that a candidate forged by changing our half of its own process: each that no model can give fails by name."""

from pathlib import Path

import numpy as np
import pytest

from diagnosis.evidence import load_artifacts
from evolution.domain.trial import Failure, FailureReason, TrialStatus
from evolution.trials import replies
from evolution.trials.agreement import lists_contradict, lists_differ, rows_of, scores_differ
from evolution.trials.answers import take_plain_file
from evolution.trials.artifacts import STATE
from evolution.trials.embedding_check import explains
from evolution.trials.failing import TrialFailed
from evolution.trials.frozen import read_test
from evolution.trials.possible import PossibleLists
from evolution.trials.request import SandboxMode
from evolution.worker.guest.ranking import top_unseen
from seeds.interactions import Questions
from seeds.metrics import user_metrics
from tests.evolution.trials.forged import Honest, honest


def rewritten(change, names=("top_items", "top_scores", "top_ties"), wanted="rank"):
    """A forger who changes the lists of every ranking. change: arrays by name -> None, in place or by new entries."""

    def forging(asked, reply, wire):
        if asked == wanted:
            arrays = {name: np.load(wire / f"{name}.npy") for name in names}
            change(arrays)
            for name, array in arrays.items():
                np.save(wire / f"{name}.npy", array)
        return honest(asked, reply, wire)

    return forging


def keep(length):
    def change(arrays):
        arrays["top_items"][:, length:] = 0
        arrays["top_scores"][:, length:] = -np.inf
        arrays["top_ties"][:] = (1, 1000) if length == 1 else (0, 0)

    return change


def put(name, place, value):
    def change(arrays):
        arrays[name][place] = value

    return change


def doubled(arrays):
    arrays["top_items"][5, 1] = arrays["top_items"][5, 0]


def rising(arrays):
    for name in ("top_items", "top_scores"):
        arrays[name][:] = arrays[name][:, ::-1]


def equal_scores(arrays):
    """All 100 tied, and no tie told."""
    arrays["top_scores"][:] = 1.0


IMPOSSIBLE = {
    "one item, a thousand ties": (keep(1), "not as long"),
    "no items": (keep(0), "not as long"),
    "half a list": (keep(50), "not as long"),
    "one missing at the end": (keep(99), "not as long"),
    "a gap": (put("top_items", (3, 7), 0), "where it has no item"),
    "an id above the catalogue": (put("top_items", (3, 7), 10**6), "outside 1.."),
    "a negative id": (put("top_items", (3, 7), -1), "outside 1.."),
    "not a number": (put("top_scores", (3, 7), np.nan), "not finite"),
    "infinity": (put("top_scores", (3, 0), np.inf), "not finite"),
    "minus infinity for an item": (put("top_scores", (3, 99), -np.inf), "not finite"),
    "an item twice": (doubled, "an item twice"),
    "the worst first": (rising, "order of its scores"),
    "ties of a negative number": (put("top_ties", (3, 0), -1), "said to be tied"),
    "ties that the list does not show": (put("top_ties", (3, 0), 2), "not what the list shows"),
    "ties hidden": (equal_scores, "not what the list shows"),
    "fewer ties in all than in the list": (put("top_ties", (3, 1), 0), "said to be tied"),
    "more ties than unseen items": (put("top_ties", (slice(None), 1), 10**6), "than its user has unseen"),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_lists_that_no_ranking_gives_fail_by_name(forge, name):
    change, words = IMPOSSIBLE[name]
    failure = forge(rewritten(change)).failure
    assert failure is not None and failure.reason is FailureReason.CONTRACT
    assert failure.message.startswith("the ranking is impossible: ") and words in failure.message


def test_a_seen_item_fails_by_name(forge, micro):
    failure = forge(rewritten(put("top_items", (0, 0), micro.validation.history(0)[0]))).failure
    assert "the user has seen" in failure.message


def test_a_ranking_of_one_epoch_that_is_impossible_fails_too(forge):
    """Curves are shown, and decide when training stops."""
    rankings = iter(range(100))

    def change(arrays):
        if next(rankings) == 1:
            keep(1)(arrays)

    assert "not as long" in forge(rewritten(change)).failure.message


class Another(Honest):
    """Its lists are those of another model than the one that its scores are of."""

    def rank(self, questions, k, folder):
        kept, self._table = self._table, self._table[::-1].copy()
        try:
            return super().rank(questions, k, folder)
        finally:
            self._table = kept


class Changing(Honest):
    """Its lists are others each time."""

    def rank(self, questions, k, folder):
        self._table = self._rng.permutation(self._table)
        return super().rank(questions, k, folder)


class OfItsSize(Honest):
    """Its lists are those of another model where many questions are asked together."""

    def rank(self, questions, k, folder):
        kept, many = self._table, len(np.load(Path(questions, "users.npy"))) > 200
        self._table = kept[::-1].copy() if many else kept
        try:
            return super().rank(questions, k, folder)
        finally:
            self._table = kept


def failed_checks(trial):
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    return {check.code for check in trial.contract if check.passed is False}


def test_lists_that_are_not_the_best_by_the_scores_are_forged(forge):
    failure = forge(kind=Another).failure
    assert failure.reason is FailureReason.CONTRACT and "not their best unseen items" in failure.message


def test_ties_that_the_scores_do_not_have_are_forged(forge):
    def change(arrays):
        arrays["top_ties"][:, 1] = arrays["top_ties"][:, 0] + 1

    assert "not their best unseen items" in forge(rewritten(change)).failure.message


def test_lists_that_change_are_found_out(forge):
    assert failed_checks(forge(kind=Changing)) == {"same-answer-twice"}


def test_lists_that_depend_on_how_many_are_asked_are_found_out(forge):
    assert failed_checks(forge(kind=OfItsSize)) == {"batch-companions"}


def test_an_honest_worker_passes_every_check(forge):
    trial = forge()
    assert all(check.passed for check in trial.contract if check.code != "newest-kept"), trial.contract
    assert "embeddings-as-scored" in {check.code for check in trial.contract}


EMBEDDINGS = {
    "rows in another order": lambda table, rng: table[np.random.default_rng(3).permutation(len(table))],
    "another model's": lambda table, rng: np.random.default_rng(3).normal(size=table.shape),
    "another table each time": lambda table, rng: rng.normal(size=table.shape),
    "shifted by one": lambda table, rng: np.roll(table, 1, axis=0),
    "not a number": lambda table, rng: np.full_like(table, np.nan),
    "too large": lambda table, rng: np.full_like(table, np.inf),
}


@pytest.mark.parametrize("name", EMBEDDINGS)
def test_embeddings_that_have_nothing_to_do_with_the_scores_are_no_artifact(forge, bench, name):
    rng = np.random.default_rng(0)

    def change(arrays):
        arrays["embeddings"] = EMBEDDINGS[name](arrays["embeddings"], rng).astype(np.float32)

    trial = forge(rewritten(change, names=("embeddings",), wanted="embeddings"))
    assert failed_checks(trial) == {"embeddings-as-scored"}
    artifacts = load_artifacts(bench.request().folder / "artifacts")
    assert artifacts.item_embeddings is None and artifacts.untrained_item_embeddings is None


@pytest.mark.parametrize("scored", ["dot", "cosine", "distance", "with biases", "by a network", "popularity"])
def test_embeddings_that_are_used_explain_scores_of_any_form(scored):
    rng = np.random.default_rng(7)
    table, users = rng.normal(size=(401, 16)), rng.normal(size=(40, 16))
    hidden = np.tanh(table @ rng.normal(size=(16, 32)))
    scores = {
        "dot": users @ table.T,
        "cosine": users @ (table / np.linalg.norm(table, axis=1, keepdims=True)).T,
        "distance": -((users[:, None] - table[None]) ** 2).sum(axis=2),
        "with biases": users @ table.T + 3 * rng.normal(size=401),
        "by a network": np.tanh(users @ rng.normal(size=(16, 32))) @ hidden.T,
        "popularity": 5 * table[:, 0] + 0.1 * (users @ table.T),
    }[scored].astype(np.float32)
    embeddings = table.astype(np.float32)
    assert explains(embeddings, scores, seed=0) is True
    mixed = embeddings[np.random.default_rng(1).permutation(401)]
    assert explains(mixed, scores, seed=0) is False
    assert explains(embeddings[:20], scores[:, :20], seed=0) is None
    assert explains(np.ones_like(embeddings), scores, seed=0) is None


def test_the_test_events_are_not_answered_by_another_state(forge, bench):
    trial = forge()

    def read(request, supervision):
        return read_test(request, trial, supervision)

    assert forge(work=read).failure is None

    class Loaded(Honest):
        def load_state(self, path):
            self._table = self._table[::-1].copy()
            return {}

    failure = forge(work=read, kind=Loaded).failure
    assert isinstance(failure, Failure) and "the frozen state scores" in failure.message
    assert "not as long" in forge(rewritten(keep(1)), read).failure.message
    assert "another answer to the same question" in forge(work=read, kind=Changing).failure.message


def random_answer(seed, n_items=150, users=30):
    """Questions, scores with many ties, and their lists as a worker makes them."""
    rng = np.random.default_rng(seed)
    lengths = rng.integers(0, n_items // 2 + 20, users)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    items = np.concatenate([rng.choice(n_items, n, replace=False) + 1 for n in lengths]).astype(np.int64)
    targets = rng.integers(1, n_items + 1, users).astype(np.int64)
    questions = Questions(users=np.arange(users) + 1, items=items, offsets=offsets, targets=targets)
    scores = rng.normal(size=(users, n_items + 1)).round(rng.integers(0, 3)).astype(np.float32)
    scores[rng.random(scores.shape) < 0.2 * (seed % 3)] = -np.inf
    return questions, scores


def lists_of(questions, scores):
    from diagnosis.evidence import TopLists

    rows = np.repeat(np.arange(len(questions)), np.diff(questions.offsets))
    found = top_unseen(scores, (rows, questions.items), 100, np.arange(len(questions)))
    return TopLists(items=found[0], scores=found[1], ties=found[2])


@pytest.mark.parametrize("seed", range(12))
def test_every_list_that_our_ranking_makes_is_possible_and_agrees_with_its_scores(seed):
    """Ties, short lists and items at minus infinity among them; nobody honest fails."""
    from evolution.worker.guest.ranking import finite_scores

    questions, scores = random_answer(seed)
    lists, possible = lists_of(questions, scores), PossibleLists(questions, scores.shape[1] - 1)
    assert possible.problem_with(lists) == ""
    rows, dense = np.arange(len(questions)), finite_scores(scores.copy())
    assert not lists_contradict(lists, dense, possible, rows).any()
    noisy = scores * (1 + 1e-6 * np.random.default_rng(seed).normal(size=scores.shape).astype(np.float32))
    assert not lists_differ(lists, lists_of(questions, noisy)).any()
    assert not scores_differ(dense, finite_scores(noisy.copy())).any()
    others = lists_of(questions, np.random.default_rng(99).permuted(scores, axis=1))
    assert lists_differ(lists, others).mean() > 0.9
    assert lists_contradict(others, dense, possible, rows).mean() > 0.9
    assert not lists_differ(rows_of(lists, rows[::-1]), rows_of(lists, rows[::-1])).any()
    for values in user_metrics(lists.items, lists.scores, lists.ties, questions.targets).values():
        assert values.min() >= 0.0 and values.max() <= 1.0 + 1e-9


SCORE = "return self.table[histories[:, -1]]"
IN_FIT = "            np.add.at"


@pytest.mark.process
def test_answers_that_are_random_in_large_batches_alone_are_found_out(bench):
    noisy = "scores = self.table[histories[:, -1]]; return scores + (len(users) > 32) * np.random.normal(size=scores.shape)"
    assert failed_checks(bench.run(bench.changed((SCORE, noisy)))) == {"same-answer-twice"}


@pytest.mark.process
def test_a_clock_that_the_candidate_exchanged_is_not_believed(bench):
    """Neither the seconds that pass nor those of its processes."""
    patched = (
        "import time, os; time.perf_counter = time.process_time = lambda: 2e-9\n"
        "            until = time.monotonic() + 0.4\n"
        "            while time.monotonic() < until: pass"
    )
    cost = bench.run(bench.changed((IN_FIT, f"            {patched}\n{IN_FIT}"))).cost
    assert cost.fit_s > 1.1
    assert cost.fit_cpu_s > 0.05  # a loaded machine gives it little


@pytest.mark.process
@pytest.mark.parametrize(
    ("place", "when", "part"),
    [
        (f"        {SCORE}", "if len(users) > 99 and not vars(self).setdefault('burnt', [])", "score_cpu_s"),
        ("        self.data = data", "if True", "other_cpu_s"),
    ],
)
def test_training_hidden_outside_of_fit_is_told_as_the_programs(bench, place, when, part):
    burn = (
        f"        {when}:\n            vars(self).setdefault('burnt', []).append(1)\n"
        "            import time; until = time.process_time() + 0.3\n"
        "            while time.process_time() < until: pass\n"
    )
    cost = bench.run(bench.changed((place, burn + place))).cost
    assert getattr(cost, part) > 0.3 and cost.program_s > 0.3
    assert cost.rankings >= 3.0 and cost.fit_s < cost.program_s


@pytest.mark.process
@pytest.mark.parametrize("forging", [False, True])
def test_the_column_of_padding_tells_nothing(bench, forging):
    """Whatever score() gives there, and whoever writes the file; the rest is measured as if nothing were there."""
    odd = "scores = self.table[histories[:, -1]].copy(); scores[:, 0] = [np.nan, np.inf, -np.inf, 3e38, 7][len(users) % 5]; return scores"
    forge = (
        "import gc\nfor kind in gc.get_objects():\n    if isinstance(kind, type) and kind.__name__ == 'CheckedRecommender':\n"
        "        honest = kind.dense\n        def dense(self, *asked):\n            plain = honest(self, *asked)\n"
        "            plain[:, 0] = np.nan\n            return plain\n        kind.dense = dense\n\n\nclass Markov"
    )
    edits = [(SCORE, odd), *([("class Markov", forge)] if forging else [])]
    trial = bench.run(bench.changed(*edits))
    assert trial.status is TrialStatus.COMPLETE and failed_checks(trial) == set(), trial.failure
    stored = load_artifacts(bench.request().folder / "artifacts")
    assert (stored.dense_scores[:, 0] == 0).all() and (stored.top.items > 0).all()
    assert trial.metrics == bench.run(bench.changed()).metrics


@pytest.mark.process
@pytest.mark.parametrize(
    "narrow", ["[:, 1:]", "[:, 0]", "[None]", "[:, [0, *range(self.table.shape[1])]]", "[:1]", ".T"]
)
def test_scores_of_another_width_break_the_contract(bench, narrow):
    trial = bench.run(bench.changed((SCORE, f"{SCORE}{narrow}")))
    assert trial.failure.reason is FailureReason.CONTRACT and "expected" in trial.failure.message
    assert (trial.failure.path, trial.metrics) == ("model.py", {})


@pytest.mark.process
@pytest.mark.parametrize("sandbox", list(SandboxMode))
def test_what_is_stored_has_the_jobs_own_modes(bench, sandbox):
    """Whatever umask, mode or second link the candidate gives its files."""
    mine = bench.repo / "mine"
    mine.write_text("")
    code = "import os; os.umask(0)"
    trial = bench.run(bench.changed((IN_FIT, f"            {code}\n{IN_FIT}")), sandbox=sandbox)
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    folder = bench.request().folder
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert folder / STATE in files
    assert {path.stat().st_mode for path in files} == {mine.stat().st_mode}


def test_a_file_of_the_workers_is_copied_and_not_taken_over(tmp_path):
    source, second, target = (tmp_path / name for name in ("state.bin", "second", "kept"))
    source.write_bytes(b"state")
    source.chmod(0o4777)
    second.hardlink_to(source)
    with source.open("r+b") as held:
        take_plain_file(source, target, 100)
        held.write(b"OTHER")
    assert target.read_bytes() == b"state" and target.stat().st_nlink == 1
    (tmp_path / "mine").write_text("")
    assert target.stat().st_mode == (tmp_path / "mine").stat().st_mode and not source.exists()


PATCH = """
import sys

def forged(scores, seen, k, questions):
    size = len(questions)
    items = np.zeros((size, k), np.int32)
    items[:, 0] = 1 + np.arange(size) % 9
    values = np.full((size, k), -np.inf, np.float32)
    values[:, 0] = 1.0
    return items, values, np.tile(np.array([[1, 1000]], np.int32), (size, 1))

sys.modules["_evolverec_worker.guest.recommender" if "_evolverec_worker.guest.recommender" in sys.modules else next(
    name for name in sys.modules if name.endswith(".recommender") and "evolverec" in name)].top_unseen = forged
"""


@pytest.mark.process
def test_our_ranking_exchanged_in_the_candidates_process_fails_by_name(bench):
    trial = bench.run(bench.changed(("import numpy as np\n", f"import numpy as np\n{PATCH}\n")))
    assert trial.failure.reason is FailureReason.CONTRACT and "not as long" in trial.failure.message


@pytest.mark.process
def test_a_model_that_ranks_few_items_is_measured_with_whole_lists(bench, micro):
    """Minus infinity for an item means that it comes last; it is no forgery."""
    few = "scores = self.table[histories[:, -1]].copy(); scores[:, 20:] = -np.inf; return scores"
    trial = bench.run(bench.changed((SCORE, few)))
    assert failed_checks(trial) == set()
    items = load_artifacts(bench.request().folder / "artifacts").top.items
    assert (items > 0).all()


@pytest.mark.process
@pytest.mark.parametrize("deed", ["shutil.rmtree(p)", "(shutil.rmtree(p), open(p, 'w').close())"])
def test_folders_of_ours_that_an_unconfined_candidate_deletes_fail_its_trial(bench, deed):
    code = f"import glob, shutil; [{deed} for p in glob.glob('../handed') + glob.glob('../wire')]"
    trial = bench.run(
        bench.changed((IN_FIT, f"            if epoch == 1: {code}\n{IN_FIT}")), sandbox=SandboxMode.NONE
    )
    assert trial.status is TrialStatus.FAILED and trial.failure.reason is not FailureReason.CANCELLED


@pytest.mark.parametrize("value", [1e308, 10**400, -5, 1.5, float("nan"), float("inf"), True, "many", None])
def test_figures_that_no_machine_has_are_refused(value):
    with pytest.raises(TrialFailed, match="parameters is"):
        replies.whole({"parameters": value}, "parameters")
