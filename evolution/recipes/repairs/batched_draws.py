"""Repair of negatives that are drawn one by one in a Python loop: one call draws them all, and only collisions are drawn again."""

import libcst as cst

from evolution.recipes.code import (
    RecipeFile,
    argument,
    bare,
    call_name,
    dotted,
    fresh_name,
    last_name,
    loaded_names,
    statements,
    substitute,
)
from evolution.recipes.flow import body_of, parameters
from evolution.recipes.repairs.rejecting import DRAWS, Rejecting, rejecting, returning
from evolution.recipes.repairs.repair import Changes, Place, Repair, with_argument


def _batched(place: Place) -> Changes:
    """An array that is drawn at once, whose places are drawn again where they collide."""
    for loop in place.nodes(cst.While):
        if helper := _helper(place, loop):
            return helper
        found = rejecting(place.source, loop)
        around = place.source.enclosing(loop, cst.For)
        if found is None or around is None or found.loop not in _body(around):
            continue
        block = loaded_names(place.block())
        drawn = fresh_name(block, "drawn", "drawn_items")
        size = _length(place, around)
        if not size or _is_bound_by(place.source, around, found) or _is_read_after(place, around, found):
            continue
        at, header = _numbered(around, block)
        if at:
            return _rewritten(place.source, around, found, drawn, at, header, size)
    return {}


def _helper(place: Place, loop: cst.While) -> Changes:
    """A function that gives one item that passes now gives as many as its callers, who all ask in `[f(x) for _ in range(k)]`, want."""
    function, found = place.function(), returning(place.source, loop)
    if function is None or found is None or loop is not body_of(function).body[-1]:
        return {}
    if (
        function.params.star_kwarg is not None
        or function.params.kwonly_params
        or "self" in parameters(function)
    ):
        return {}
    name = function.name.value
    asked = [(s, call) for s in place.sources for call in s.all_of(cst.Call) if dotted(call.func) == name]
    lists = {call: _list_of(source, call) for source, call in asked}
    known = {source.path for source, _ in asked}
    named = [n for s in place.sources for n in s.all_of(cst.Name) if n.value == name and s.path in known]
    wanted = [each for each in lists.values() if each is not None]
    imports = [s for s in place.sources for part in s.all_of(cst.ImportAlias) if last_name(part.name) == name]
    if not asked or len(wanted) != len(asked) or len(named) != len(asked) + 1 + len(imports):
        return {}
    taken = loaded_names(function)
    size, drawn, at = fresh_name(taken, "size"), fresh_name(taken, "drawn"), fresh_name(taken, "at")
    single, item = place.source.code(found.draw), f"{drawn}[{at}]"
    test = place.source.module.code_for_node(substitute(found.test, {found.name: cst.parse_expression(item)}))
    new = statements(
        [
            f"{drawn} = {place.source.code(with_argument(found.draw, 'size', size))}",
            f"for {at} in range({size}):",
            f"    while {test}:",
            f"        {item} = {single}",
            f"return {drawn}.tolist()",
        ]
    )
    new[0] = new[0].with_changes(leading_lines=loop.leading_lines)
    params = function.params.with_changes(params=[*function.params.params, cst.Param(name=cst.Name(size))])
    changes: dict[cst.CSTNode, list[cst.CSTNode]] = {loop: [*new], function.params: [params]}
    for call, listed in lists.items():
        if listed is not None:
            changes[listed[0]] = [call.with_changes(args=[*call.args, cst.Arg(listed[1])])]
    return changes


def _list_of(source: RecipeFile, call: cst.Call) -> tuple[cst.ListComp, cst.BaseExpression] | None:
    """The list `[call for _ in range(k)]` and its k; None where the call stands otherwise."""
    above = source.parents.get(call)
    if not isinstance(above, cst.ListComp) or any(arg.keyword or arg.star for arg in call.args):
        return None
    turn, over = above.for_in, bare(above.for_in.iter)
    plain = isinstance(turn.target, cst.Name) and not turn.ifs and turn.inner_for_in is None
    if not isinstance(over, cst.Call) or call_name(over) != "range" or len(over.args) != 1:
        return None
    if not plain or loaded_names(turn.target) & loaded_names(call):
        return None
    return above, over.args[0].value


