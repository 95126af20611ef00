"""Repair of linear layers with nothing but dropout between them, which fold into one: an activation between the two."""

from collections.abc import Sequence

import libcst as cst

from evolution.recipes.code import call_name, dotted, imported, torch_name
from evolution.recipes.flow import Scope
from evolution.recipes.repairs.repair import Changes, Place, Repair

LINEAR = ("Linear", "Conv1d")


def _activated(place: Place) -> Changes:
    made = place.only(cst.Call, lambda node: call_name(node) in LINEAR)
    if made is not None:
        return _in_a_sequence(place, made)
    called = place.only(cst.Call, lambda node: _is_layer(place, node))
    if called is None:
        return {}
    given = called.args[0].value
    if not _comes_from_a_layer(place, given):
        return {}
    bent = cst.Call(func=cst.Attribute(value=given, attr=cst.Name("relu")))
    return {given: [bent]}


def _in_a_sequence(place: Place, made: cst.Call) -> Changes:
    """A `ReLU()` before a layer of `nn.Sequential(...)` that has another one before it."""
    around = place.source.enclosing(made, cst.Call)
    at = next((n for n, arg in enumerate(around.args) if arg.value is made), 0) if around is not None else 0
    if around is None or call_name(around) != "Sequential" or at == 0:
        return {}
    nn = imported(place.source).get("torch.nn") or f"{torch_name(place.source)}.nn"
    new = around.args[at - 1].with_changes(value=cst.parse_expression(f"{nn}.ReLU()"))
    args: Sequence[cst.Arg] = [
        *around.args[: _after_linear(around, at)],
        new,
        *around.args[_after_linear(around, at) :],
    ]
    return {around: [around.with_changes(args=args)]}


def _after_linear(around: cst.Call, at: int) -> int:
    """The place right behind the layer before the accused one: what drops parts of a state drops them after the activation."""
    before = [n for n in range(at) if call_name(around.args[n].value) in LINEAR]
    return before[-1] + 1 if before else at


def _comes_from_a_layer(place: Place, given: cst.BaseExpression) -> bool:
    """Whether a name was bound to what another layer made: what comes from elsewhere needs no activation."""
    line = place.source.line(given)
    made = (
        Scope(place.source, place.block()).before(given.value, line) if isinstance(given, cst.Name) else None
    )
    return made is not None and any(
        _is_layer(place, one) for one in place.source.all_of(cst.Call, made.value)
    )


def _is_layer(place: Place, call: cst.Call) -> bool:
    """Whether an attribute of self that the file makes as a linear layer is called with one argument."""
    name = dotted(call.func)
    return (
        name.startswith("self.")
        and len(call.args) == 1
        and any(
            dotted(target.target) == name and call_name(made.value) in LINEAR
            for made in place.source.all_of(cst.Assign)
            for target in made.targets
        )
    )


ACTIVATED = Repair(
    code="bend-between-layers",
    title="Put an activation between the two linear layers",
    rationale="Two linear layers with nothing between them are one: the second adds parameters, and nothing that the first could not learn.",
    triggers=frozenset({"activation-missing", "layers-fold"}),
    needs="a linear layer that is made in a Sequential, or called in a function, behind another",
    note="ReLU, as most papers have it.",
    mend=_activated,
)
