"""Finds the parts of the model between the item table and the loss: positions, encoder, mask, dropout, normalisation."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from diagnosis.findings import Role, Site
from diagnosis.flow import Flow
from diagnosis.table_roles import LOOKUPS

ATTENTION = {"multi_head_attention_forward", "scaled_dot_product_attention", "_native_multi_head_attention"}
ENCODERS = ATTENTION | {"gru", "lstm", "rnn_tanh", "rnn_relu", "conv1d", "conv2d", "softmax", "_softmax"}
POOLING = {"mean", "sum", "cumsum", "max", "bmm", "linear"}
ENCODER_MODULES = {
    "TransformerEncoder",
    "TransformerEncoderLayer",
    "MultiheadAttention",
    "GRU",
    "LSTM",
    "RNN",
    "Conv1d",
    "Conv2d",
}
MASKS = ("tril", "triu", "tril_", "triu_")
FILLS = ("masked_fill", "masked_fill_", "where")
DROPOUTS = {"dropout", "dropout_", "dropout1d", "dropout2d", "feature_dropout", "alpha_dropout"}
NORMS = {"layer_norm", "batch_norm", "rms_norm", "group_norm", "instance_norm", "normalize"}


def position_sites(flow: Flow, tables: list[int]) -> Iterator[Site]:
    """Sites of tables as wide as the item table that are indexed by `arange`, sliced, or added whole.

    detail: shape, name.
    """
    if not tables:
        return
    width = flow.parameters[tables[0]]["shape"][-1]
    for index, parameter in enumerate(flow.parameters):
        is_table = (
            len(parameter["shape"]) >= 2 and parameter["shape"][-1] == width and index not in tables[:1]
        )
        if is_table and any(by_position(flow, op) for op in flow.consumers(f"p{index}")):
            yield _at(
                Role.POSITION_TABLE, parameter, {"shape": parameter["shape"], "name": parameter["name"]}
            )


def by_position(flow: Flow, op: int) -> bool:
    """Whether a call that uses a table takes its rows by their place: in a row, by `arange`, or all of them at once."""
    call = flow.ops[op]
    if call["phase"] == "build":
        return False
    if call["function"] in ("add", "__add__", "__radd__", "add_"):
        return True
    if call["function"] not in LOOKUPS:
        return False
    sliced = call["function"] == "__getitem__" and len(call["inputs"]) == 1
    return sliced or _counts(flow, op, depth=4)


def _counts(flow: Flow, op: int, depth: int) -> bool:
    """Whether a call's arguments are numbers of `arange`, and not what stands at such numbers in another table, as items' categories."""
    if flow.ops[op]["function"] == "arange":
        return True
    sources = [int(s[1:]) for slot in flow.ops[op]["inputs"] for s in slot if s.startswith("o")]
    return depth > 0 and any(_counts(flow, one, depth - 1) for one in sources if not _reads_a_row(flow, one))


def _reads_a_row(flow: Flow, op: int) -> bool:
    return flow.ops[op]["function"] in LOOKUPS and len(flow.ops[op]["inputs"]) > 1


def encoder_sites(flow: Flow, trace: Mapping[str, Any]) -> Iterator[Site]:
    """Sites of the code that turns a history into a vector: where encoder modules are built, then their calls; without
    calls, the pooling of looked-up items.

    detail: function or module.
    """
    for module in trace.get("modules", ()):
        if module["library"] and module["type"] in ENCODER_MODULES:
            yield _at(Role.ENCODER, module, {"module": module["type"]})
    near = [op for op in flow.upstream(flow.backward) if flow.ops[op]["phase"] == "train"]
    calls = [op for op in near if flow.ops[op]["function"] in ENCODERS]
    pools = [op for op in near if flow.ops[op]["function"] in POOLING]
    direct = [op for op in pools if _takes_lookup(flow, op, depth=1)]
    for op in calls or direct or [op for op in pools if _takes_lookup(flow, op, depth=4)][-3:]:
        yield _at(Role.ENCODER, flow.ops[op], {"function": flow.ops[op]["function"]})


def _takes_lookup(flow: Flow, op: int, depth: int) -> bool:
    return any(flow.ops[o]["function"] in LOOKUPS for o in flow.upstream([op], depth) if o != op)


def mask_sites(flow: Flow) -> Iterator[Site]:
    """Sites of causal masks: triangular ones that reach attention, then attention with `is_causal`, then other filled
    masks.
    """
    attention = [op for op in flow.upstream(flow.backward) if flow.ops[op]["function"] in ENCODERS]
    near = list(flow.upstream(attention, depth=12))
    for op in near:
        if flow.ops[op]["function"] in MASKS:
            yield _at(Role.CAUSAL_MASK, flow.ops[op], {"function": flow.ops[op]["function"]})
    for op in attention:
        if flow.ops[op]["scalars"].get("is_causal") is True:
            yield _at(
                Role.CAUSAL_MASK, flow.ops[op], {"function": flow.ops[op]["function"], "is_causal": True}
            )
    for op in flow.upstream(attention, depth=3):
        if flow.ops[op]["function"] in FILLS and flow.ops[op]["phase"] == "train":
            yield _at(Role.CAUSAL_MASK, flow.ops[op], {"function": flow.ops[op]["function"]})


def dropout_sites(flow: Flow, trace: Mapping[str, Any]) -> Iterator[Site]:
    """Dropout calls that are active while scoring (a defect), then lines that build dropout modules, then training
    calls.
    """
    calls = [op for op in flow.ops if op["function"] in DROPOUTS]
    active = [op for op in calls if op["phase"] == "score" and op["scalars"].get("training") is not False]
    for op in active:
        yield _at(
            Role.DROPOUT, op, {"function": op["function"], "scalars": op["scalars"], "while_scoring": True}
        )
    yield from _modules(trace, Role.DROPOUT, {"Dropout", "Dropout1d", "AlphaDropout", "FeatureAlphaDropout"})
    for op in calls:
        if op["phase"] == "train":
            yield _at(Role.DROPOUT, op, {"function": op["function"], "scalars": op["scalars"]})


def normalization_sites(flow: Flow, trace: Mapping[str, Any]) -> Iterator[Site]:
    """Lines that build normalisation modules, then normalisation calls in training."""
    yield from _modules(trace, Role.NORMALIZATION, {"LayerNorm", "BatchNorm1d", "RMSNorm", "GroupNorm"})
    for op in flow.ops:
        if op["phase"] == "train" and op["function"] in NORMS:
            yield _at(Role.NORMALIZATION, op, {"function": op["function"]})


def _modules(trace: Mapping[str, Any], role: Role, types: Iterable[str]) -> Iterator[Site]:
    for module in trace.get("modules", ()):
        if module["library"] and module["type"] in types:
            yield _at(role, module, {"module": module["type"], "name": module["name"]})


def _at(role: Role, record: Mapping[str, Any], detail: Mapping[str, Any]) -> Site:
    return Site(
        role=role, path=record["path"], start_line=record["line"], end_line=record["line"], detail=detail
    )
