"""Repairs of schedules of the learning rate that step with every batch, or never."""

import libcst as cst

from evolution.recipes.code import RecipeFile, Statement, call_name, dotted, loaded_names, statements
from evolution.recipes.flow import own_lines
from evolution.recipes.repairs.order_of_steps import calls_method, line_at, siblings, without
from evolution.recipes.repairs.repair import Changes, Place, Repair


def _stepped_each_epoch(place: Place) -> Changes:
    """The schedule's step, moved from the loop over batches to the end of the epoch around it."""
    line = line_at(place)
    loop = place.source.enclosing(line, cst.For) if line is not None else None
    part = line.body[0] if line is not None else None
    is_step = isinstance(part, cst.AugAssign) or (
        isinstance(part, cst.Expr) and call_name(part.value) == "step"
    )
    if line is None or loop is None or not is_step or not isinstance(part, (cst.AugAssign, cst.Expr)):
        return {}
    in_own_loop = place.source.parents.get(line) is loop.body and len(siblings(place.source, line)) > 1
    if not in_own_loop or not _trains_batches(place.source, loop) or _is_of_epochs(place.source, loop):
        return {}
    after = line.with_changes(leading_lines=[])
    return {line: [], loop: [without(loop, line).with_changes(leading_lines=loop.leading_lines), after]}


def _trains_batches(source: RecipeFile, loop: cst.For) -> bool:
    """Whether each turn of a loop takes a step itself, so that it runs over batches."""
    inner = [node for kind in (cst.For, cst.While) for node in source.all_of(kind, loop.body)]
    return not inner and not any(call_name(c) == "range" for c in source.all_of(cst.Call, loop.iter))


def _is_of_epochs(source: RecipeFile, loop: cst.For) -> bool:
    return any("epoch" in name.lower() for name in loaded_names(loop.target))


def _stepped_at_all(place: Place) -> Changes:
    """`schedule.step()` at the end of each epoch, in the function that makes the schedule and trains."""
    line, block = line_at(place), place.block()
    part = line.body[0] if line is not None else None
    if line is None or not isinstance(part, cst.Assign):
        return {}
    name = dotted(part.targets[0].target)
    steps = [one for one in own_lines(block) if calls_method(place.source, one, "step")]
    epochs = {
        loop
        for step in steps
        for loop in place.source.ancestors(step)
        if isinstance(loop, cst.For) and any(node in epochs_of(place.source, loop) for node in [step])
    }
    if not name or "." in name or len(epochs) != 1:
        return {}
    loop = epochs.pop()
    if not isinstance(loop.body, cst.IndentedBlock):
        return {}
    inner = next((one for one in loop.body.body if isinstance(one, (cst.For, cst.While))), None)
    return {inner: [inner, *statements([f"{name}.step()"])]} if inner is not None else {}


def epochs_of(source: RecipeFile, loop: cst.For) -> list[Statement]:
    """The statements of the loops over batches directly in a loop over epochs."""
    found: list[Statement] = []
    for one in loop.body.body if isinstance(loop.body, cst.IndentedBlock) else ():
        if isinstance(one, (cst.For, cst.While)):
            found += source.all_of(cst.SimpleStatementLine, one)
    return found


EACH_EPOCH = Repair(
    code="schedule-each-epoch",
    title="Step the schedule once an epoch",
    rationale="The schedule's numbers are epochs: stepped with every batch, the rate is gone within the first.",
    triggers=frozenset({"decay-at-every-batch"}),
    needs="the schedule's step in a loop over batches of the same function",
    note="The schedule itself stays as it was.",
    mend=_stepped_each_epoch,
)
STEPPED = Repair(
    code="step-the-schedule",
    title="Step the schedule",
    rationale="A schedule that is never stepped leaves the rate where its first step put it.",
    triggers=frozenset({"schedule-never-stepped"}),
    needs="a schedule that is made in the function whose loops over epochs and batches train",
    note="It steps at the end of each epoch.",
    mend=_stepped_at_all,
)
