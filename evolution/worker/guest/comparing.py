"""Two questions to one recommender, step by step: the line at which their answers part, or at which a difference is lost.

The steps of an answer are torch calls (`OpSteps`), or executed lines with the arrays that they made (`LineSteps`). Of two
answers the same steps are compared, row by row and aligned at the newest event, so that questions of other batches and
other widths can be compared too. Sizes that mean one thing alone make that possible: the job asks with a prime number of
rows.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

RELATIVE = 1e-3  # of the largest value; other batches are computed by other kernels
MOST_PARTS = 64  # heads or positions that are folded into a dimension together with the rows


# In packed sequences rows lie in pieces behind one another, so that no two can be told to belong together.
PACKING = frozenset(("_pack_padded_sequence", "_pad_packed_sequence"))
DRAWING = frozenset(("rand", "randn", "randint", "randperm", "normal", "bernoulli", "multinomial"))


class Step:
    """One call or one line. inputs, outputs: arrays, None where one was too large to keep."""

    __slots__ = ("function", "inputs", "outputs", "place")

    def __init__(self, place: tuple[str, int, str], function: str, inputs: list[Any], outputs: list[Any]):
        self.place, self.function, self.inputs, self.outputs = place, function, inputs, outputs

    def told(self) -> dict[str, Any]:
        """taken: whether something that had been made of the question went in, rather than a parameter alone."""
        taken = any(array is not None and array.ndim > 1 for array in self.inputs)
        return {"path": self.place[0], "line": self.place[1], "function": self.function, "taken": taken}


class Alignment:
    """Which rows of two batches belong together, and how wide their histories are."""

    def __init__(self, rows: Any, other_rows: Any, shape: tuple[int, int], other_shape: tuple[int, int]):
        self.rows = (np.asarray(rows), np.asarray(other_rows))
        self.shapes = (shape, other_shape)

    def differ(self, one: Any, other: Any) -> bool | None:
        """Whether two arrays say something else of the same rows; None where they cannot be compared.

        Where a dimension holds rows and heads, either may be the outer one. Where the repo cuts batches to a width of its own,
        histories may begin or end together.
        """
        if one is None or other is None or one.ndim != other.ndim:
            return None
        found = self._differ(one, other, tiled=False)
        if found is None:
            return self._differ_cut(one, other)
        return self._differ(one, other, tiled=True) if found else found

    def _differ_cut(self, one: Any, other: Any) -> bool | None:
        axis = self._own_width(one.shape, other.shape)
        if axis is None:
            return None
        least = min(one.shape[axis], other.shape[axis])
        found = None
        for cut in (_oldest, _newest):
            found = self._differ(cut(one, axis, least), cut(other, axis, least), tiled=False)
            if not found:
                return found
        return found

    def _own_width(self, shape: tuple[int, ...], other: tuple[int, ...]) -> int | None:
        """The one dimension beside the rows in which two shapes differ, where neither is wider than the histories."""
        (rows, width), (other_rows, other_width) = self.shapes
        unlike = [axis for axis, sizes in enumerate(zip(shape, other)) if sizes[0] != sizes[1]]
        if (
            rows != other_rows
            or len(unlike) != 1
            or rows not in shape
            or min(shape[unlike[0]], other[unlike[0]]) < 2
        ):
            return None
        return unlike[0] if shape[unlike[0]] <= width and other[unlike[0]] <= other_width else None

    def _differ(self, one: Any, other: Any, tiled: bool) -> bool | None:
        first, second = self._laid_out(one, other, tiled)
        if first is None or second is None or first.shape != second.shape:
            return None
        if first.dtype.kind not in "fc":
            return bool((first != second).any())
        with np.errstate(all="ignore"):
            finite = np.isfinite(first) & np.isfinite(second)
            if (first[~finite] != second[~finite]).any() and not np.isnan(first[~finite]).any():
                return True
            largest = float(np.abs(first[finite]).max(initial=0.0))
            return bool((np.abs(first - second)[finite] > RELATIVE * largest).any())

    def _laid_out(self, one: Any, other: Any, tiled: bool) -> tuple[Any, Any]:
        for axis in range(one.ndim):
            one, other = self._axis(one, other, axis, tiled)
            if one is None:
                return None, None
        return one, other

    def _axis(self, one: Any, other: Any, axis: int, tiled: bool) -> tuple[Any, Any]:
        (rows, width), (other_rows, other_width) = self.shapes
        here, there = one.shape[axis], other.shape[axis]
        if (here, there) == (rows, other_rows):
            return one.take(self.rows[0], axis), other.take(self.rows[1], axis)
        if (here, there) == (width, other_width):
            least = min(here, there)
            return _newest(one, axis, least), _newest(other, axis, least)
        folded = here % rows == 0 and there % other_rows == 0 and here // rows > 1
        parts, other_parts = here // rows, there // other_rows
        if folded and (parts, other_parts) == (width, other_width):
            least = min(width, other_width)
            return (
                _unfolded(one, axis, rows, self.rows[0], least),
                _unfolded(other, axis, other_rows, self.rows[1], least),
            )
        if folded and parts == other_parts and parts <= MOST_PARTS and tiled:
            return _of_tiles(one, axis, parts, self.rows[0]), _of_tiles(other, axis, parts, self.rows[1])
        if folded and parts == other_parts and parts <= MOST_PARTS:
            return (
                _unfolded(one, axis, rows, self.rows[0], parts),
                _unfolded(other, axis, other_rows, self.rows[1], parts),
            )
        return (one, other) if here == there else (None, None)


def _oldest(array: Any, axis: int, length: int) -> Any:
    return array.take(np.arange(length), axis)


def _newest(array: Any, axis: int, length: int) -> Any:
    return array.take(np.arange(array.shape[axis] - length, array.shape[axis]), axis)


def _unfolded(array: Any, axis: int, rows: int, chosen: Any, length: int) -> Any:
    """The chosen rows of a dimension that holds rows and something else, as a dimension of as many again."""
    shape = array.shape
    parts = array.reshape(*shape[:axis], rows, -1, *shape[axis + 1 :]).take(chosen, axis)
    kept = _newest(parts, axis + 1, length)
    return kept.reshape(*shape[:axis], -1, *shape[axis + 1 :])


def _of_tiles(array: Any, axis: int, parts: int, chosen: Any) -> Any:
    """The chosen rows of each of the parts that follow one another along a dimension, in one dimension."""
    shape = array.shape
    kept = array.reshape(*shape[:axis], parts, -1, *shape[axis + 1 :]).take(chosen, axis + 1)
    return kept.reshape(*shape[:axis], -1, *shape[axis + 1 :])


def first_parting(steps: list[Step], other: list[Step], alignment: Alignment) -> Step | None:
    """The first step whose inputs agree and whose outputs do not, of torch calls if there is one, else of lines: a line that
    fills one row of an array changes the whole array, and would be taken for one that mixes rows."""
    calls = _first_parting(_calls(steps), _calls(other), alignment)
    return calls if calls is not None and calls.inputs else _first_parting(steps, other, alignment)


def _calls(steps: list[Step]) -> list[Step]:
    return [step for step in steps if step.function]


def _first_parting(steps: list[Step], other: list[Step], alignment: Alignment) -> Step | None:
    """Steps that take nothing come last: they count positions, and whoever counts them may put it right later. So do the width of a
    batch, a whole number made of the lengths of all its rows, and a second output, which may be left unread. But a draw is one
    at once, for what follows may be of a kind that cannot be compared, a sparse matrix for one."""
    made_up = None
    for step, twin in zip(steps, other):
        if step.place != twin.place or step.function != twin.function:
            return made_up or step  # the two answers went different ways
        if step.function in PACKING or not _any_differ(step.outputs, twin.outputs, alignment):
            continue
        if _any_differ(step.inputs, twin.inputs, alignment):
            continue
        if step.function in DRAWING or (
            step.inputs and not (_is_count(step) or _parts_beside(step, twin, alignment))
        ):
            return step
        made_up = made_up or step
    return made_up


def _parts_beside(step: Step, twin: Step, alignment: Alignment) -> bool:
    """Whether the first of several outputs agrees: the last state of a recurrent layer may be left unread."""
    return len(step.outputs) == len(twin.outputs) == 2 and not _any_differ(
        step.outputs[:1], twin.outputs[:1], alignment
    )


def _is_count(step: Step) -> bool:
    return all(array is not None and array.ndim == 0 and array.dtype.kind in "iu" for array in step.outputs)


# torch's names of calls that give one answer for many values, whatever comes in.
SATURATING = frozenset((
    "relu", "relu_", "relu6", "elu", "gelu", "silu", "sigmoid", "tanh", "hardtanh", "clamp", "clamp_", "max", "amax",
    "max_pool1d", "max_pool2d", "adaptive_max_pool1d",
))  # fmt: skip


def last_loss(steps: list[Step], other: list[Step], alignment: Alignment) -> Step | None:
    """The last step whose inputs differ while its outputs agree: there the difference was lost. A unit that is dead or
    saturated goes before: what another path cuts off says nothing while such a unit loses the rest. Where the first whole
    numbers of the rows agree already, it was lost on the way to them: the histories came in there."""
    found, entry = None, None
    for step, twin in zip(steps, other):
        if step.place != twin.place:
            break
        kept = _any_differ(step.outputs, twin.outputs, alignment)
        if step.outputs and not kept and _any_differ(step.inputs, twin.inputs, alignment):
            found = found if found is not None and found.function in SATURATING else step
        if entry is None and any(_whole_numbers(array, alignment) for array in step.outputs):
            entry = (step, kept)
    return found or (entry[0] if entry is not None and not entry[1] else None)


def _whole_numbers(array: Any, alignment: Alignment) -> bool:
    """Of two dimensions, as histories are: users alone tell nothing of these."""
    return (
        array is not None
        and array.ndim == 2
        and array.dtype.kind in "iu"
        and array.shape[0] == alignment.shapes[0][0]
    )


def _any_differ(arrays: list[Any], others: list[Any], alignment: Alignment) -> bool:
    """Of a batch that was taken apart into its rows, those that belong together are compared."""
    if (len(arrays), len(others)) == (alignment.shapes[0][0], alignment.shapes[1][0]) and len(arrays) > 1:
        arrays, others = ([of[row] for row in rows] for of, rows in zip((arrays, others), alignment.rows))
    return any(alignment.differ(one, other) is True for one, other in itertools.zip_longest(arrays, others))
