"""Finds the loss, and the draws of negative items that feed it."""

from collections.abc import Iterator
from typing import Any

from diagnosis.findings import Role, Site
from diagnosis.flow import Flow
from diagnosis.table_roles import LOOKUPS

LOSSES = {
    "binary_cross_entropy_with_logits", "binary_cross_entropy", "cross_entropy", "nll_loss", "log_softmax", "logsigmoid", "log_sigmoid",
    "softplus", "logsumexp", "kl_div", "mse_loss", "margin_ranking_loss", "triplet_margin_loss", "hinge_embedding_loss",
    "soft_margin_loss", "l1_loss", "smooth_l1_loss", "cosine_embedding_loss", "multi_margin_loss", "poisson_nll_loss",
}  # fmt: skip
# Parts of a loss that is written out by hand: -log(sigmoid(x) + eps) and its like, hinge, squared error.
HANDMADE = {"sigmoid", "softmax", "log", "log1p", "clamp", "relu", "square", "pow"}
DRAWS = {"randint", "randint_like", "multinomial", "random_", "rand", "rand_like", "uniform_"}
CONTINUOUS = {"rand", "rand_like", "uniform_"}
TO_INTEGER = {"long", "int", "to", "floor", "type", "round", "trunc"}


def loss_sites(flow: Flow) -> Iterator[Site]:
    """Sites of the calls that compute the number on which `backward` is called, nearest first.

    detail: function, kind ("library" or "handmade"), inputs (shapes), scalars (such as reduction), and backward (where
        it is called).
    """
    near = [op for op in flow.upstream(flow.backward) if flow.ops[op]["phase"] == "train"]
    library = [op for op in near if flow.ops[op]["function"] in LOSSES]
    handmade = [op for op in near if flow.ops[op]["function"] in HANDMADE and op in set(near[:12])]
    result = [op for op in near if flow.ops[op]["function"] != "backward"]
    backward = [{"path": flow.ops[op]["path"], "line": flow.ops[op]["line"]} for op in flow.backward]
    for op in library or handmade[:2] or result[:1]:
        call = flow.ops[op]
        detail = {
            "function": call["function"],
            "kind": "library" if library else "handmade",
            "inputs": call["in"],
            "scalars": call["scalars"],
            "backward": backward,
        }
        yield Site(
            role=Role.LOSS, path=call["path"], start_line=call["line"], end_line=call["line"], detail=detail
        )


def negative_sites(flow: Flow, tables: list[int], n_items: int) -> list[Site]:
    """Sites of random draws that are used as indices of the item table.

    Draws whose bound is the number of items come before all others. Otherwise a draw that reaches every lookup of the
    table is left out, because it chooses the batch.

    detail: function, shape of the draw, scalars (its bounds), count.
    """
    trained = set(flow.upstream(flow.backward))
    lookups = [op for op in _lookups_of(flow, tables) if op in trained]
    reaching: dict[int, int] = {}
    for lookup in lookups:
        for op in flow.upstream([lookup]):
            call = flow.ops[op]
            if call["phase"] == "train" and call["function"] in DRAWS and _is_index(flow, op):
                reaching[op] = reaching.get(op, 0) + 1
    everywhere = {op for op, n in reaching.items() if n == len(lookups) and len(lookups) > 1}
    bounded = [op for op in reaching if _bound_is_items(flow.ops[op], n_items)]
    chosen = bounded or [op for op in reaching if op not in everywhere]
    return [_draw_site(flow.ops[op]) for op in sorted(chosen, key=lambda op: (reaching[op], op))]


def _lookups_of(flow: Flow, tables: list[int]) -> list[int]:
    """Training calls that index the item table, or scores made with it (as `scores.gather(1, negatives)` does)."""
    if not tables:
        return []
    near = flow.downstream(flow.consumers(f"p{tables[0]}"), depth=6)
    return [op for op in near if flow.ops[op]["phase"] == "train" and flow.ops[op]["function"] in LOOKUPS]


def _is_index(flow: Flow, draw: int) -> bool:
    """Whether a draw yields ids. Draws of numbers in 0..1 do only if they become integers; others are masks or noise."""
    if flow.ops[draw]["function"] not in CONTINUOUS:
        return True
    return any(flow.ops[op]["function"] in TO_INTEGER for op in flow.downstream([draw], depth=3))


def _bound_is_items(call: Any, n_items: int) -> bool:
    bounds = [call["scalars"].get(name) for name in ("0", "1", "2", "high")]
    return call["function"] in ("randint", "randint_like", "random_") and any(
        isinstance(b, int) and not isinstance(b, bool) and n_items - 1 <= b <= n_items + 2 for b in bounds
    )


def _draw_site(call: Any) -> Site:
    shape = call["out"][0] if call["out"] else []
    detail = {
        "function": call["function"],
        "shape": shape,
        "scalars": call["scalars"],
        "count": call["count"],
    }
    return Site(
        role=Role.NEGATIVES, path=call["path"], start_line=call["line"], end_line=call["line"], detail=detail
    )
