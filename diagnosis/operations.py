"""What the calls of a traced step compute, by the names that torch gives them: which only rearrange values, which loss
expects what."""

from collections.abc import Iterator, Mapping
from typing import Any

from diagnosis.findings import CodePlace
from diagnosis.flow import Flow

# Calls whose result holds values of their first argument, unchanged, in another shape, order, type or place.
REARRANGING = {
    "__getitem__", "clone", "contiguous", "cpu", "cuda", "double", "expand", "expand_as", "flatten", "flip", "float", "gather",
    "index_select", "masked_select", "mT", "movedim", "permute", "repeat", "repeat_interleave", "reshape", "roll", "select",
    "squeeze", "swapaxes", "T", "take_along_dim", "to", "transpose", "type", "type_as", "unsqueeze", "view", "view_as", "unbind",
    "chunk", "split", "narrow", "unflatten", "diagonal", "t", "half", "bfloat16", "squeeze_", "unsqueeze_",
}  # fmt: skip
JOINING = {"cat", "stack", "concat", "concatenate", "hstack", "vstack"}
MASKING = {"masked_fill", "masked_fill_", "__setitem__", "nan_to_num", "fill_diagonal_"}
SIGMOIDS = {"sigmoid", "sigmoid_"}
SOFTMAXES = {"softmax"}
SQUASHING = SIGMOIDS | SOFTMAXES
LOGARITHMS = {"log", "log_", "log2", "log10", "log1p"}
PRODUCTS = {"matmul", "__matmul__", "bmm", "mm", "einsum", "linear", "baddbmm"}
MULTIPLYING = {"mul", "__mul__", "mul_", "__imul__", "multiply", "__rmul__"}
DIVIDING = {"div", "__truediv__", "true_divide", "div_", "__itruediv__", "divide", "__div__"}
ADDING = {
    "add",
    "__add__",
    "__iadd__",
    "__radd__",
    "add_",
    "sub",
    "__sub__",
    "sub_",
    "rsub",
    "__rsub__",
    "__isub__",
    "subtract",
}
SUBTRACTING = {"sub", "__sub__", "sub_", "rsub", "__rsub__", "__isub__", "subtract"}
NEGATING = {"neg", "__neg__", "negative"}
Op = Mapping[str, Any]


def trained(flow: Flow) -> list[int]:
    """The training calls that the loss is made of, nearest to `backward` first."""
    return [op for op in flow.upstream(flow.backward) if flow.ops[op]["phase"] == "train"]


def made_by(flow: Flow, op: int, position: int = 0) -> Iterator[list[int]]:
    """How a call's argument came about: for each call that made it, that call first and then those that only rearranged
    its values, up to `op` itself."""
    yield from _made_by(flow, op, position, [op], set())


def _made_by(flow: Flow, op: int, position: int, path: list[int], seen: set[int]) -> Iterator[list[int]]:
    for source in _calls(flow, op, position):
        if source in seen:
            continue
        seen.add(source)
        function, way = flow.ops[source]["function"], [source, *path]
        if function in REARRANGING or function in MASKING:
            yield from _made_by(flow, source, 0, way, seen)
        elif function in JOINING:
            for slot in range(len(flow.ops[source]["inputs"])):
                yield from _made_by(flow, source, slot, way, seen)
        else:
            yield way


def _calls(flow: Flow, op: int, position: int) -> list[int]:
    return [int(source[1:]) for source in flow.slot(op, position) if source.startswith("o")]


def axis(call: Op, shape_at: int = 0) -> int | None:
    """The axis that a call such as softmax or sum works along, from 0; None where it was not told as one number."""
    told = call["scalars"].get("dim", call["scalars"].get("axis", call["scalars"].get("1")))
    shapes = call["in"]
    if isinstance(told, bool) or not isinstance(told, int) or len(shapes) <= shape_at:
        return None
    rank = len(shapes[shape_at])
    return told + rank if -rank <= told < 0 else told if 0 <= told < rank else None


def factor(call: Op) -> float | None:
    """The plain number that a call multiplies, divides or adds; None where it is a tensor."""
    for name in ("1", "0", "other"):
        told = call["scalars"].get(name)
        if isinstance(told, (int, float)) and not isinstance(told, bool):
            return float(told)
    return None


def place_of(call: Op, does: str = "") -> CodePlace:
    """The line of a traced call."""
    return CodePlace(path=str(call["path"]), line=int(call["line"]), does=does)
