"""How many events a step looks up is told whichever axis is time, and a batch is not taken for a history."""

import pytest

from diagnosis.read_widths import shared_width, trained_width


def lookup(phase: str, shape: list[int]) -> dict[str, object]:
    return {
        "function": "embedding", "phase": phase, "path": "net.py", "line": 7, "inputs": [["p0"]], "out": [shape],
        "module": "items", "scope": "Net.forward",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("trained", "scored", "width"),
    [
        ([128, 50, 16], [64, 50, 16], 50),
        ([19, 512, 16], [20, 64, 16], 19),  # time first
        ([19, 512, 16], [64, 20, 16], 19),  # turned round for scoring
    ],
)
def test_the_number_of_rows_is_no_width(trained: list[int], scored: list[int], width: int) -> None:
    trace = {
        "parameters": [{"name": "items.weight", "shape": [201, 16]}],
        "ops": [lookup("train", trained), lookup("score", scored)],
    }
    assert trained_width(trace, 200) == width


@pytest.mark.parametrize(
    ("scored", "width"),
    [
        ([64, 10, 16], 10),
        ([64, 200, 16], 0),  # the whole catalogue is scored by the line that looks candidates up
    ],
)
def test_a_width_is_shared_where_scoring_looks_up_as_many(scored: list[int], width: int) -> None:
    trace = {
        "parameters": [{"name": "items.weight", "shape": [201, 16]}],
        "ops": [lookup("train", [128, 10, 16]), lookup("score", scored)],
    }
    assert shared_width(trace, 200) == width
