"""An error that a job has put into words says its place again."""

import pytest

from evolution.base.errors import RepoError


@pytest.mark.parametrize(
    "error",
    [
        RepoError("the trial failed (not finite): nan", path="net/models.py", line=64),
        RepoError("epoch 1: loss = nan"),
        RepoError("it has no entry", path="evolverec.toml"),
    ],
)
def test_the_words_of_an_error_lead_back_to_its_place(error: RepoError) -> None:
    again = RepoError.read(str(error))
    assert str(again) == str(error)
    assert (again.path, again.line) == ((error.path, error.line) if error.line else ("", 0))
