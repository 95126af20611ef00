"""A version that still improves is trained on before any patch is held against it, and what was compared is said."""

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from evolution.domain.trial import Cost, EpochRecord, TrialStatus
from evolution.laboratory import laboratory as laboratory_module
from evolution.laboratory.budgets import compared_at
from evolution.laboratory.more_training import trained_enough
from evolution.repo.config import Config
from evolution.trials.enough import NOTE
from tests.evolution.laboratory.stored import trial

HITS = np.tile([0.0, 1.0], 50)


class Laboratory:
    """Trains one program, which needs `needs` epochs; as many files are written as a comparison reads."""

    def __init__(self, folder, needs, *, max_epochs=10, patience=5, ended="max_epochs", trained=None):
        self.context = SimpleNamespace(repo=folder, events=SimpleNamespace(emit=lambda *said: None))
        document = {
            "recommender": {"entry": "m:build"},
            "data": {"source": "shop-micro"},
            "objective": {"expression": "HR@5"},
            "training": {"max_epochs": max_epochs, "patience": patience},
        }
        self.config = Config.model_validate(document)
        self.needs, self.ended, self.trained = needs, ended, [] if trained is None else trained

    def training_for(self, max_epochs):
        return Laboratory(
            self.context.repo, self.needs, max_epochs=max_epochs, ended=self.ended, trained=self.trained
        )

    def trial(self, program, *, seed, label, accept):
        epochs = self.config.training.max_epochs
        self.trained.append(epochs)
        note = {"still_improving": epochs < self.needs, "ended": self.ended}
        records = tuple(
            EpochRecord(epoch=n, wall_s=1.0, reported={}, metrics={}, steps=8) for n in range(1, epochs + 1)
        )
        hits = np.ones(100) if epochs >= self.needs else HITS
        made = trial(self.context.repo, f"t{epochs}", hits, epochs=records, note={"training": note})
        return replace(made, status=TrialStatus.COMPLETE)

    def begun(self):
        laboratory = cast(laboratory_module.Laboratory, self)
        return trained_enough(laboratory, self.trial("p", seed=0, label="", accept=None))


def test_a_training_of_fixed_length_is_taken_as_it_is(tmp_path):
    laboratory = Laboratory(tmp_path, needs=40, patience=10)
    same, parent, told = laboratory.begun()
    assert same is laboratory and told is None and len(parent.epochs) == 10


def test_a_version_that_has_converged_is_taken_as_it_is(tmp_path):
    laboratory = Laboratory(tmp_path, needs=10)
    same, parent, told = laboratory.begun()
    assert same is laboratory and told is None and len(parent.epochs) == 10


def test_one_that_still_improves_is_trained_on_until_it_does_not(tmp_path):
    laboratory = Laboratory(tmp_path, needs=100)
    longer, parent, told = laboratory.begun()
    assert laboratory.trained == [10, 40, 160]
    assert longer.config.training.max_epochs == len(parent.epochs) == 160
    assert told.converged and told.setting == "max_epochs = 160"
    assert (told.effect.before, told.effect.after) == (0.5, 1.0)
    assert told.words.startswith(
        "Train longer first: max_epochs = 160. Your version was still improving after 10 epochs (80"
    )


def test_one_that_fails_when_it_is_trained_on_is_taken_as_it_is(tmp_path):
    class Ending(Laboratory):
        def training_for(self, max_epochs):
            longer = super().training_for(max_epochs)
            failed = replace(longer.trial("p", seed=0, label="", accept=None), status=TrialStatus.FAILED)
            longer.trial = lambda *_, **__: failed
            return longer

    laboratory = Ending(tmp_path, needs=40)
    same, parent, told = laboratory.begun()
    assert same is laboratory and told is None and len(parent.epochs) == 10


def test_a_program_that_ends_by_itself_is_taken_as_it_ends(tmp_path):
    laboratory = Laboratory(tmp_path, needs=40, ended="fit")
    same, parent, told = laboratory.begun()
    assert same is laboratory and told is None and len(parent.epochs) == 10


def test_a_program_whose_own_loop_has_as_many_epochs_is_taken_as_it_ends(tmp_path):
    class OwnLoop(Laboratory):
        def training_for(self, max_epochs):
            longer = super().training_for(max_epochs)
            longer.trial = lambda *_, **__: Laboratory(tmp_path / "longer", needs=40, ended="fit").trial(
                "p", seed=0, label="", accept=None
            )
            return longer

    laboratory = OwnLoop(tmp_path, needs=40)
    same, parent, told = laboratory.begun()
    assert same is laboratory and told is None and len(parent.epochs) == 10


def test_where_that_is_not_enough_more_training_is_all_that_is_offered(tmp_path):
    laboratory = Laboratory(tmp_path, needs=10_000)
    *_, told = laboratory.begun()
    assert laboratory.trained == [10, 40, 160]
    assert not told.converged and told.setting == "max_epochs = 640"
    assert "not trained enough yet" in told.words


def test_what_ran_out_of_time_is_not_trained_again(tmp_path):
    laboratory = Laboratory(tmp_path, needs=10_000, ended="timeout_s")
    *_, told = laboratory.begun()
    assert laboratory.trained == [10] and told.effect is None
    assert told.setting == "timeout_s = 14400"


def at(tmp_path, name, *, epochs, best, steps, fit_s=10.0):
    records = tuple(
        EpochRecord(epoch=n, wall_s=1.0, reported={}, metrics={}, steps=steps) for n in range(1, epochs + 1)
    )
    return trial(tmp_path, name, HITS, epochs=records, best_epoch=best, cost=Cost(fit_cpu_s=fit_s))


@pytest.mark.parametrize(
    ("best", "steps", "fit_s", "short", "words"),
    [
        (20, 8, 90.0, "equal steps", "160 optimizer steps, within the 240"),
        (40, 8, 10.0, "equal time", "of training (320 optimizer steps against 240)"),
        (40, 8, 90.0, "longer training", "took 320 optimizer steps against 240 of your version"),
        (20, 0, 90.0, "equal epochs", "20, within the 30"),
    ],
)
def test_the_terms_of_a_comparison_are_told(tmp_path, best, steps, fit_s, short, words):
    parent = at(tmp_path, "p", epochs=30, best=20, steps=8)
    child = at(tmp_path, "c", epochs=50, best=best, steps=steps, fit_s=fit_s)
    terms = compared_at(parent, child)
    assert terms.short == short and words in terms.words


def test_a_parent_that_was_still_improving_is_told_with_the_terms(tmp_path):
    parent = replace(at(tmp_path, "p", epochs=30, best=30, steps=8), note={NOTE: {"still_improving": True}})
    terms = compared_at(parent, at(tmp_path, "c", epochs=30, best=20, steps=8))
    assert terms.short == "equal steps, not converged"
    assert "still improving" in terms.words
