"""For codes whose lines are known, what decides their values, sought from the whole statement and not from ids alone."""

import ast
from collections.abc import Callable, Sequence

from diagnosis.deciding import numbers
from diagnosis.deciding.program import Program
from diagnosis.findings import CodePlace

# The deciding nodes, best first, from the lines that were seen.
BY_LINE: dict[str, Callable[[Program, Sequence[CodePlace]], list[ast.AST]]] = {
    "learning-rate-too-high": numbers.rates,
    "learning-rate-too-low": numbers.rates,
    "decay-outweighs": numbers.decays,
    "warm-up-too-long": numbers.warm_ups,
    "initial-scale": numbers.spreads,
}
