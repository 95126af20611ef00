"""Where weights of a row's events are divided by their sum over the batch."""

import ast
from collections.abc import Iterator

from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.tensor_calls import whole
from diagnosis.rules.values import bindings
from diagnosis.syntax import called_name, dotted

EVENTS = ("bl,bld->bd", "bn,bnd->bd", "bt,btd->bd", "bs,bsd->bd", "bk,bkd->bd", "ij,ijk->ik")


def weights_of_batch(source: ParsedFile) -> Iterator[ast.BinOp]:
    """`weight / weight.sum(0, keepdim=True)` where the same weights average the events of each row: `(weight.unsqueeze(2) * x).sum(1)`."""
    for call in source.calls_named("sum"):
        if not isinstance(call.func, ast.Attribute) or _axis(call) != 0:
            continue
        name = dotted(call.func.value)
        division = _division(source, call)
        if not name or division is None or dotted(division.left) != name:
            continue
        outer = source.parents.get(division)
        kept = dotted(outer.targets[0]) if isinstance(outer, ast.Assign) and len(outer.targets) == 1 else ""
        if kept and _averages_events(source, kept, division):
            yield division


def _axis(call: ast.Call) -> int | None:
    told = keyword(call, "dim") or keyword(call, "axis") or (call.args[0] if call.args else None)
    return whole(told)


def _division(source: ParsedFile, call: ast.Call) -> ast.BinOp | None:
    """The division by a sum, perhaps kept from 0: `x / x.sum(0).clamp(min=1e-6)`, `x / (x.sum(0) + eps)`."""
    inner: ast.AST = call
    for outer in source.around(call):
        if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Div):
            return outer if outer.right is inner else None
        softened = isinstance(outer, ast.Attribute) or (
            isinstance(outer, ast.Call) and called_name(outer) in ("clamp", "clamp_min", "clip", "unsqueeze")
        )
        if not softened and not (isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Add)):
            return None
        inner = outer
    return None


def _averages_events(source: ParsedFile, name: str, division: ast.BinOp) -> bool:
    """Whether a name is read as (B, L): a last axis is put to it beside vectors of events, which are summed over axis 1."""
    function = source.function_of(division)
    if function is None:
        return False
    begin = source.places[division]
    for call in source.calls_in(function):
        if source.places[call] < begin or not _is_of(source, name, call, division):
            continue
        if (
            called_name(call) == "unsqueeze"
            and isinstance(call.func, ast.Attribute)
            and dotted(call.func.value) == name
        ):
            axis = whole(call.args[0]) if call.args else None
            outer = source.parents.get(call)
            if (
                axis in (2, -1)
                and isinstance(outer, ast.BinOp)
                and isinstance(outer.op, ast.Mult)
                and _is_summed(source, outer)
            ):
                return True
            if axis == 1 and (
                (isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.MatMult))
                or (isinstance(outer, ast.Call) and called_name(outer) in ("bmm", "matmul"))
            ):
                return True
        if called_name(call) == "einsum" and len(call.args) > 2 and dotted(call.args[1]) == name:
            return (
                isinstance(call.args[0], ast.Constant) and str(call.args[0].value).replace(" ", "") in EVENTS
            )
    for part in source.within(function, ast.Subscript):
        outer = source.parents.get(part)
        if (
            source.places[part] > begin
            and dotted(part.value) == name
            and isinstance(part.slice, ast.Tuple)
            and isinstance(part.slice.elts[-1], ast.Constant)
            and part.slice.elts[-1].value is None
            and isinstance(outer, ast.BinOp)
            and isinstance(outer.op, ast.Mult)
            and _is_summed(source, outer)
        ):
            return True
    return False


def _is_of(source: ParsedFile, name: str, call: ast.Call, division: ast.BinOp) -> bool:
    """Whether nothing else gives the name its value after the division."""
    later = [
        b for b in bindings(source, name, call) if source.places.get(b.node, -1) > source.places[division]
    ]
    return not later


def _is_summed(source: ParsedFile, product: ast.BinOp) -> bool:
    """`(w * x).sum(1)`, `torch.sum(w * x, dim=1)`"""
    outer = source.parents.get(product)
    call = source.parents.get(outer) if isinstance(outer, ast.Attribute) else outer
    if not isinstance(call, ast.Call) or called_name(call) != "sum":
        return False
    if getattr(source.parents.get(call), "attr", "") in ("sum", "mean"):
        return False  # one number of the batch, as of a weighted loss
    told = keyword(call, "dim") or keyword(call, "axis") or (call.args[-1] if call.args else None)
    return whole(told) in (1, -2)
