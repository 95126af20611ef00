"""Admission and verdict as pure functions of values: no probe runs here, its values are made up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from diagnosis.catalogue import kind_of
from diagnosis.coevolution.admission import Experiment, admit
from diagnosis.coevolution.complaints import EXPECTATIONS, Complaint
from diagnosis.coevolution.ranking_of_models import rank_correlation
from diagnosis.coevolution.rejection import ProbeFailed, Reason
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.coevolution.verdict import Gap, mean_gap, measurement, unmeasured
from diagnosis.findings import Nature, Role, Site
from diagnosis.judge import findings

N = 200
CODE = "missed-price"
EXPECTED = EXPECTATIONS[CODE]
SPEC = ProbeSpec(
    name="missed-price-gap",
    complaint=CODE,
    signal="price",
    definition="How far prices are from the user's own.",
    unit="log price",
    higher_is_better=False,
    author="test",
    source="def measure(view):\n    return view.price\n",
)
COMPLAINT = Complaint(
    code=CODE, signal="price", message="", complaining=tuple(range(50)), content=tuple(range(50, N))
)
# A probe that works: distance from the user's prices, the trained model in between, complainers worse off.
HEIGHT = {
    **dict.fromkeys(("popular", "unpopular", "own-popularity", "one-kind", "other-kinds", "last-kind"), 1.3),
    **dict.fromkeys(("last-pick-only", "off-sequence", "one-store", "other-stores", "high-rated"), 1.2),
    "low-rated": 1.25,
    "lookalikes": 1.0,
    "model": 1.7,
    "untrained": 1.8,
    "other-prices": 3.0,
    "other-prices-mildly": 2.5,
    "dearest": 2.8,
    "strangers": 1.9,
}
SUBJECTS = tuple(HEIGHT)
EXPERIMENT = Experiment(subjects=SUBJECTS, archive=("t1",), users=np.arange(N), known={})

Change = Callable[[str, np.ndarray, int, int], np.ndarray]


def runner(change: Change = lambda name, values, seed, state: values):
    def run(
        spec: ProbeSpec, subjects: Sequence[str], *, trial: str = "", seed: int = 0, state: int = 0
    ) -> Mapping[str, np.ndarray]:
        noise = np.random.default_rng(5).normal(size=N) * 0.3
        found = {}
        for name in subjects:
            height = HEIGHT.get(name, 1.0) + (0.2 if trial else 0.0)
            worse = 0.4 * (np.arange(N) < 50) if name == "model" else 0.0
            found[name] = change(name, height + noise + worse, seed, state)
        return found

    return run


def reason(
    change: Change,
    *,
    complaint: Complaint = COMPLAINT,
    known: Mapping[str, Mapping[str, float]] | None = None,
):
    experiment = replace(EXPERIMENT, known=known or {})
    rejection = admit(SPEC, complaint, experiment, runner(change)).rejection
    return rejection.reason if rejection else None


def test_a_probe_that_shows_what_it_says_is_admitted_with_the_reason() -> None:
    admission = admit(SPEC, COMPLAINT, EXPERIMENT, runner())
    assert admission.rejection is None
    assert "prices far from what the user pays" in admission.why and "worse off" in admission.why
    assert admission.means["other-prices"] > admission.means["lookalikes"] and "t1" in admission.means


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda name, v, seed, state: v * np.nan, Reason.NOT_FINITE),
        (lambda name, v, seed, state: np.where(np.arange(N) % 5 < 3, np.nan, v), Reason.NOT_FINITE),
        (lambda name, v, seed, state: np.where(np.arange(N) == 3, np.inf, v), Reason.NOT_FINITE),
        (lambda name, v, seed, state: v + 1e-12 * state, Reason.NOT_DETERMINISTIC),
        (lambda name, v, seed, state: np.ones(N), Reason.CONSTANT),
        (lambda name, v, seed, state: np.full(N, float(name == "unmasked")), Reason.SERVING),
        (lambda name, v, seed, state: -v, Reason.WRONG_SIGN),
        (lambda name, v, seed, state: np.random.default_rng(len(name)).normal(size=N), Reason.NO_EFFECT),
        (lambda name, v, seed, state: v + 5 * (name == "one-store"), Reason.ELSEWHERE),
        (lambda name, v, seed, state: v - 9 * seed * (name == "other-prices"), Reason.UNSTABLE),
        (lambda name, v, seed, state: v + 5 * np.random.default_rng(seed).normal(size=N) * (name == "model"), Reason.UNSTABLE),
        (lambda name, v, seed, state: v - 1 * (name == "model") * (np.arange(N) < 50) - 0.6 * (name == "model"), Reason.DISAGREES),
    ],
)  # fmt: skip
def test_every_fault_has_its_reason(change: Change, expected: Reason) -> None:
    if expected is Reason.NO_EFFECT:
        assert reason(change) in (Reason.NO_EFFECT, Reason.WRONG_SIGN)
    else:
        assert reason(change) is expected


def test_users_who_cannot_be_judged_are_left_out() -> None:
    assert reason(lambda name, v, seed, state: np.where(np.arange(N) % 3 == 0, np.nan, v)) is None


def test_a_monotone_transform_of_an_existing_probe_is_a_copy() -> None:
    theirs = {name: np.exp(height) for name, height in HEIGHT.items()}
    unlike = dict(zip(HEIGHT, np.random.default_rng(0).permutation(len(HEIGHT)).astype(float)))
    same = lambda name, v, seed, state: v  # noqa: E731
    assert reason(same, known={"old": theirs}) is Reason.COPY
    assert reason(same, known={"old": {k: -v for k, v in theirs.items()}}) is Reason.COPY
    assert reason(same, known={"old": unlike}) is None


def test_an_unhealthy_trial_bears_a_complaint_out_without_voices() -> None:
    silent = replace(COMPLAINT, complaining=(), content=())
    worse = lambda name, v, seed, state: v + 0.8 * (name == "model")  # noqa: E731
    assert reason(worse, complaint=silent) is None
    better = lambda name, v, seed, state: v - 0.8 * (name == "model")  # noqa: E731
    assert reason(better, complaint=silent) is Reason.DISAGREES


def test_what_nothing_can_verify_is_not_admitted() -> None:
    unknown = Complaint(code="missed-weather", signal="weather", message="")
    rejection = admit(SPEC, unknown, EXPERIMENT, runner()).rejection
    assert rejection is not None and rejection.reason is Reason.UNVERIFIABLE


def test_a_source_that_may_not_run_is_rejected_before_it_runs() -> None:
    def never(*_: object, **__: object) -> Mapping[str, np.ndarray]:
        raise AssertionError("it ran")

    rejection = admit(replace(SPEC, source="import os\n"), COMPLAINT, EXPERIMENT, never).rejection
    assert rejection is not None and rejection.reason is Reason.MALFORMED


def test_a_process_that_ends_rejects_the_probe() -> None:
    def killed(*_: object, **__: object) -> Mapping[str, np.ndarray]:
        raise ProbeFailed(Reason.TIME, "too slow")

    rejection = admit(SPEC, COMPLAINT, EXPERIMENT, killed).rejection
    assert rejection is not None and (rejection.reason, rejection.sentence) == (Reason.TIME, "too slow")


def test_a_verdict_lies_between_the_good_and_the_bad_model() -> None:
    values = dict(runner()(SPEC, SUBJECTS))
    healthy = measurement(SPEC, EXPECTED, values)
    assert healthy.healthy is True and healthy.reference_name == "items like the user's own past"
    assert healthy.low < healthy.value < healthy.high  # type: ignore[operator]
    bad = measurement(SPEC, EXPECTED, {**values, "model": values["other-prices"]})
    assert bad.healthy is False and bad.code == "evolved-missed-price-gap"
    blind = measurement(SPEC, EXPECTED, {**values, "other-prices": values["lookalikes"]})
    assert blind.healthy is None and "do not differ" in blind.message


def test_a_finding_of_an_evolved_probe_brings_its_words_and_accuses_no_line() -> None:
    values = dict(runner()(SPEC, SUBJECTS))
    bad = measurement(SPEC, EXPECTED, {**values, "model": values["other-prices"]})
    sites = [Site(role=Role.ENCODER, path="m.py", start_line=2, end_line=2)]
    found = findings([bad], (), sites, {"m.py": "a = 1\nencode()\n"})[0]
    assert (found.anchors[0].start_line, found.kind.definition) == (1, SPEC.definition)
    assert found.kind.nature is Nature.SYMPTOM
    assert found.measurement.details["evolved"] is True and CODE in found.kind.why
    assert "complain" in kind_of("evolved-anything").why


def test_numbers_added_up_in_another_order_are_no_difference() -> None:
    shares = np.random.default_rng(0).random((N, 10))
    noise = shares.mean(axis=1) - sum(shares[:, ::-1].T) / 10
    assert noise.any()
    assert mean_gap(noise + 1e-17) == mean_gap(-noise - 1e-17) == Gap(value=0.0, low=0.0, high=0.0)


def test_a_probe_that_could_not_tell_is_neither_healthy_nor_not() -> None:
    assert unmeasured(SPEC, "no price").healthy is None


def test_rank_correlation_is_spearmans() -> None:
    assert rank_correlation([1, 2, 3, 4], [10, 20, 30, 400]) == pytest.approx(1)
    assert rank_correlation([1, 2, 2, 4], [4, 2, 2, 1]) == pytest.approx(-1)
    assert rank_correlation([1, 1, 1], [1, 2, 3]) == 0
