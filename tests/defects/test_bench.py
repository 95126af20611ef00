"""The defect bench: its variants keep their format, its scores say what they should, and a slice of it runs in CI."""

from pathlib import Path

import pytest

from tests.bench import defects
from tests.defects import product
from tests.defects.scoring import Found, score
from tests.defects.variants import ASIDE, BENCH, BadVariant, Variant, all_variants, places, plant, repos

VARIANTS = {variant.id: variant for variant in all_variants()}
FUTURE = VARIANTS["sasrec_loader/mask-lost-its-future"]
ACCEPTED = {"future-visible": ("future-seen", "probe: looks ahead")}


def test_every_variant_keeps_the_format() -> None:
    assert defects.check(VARIANTS.values(), defects.read_kinds()) == []


def test_the_bench_is_as_large_as_it_says() -> None:
    ours = [v for v in VARIANTS.values() if not v.aside]
    bad = [v for v in ours if not v.healthy]
    assert len(repos(BENCH)) >= 8
    assert len(bad) >= 90 and len({v.kind for v in bad}) >= 45
    assert len(ours) - len(bad) >= 15


def test_the_kept_aside_part_is_as_large_as_it_says() -> None:
    kept = [v for v in VARIANTS.values() if v.aside]
    bad = [v for v in kept if not v.healthy]
    assert len(repos(ASIDE)) >= 3
    assert len(bad) >= 50 and len({v.kind for v in bad}) >= 35
    assert len(kept) - len(bad) >= 10


@pytest.mark.parametrize(
    ("old", "said"), [("no such text", "occurs 0 times"), ("import", "occurs"), ("self.net", "occurs")]
)
def test_an_edit_that_is_not_exact_is_refused(tmp_path: Path, old: str, said: str) -> None:
    with pytest.raises(BadVariant, match=said):
        plant(_edited("rec.py", old), tmp_path / "repo")


def test_a_line_that_occurs_twice_needs_its_number(tmp_path: Path) -> None:
    planted = _planted(FUTURE, tmp_path)
    (planted / "network.py").write_text("x = 1\nx = 1\nblocked = pad\n")
    with pytest.raises(BadVariant, match="say which by nth"):
        places([_line("x = 1", 0)], planted, "it")
    assert places([_line("x = 1", 2)], planted, "it") == {("network.py", 2)}


def test_a_cause_on_its_line_is_named_and_no_accusation(tmp_path: Path) -> None:
    planted = _planted(FUTURE, tmp_path)
    result = score(FUTURE, planted, [_found("future-seen", planted, "blocked = pad")], ACCEPTED)
    assert result.named and result.right_line and not result.silent and result.wrong == ()


def test_a_message_decides_where_a_code_says_several_things(tmp_path: Path) -> None:
    planted = _planted(FUTURE, tmp_path)
    for message, named in (("it looks ahead", True), ("it looks back", False)):
        found = _found("probe", planted, "blocked = pad", message=message)
        assert score(FUTURE, planted, [found], ACCEPTED).named == named


def test_a_symptom_names_nothing_and_accuses_the_line_it_stands_on(tmp_path: Path) -> None:
    planted = _planted(FUTURE, tmp_path)
    on_loss = _found("weak", planted, "return F.cross_entropy(logits, gold)", "trainer.py", nature="symptom")
    on_entry = _found("weak", planted, "def build(data, *, device, seed):", "rec.py", nature="symptom")
    result = score(FUTURE, planted, [on_loss, on_entry], ACCEPTED)
    assert not result.named and result.silent and len(result.wrong) == 1


def test_near_lines_are_neither_right_nor_an_accusation(tmp_path: Path) -> None:
    planted = _planted(FUTURE, tmp_path)
    near = _found("future-seen", planted, "att = att.masked_fill(blocked, -1e9)")
    result = score(FUTURE, planted, [near], ACCEPTED)
    assert result.named and not result.right_line and result.wrong == ()


def test_advice_counts_nowhere_and_a_cause_on_a_healthy_repo_is_false(tmp_path: Path) -> None:
    healthy = VARIANTS["sasrec_loader/original"]
    planted = _planted(healthy, tmp_path)
    advice = _found(
        "few-negatives", planted, "return F.cross_entropy(logits, gold)", "trainer.py", nature="advice"
    )
    cause = _found("no-shuffle", planted, "shuffle=True,", "dataset.py")
    assert score(healthy, planted, [advice], ACCEPTED).false_causes == ()
    assert len(score(healthy, planted, [advice, cause], ACCEPTED).false_causes) == 1


def _line(text: str, nth: int, file: str = "network.py"):
    from tests.defects.variants import Line

    return Line(file=file, text=text, nth=nth)


def _planted(variant: Variant, folder: Path) -> Path:
    plant(variant, folder / "repo")
    return folder / "repo"


def _edited(file: str, old: str) -> Variant:
    from dataclasses import replace

    from tests.defects.variants import Edit

    return replace(FUTURE, edits=(Edit(file=file, old=old, new=""),))


def _found(
    code: str, planted: Path, text: str, file: str = "network.py", *, nature: str = "cause", message: str = ""
) -> Found:
    ((_, number),) = places([_line(text, 0, file)], planted, "the test")
    return Found(code=code, nature=nature, message=message, anchors=((file, number, number),))


EPOCHS = 3  # causes need no long training
SLICE = (
    "functional_stamp/mean-over-the-width",
    "gru4rec_sessions/final-sigmoid",
    "gru4rec_sessions/mask-inverted-while-scoring",
    "mult_vae/samples-while-scoring",
    "numpy_bpr/asks-with-the-oldest",
    "numpy_bpr/breaks-ties-at-random",
    "sasrec_loader/heads-by-view",
)


@pytest.mark.training
@pytest.mark.parametrize("name", SLICE)
def test_the_product_names_a_planted_cause_on_its_line(
    name: str, tmp_path: Path, own_configuration: Path
) -> None:
    planted = _planted(VARIANTS[name], tmp_path)
    defects.shorten(planted / "evolverec.toml", EPOCHS)
    accepted = {kind: tuple(row["codes"]) for kind, row in defects.read_kinds().items()}
    result = score(VARIANTS[name], planted, product.diagnose(planted, own_configuration), accepted)
    assert result.named and result.right_line, result.codes
