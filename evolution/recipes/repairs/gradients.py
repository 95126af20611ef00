"""Repairs of the training step: gradients that are not cleared, graphs that are kept, parts that learn nothing."""

import libcst as cst

from evolution.recipes.code import Block, RecipeFile, call_name, dotted, statements
from evolution.recipes.flow import own_lines
from evolution.recipes.repairs.repair import Changes, Place, Repair, receiver, with_argument

CLEAR = "zero_grad"


def _cleared(place: Place) -> Changes:
    """A call where the method was only named; else a call before `backward`, and none where it does not reach a step."""
    for named in place.source.all_of(cst.Expr, place.block()):
        if isinstance(named.value, cst.Attribute) and named.value.attr.value == CLEAR:
            return {named: [named.with_changes(value=cst.Call(func=named.value))]}
    for source in place.sources:
        for block in source.blocks():
            if source.trains(block) and (changes := _cleared_in(source, block)):
                return changes
    return {}


def _cleared_in(source: RecipeFile, block: Block) -> Changes:
    lines = [line for line in own_lines(block) if source.trains(line)]
    back = next((line for line in lines if _calls(source, line, "backward")), None)
    below = [line for line in lines if back is not None and source.line(line) > source.line(back)]
    step = next((line for line in below if _calls(source, line, "step")), None)
    if back is None or step is None:
        return {}
    name = dotted(_calls(source, step, "step")[0].func).rpartition(".")[0]
    loop = source.enclosing(back, cst.For) or source.enclosing(back, cst.While)
    known = [line for line in own_lines(block) if _names(source, line, f"{name}.{CLEAR}")]
    too_late = [line for line in known if source.line(back) < source.line(line) < source.line(step)]
    in_loop = [line for line in known if loop is not None and loop in source.ancestors(line)]
    if not name or loop is None or in_loop != too_late:
        return {}
    new, outside = statements([f"{name}.{CLEAR}()"]), {line: [] for line in known if len(line.body) == 1}
    if source.parents[back] is not source.parents[step]:  # gradients of several batches are summed on purpose
        return {step: [step, *new], **outside}
    new[0] = new[0].with_changes(leading_lines=back.leading_lines)
    return {back: [*new, back.with_changes(leading_lines=[])], **outside}


def _names(source: RecipeFile, line: cst.SimpleStatementLine, name: str) -> bool:
    """Whether a statement reads the attribute, called or not."""
    return any(dotted(node) == name for node in source.all_of(cst.Attribute, line))


def _calls(source: RecipeFile, line: cst.SimpleStatementLine, name: str) -> list[cst.Call]:
    """Calls of `x.name()` in a statement."""
    found = [call for call in source.all_of(cst.Call, line) if call_name(call) == name]
    return [call for call in found if isinstance(call.func, cst.Attribute)]


def _connected(place: Place) -> Changes:
    """Without the `.detach()`, `.data` or `no_grad()` that cuts the accused line off."""
    block = place.only(cst.With, lambda node: _is_no_grad(place.source, node))
    around = [
        above
        for node in place.nodes(cst.SimpleStatementLine)[:1]
        for above in place.source.ancestors(node)
        if isinstance(above, cst.With) and _is_no_grad(place.source, above)
    ]
    for cutting in (block, *around[:1]):
        if cutting is not None and isinstance(cutting.body, cst.IndentedBlock):
            first, *rest = cutting.body.body
            return {cutting: [first.with_changes(leading_lines=cutting.leading_lines), *rest]}
    call = place.only(cst.Call, lambda node: call_name(node) == "detach" and receiver(node) is not None)
    if call is not None:
        kept = receiver(call)
        return {call: [kept]} if kept is not None else {}
    data = place.only(cst.Attribute, lambda node: node.attr.value == "data")
    return {data: [data.value]} if data is not None else {}


def _is_no_grad(source: RecipeFile, node: cst.With) -> bool:
    return len(node.items) == 1 and call_name(node.items[0].item) in ("no_grad", "inference_mode")


