"""Repair of a running sum that reads the loss at every step: the sum stays a tensor, and is read where it is used."""

from collections.abc import Sequence

import libcst as cst

from evolution.recipes.code import RecipeFile, call_name, dotted, last_name
from evolution.recipes.flow import own_lines
from evolution.recipes.repairs.repair import Changes, Place, Repair, receiver


def _summed_as_tensor(place: Place) -> Changes:
    """`total += loss.detach()` for `total += loss.item()`, and `float(total)` wherever a number is asked for."""
    reads = [
        node for node in place.nodes(cst.Call) if call_name(node) == "item" and receiver(node) is not None
    ]
    statements = {place.source.statement(read) for read in reads}
    line = statements.pop() if len(statements) == 1 else None
    part = line.body[0] if line is not None and len(line.body) == 1 else None
    name = _sum_of(place.source, part, reads)
    kept = receiver(reads[0]) if reads else None
    if line is None or not name or kept is None:
        return {}
    tensor = kept if _detaches(place.sources, kept) else _detached(kept)
    changes: dict[cst.CSTNode, list[cst.CSTNode]] = {read: [tensor] for read in reads}
    for use in _uses(place, name, line):
        if not (_is_formatted(place.source, use) or _is_read(place.source, use)):
            changes[use] = [cst.parse_expression(f"float({name})")]
    return changes


def _sum_of(source: RecipeFile, part: cst.CSTNode | None, reads: Sequence[cst.Call]) -> str:
    """`total` of `total += x.item()`, and of `total = x.item() if total is None else total + x.item()`; else ""."""
    if isinstance(part, cst.AugAssign) and isinstance(part.operator, cst.AddAssign):
        return dotted(part.target) if [part.value] == list(reads) else ""
    if not isinstance(part, cst.Assign) or len(part.targets) != 1 or not isinstance(part.value, cst.IfExp):
        return ""
    name, choice = dotted(part.targets[0].target), part.value
    if not name or not reads:
        return ""
    read, code = source.code(reads[0]), source.code
    begins = code(choice.test) == f"{name} is None" and code(choice.body) == read
    return name if begins and code(choice.orelse) in (f"{name} + {read}", f"{read} + {name}") else ""


def _detached(node: cst.BaseExpression) -> cst.Call:
    return cst.Call(func=cst.Attribute(value=node, attr=cst.Name("detach")))


def _detaches(sources: tuple[RecipeFile, ...], node: cst.BaseExpression) -> bool:
    """Whether a value comes without its graph: `loss.detach()`, or a call of a function that returns nothing else."""
    if call_name(node) == "detach":
        return True
    name = call_name(node)
    made = [f for source in sources for f in source.functions() if name and f.name.value == name]
    returned = [
        part.value
        for function in made
        for line in own_lines(function)
        for part in line.body
        if isinstance(part, cst.Return)
    ]
    return bool(returned) and all(value is not None and call_name(value) == "detach" for value in returned)


def _uses(place: Place, name: str, added: cst.SimpleStatementLine) -> list[cst.BaseExpression]:
    """Where the sum's value is read in its function: neither where it is assigned nor where it is added to."""
    source, found = place.source, list[cst.BaseExpression]()
    for line in own_lines(place.block()):
        for kind in (cst.Name, cst.Attribute) if line is not added else ():
            found += [node for node in source.all_of(kind, line) if dotted(node) == name]
    return [node for node in found if not _is_target(source, node)]


def _is_target(source: RecipeFile, node: cst.CSTNode) -> bool:
    """Whether something is assigned to it, alone or as one of several: `total, n = 0.0, 0`."""
    above = source.parents.get(node)
    if isinstance(above, cst.Element):
        several = source.parents.get(above)
        return several is not None and _is_target(source, several)
    if isinstance(above, cst.AugAssign):
        return above.target is node
    if isinstance(above, cst.Attribute):
        return above.attr is node
    if isinstance(above, cst.Arg):
        return above.keyword is node
    return isinstance(above, cst.AssignTarget)


def _is_read(source: RecipeFile, node: cst.CSTNode) -> bool:
    """Whether its number is read there already: `float(total)`."""
    argument = source.parents.get(node)
    call = source.parents.get(argument) if isinstance(argument, cst.Arg) else None
    return isinstance(call, cst.Call) and call_name(call) == "float"


def _is_formatted(source: RecipeFile, node: cst.CSTNode) -> bool:
    """Whether the value goes into a text with a format, which reads a tensor of one number as well as a float."""
    for above in source.ancestors(node):
        if isinstance(above, cst.FormattedStringExpression):
            return above.format_spec is not None
        if isinstance(above, cst.Call):
            return last_name(above.func) == "format"
        if isinstance(above, cst.BaseStatement):
            return False
    return False


SUMMED_AS_TENSOR = Repair(
    code="sum-loss-as-tensor",
    title="Sum the loss on the device, and read it once",
    rationale="`.item()` at every step waits until the device has done it, so that the next step is queued late.",
    triggers=frozenset({"loss-read-at-every-step"}),
    needs="a sum that `.item()` is added to",
    note="The training is the same, to the bit; its loss is read when it is told.",
    mend=_summed_as_tensor,
    leaves_figures=True,
    promise=0.75,  # advice: after the improvements that gain most
)
