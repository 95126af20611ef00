"""Names and habits of older versions of numpy and Python that published programs still rely on."""

import collections
import collections.abc
import fractions
import functools
import inspect
import math
import random
import time

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

# (owner, name, what it was) of Python before 3.8 to 3.11.
_OF_PYTHON = [
    *((collections, name, getattr(collections.abc, name)) for name in collections.abc.__all__),
    (time, "clock", time.process_time),
    (fractions, "gcd", math.gcd),
    (inspect, "getargspec", lambda function: inspect.getfullargspec(function)[:4]),
]


def _older_habits():
    """(owner, name, value) of what this numpy and this Python no longer have."""
    for name, value in _OLD_NAMES.items():
        if value is not None and name not in vars(np):
            yield np, name, value
    for owner, name, value in _OF_PYTHON:
        if not hasattr(owner, name):
            yield owner, name, value
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
