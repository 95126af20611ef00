"""When a training has had enough: by steps and slopes, whatever an epoch is, and never by the clock."""

import numpy as np
import pytest

from evolution.domain.trial import EpochRecord
from evolution.trials.enough import still_improving, trained_enough

BUSY = 1_000  # optimizer steps of an epoch: no training is too short by their number


def epochs(objective, losses=None, *, steps=BUSY, every=1):
    losses = [0.0] * len(objective) if losses is None else losses
    return [
        EpochRecord(
            epoch=n,
            wall_s=1.0,
            reported={"loss": float(loss)},
            metrics={"objective": float(value)} if n % every == 0 else {},
            steps=steps,
        )
        for n, (value, loss) in enumerate(zip(objective, losses, strict=True), 1)
    ]


def ends_at(objective, losses=None, *, patience=5, steps=BUSY, every=1):
    """The epoch after which a training of this course ends; None if it goes on to the last."""
    course = epochs(objective, losses, steps=steps, every=every)
    until = range(every, len(course) + 1, every)
    return next((n for n in until if trained_enough(course[:n], patience=patience)), None)


def trembling(values, size=0.002):
    return np.asarray(values) + size * np.random.default_rng(0).standard_normal(len(values))


RISES_SLOWLY = 0.1 * (1 - np.exp(-np.arange(300) / 60))


def test_an_objective_that_rises_through_its_noise_is_trained_on():
    assert ends_at(trembling(np.linspace(0.02, 0.1, 100))) is None
    loss = 0.5 + 0.8 * np.exp(-np.arange(300) / 60)
    ended = ends_at(trembling(RISES_SLOWLY), loss)
    assert ended is None or RISES_SLOWLY[ended - 1] > 0.095


def test_what_has_stood_still_for_a_third_of_its_epochs_ends():
    flat = trembling([*np.linspace(0.02, 0.1, 20), *[0.1] * 200])
    ended = ends_at(flat)
    assert ended is not None and 25 < ended < 80


def test_new_best_values_on_a_plateau_by_a_hair_do_not_make_it_longer():
    plateau = 0.114 + 0.0001 * np.arange(200) ** 0.5  # each ranking is the best so far
    course = [*np.linspace(0.02, 0.114, 24), *plateau]
    ended = ends_at(course)
    assert ended is not None and ended < 60


def test_small_steps_that_add_up_are_trained_on():
    assert ends_at(0.05 * 1.006 ** np.arange(150)) is None


def test_patience_is_the_least_number_of_rankings_without_a_better_objective():
    turned = [0.1, 0.2, *np.linspace(0.19, 0.1, 60)]
    assert ends_at(turned, patience=3) == 5
    assert ends_at(turned, patience=30) == 32
    assert ends_at(turned, patience=3, every=2) == 8


def test_epochs_of_few_steps_are_not_taken_for_a_long_training():
    turned = [0.1, 0.2, *np.linspace(0.19, 0.1, 60)]
    assert ends_at(turned, steps=8) == 27  # 25 epochs of 8 steps are 200 steps
    assert ends_at(turned, steps=0) == 7  # unknown: epochs alone


# As LightGCN on ML-100k: lists of popularity for hundreds of steps, slightly worse each time, and then the users' own.
BY_POPULARITY = [
    0.0405,
    0.0369,
    0.0351,
    0.0346,
    0.0342,
    0.0337,
    0.0339,
    0.0339,
    0.0338,
    0.0340,
    0.0341,
    0.0343,
]
FALLING = [0.69, 0.63, 0.49, 0.38, 0.325, 0.301, 0.291, 0.282, 0.274, 0.266, 0.259, 0.252]


def test_a_program_that_still_ranks_by_popularity_is_trained_on_while_its_loss_falls():
    course = epochs(BY_POPULARITY, FALLING, steps=48)
    assert trained_enough(course[:7], patience=5, popularity=lambda: 0.02)  # twice as good as popularity
    assert not any(trained_enough(course[:n], patience=5, popularity=lambda: 0.04) for n in range(1, 13))
    overfit = [0.02, 0.04, 0.048, 0.05, 0.045, 0.04, 0.036, 0.033, 0.03, 0.028, 0.026, 0.025]
    assert trained_enough(epochs(overfit, FALLING), patience=5, popularity=lambda: 0.045)
    flat = epochs(BY_POPULARITY, [*FALLING[:4], *[0.3] * 8], steps=48)
    assert trained_enough(flat, patience=5, popularity=lambda: 0.04)


def test_a_loss_that_falls_goes_on_while_the_objective_stands_still():
    still = trembling([0.05] * 60, 0.001)
    assert ends_at(still, np.linspace(1.4, 0.9, 60)) is None
    assert ends_at(still, [1.4] * 60) < 30


def test_a_loss_that_falls_by_heart_does_not():
    turned = [*np.linspace(0.02, 0.1, 10), *np.linspace(0.1, 0.02, 50)]
    assert ends_at(turned, np.linspace(1.4, 0.1, 60)) < 25
    logarithmic = 1.4 - 0.2 * np.log(np.arange(1, 201))
    assert ends_at(trembling([*np.linspace(0.02, 0.1, 20), *[0.1] * 180]), logarithmic) < 80


@pytest.mark.parametrize("nudge", [0.0, 1e-16, -1e-16])
def test_the_decision_hangs_on_no_last_digit(nudge):
    flat, falls = np.full(60, 0.1), np.full(60, 0.7)
    flat[1::2] += nudge
    falls[1::3] -= nudge
    assert ends_at(flat, falls) == ends_at(np.full(60, 0.1), np.full(60, 0.7))


def test_what_still_improved_at_its_end_is_known():
    assert still_improving(epochs(np.linspace(0.02, 0.1, 20)))
    assert not still_improving(epochs([0.1] * 20))
    assert not still_improving(epochs([0.1]))
