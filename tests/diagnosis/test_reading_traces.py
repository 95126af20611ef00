"""What the traced step tells: which probability the loss trains however far it is from `backward`, and what reads an order."""

from typing import Any

from diagnosis.loss_kinds import NO_PROBABILITY, loss_kind, sampled_losses
from diagnosis.order_readers import order_readers, reads_histories
from diagnosis.scoring_sign import turns_round

N_ITEMS = 50


def op(
    function: str, *inputs: str, phase: str = "train", shapes: list[list[int]] | None = None, **scalars: Any
) -> dict[str, Any]:
    return {
        "phase": phase, "function": function, "path": "m.py", "line": 1, "scope": "", "inputs": [[i] if i else [] for i in inputs],
        "in": shapes or [], "out": [], "dtype": "", "scalars": scalars, "count": 1,
    }  # fmt: skip


def chain(*functions: str) -> dict[str, Any]:
    """Each call takes the result of the one before; `backward` is called on the last."""
    ops = [op(name, f"o{i - 1}" if i else "p0") for i, name in enumerate(functions)]
    return {"ops": [*ops, op("backward", f"o{len(functions) - 1}")], "parameters": []}


def test_a_loss_is_seen_behind_any_number_of_terms_that_are_added_to_it() -> None:
    assert loss_kind(chain("matmul", "binary_cross_entropy_with_logits", *["add"] * 30)) == "sigmoid"
    assert loss_kind(chain("linear", "cross_entropy", *["mul", "add"] * 12, "mean")) == "softmax"


def test_a_softmax_or_a_gate_inside_the_model_is_no_loss() -> None:
    assert loss_kind(chain("softmax", "matmul", "sub", "relu", "mean")) == NO_PROBABILITY
    assert loss_kind(chain("sigmoid", "linear", "mul", "sum", "sub", "clamp")) == NO_PROBABILITY


def test_a_loss_on_a_sample_of_the_items_is_told_from_one_on_all() -> None:
    def trace(width: int) -> dict[str, Any]:
        ops = [
            op("matmul", "p0", "p1"),
            op("cross_entropy", "o0", shapes=[[8, width], [8]]),
            op("backward", "o1"),
        ]
        return {"ops": ops, "parameters": []}

    assert [place.line for place in sampled_losses(trace(2), N_ITEMS)] == [1]
    assert sampled_losses(trace(N_ITEMS + 1), N_ITEMS) == ()


def scored(*ops: dict[str, Any]) -> dict[str, Any]:
    answer = {"sources": [f"o{len(ops) - 1}"], "shape": [4, N_ITEMS + 1], "requires_grad": False}
    return {"ops": list(ops), "parameters": [], "score": answer}


def test_a_recurrence_a_convolution_and_a_mask_read_an_order_and_a_bag_does_not() -> None:
    looked_up = op("embedding", "", "p0", phase="score", shapes=[[4, 7], [51, 8]])
    for function in ("gru", "conv1d", "tril"):
        read = scored(looked_up, op(function, "o0", phase="score"), op("matmul", "o1", phase="score"))
        assert len(order_readers(read, N_ITEMS)) == 1
    causal = op("scaled_dot_product_attention", "o0", phase="score", is_causal=True)
    assert order_readers(scored(looked_up, causal), N_ITEMS)
    bag = scored(looked_up, op("mean", "o0", phase="score"), op("matmul", "o1", phase="score"))
    assert order_readers(bag, N_ITEMS) == () and reads_histories(bag)


def test_a_model_that_answers_by_user_ids_reads_no_history() -> None:
    by_user = op("embedding", "", "p0", phase="score", shapes=[[4], [60, 8]])
    trace = scored(by_user, op("matmul", "o0", "p1", phase="score", shapes=[[4, 8], [8, 51]]))
    assert not reads_histories(trace)
    assert reads_histories({})  # nothing was traced, so nothing is known
    seen = scored(op("matmul", "", "p1", phase="score", shapes=[[4, 51], [51, 51]]))
    assert reads_histories(seen)  # a row of seen items, made outside of torch