def _rewritten(
    source: RecipeFile, around: cst.For, found: Rejecting, drawn: str, at: str, header: cst.For, size: str
) -> Changes:
    place = f"{drawn}[{at}]"
    single = source.code(found.draw)
    whole = source.code(with_argument(found.draw, "size", size))
    item = cst.parse_expression(place)
    test = source.module.code_for_node(substitute(found.test, {found.name: item}))
    again = statements([f"while {test}:", f"    {place} = {single}"])
    body: list[cst.CSTNode] = []
    for line in _body(around):
        if line is found.before:
            continue
        if line is found.loop:
            lead = (found.before or found.loop).leading_lines
            body.append(again[0].with_changes(leading_lines=lead))
        else:
            body.append(substitute(line, {found.name: item}))
    first = statements([f"{drawn} = {whole}"])[0].with_changes(leading_lines=around.leading_lines)
    new = header.with_changes(body=around.body.with_changes(body=body), leading_lines=[])
    return {around: [first, new]}


def _length(place: Place, around: cst.For) -> str:
    """Code of how often the loop runs: K of `range(K)`, or the length of what has one for sure."""
    source, over = place.source, bare(around.iter)
    if isinstance(over, cst.Call) and call_name(over) == "range" and len(over.args) == 1:
        return source.code(over.args[0].value)
    code = source.code(over)
    if not dotted(over):
        return ""
    asked = any(source.code(call) == f"len({code})" for call in source.all_of(cst.Call, place.block()))
    return f"len({code})" if asked or _is_drawn_array(place, code) else ""


def _is_drawn_array(place: Place, code: str) -> bool:
    """Whether the name is assigned what numpy draws with a size."""
    for part in place.source.all_of(cst.Assign, place.block()):
        value = bare(part.value)
        if not isinstance(value, cst.Call) or call_name(value) not in (*DRAWS, "choice", "permutation"):
            continue
        if dotted(part.targets[0].target) == code and argument(value, "size", 2) is not None:
            return True
    return False


def _is_bound_by(source: RecipeFile, around: cst.For, found: Rejecting) -> bool:
    """Whether the draw depends on what the loop binds, so that it cannot be made before the loop."""
    bound = loaded_names(around.target)
    for line in _body(around):
        if line not in (found.before, found.loop):
            for part in source.all_of(cst.Assign, line):
                bound |= {name for target in part.targets for name in loaded_names(target.target)}
    return bool(bound & {name for arg in found.draw.args for name in loaded_names(arg.value)})


def _is_read_after(place: Place, around: cst.For, found: Rejecting) -> bool:
    """Whether the last draw is read outside of the loop as well."""
    end = place.source.last_line(around)
    names = place.source.all_of(cst.Name, place.block())
    return any(name.value == found.name and place.source.line(name) > end for name in names)


def _numbered(around: cst.For, taken: set[str]) -> tuple[str, cst.For]:
    """The loop with a name for the number of its turn."""
    over = bare(around.iter)
    if isinstance(over, cst.Call) and call_name(over) == "range":
        if not isinstance(around.target, cst.Name):
            return "", around
        if around.target.value != "_":
            return around.target.value, around
        at = fresh_name(taken, "at", "turn")
        return at, around.with_changes(target=cst.Name(at))
    at = fresh_name(taken, "at", "turn")
    target = cst.Tuple(
        elements=[cst.Element(cst.Name(at)), cst.Element(_grouped(around.target))], lpar=[], rpar=[]
    )
    return at, around.with_changes(
        target=target, iter=cst.Call(func=cst.Name("enumerate"), args=[cst.Arg(around.iter)])
    )


def _grouped(target: cst.BaseAssignTargetExpression) -> cst.BaseAssignTargetExpression:
    if isinstance(target, cst.Tuple) and not target.lpar:
        return target.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return target


def _body(loop: cst.For) -> list[cst.CSTNode]:
    return list(loop.body.body) if isinstance(loop.body, cst.IndentedBlock) else []


BATCHED = Repair(
    code="draw-at-once",
    title="Draw negatives at once, and draw only collisions again",
    rationale="One call of numpy draws thousands of numbers in the time of a few calls that draw one each.",
    triggers=frozenset({"python-loop-sampling"}),
    needs="a draw of numpy in a loop, which is repeated until it is no positive,",
    note="Negatives have the same distribution as before.",
    mend=_batched,
)
