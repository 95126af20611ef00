"""Admission by experiment: an evolved probe counts only after it has measured, on models whose faults are known, what
it claims to measure.

The experiment is a pure function of values; the caller decides how and in which process the probe runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from diagnosis.coevolution.complaints import Complaint, Expectation, expectation_of, foreign_faults
from diagnosis.coevolution.ranking_of_models import rank_correlation
from diagnosis.coevolution.rejection import ProbeFailed, Reason, Rejection
from diagnosis.coevolution.source import checked
from diagnosis.coevolution.spec import ProbeSpec
from diagnosis.coevolution.subjects import MODEL, TITLES, UNMASKED
from diagnosis.coevolution.verdict import FEWEST_USERS, is_healthy, mean_gap, worse_by
from diagnosis.coevolution.view import Float64, Int64
from seeds.metrics.exact import without_noise

COPY = 0.95  # rank correlation with an existing probe, over models, from which on a probe is its copy
FEWEST_MODELS = 8  # models that this correlation needs
KNOWN_SHARE = 0.5  # share of the users for whom a probe must give a number
SEEDS = (1, 2)  # seeds under which the probe is run again
SAME_USERS = 0.8  # least rank correlation of the users' values under two seeds
EQUAL = 1e-9  # relative spread of the models' means up to which a probe is constant


class RunProbe(Protocol):
    """Runs a probe on views of one trial, in a process of its own.

    trial: "" for the trial that users complain of, else an id of the archive.
    seed: `seed` of the views.
    state: the seed of the global random state, set before the probe runs.

    Returns subject -> float64 (S,); a subject whose view lacks what the probe needs is left out. Raises ProbeFailed.
    """

    def __call__(
        self, spec: ProbeSpec, subjects: Sequence[str], *, trial: str = "", seed: int = 0, state: int = 0
    ) -> Mapping[str, Float64]: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Experiment:
    """What all candidates for one trial share.

    subjects: names of the models that the trial has evidence for.
    archive: ids of further trials.
    users: int64 (S,), ids of the users measured.
    known: code of an existing probe -> (subject or archive trial -> mean of the probe's values there).
    """

    subjects: tuple[str, ...]
    archive: tuple[str, ...]
    users: Int64
    known: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Admission:
    """The outcome for one candidate.

    rejection: None if it is admitted.
    why: what the experiment showed, in one sentence.
    means: subject or archive trial -> mean of the probe's values there.
    """

    spec: ProbeSpec
    rejection: Rejection | None
    why: str
    means: Mapping[str, float] = field(default_factory=dict)


def admit(spec: ProbeSpec, complaint: Complaint, experiment: Experiment, run: RunProbe) -> Admission:
    """Try a probe for a complaint. A probe that fails is rejected; ProbeFailed is never raised."""
    expectation = expectation_of(complaint)
    if expectation is None:
        words = (
            f"no model is known to be bad in the way of {complaint.code}, so nothing could verify the probe"
        )
        return _rejected(spec, Rejection(reason=Reason.UNVERIFIABLE, sentence=words), {})
    values: dict[str, Float64] = {}
    try:
        if spec.source:
            checked(spec.source)
        values.update(run(spec, experiment.subjects))
        _tried(spec, complaint, expectation, experiment, values, run)
        archive = {name: run(spec, (MODEL,), trial=name)[MODEL] for name in experiment.archive}
        means = _means({**values, **archive})
        _not_a_copy(means, experiment.known)
        agreement = _agrees(spec, complaint, expectation, experiment.users, values)
    except ProbeFailed as failed:
        return _rejected(spec, failed.rejection, _means(values))
    bad = ", ".join(TITLES[name] for name in expectation.worse if name in values)
    why = f"tells {TITLES[expectation.better]} from {bad}; is deterministic and no copy of another probe; {agreement}"
    return Admission(spec=spec, rejection=None, why=why, means=means)


def _rejected(spec: ProbeSpec, rejection: Rejection, means: Mapping[str, float]) -> Admission:
    return Admission(spec=spec, rejection=rejection, why=rejection.sentence, means=means)


def _tried(
    spec: ProbeSpec,
    complaint: Complaint,
    expectation: Expectation,
    experiment: Experiment,
    values: Mapping[str, Float64],
    run: RunProbe,
) -> None:
    """All checks that need this trial only, first those that need no further run. Raises ProbeFailed."""
    _finite(values)
    _not_constant(spec, values, run)
    _signs(spec, expectation, values)
    _specific(spec, complaint, expectation, values)
    _deterministic(values, run(spec, _other_order(experiment.subjects, expectation), state=1))
    _stable(spec, expectation, values, experiment, run)


def _finite(values: Mapping[str, Float64]) -> None:
    """The probe must give no infinite value, and a number for most users of every subject."""
    for name, own in values.items():
        if np.isinf(own).any():
            raise ProbeFailed(Reason.NOT_FINITE, f"infinite for {TITLES[name]}; expected a number, or NaN")
        known = np.isfinite(own)
        if known.sum() < FEWEST_USERS or known.mean() < KNOWN_SHARE:
            words = (
                f"NaN for {(~known).sum()} of {len(own)} users of {TITLES[name]}; expected a number for most"
            )
            raise ProbeFailed(Reason.NOT_FINITE, words)


def _deterministic(values: Mapping[str, Float64], again: Mapping[str, Float64]) -> None:
    for name, second in again.items():
        if not np.array_equal(values[name], second, equal_nan=True):
            words = (
                f"a second run in another process, in another order, gives other values for {TITLES[name]}; "
                "expected the same from the same view, whatever was measured before"
            )
            raise ProbeFailed(Reason.NOT_DETERMINISTIC, words)


def _other_order(subjects: Sequence[str], expectation: Expectation) -> tuple[str, ...]:
    """Subjects for the second run, in reverse order: those that decide, and every third of the others."""
    deciding = {MODEL, *expectation.worse, expectation.better}
    chosen = [name for place, name in enumerate(subjects) if name in deciding or place % 3 == 0]
    return tuple(reversed(chosen))


def _not_constant(spec: ProbeSpec, values: Mapping[str, Float64], run: RunProbe) -> None:
    means = np.array(list(_means(values).values()))
    if np.ptp(means) > EQUAL * max(1.0, float(np.abs(means).max())):
        return
    unmasked = float(np.nanmean(run(spec, (UNMASKED,))[UNMASKED]))
    if abs(unmasked - means[0]) > EQUAL:
        words = (
            f"{means[0]:.3g} for every model, and {unmasked:.3g} only where lists may hold what a user has had: "
            "serving forbids what this measures"
        )
        raise ProbeFailed(Reason.SERVING, words)
    raise ProbeFailed(Reason.CONSTANT, f"{means[0]:.3g} for every model; expected that models differ")


def _signs(spec: ProbeSpec, expectation: Expectation, values: Mapping[str, Float64]) -> None:
    """The probe must tell bad models from good ones, in the right direction.

    Every model made bad must be worse than the good one, and the untrained model must be on its expected side, each
    with the 95 % interval of the difference above 0.
    """
    pairs = [(worse, expectation.better) for worse in expectation.worse if worse in values]
    start = "untrained" if "untrained" in values else "random"
    if expectation.better not in values or start not in values:
        raise ProbeFailed(
            Reason.ABSENT, f"cannot measure {TITLES[expectation.better]}, so nothing verifies its sign"
        )
    untrained = (
        (start, expectation.better) if expectation.untrained == "worse" else (expectation.worse[0], start)
    )
    for worse, better in [*pairs, untrained]:
        gap = mean_gap(worse_by(spec, values[worse], values[better]))
        said = f"{TITLES[worse]} against {TITLES[better]}: worse by {gap.value:.3g} ({gap.low:.3g} to {gap.high:.3g})"
        if gap.high < 0:
            raise ProbeFailed(Reason.WRONG_SIGN, f"{said}; expected the former to be worse")
        if gap.low <= 0:
            raise ProbeFailed(Reason.NO_EFFECT, f"{said}; expected a difference beyond chance")


def _specific(
    spec: ProbeSpec, complaint: Complaint, expectation: Expectation, values: Mapping[str, Float64]
) -> None:
    """Reject a probe by which another fault looks worse than the fault complained of: it measures that other fault."""
    present = [name for name in expectation.worse if name in values]
    worst = max(present, key=lambda name: worse_by(spec, values[name], values[expectation.better]).mean())
    for other in foreign_faults(complaint.signal):
        if other in values and mean_gap(worse_by(spec, values[other], values[worst])).low > 0:
            words = f"{TITLES[other]} look worse than {TITLES[worst]}"
            raise ProbeFailed(Reason.ELSEWHERE, f"{words}; expected {complaint.signal} to move it most")


def _stable(
    spec: ProbeSpec,
    expectation: Expectation,
    values: Mapping[str, Float64],
    experiment: Experiment,
    run: RunProbe,
) -> None:
    """Verdicts must not change with the seed, and in both halves of the users the plainest bad model must be worse."""
    judged = [name for name in (MODEL, *expectation.worse, expectation.better) if name in values]
    first = {name: is_healthy(spec, expectation, values, of=name) for name in judged}
    for seed in SEEDS:
        again = run(spec, judged, seed=seed)
        _same_users(values[MODEL], again[MODEL])
        turned = [n for n in judged if is_healthy(spec, expectation, again, of=n) != first[n]]
        turned = [name for name in turned if not _borderline(spec, expectation, values, name)]
        if turned:
            words = f"the verdict on {TITLES[turned[0]]} turns with the seed"
            raise ProbeFailed(Reason.UNSTABLE, f"{words}; expected the same within the users' own noise")
    bad, good = values[expectation.worse[0]], values[expectation.better]
    order = np.random.default_rng(0).permutation(len(experiment.users))
    for half in (order[::2], order[1::2]):
        if worse_by(spec, bad[half], good[half]).mean() <= 0:
            words = f"half of the users say that {TITLES[expectation.worse[0]]} is no worse"
            raise ProbeFailed(Reason.UNSTABLE, f"{words}; expected both halves to agree")


def _same_users(first: Float64, again: Float64) -> None:
    """Reject a probe whose ranking of users changes with its random seed (rank correlation below SAME_USERS)."""
    known = np.isfinite(first) & np.isfinite(again)
    correlation = rank_correlation(first[known], again[known])
    if np.ptp(first[known]) > 0 and correlation < SAME_USERS:
        words = f"with another seed other users stand out (rank correlation {correlation:.2f})"
        raise ProbeFailed(Reason.UNSTABLE, f"{words}; expected at least {SAME_USERS}")


def _borderline(spec: ProbeSpec, expectation: Expectation, values: Mapping[str, Float64], name: str) -> bool:
    """Whether a model's verdict changes when users are resampled too; then a change with the seed is no fault."""
    rng = np.random.default_rng(0)
    size = len(values[name])
    verdicts = set()
    for _ in range(20):
        drawn = rng.integers(size, size=size)
        verdicts.add(is_healthy(spec, expectation, {n: own[drawn] for n, own in values.items()}, of=name))
    return len(verdicts) > 1


def _not_a_copy(means: Mapping[str, float], known: Mapping[str, Mapping[str, float]]) -> None:
    """Reject a probe that orders models as an existing probe does (rank correlation of COPY or more)."""
    for code, theirs in known.items():
        shared = [name for name in means if name in theirs]
        if len(shared) < FEWEST_MODELS:
            continue
        correlation = rank_correlation([means[name] for name in shared], [theirs[name] for name in shared])
        if abs(correlation) >= COPY:
            words = f"orders {len(shared)} models as {code} does (rank correlation {correlation:.3f})"
            raise ProbeFailed(Reason.COPY, f"{words}; expected below {COPY}")


def _agrees(
    spec: ProbeSpec,
    complaint: Complaint,
    expectation: Expectation,
    users: Int64,
    values: Mapping[str, Float64],
) -> str:
    """How the probe agrees with the users who complain, in words. Raises ProbeFailed if it does not."""
    own = values[MODEL]
    bad = own[np.isin(users, complaint.complaining) & np.isfinite(own)]
    fine = own[np.isin(users, complaint.content) & np.isfinite(own)]
    said = "nobody's voice can be compared"
    if len(bad) >= 5 and len(fine) >= 5:
        gap = (1 if not spec.higher_is_better else -1) * (bad.mean() - fine.mean())
        error = float(np.sqrt(bad.var(ddof=1) / len(bad) + fine.var(ddof=1) / len(fine)))
        said = f"{len(bad)} users who complain are worse off by {gap:.3g} (+/- {1.96 * error:.2g}) than {len(fine)} others"
        if gap > 1.96 * error:
            return said
    if is_healthy(spec, expectation, values) is False:
        return "finds the trial that users complain of unhealthy"
    words = f"finds the trial that users complain of healthy, and {said}"
    raise ProbeFailed(Reason.DISAGREES, f"{words}; expected the one or the other to bear the complaint out")


def _means(values: Mapping[str, Float64]) -> dict[str, float]:
    known = {name: own for name, own in values.items() if np.isfinite(own).any()}
    return {name: float(without_noise(np.nanmean(known[name]))) if name in known else 0.0 for name in values}
