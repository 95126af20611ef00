"""What the entry imports is parsed before anything runs."""

from evolution.domain.trial import FailureReason


def test_a_syntax_error_is_found_before_anything_runs(bench):
    failure = bench.run("def build(:\n").failure
    assert (failure.reason, failure.path, failure.line) == (FailureReason.IMPORT, "model.py", 1)
