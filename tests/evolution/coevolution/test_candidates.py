"""The candidates whose worth is known."""

from tests.evolution.coevolution.candidates import BAD, GOOD


def test_there_are_enough_candidates_of_every_kind() -> None:
    assert len(GOOD) >= 20 and len(GOOD) + len(BAD) >= 44
    assert len({candidate.id for candidate in (*GOOD, *BAD)}) == len(GOOD) + len(BAD)
