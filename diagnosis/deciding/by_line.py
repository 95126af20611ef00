"""For codes whose lines are known, what decides their values, sought from the whole statement and not from ids alone."""

import ast
from collections.abc import Callable, Sequence

from diagnosis.deciding import around, hiding, lists, masks, numbers, served
from diagnosis.deciding.program import Program
from diagnosis.findings import CodePlace

# The deciding nodes, best first, from the lines that were seen.
BY_LINE: dict[str, Callable[[Program, Sequence[CodePlace]], list[ast.AST]]] = {
    "learning-rate-too-high": numbers.rates,
    "learning-rate-too-low": numbers.rates,
    "decay-outweighs": numbers.decays,
    "warm-up-too-long": numbers.warm_ups,
    "schedule-runs-out": numbers.rates_by_hand,
    "future-visible": masks.of_future,
    "more-padding": masks.of_padding,
    "padding-attended": masks.of_padding,
    "initial-scale": numbers.spreads,
    "bounded-logits": numbers.scales,
    "never-stepped": around.guards,
    "not-in-optimizer": lists.of_parameters,
    "features-misaligned": around.fillings,
    "learns-backwards": around.penalties,
    "history-window": around.windows,
    "newest-kept": served.ends,
    "state-restored": around.states,
    "mask-is-an-item": hiding.ids,
    "padding-is-a-target": hiding.targets,
}
WITHOUT_LINES = ("state-restored",)  # they are sought though nothing was seen
