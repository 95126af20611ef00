"""A patch whose first epochs equal its parent's to the bit is dead; what acts later, or only on scores, is not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from evolution.domain.trial import EpochRecord, Trial, TrialStatus
from evolution.laboratory.twins import is_dead, is_twin, pruned_as_twin, why_dead
from evolution.trials.request import Supervision
from tests.evolution.laboratory.stored import trial


def curve(*epochs: tuple[float, str]) -> tuple[EpochRecord, ...]:
    return tuple(
        EpochRecord(epoch=n, wall_s=1.0, reported={"loss": loss}, metrics={}, answers=answers)
        for n, (loss, answers) in enumerate(epochs, 1)
    )


PARENT = curve((0.5, "a"), (0.4, "b"), (0.3, "c"))


@pytest.mark.parametrize(
    ("child", "twin"),
    [
        (curve((0.5, "a")), False),  # one epoch does not tell what is drawn once from what is drawn anew
        (curve((0.5, "a"), (0.4, "b")), True),
        (curve((0.5, "a"), (0.4, "x")), False),  # scores differ
        (curve((0.5, "a"), (np.nextafter(0.4, 1.0), "b")), False),  # one bit of the loss does
        (curve((0.5, ""), (0.4, "")), False),  # never ranked: nobody looked at the scores
        (curve((0.5, "a"), (0.4, "b"), (0.3, "c"), (0.2, "d")), False),  # longer than the parent's
    ],
)
def test_twins_agree_in_every_bit_of_two_epochs(child, twin) -> None:
    assert is_twin(PARENT, child) is twin


def test_a_training_of_one_epoch_is_judged_when_it_has_ended(tmp_path: Path) -> None:
    only = curve((0.5, "a"))
    parent = trial(tmp_path, "p", np.ones(3), epochs=only)
    child = trial(tmp_path, "c", np.ones(3), epochs=only)
    assert is_dead(parent, child) and "only epoch" in why_dead(child)
    assert not is_dead(replace(parent, epochs=PARENT), child)


def follow(parent: Trial) -> Supervision:
    return Supervision(prune=pruned_as_twin(parent, lambda epochs: False))


@pytest.mark.process
def test_dead_code_is_refused_before_it_is_trained(bench) -> None:
    parent = bench.run()
    dead = bench.run(
        bench.changed(("np.add.at(", "weight = items * 0\n            np.add.at(")),
        supervision=follow(parent),
    )
    assert dead.status is TrialStatus.PRUNED and len(dead.epochs) == 2 and is_dead(parent, dead)


@pytest.mark.process
@pytest.mark.parametrize(
    "edit",
    [
        ("[follows]), 1.0)", "[follows]), 1.0 + (epoch > 0))"),  # acts from the second epoch on
        ("return self.table[histories[:, -1]]", "return self.table[histories[:, -1]] * 2"),  # on scores alone
    ],
)
def test_what_acts_later_or_on_scores_alone_is_trained(bench, edit) -> None:
    parent = bench.run()
    child = bench.run(bench.changed(edit), supervision=follow(parent))
    assert child.status is TrialStatus.COMPLETE and not is_dead(parent, child)


@pytest.mark.process
def test_a_repo_that_differs_from_its_own_repeat_is_never_called_dead(bench) -> None:
    restless = bench.changed(("np.random.default_rng(seed)", "np.random.default_rng()"))
    assert not is_dead(bench.run(restless), bench.run(restless + "\nUNUSED = 1\n"))