def test_a_distance_or_a_negation_alone_turns_scores_round() -> None:
    looked_up = op("embedding", "", "p0", phase="score")
    for function in ("cdist", "neg", "__neg__"):
        assert len(turns_round(scored(looked_up, op(function, "o0", phase="score")))) == 1


def test_a_negated_distance_and_a_product_turn_nothing_round() -> None:
    looked_up = op("embedding", "", "p0", phase="score")
    negated = scored(looked_up, op("cdist", "o0", phase="score"), op("neg", "o1", phase="score"))
    inverse = scored(looked_up, op("cdist", "o0", phase="score"), op("reciprocal", "o1", phase="score"))
    product = scored(looked_up, op("matmul", "o0", phase="score"))
    elsewhere = scored(
        op("neg", "p0"), op("matmul", "o0", phase="score")
    )  # in the training step, as of a loss
    assert [turns_round(trace) for trace in (negated, inverse, product, elsewhere, {})] == [()] * 5


def test_a_second_table_of_items_or_one_of_users_is_no_table_of_positions() -> None:
    def read(rows: int) -> tuple[Any, ...]:
        tables = [{"shape": [N_ITEMS + 1, 8]}, {"shape": [rows, 8]}]
        looked_up = op("embedding", "", "p0", phase="score", shapes=[[4, 7], [N_ITEMS + 1, 8]])
        second = op("embedding", "", "p1", phase="score", shapes=[[7], [rows, 8]])
        trace = scored(looked_up, second, op("add", "o0", "o1", phase="score"))
        return order_readers({**trace, "parameters": tables}, N_ITEMS)

    assert read(N_ITEMS + 1) == () and read(N_ITEMS + 30) == ()


def test_what_items_are_made_of_is_no_table_of_positions() -> None:
    def read(*more: dict[str, Any]) -> tuple[Any, ...]:
        tables = [{"shape": [N_ITEMS + 1, 8]}, {"shape": [12, 8]}]
        looked_up = op("embedding", "", "p0", phase="score", shapes=[[4, 7], [N_ITEMS + 1, 8]])
        every = op("arange", phase="score")
        trace = scored(looked_up, every, *more, op("add", "o0", f"o{len(more) + 1}", phase="score"))
        return order_readers({**trace, "parameters": tables}, N_ITEMS)

    categories = op("__getitem__", "", "o1", phase="score")
    by_number = op("embedding", "o2", "p1", phase="score", shapes=[[7], [12, 8]])
    assert read(categories, by_number) == ()
    newest_first = op("__rsub__", "o1", phase="score")
    assert len(read(newest_first, by_number)) == 1
    every_row = op("embedding", "o2", "p1", phase="score", shapes=[[12], [12, 8]])
    assert read(newest_first, every_row) == ()  # as many as there are, and not as a history has events


def test_a_row_or_a_table_that_is_added_to_what_has_no_events_is_no_table_of_positions() -> None:
    def read(shape: list[int], asked: list[int]) -> tuple[Any, ...]:
        looked_up = op("embedding", "", "p0", phase="score", shapes=[asked, [N_ITEMS + 1, 8]])
        added = op("add", "o0", "p1", phase="score", shapes=[[*asked, 8], shape])
        return order_readers(
            {**scored(looked_up, added), "parameters": [{"shape": [N_ITEMS + 1, 8]}, {"shape": shape}]},
            N_ITEMS,
        )

    assert len(read([7, 8], [4, 7])) == len(read([1, 7, 8], [4, 7])) == 1
    assert read([1, 8], [4, 7]) == () and read([1, 1, 8], [4, 7]) == ()  # a bias, or one vector for all
    assert read([7, 8], [4]) == ()  # one id per question
