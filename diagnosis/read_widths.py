"""What the traced step says of histories: how many events are looked up, and whether they are encoded in order."""

from collections.abc import Iterator, Mapping
from typing import Any

from diagnosis.flow import Flow
from diagnosis.model_roles import ATTENTION
from diagnosis.table_roles import LOOKUPS, table_parameters

SEQUENTIAL = ATTENTION | {"gru", "lstm", "rnn_tanh", "rnn_relu", "conv1d"}


def trained_width(trace: Mapping[str, Any], n_items: int) -> int:
    """How many events of a history are looked up in a training step, 0 where that cannot be told.

    Only lines count that look histories up in both phases, training and scoring: others may look candidates up. Of the two
    dimensions of a batch the smaller counts, since either may be the first: so no width is told that is a number of rows.
    """
    flow = Flow(trace)
    widths = {phase: dict(_lookup_widths(flow, phase, n_items)) for phase in ("train", "score")}
    shared = [width for place, width in widths["train"].items() if place in widths["score"]]
    return max(shared, default=0)


def shared_width(trace: Mapping[str, Any], n_items: int) -> int:
    """How many events a line looks up for each row of a training step, and as many for each row that is scored; 0 where there is
    no such line.

    Candidates are looked up on a line that both share, too, but as many as the catalogue has while scoring; what a model keeps
    of each user, as neighbours or a history of his own, is looked up by what another look-up gives.
    """
    flow = Flow(trace)
    widths: dict[str, set[tuple[str, int, int]]] = {"train": set(), "score": set()}
    for table in table_parameters(flow, n_items):
        for op in flow.consumers(f"p{table}"):
            call = flow.ops[op]
            out = call["out"][0] if call["out"] else []
            if call["phase"] not in widths or call["function"] not in LOOKUPS or len(out) != 3:
                continue
            kept = any(one != op and flow.ops[one]["function"] in LOOKUPS for one in flow.upstream([op]))
            if not kept and max(out[:2]) < n_items:
                widths[call["phase"]].add((call["path"], call["line"], out[1]))
    return max((width for *_, width in widths["train"] & widths["score"]), default=0)


def _lookup_widths(flow: Flow, phase: str, n_items: int) -> Iterator[tuple[tuple[str, int], int]]:
    for table in table_parameters(flow, n_items):
        for op in flow.consumers(f"p{table}"):
            call = flow.ops[op]
            out = call["out"][0] if call["out"] else []
            if call["phase"] == phase and call["function"] in LOOKUPS and len(out) == 3:
                yield (call["path"], call["line"]), min(out[:2])


def encodes_order(trace: Mapping[str, Any]) -> bool:
    """Whether a training step sends what it looked up through recurrence, attention or convolution."""
    flow = Flow(trace)
    return any(
        flow.ops[op]["function"] in SEQUENTIAL
        for op in flow.upstream(flow.backward)
        if flow.ops[op]["phase"] == "train"
    )


def trains_users(trace: Mapping[str, Any], n_users: int, n_items: int) -> bool:
    """Whether a training step updates a table with a row for each user, alone or together with the items."""
    flow = Flow(trace)
    trained = set(flow.upstream(flow.backward))
    slack = max(8, n_users // 100)
    for index, parameter in enumerate(flow.parameters):
        shape = parameter["shape"]
        if len(shape) != 2 or not any(op in trained for op in flow.consumers(f"p{index}")):
            continue
        alone = n_users <= shape[0] <= n_users + slack and not n_items <= shape[0] <= n_items + slack
        if alone or 0 <= shape[0] - n_users - n_items <= slack:
            return True
    return False
