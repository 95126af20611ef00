"""Finds the optimizer: where it is made, what it trains, and where it steps after `backward`."""

from collections.abc import Sequence
from dataclasses import dataclass

import libcst as cst

from diagnosis.findings import Role
from evolution.recipes.code import (
    Block,
    RecipeFile,
    bare,
    blocks_at,
    call_name,
    dotted,
    last_name,
    loaded_names,
    not_seen,
    parse_all,
    torch_name,
)
from evolution.recipes.flow import own_lines
from evolution.recipes.recipe import DoesNotFit, RecipeContext

OPTIMIZERS = {"Adam", "AdamW", "SGD", "Adagrad", "RMSprop", "NAdam", "RAdam", "Adamax", "SparseAdam"}


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingStep:
    """An optimizer and its step.

    name: the optimizer as both places write it, "self.optimizer" or "optimizer".
    made: the statement that makes it, by `call`.
    parameters: code of the call's first argument.
    step: the statement that holds `<name>.step()`, in the file `step_source`.
    local: whether both places are in one function.
    """

    name: str
    source: RecipeFile
    made: cst.SimpleStatementLine
    call: cst.Call
    parameters: str
    step_source: RecipeFile
    step: cst.SimpleStatementLine
    local: bool

    def beside(self, name: str) -> str:
        """A name for something kept where the optimizer is kept: "self.<name>" or "<name>"."""
        head = self.name.rpartition(".")[0]
        return f"{head}.{name}" if head else name

    def optim(self) -> str:
        """Code by which the file of `made` can refer to torch.optim."""
        module = dotted(self.call.func.value) if isinstance(self.call.func, cst.Attribute) else ""
        return module or f"{torch_name(self.source)}.optim"


def find_training_step(context: RecipeContext) -> TrainingStep:
    """The first optimizer with its step. Raises DoesNotFit if no torch optimizer steps under the name it was made
    with.
    """
    sources = parse_all(context)
    reason = "no optimizer of torch.optim was found"
    for source, function in blocks_at(sources, context.sites_of(Role.OPTIMIZER)):
        for made in own_lines(function):
            target, call = optimizer_call(made)
            if call is None:
                continue
            if not source.ran(made):
                reason = str(not_seen("the optimizer", source, made))
                continue
            step = _step(target, source, function)
            if step is None:
                reason = f"`{target}.step()` is not called where `{target}` can be followed to"
                continue
            return TrainingStep(
                name=target,
                source=source,
                made=made,
                call=call,
                parameters=source.code(call.args[0].value),
                step_source=step[0],
                step=step[1],
                local=step[2],
            )
    raise DoesNotFit(reason)


def optimizer_call(line: cst.SimpleStatementLine) -> tuple[str, cst.Call | None]:
    """(target, call) of a statement `target = Adam(...)`; ("", None) for other statements."""
    part = line.body[0]
    if len(line.body) != 1 or not isinstance(part, cst.Assign) or len(part.targets) != 1:
        return "", None
    value, target = bare(part.value), dotted(part.targets[0].target)
    is_optimizer = isinstance(value, cst.Call) and call_name(value) in OPTIMIZERS and bool(value.args)
    return (target, value) if is_optimizer and target and isinstance(value, cst.Call) else ("", None)


def _step(
    target: str, source: RecipeFile, function: Block
) -> tuple[RecipeFile, cst.SimpleStatementLine, bool] | None:
    """The statement that calls `target.step()`, with its file and whether it is in `function`; None if there is none.

    A local name can step in its own function only, an attribute of self in any method of the same class.
    """
    owner = source.enclosing(function, cst.ClassDef)
    places: list[Block] = [function]
    if "." in target and owner is not None:
        places += [other for other in source.functions() if source.enclosing(other, cst.ClassDef) is owner]
    for place in places:
        for line in own_lines(place):
            calls = source.all_of(cst.Call, line)
            steps = any(call_name(call) == "step" and dotted(call.func) == f"{target}.step" for call in calls)
            if steps and source.trains(line):
                return source, line, place is function
    return None


def has_scheduler(sources: Sequence[RecipeFile]) -> bool:
    """Whether the repo changes its learning rate already."""
    return any(
        "lr_scheduler" in dotted(node.func) or last_name(node.func).endswith("LR")
        for source in sources
        for node in source.all_of(cst.Call)
        if source.ran(node)
    )


def names_known_at(step: TrainingStep) -> bool:
    """Whether the code of the optimizer's parameters is also valid where the optimizer steps."""
    if step.local:
        return True
    names = loaded_names(cst.parse_expression(step.parameters))
    return names == {"self"}
