"""Which probability the loss trains, read from the traced step: sigmoid, softmax, or none."""

from collections.abc import Iterator, Mapping
from typing import Any

from diagnosis.findings import CodePlace
from diagnosis.flow import Flow

SIGMOID_LOSSES = {"binary_cross_entropy_with_logits", "binary_cross_entropy", "sigmoid", "BCEWithLogitsLoss"}
SOFTMAX_LOSSES = {"cross_entropy", "log_softmax", "nll_loss", "logsumexp", "softmax"}
LOG_SIGMOIDS = {"log_sigmoid", "logsigmoid", "softplus"}
# Calls that make scores, or vectors, of tables and weights. What lies behind them is the model, whose own sigmoids and
# softmaxes (gates, attention) are no part of the loss.
MAKERS = {
    "matmul", "__matmul__", "__rmatmul__", "mm", "bmm", "baddbmm", "addmm", "einsum", "linear", "bilinear", "embedding",
    "embedding_bag", "layer_norm", "rms_norm", "batch_norm", "dropout", "gru", "lstm", "rnn_tanh", "rnn_relu", "conv1d", "conv2d",
    "scaled_dot_product_attention", "multi_head_attention_forward", "normalize", "cosine_similarity",
}  # fmt: skip
NO_LOSS = "the trace shows no loss"
NO_PROBABILITY = "a loss without probabilities"


def loss_kind(trace: Mapping[str, Any]) -> str:
    """ "sigmoid", "softmax", "pairwise", or a text that says why it is none of them.

    Read from the calls between `backward` and those that make the scores, however many there are.
    """
    flow = Flow(trace)
    if not flow.backward:
        return NO_LOSS
    for op in between(flow, flow.backward):
        name = flow.ops[op]["function"]
        if name in SIGMOID_LOSSES:
            return "sigmoid"
        if name in SOFTMAX_LOSSES:
            return "softmax"
        if name in LOG_SIGMOIDS:
            return _binary_or_pairwise(flow, op)
    return NO_PROBABILITY


def sampled_losses(trace: Mapping[str, Any], n_items: int) -> tuple[CodePlace, ...]:
    """The lines of the losses that train a probability and are given the scores of fewer items than there are."""
    flow = Flow(trace)
    calls = [flow.ops[op] for op in between(flow, flow.backward)]
    seen = [call for call in calls if call["function"] in SIGMOID_LOSSES | SOFTMAX_LOSSES | LOG_SIGMOIDS]
    found = [
        CodePlace(path=call["path"], line=call["line"], does="compares a sample of the items")
        for call in seen
        if not any(
            n_items - 1 <= size <= n_items + 2
            for shape in call["in"]
            if isinstance(shape, list)
            for size in shape
        )
    ]
    return tuple(dict.fromkeys(found)) if len(found) == len(seen) else ()


def between(flow: Flow, start: list[int]) -> Iterator[int]:
    """Indices of the calls from `start` up to those that make the scores, nearest first; `start` included, MAKERS not."""
    queue, seen = list(start), set(start)
    for op in queue:  # the list grows while it is read
        if flow.ops[op]["function"] in MAKERS:
            continue
        yield op
        for slot in flow.ops[op]["inputs"]:
            new = [int(node[1:]) for node in slot if node.startswith("o") and int(node[1:]) not in seen]
            seen.update(new)
            queue += new


def _binary_or_pairwise(flow: Flow, op: int) -> str:
    """ "pairwise" if the log sigmoid is of a difference of two scores or item vectors (BPR), else "sigmoid" (BCE)."""
    near = [flow.ops[i] for i in flow.upstream([op], depth=5)]
    differences = [o for o in near if o["function"] in ("sub", "__sub__", "__rsub__", "subtract")]
    return (
        "pairwise" if any(len(o["inputs"]) > 1 and all(o["inputs"][:2]) for o in differences) else "sigmoid"
    )
