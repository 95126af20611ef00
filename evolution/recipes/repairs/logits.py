"""Repairs of what the loss and the softmax are given: probabilities for logits, a wrong axis, padding as a class."""

import libcst as cst

from evolution.recipes.code import argument, call_name, dotted, last_name
from evolution.recipes.repairs.repair import Changes, Place, Repair, receiver, with_argument

SQUASHES = ("sigmoid", "softmax", "log_softmax", "tanh")
LOSSES = ("cross_entropy", "CrossEntropyLoss", "nll_loss", "NLLLoss")


def _unsquashed(place: Place) -> Changes:
    call = place.only(cst.Call, lambda node: call_name(node) in SQUASHES and not _is_gate(place, node))
    if call is None:
        return {}
    kept = receiver(call) if not call.args else None
    if kept is None and call.args and dotted(call.func).split(".")[0] in ("torch", "F", "nn", *SQUASHES):
        kept = call.args[0].value
    elif kept is None and isinstance(call.func, cst.Attribute) and call_name(call) != "sigmoid":
        kept = call.func.value  # x.softmax(-1)
    return {call: [_standing_for(place, call, kept)]} if kept is not None else {}


def _standing_for(place: Place, call: cst.Call, kept: cst.BaseExpression) -> cst.BaseExpression:
    """What the call was given, in parentheses where it is a part of a larger expression and would come apart."""
    simple = isinstance(kept, (cst.Name, cst.Attribute, cst.Call, cst.Subscript)) or bool(kept.lpar)
    alone = isinstance(place.source.parents.get(call), (cst.Arg, cst.Assign, cst.AnnAssign, cst.Return))
    if simple or alone:
        return kept
    return kept.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _is_gate(place: Place, call: cst.Call) -> bool:
    """Whether the squashed value is a factor, as of attention or a gate, and no score."""
    above = place.source.parents.get(call)
    return isinstance(above, cst.BinaryOperation) and isinstance(
        above.operator, (cst.Multiply, cst.MatrixMultiply)
    )


def _over_the_right_axis(place: Place) -> Changes:
    call = place.only(cst.Call, lambda node: call_name(node) in ("softmax", "log_softmax"))
    if call is None:
        return {}
    is_method = not (dotted(call.func).startswith(("torch.", "F.", "nn.")) or isinstance(call.func, cst.Name))
    given = argument(call, "dim", 0 if is_method else 1)
    shape = _shape_at(place, call)
    if given is None or not shape:
        return {}
    axis = next((at for at in range(len(shape) - 1, 0, -1) if shape[at] > 1), 0)
    code = place.source.code(given)
    written = str(axis) if axis < len(shape) - 1 or len(shape) == 2 else "-1"
    if axis == 0 or not code.lstrip("-").isdigit() or int(code) % len(shape) == axis:
        return {}
    return {call: [with_argument(call, "dim", written, given)]}


def _shape_at(place: Place, call: cst.Call) -> list[int]:
    """The shape that the traced call was given; [] where it was not traced, or with several shapes."""
    first, last = place.source.line(call), place.source.last_line(call)
    shapes = [
        tuple(op["in"][0])
        for op in place.context.trace.get("ops", ())
        if op["path"] == place.source.path
        and first <= op["line"] <= last
        and op["function"].strip("_") in ("softmax", "log_softmax")
        and op["in"]
    ]
    return list(shapes[0]) if len({len(shape) for shape in shapes}) == 1 else []


def _without_padding(place: Place) -> Changes:
    call = place.only(cst.Call, lambda node: call_name(node) in LOSSES) or made_loss(place, LOSSES)
    if call is None or argument(call, "ignore_index") is not None:
        return {}
    return {call: [with_argument(call, "ignore_index", "0")]}


def made_loss(place: Place, names: tuple[str, ...]) -> cst.Call | None:
    """What made the loss, as `CrossEntropyLoss()`, which the accused lines call, in the same file."""
    called = {call_name(call) for call in place.nodes(cst.Call)}
    for made in place.source.all_of(cst.Assign):
        kept = {last_name(target.target) for target in made.targets}
        if kept & called and isinstance(made.value, cst.Call) and call_name(made.value) in names:
            return made.value
    return None


UNSQUASHED = Repair(
    code="logits-for-the-loss",
    title="Give the loss logits, as it expects",
    rationale="The loss squashes what it is given. What was squashed before is bounded, so the loss cannot fall far and its gradient fades.",
    triggers=frozenset({"squashed-logits", "probability-for-logit"}),
    needs="a call that squashes the scores",
    note="A monotone function less: every ranking is as before until training goes on.",
    mend=_unsquashed,
)
RIGHT_AXIS = Repair(
    code="softmax-axis",
    title="Take the softmax over the axis that is summed",
    rationale="Weights of one row must sum to 1. Over another axis they mix rows that have nothing to do with each other.",
    triggers=frozenset({"softmax-axis", "weights-summed-elsewhere", "batch-mixed"}),
    needs="a softmax with a number as its axis, whose shape was traced,",
    note="The weights of each row sum to 1 now.",
    mend=_over_the_right_axis,
)
WITHOUT_PADDING = Repair(
    code="ignore-padding",
    title="Leave padding out of the loss",
    rationale="Padding is no item. As a class of the loss it takes part of the gradient, and the model learns to predict it.",
    triggers=frozenset({"padding-is-a-target"}),
    needs="a cross-entropy that does not say what it ignores",
    note="Only real targets count.",
    mend=_without_padding,
)
