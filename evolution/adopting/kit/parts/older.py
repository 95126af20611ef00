"""Names and habits of older versions of numpy and Python that published programs still rely on."""

import functools
import random

import numpy as np

# name -> what it was, of numpy before 1.24 and before 2.0.
_OLD_NAMES = {
    "int": int, "float": float, "bool": bool, "object": object, "str": str, "complex": complex, "long": np.int64,
    "float_": np.float64, "complex_": np.complex128, "int0": np.intp, "bool8": np.bool_, "unicode_": np.str_, "string_": np.bytes_,
    "Inf": np.inf, "Infinity": np.inf, "PINF": np.inf, "NINF": -np.inf, "infty": np.inf, "NaN": np.nan,
    "product": np.prod, "cumproduct": np.cumprod, "sometrue": np.any, "alltrue": np.all, "row_stack": np.vstack,
    "asfarray": lambda a, dtype=np.float64: np.asarray(a, dtype),
    "mat": np.asmatrix, "in1d": np.isin, "trapz": getattr(np, "trapezoid", None),
}  # fmt: skip


def _older_habits():
    """(owner, name, value) of what this numpy and this Python no longer have."""
    for name, value in _OLD_NAMES.items():
        if value is not None and name not in vars(np):
            yield np, name, value
    yield random, "sample", _from_sets(random.sample)


def _from_sets(sample):
    """`random.sample` that takes sets, as it did before Python 3.11; sorted, so that a seed gives the same."""

    @functools.wraps(sample)
    def call(population, k, **named):
        if isinstance(population, (set, frozenset)):
            try:
                population = sorted(population)
            except TypeError:
                population = tuple(population)
        return sample(population, k, **named)

    return call
