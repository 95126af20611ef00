"""Repair of an evaluation that draws other candidates each time: it draws from a generator of its own, seeded where it begins."""

from collections.abc import Iterator

import libcst as cst

from evolution.recipes.code import (
    RecipeFile,
    argument,
    call_name,
    dotted,
    fresh_name,
    imported,
    loaded_names,
    statements,
)
from evolution.recipes.flow import body_of, own_lines, parameters
from evolution.recipes.repairs.repair import Changes, Place, Repair

SEEDED = {"numpy.random": "RandomState(0)", "random": "Random(0)"}  # by module: what has the same methods
RANKS = {"argsort", "topk", "argpartition", "log2", "rankdata", "sort"}


def _seeded(place: Place) -> Changes:
    """A seeded generator in each function that ranks and draws, or asks a helper that draws; the helper is handed it."""
    module, draw = _draw(place)
    function = place.function()
    if draw is None or function is None:
        return {}
    source = place.source
    local = dotted(draw.func).rpartition(".")[0]
    made = f"{local}.{SEEDED[module]}"
    if _ranks(source, function):
        name = fresh_name(_taken(source, function), "rng", "generator")
        return {**_drawing_from(source, function, module, name), **_made_in(function, name, made)}
    return _through(place, function, module, local, made)


def _through(place: Place, helper: cst.FunctionDef, module: str, local: str, made: str) -> Changes:
    """The helper takes a generator, by default the one of everybody, and functions that rank hand it a seeded one."""
    is_plain = helper.params.star_arg is cst.MaybeSentinel.DEFAULT and helper.params.star_kwarg is None
    if not is_plain or helper.params.kwonly_params or "self" in parameters(helper):
        return {}
    asked = [
        (source, function, call)
        for source in place.sources
        for function in source.functions()
        for call in _calls_in(source, function)
        if dotted(call.func) == helper.name.value and function is not helper and _ranks(source, function)
    ]
    if not asked or any(_module_name(source, module) != local for source, _, _ in asked):
        return {}
    name = fresh_name(
        set[str]().union(*(_taken(s, f) for s, f, _ in asked), _taken(place.source, helper)), "rng"
    )
    equal = cst.AssignEqual(
        whitespace_before=cst.SimpleWhitespace(""), whitespace_after=cst.SimpleWhitespace("")
    )
    new = cst.Param(name=cst.Name(name), default=cst.parse_expression(local), equal=equal)
    params = helper.params.with_changes(params=[*helper.params.params, new])
    changes: dict[cst.CSTNode, list[cst.CSTNode]] = {helper.params: [params]}
    changes |= _drawing_from(place.source, helper, module, name)
    for _, function, call in asked:
        given = cst.Arg(keyword=cst.Name(name), value=cst.Name(name), equal=equal)
        changes[call] = [call.with_changes(args=[*call.args, given])]
        changes |= _made_in(function, name, made)
    return changes


def _draw(place: Place) -> tuple[str, cst.Call | None]:
    """The accused draw from a generator that the whole process shares, and the module of that generator."""
    for module in SEEDED:
        local = _module_name(place.source, module)
        call = place.only(cst.Call, lambda node, local=local: _draws_from(node, local))
        if call is not None:
            return module, call
    return "", None


def _draws_from(call: cst.Call, local: str) -> bool:
    return bool(local) and dotted(call.func).rpartition(".")[0] == local and call_name(call)[:1].islower()


def _module_name(source: RecipeFile, module: str) -> str:
    """How a file names the module: `np.random` for numpy's; "" where it does not import it."""
    known = imported(source)
    head, _, rest = module.partition(".")
    return known.get(module) or (f"{known[head]}.{rest}" if rest and head in known else "")


def _drawing_from(
    source: RecipeFile, function: cst.FunctionDef, module: str, name: str
) -> dict[cst.CSTNode, list[cst.CSTNode]]:
    """Every draw of the function, from the generator `name`."""
    local = _module_name(source, module)
    return {
        call.func: [cst.Attribute(value=cst.Name(name), attr=cst.Name(call_name(call)))]
        for call in _calls_in(source, function)
        if _draws_from(call, local) and argument(call, "generator") is None
    }


def _made_in(function: cst.FunctionDef, name: str, made: str) -> dict[cst.CSTNode, list[cst.CSTNode]]:
    """The generator, made where the function's own statements begin."""
    first = next((line for line in body_of(function).body if not _is_docstring(line)), None)
    if not isinstance(first, (cst.SimpleStatementLine, cst.BaseCompoundStatement)):
        return {}
    new = statements([f"{name} = {made}  # the same candidates at each evaluation"])
    return {
        first: [new[0].with_changes(leading_lines=first.leading_lines), first.with_changes(leading_lines=[])]
    }


def _is_docstring(line: cst.CSTNode) -> bool:
    part = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
    return isinstance(part, cst.Expr) and isinstance(part.value, (cst.SimpleString, cst.ConcatenatedString))


def _ranks(source: RecipeFile, function: cst.FunctionDef) -> bool:
    """Whether a function ranks, and trains nothing."""
    called = {call_name(call) for call in source.all_of(cst.Call, function)}
    return bool(called & RANKS) and "backward" not in called


def _calls_in(source: RecipeFile, function: cst.FunctionDef) -> Iterator[cst.Call]:
    for call in source.all_of(cst.Call, function):
        if source.enclosing(call, cst.FunctionDef) is function:
            yield call


def _taken(source: RecipeFile, function: cst.FunctionDef) -> set[str]:
    return loaded_names(function) | {name for line in own_lines(source.module) for name in loaded_names(line)}


SAME_CANDIDATES = Repair(
    code="same-candidates",
    title="Draw the same candidates at each evaluation",
    rationale="Epochs that are compared on other candidates are partly compared by the luck of the draw.",
    triggers=frozenset({"candidates-drawn-anew"}),
    needs="a draw of numpy or random in a function that ranks, or in one that it calls,",
    note="Training draws as before.",
    mend=_seeded,
    leaves_figures=True,
)
