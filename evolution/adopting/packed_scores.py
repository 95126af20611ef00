"""Models that take batches of one make: histories that they pack, and buffers as long as a batch."""

import ast

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants
from evolution.adopting.foreign_code import CodeUnit
from evolution.adopting.model_class import FoundModel
from evolution.adopting.naming import words_of

MAKERS = {"Tensor", "FloatTensor", "zeros", "empty", "ones", "eye"}


def packing(constants: Constants, unit: CodeUnit) -> dict[str, bool] | None:
    """How a method packs what it is given: whether time is the first axis, and whether the longest must come first; None where
    it packs nothing."""
    for here in [unit, *_own(constants, unit)]:
        for call in here.calls:
            if dotted(call.func).rpartition(".")[2] == "pack_padded_sequence":
                given = {word.arg: word.value for word in call.keywords}
                flags = dict(zip(("batch_first", "enforce_sorted"), call.args[2:]))
                given = {**flags, **given}
                return {
                    "time_first": not _is(given.get("batch_first"), True),
                    "longest_first": not _is(given.get("enforce_sorted"), False),
                }
    return None


def _own(constants: Constants, unit: CodeUnit) -> list[CodeUnit]:
    """The methods of its own that a method calls."""
    return [
        one
        for call in unit.calls
        if dotted(call.func).startswith("self.")
        for one in constants.repo.reached(unit, call)[:2]
    ]


def _is(node: ast.expr | None, value: bool) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def packed_code(method: str, how: dict[str, bool], *, lengths_first: bool) -> str:
    """The kit's way for it. method: the code that names the model's method."""
    words = [method] if method != "None" else []
    words += [f"{name}=True" for name, there in how.items() if there]
    words += ["lengths_first=True"] if lengths_first else []
    return f"kit.scores.by_packed({', '.join(words)})"


def batch_of_buffers(constants: Constants, model: FoundModel) -> str:
    """The model's attribute that says how long a batch is, where tensors that it holds are made with it; "" where none is.

    What makes a first state is left out, as scoring makes its own.
    """
    for file, node in constants.repo.lineage(model.kind):
        for unit in file.units:
            if unit.owner is not node or {"hidden", "state"} & set(words_of(unit.name.rpartition(".")[2])):
                continue
            for call in unit.calls:
                name = dotted(call.func).rpartition(".")[2]
                if name in MAKERS and any(dotted(arg) == "self.batch_size" for arg in call.args):
                    return "batch_size"
    return ""
