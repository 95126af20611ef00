"""Repairs of what the optimizer is given: a part of the model, a list of some tensors, layers that torch does not see."""

import libcst as cst

from evolution.recipes.code import RecipeFile, bare, call_name, dotted, imported, torch_name
from evolution.recipes.repairs.repair import Changes, Place, Repair
from evolution.recipes.training_step import OPTIMIZERS


def _all_given(place: Place) -> Changes:
    call = place.only(cst.Call, lambda node: call_name(node) in OPTIMIZERS and bool(node.args))
    if call is None:
        return {}
    whole = _whole(place.source, bare(call.args[0].value))
    if not whole:
        return {}
    first = call.args[0].with_changes(value=cst.parse_expression(whole))
    return {call: [call.with_changes(args=[first, *call.args[1:]])]}


def _whole(source: RecipeFile, given: cst.BaseExpression) -> str:
    """Code for the parameters of the whole of which `given` names a part; "" where that cannot be told."""
    if isinstance(given, cst.Call) and call_name(given) == "parameters":
        owner = dotted(given.func).removesuffix(".parameters").rpartition(".")[0]
        return f"{owner}.parameters()" if owner and owner != "self" else ""
    if isinstance(given, (cst.List, cst.Tuple)):
        roots = {dotted(element.value).split(".")[0] for element in given.elements}
        deep = all(dotted(element.value).count(".") >= 2 for element in given.elements)
        root = roots.pop() if len(roots) == 1 else ""
        return f"{root}.parameters()" if root and root != "self" and deep else ""
    if isinstance(given, (cst.ListComp, cst.GeneratorExp)):
        return _of_mapping(source, given)
    return ""


def _of_mapping(source: RecipeFile, given: cst.ListComp | cst.GeneratorExp) -> str:
    """`list(p.values())` for some of the values of a mapping."""
    over = given.for_in.iter
    if isinstance(given.elt, cst.Subscript) and dotted(given.elt.value):
        return f"list({dotted(given.elt.value)}.values())"
    if call_name(over) == "items" and isinstance(over, cst.Call) and given.for_in.ifs:
        return f"list({dotted(over.func).removesuffix('.items')}.values())"
    if call_name(over) == "named_parameters" and isinstance(over, cst.Call) and given.for_in.ifs:
        return f"{dotted(over.func).removesuffix('.named_parameters')}.parameters()"
    return ""


def _registered(place: Place) -> Changes:
    """`nn.ModuleList([...])` for a plain list of layers that a module keeps."""
    kept = place.only(
        cst.Assign, lambda node: _is_list(node) and dotted(node.targets[0].target)[:5] == "self."
    )
    if kept is None:
        return {}
    listed = bare(kept.value)
    empty = isinstance(listed, cst.List) and not listed.elements
    args = [] if empty else [cst.Arg(value=kept.value)]
    made = cst.Call(func=cst.parse_expression(f"{_nn(place.source)}.ModuleList"), args=args)
    return {kept.value: [made]}


def _is_list(node: cst.Assign) -> bool:
    value = bare(node.value)
    return isinstance(value, (cst.List, cst.ListComp, cst.Name)) or call_name(value) == "list"


def _nn(source: RecipeFile) -> str:
    """How the file names torch.nn."""
    return imported(source).get("torch.nn") or f"{torch_name(source)}.nn"


ALL_GIVEN = Repair(
    code="train-all-parameters",
    title="Give the optimizer every parameter of the model",
    rationale="A parameter that no optimizer was given keeps the random value that it started with.",
    triggers=frozenset({"not-in-optimizer", "optimizer-of-a-part"}),
    needs="an optimizer that is given a part of one model",
    note="All parameters learn at the rate that some had.",
    mend=_all_given,
)
REGISTERED = Repair(
    code="register-layers",
    title="Keep the layers in a ModuleList, where the optimizer finds them",
    rationale="Layers in a plain list are no part of the module: parameters(), state_dict(), to() and eval() pass them by.",
    triggers=frozenset({"layers-in-plain-list", "not-in-optimizer"}),
    needs="a plain list of layers",
    note="The layers' parameters learn, are saved, and follow the model to its device.",
    mend=_registered,
)