def _detached(place: Place) -> Changes:
    """`total += loss.detach()` for `total += loss`, and the like in longer sums and in what is appended to a list."""
    lines = place.nodes(cst.SimpleStatementLine)
    if len(lines) != 1:
        return {}
    trained = {
        dotted(call.func.value)
        for call in place.source.all_of(cst.Call, place.block())
        if call_name(call) == "backward" and isinstance(call.func, cst.Attribute)
    }
    read = [node for node in place.source.all_of(cst.Name, lines[0]) if node.value in trained]
    appended = place.only(cst.Call, lambda node: call_name(node) == "append" and len(node.args) == 1)
    if not read and appended is not None and isinstance(appended.args[0].value, cst.Name):
        read = [appended.args[0].value]
    return {read[0]: [_detach(read[0])]} if len(read) == 1 else {}


def _detach(value: cst.BaseExpression) -> cst.Call:
    return cst.Call(func=cst.Attribute(value=value, attr=cst.Name("detach")))


def _thawed(place: Place) -> Changes:
    """A table that learns: `freeze=False` for one that is made from vectors, and no `requires_grad = False`."""
    made = place.only(cst.Call, lambda node: call_name(node) == "from_pretrained")
    if made is not None:
        flag = next((arg.value for arg in made.args if arg.keyword and arg.keyword.value == "freeze"), None)
        plain = [arg for arg in made.args if arg.keyword is None]
        if flag is None and len(plain) > 1:
            return {}
        return {made: [with_argument(made, "freeze", "False", flag)]}
    tables = {dotted(target.target) for node in place.nodes(cst.Assign) for target in node.targets}
    frozen = [line for line in place.source.all_of(cst.SimpleStatementLine) if _freezes(place.source, line)]
    accused = place.nodes(cst.SimpleStatementLine)
    return {line: [] for line in frozen if line in accused or _frozen(line).startswith(tuple(tables))}


def _freezes(source: RecipeFile, line: cst.SimpleStatementLine) -> bool:
    part = line.body[0]
    is_flag = _frozen(line).endswith(".requires_grad") and len(line.body) == 1
    return is_flag and isinstance(part, cst.Assign) and source.code(part.value) == "False"


def _frozen(line: cst.SimpleStatementLine) -> str:
    """What a statement assigns."""
    part = line.body[0]
    return dotted(part.targets[0].target) if isinstance(part, cst.Assign) else ""


CLEARED = Repair(
    code="clear-gradients",
    title="Clear the gradients before every backward pass",
    rationale="Gradients add up until they are cleared: each step follows the sum of all steps before it.",
    triggers=frozenset({"gradients-not-cleared", "zero-grad-misplaced", "no-gradient-at-step", "not-called"}),
    needs="a backward pass and a step of the optimizer in one block",
    note="Each step now follows the gradient of its own batch.",
    mend=_cleared,
)
CONNECTED = Repair(
    code="connect-to-the-loss",
    title="Let the gradient reach the part that is cut off",
    rationale="What is detached, read as data or computed without gradients keeps the weights that it started with.",
    triggers=frozenset({"no-gradient", "part-cut-off", "loss-cut-off"}),
    needs="a `detach()`, `.data` or `no_grad()` that cuts the part off",
    note="Nothing but what cut the gradient off is gone.",
    mend=_connected,
)
DETACHED = Repair(
    code="detach-the-sum",
    title="Keep the loss's value and not its graph",
    rationale="A tensor that is added up keeps the graph of every step alive, so memory grows with every batch.",
    triggers=frozenset({"graph-kept"}),
    needs="a sum or list that keeps a loss",
    note="The figures are the same, to the bit.",
    mend=_detached,
)
THAWED = Repair(
    code="thaw-the-table",
    title="Let the random table learn",
    rationale="A table that starts at random and is frozen stays random.",
    triggers=frozenset({"frozen-at-random", "random-table-frozen"}),
    needs="`from_pretrained` or `requires_grad = False`",
    note="The table starts as before, and learns now.",
    mend=_thawed,
)
