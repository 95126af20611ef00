"""Models made bad on purpose have their fault, and no subject shows what serving forbids."""

from dataclasses import replace

import numpy as np
import pytest

from diagnosis.coevolution.complaints import EXPECTATIONS, FAULTS, Complaint, signal_of_words, tracked
from diagnosis.coevolution.composing import compose
from diagnosis.coevolution.subjects import MODEL, TITLES, UNMASKED, Subjects, reference_rankings
from diagnosis.coevolution.templates import needs_of_template, template
from diagnosis.coevolution.view import ProbeView, absent
from diagnosis.evidence import Evidence

pytestmark = pytest.mark.slow


def shown(view: ProbeView, column: np.ndarray) -> float:
    return float(np.nanmean(np.where(view.lists[:, :10] > 0, column[view.lists[:, :10]], np.nan)))


def test_every_subject_that_is_spoken_of_can_be_viewed(subjects: Subjects) -> None:
    spoken = {name for e in EXPECTATIONS.values() for name in (*e.worse, e.better)}
    spoken |= {name for names in FAULTS.values() for name in names}
    assert spoken <= set(TITLES)
    for name in subjects.names:
        view = subjects.view(name)
        assert view.lists.shape == (len(view.users), 50) and (view.lists[:, :10] > 0).all(), name


def test_at_least_three_models_are_made_bad_for_every_complaint() -> None:
    assert all(len(set(expectation.worse)) >= 3 for expectation in EXPECTATIONS.values())


def test_no_subject_shows_what_a_user_has_had(subjects: Subjects) -> None:
    for name in subjects.names:
        view = subjects.view(name)
        for s, history in enumerate(view.histories):
            assert not np.isin(view.lists[s], history).any(), name
            assert np.isneginf(view.scores[s, history]).all(), name
    unmasked = subjects.view(UNMASKED)
    assert any(np.isin(unmasked.lists[s], h).any() for s, h in enumerate(unmasked.histories))


def test_faults_are_what_their_names_say(subjects: Subjects) -> None:
    model = subjects.view(MODEL)
    popular, rare = subjects.view("popular"), subjects.view("unpopular")
    assert shown(rare, model.popularity) < shown(model, model.popularity) < shown(popular, model.popularity)
    dear, cheap = subjects.view("dear"), subjects.view("cheap")
    assert shown(cheap, model.price) < shown(model, model.price) < shown(dear, model.price)
    low, high = subjects.view("low-rated"), subjects.view("high-rated")
    assert shown(low, model.rating) < shown(model, model.rating) < shown(high, model.rating)

    def own_kinds(name: str) -> float:
        view = subjects.view(name)
        kinds = view.subcategory
        return float(
            np.mean([np.isin(kinds[p[:10]], kinds[h]).mean() for p, h in zip(view.lists, view.histories)])
        )

    assert own_kinds("other-kinds") < own_kinds("random") < own_kinds("lookalikes")


def test_evidence_is_read_only(subjects: Subjects) -> None:
    view = subjects.view(MODEL)
    for array in (view.lists, view.scores, view.histories[0], view.price, view.targets):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_subjects_are_the_same_again(subjects: Subjects, shop: Evidence) -> None:
    again = Subjects(shop, reference_rankings(shop.training, shop.questions, np.arange(len(shop.questions))))
    for name in ("random", "lookalikes", "constant"):
        assert np.array_equal(subjects.view(name).lists, again.view(name).lists), name


def test_what_a_trial_lacks_is_known(shop: Evidence, subjects: Subjects) -> None:
    assert absent(subjects.view(MODEL)) == {"item_embeddings"}
    bare = replace(shop, artifacts=replace(shop.artifacts, dense_shuffled=None, untrained_dense_scores=None))
    less = Subjects(bare, reference_rankings(shop.training, shop.questions, np.arange(len(shop.questions))))
    assert "untrained" not in less.names
    assert {"shuffled_lists", "shuffled_scores"} <= absent(less.view(MODEL))


@pytest.mark.parametrize("code", sorted(EXPECTATIONS))
def test_every_complaint_has_templates_and_each_measures_every_model(code: str, subjects: Subjects) -> None:
    specs = compose(Complaint(code=code, signal=code.partition("-")[2], message=""))
    assert specs and len({spec.code for spec in specs}) == len({spec.id for spec in specs}) == len(specs)
    view = subjects.view("lookalikes")
    for spec in specs:
        values = template(spec.template, spec.parameters)(view)
        assert values.shape == view.users.shape and np.isfinite(values).mean() > 0.9, spec.name
        assert needs_of_template(spec.template, spec.parameters) <= set(ProbeView.__dataclass_fields__)


def test_words_about_what_to_track_become_a_complaint() -> None:
    assert signal_of_words("how far prices are from the budget") == "price"
    found = tracked("Recency: do pages react to the newest pick?")
    assert found is not None and found.code == "track-recency"
    assert tracked("the weather") is None
