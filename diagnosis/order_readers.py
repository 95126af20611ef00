"""Which parts of the traced scoring read the order of a history, and whether it reads histories at all."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from diagnosis.findings import CodePlace
from diagnosis.flow import Flow
from diagnosis.model_roles import MASKS, by_position
from diagnosis.table_roles import LOOKUPS, table_parameters

RECURRENT = {"gru", "lstm", "rnn_tanh", "rnn_relu", "gru_cell", "lstm_cell", "rnn_tanh_cell", "rnn_relu_cell"}
CONVOLUTIONS = {"conv1d", "conv2d"}


def order_readers(trace: Mapping[str, Any], n_items: int) -> tuple[CodePlace, ...]:
    """The lines where the scoring reads positions, recurs over a history or masks the future; () if none was seen."""
    return tuple(dict.fromkeys(_readers(Flow(trace), trace, n_items)))


def _readers(flow: Flow, trace: Mapping[str, Any], n_items: int) -> Iterator[CodePlace]:
    scoring = _scoring(flow, trace)
    tables = table_parameters(flow, n_items)
    width = flow.parameters[tables[0]]["shape"][-1] if tables else 0
    for index, parameter in enumerate(flow.parameters):
        shape = parameter["shape"]
        of_items = index in tables or (
            len(shape) >= 2 and shape[0] >= n_items
        )  # a second table of items, or one of users
        wide = len(shape) >= 2 and shape[-1] == width and not of_items
        if not wide:
            continue
        used = [op for op in flow.consumers(f"p{index}") if op in scoring and by_position(flow, op)]
        lengths = _lengths(flow, scoring, f"p{index}", (trace["score"].get("shape") or [0])[0])
        for op in [one for one in used if _places(flow, one, shape) & lengths][:1]:
            yield _at(flow.ops[op], "a table of positions")
    for op in sorted(scoring):
        function = flow.ops[op]["function"]
        if function in RECURRENT:
            yield _at(flow.ops[op], "a recurrent layer")
        elif function in CONVOLUTIONS:
            yield _at(flow.ops[op], "a convolution")
        elif function in MASKS or flow.ops[op]["scalars"].get("is_causal") is True:
            yield _at(flow.ops[op], "a causal mask")


def _lengths(flow: Flow, scoring: set[int], apart_from: str, questions: int) -> set[int]:
    """How many events a question may have: the sizes of the ids that other tables are asked for, several a question."""
    found: set[int] = set()
    for op in scoring:
        call = flow.ops[op]
        tables = _tables_of(flow, op)  # what is looked up in has no events of a question
        alone = len(tables) < 2 and any(apart_from in slot for slot in call["inputs"])
        if call["function"] not in LOOKUPS or alone:
            continue
        asked = [g for g in call["in"] if isinstance(g, list) and len(g) >= 2 and tuple(g) not in tables]
        for *before, last in asked:
            found |= {last, *(size for size in before if size != questions)}
    return found - {1}


def _tables_of(flow: Flow, op: int) -> set[tuple[int, ...]]:
    """The shapes of the parameters that a call takes; the calls of one line, of several tables, are recorded as one."""
    named = {source for slot in flow.ops[op]["inputs"] for source in slot if source.startswith("p")}
    return {tuple(flow.parameters[int(source[1:])]["shape"]) for source in named}


def _places(flow: Flow, op: int, table: Sequence[int]) -> set[int]:
    """How many rows a call takes of a table, one for each place; of one row, which is a bias, there is no order."""
    call = flow.ops[op]
    if call["function"] not in LOOKUPS:
        return {size for size in table[:-1] if size > 1}
    tables = _tables_of(flow, op)
    asked = [given for given in call["in"] if isinstance(given, list) and tuple(given) not in tables]
    taken = [given[:-1] for given in call["out"][:1]]
    return {size for given in (*asked, *taken) for size in given if size > 1}


def reads_histories(trace: Mapping[str, Any]) -> bool:
    """Whether a traced scoring computes its answer from anything with a row of several values per question, besides the
    scores themselves; True without a traced scoring.

    A model that answers by user ids alone sees one id per question.
    """
    flow = Flow(trace)
    answer = trace.get("score", {})
    if not answer.get("sources"):
        return True
    lookups = (
        "embedding",
        "embedding_bag",
        "index_select",
        "__getitem__",
        "gather",
        "one_hot",
        "scatter",
        "scatter_",
    )
    wide = {"linear", "matmul", "__matmul__", "mm"}
    shape = answer.get("shape") or [0]
    for op in _scoring(flow, trace):
        call = flow.ops[op]
        if call["function"] in lookups and any(_per_question(given, shape[0]) for given in call["in"]):
            return True
        known = [
            slot for slot in call["inputs"] if not slot
        ]  # a tensor from outside, as a row of seen items is
        if call["function"] in wide and known and any(_per_question(given, shape[0]) for given in call["in"]):
            return True
    return False


def _per_question(shape: Any, questions: int) -> bool:
    return isinstance(shape, list) and len(shape) >= 2 and shape[0] == questions and shape[1] > 1


def _scoring(flow: Flow, trace: Mapping[str, Any]) -> set[int]:
    """Indices of the calls that the scores are computed by, while scoring."""
    sources = trace.get("score", {}).get("sources", ())
    start = [int(source[1:]) for source in sources if source.startswith("o")]
    return {op for op in flow.upstream(start) if flow.ops[op]["phase"] == "score"}


def _at(call: Mapping[str, Any], does: str) -> CodePlace:
    return CodePlace(path=call["path"], line=call["line"], does=does)
