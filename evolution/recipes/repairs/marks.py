"""Repairs of masks, weights and dropout that are the other way round, too weak, or alike."""

from collections.abc import Sequence

import libcst as cst

from evolution.recipes.code import argument, call_name, dotted, torch_name
from evolution.recipes.repairs.repair import Changes, Place, Repair, with_argument

BY_KEYWORD = ("key_padding_mask", "src_key_padding_mask", "attn_mask", "mask", "src_mask")
FILLS = ("masked_fill", "masked_fill_")
TURNED = {cst.LessThan: cst.GreaterThanEqual, cst.GreaterThan: cst.LessThanEqual}
COMPLEMENT = {cst.Equal: cst.NotEqual, cst.NotEqual: cst.Equal}
ALIKE = ("zeros_", "ones_", "constant_", "fill_", "zero_")
USUAL_STD = "0.02"


def _masked_wholly(place: Place) -> Changes:
    """Minus infinity for what seen items are set to."""
    infinity = cst.parse_expression('float("-inf")')
    call = place.only(cst.Call, lambda node: call_name(node) in FILLS and len(node.args) == 2)
    if call is not None:
        return {call.args[1].value: [infinity]}
    assigned = place.only(
        cst.Assign, lambda node: len(node.targets) == 1 and isinstance(node.targets[0].target, cst.Subscript)
    )
    if assigned is None or not isinstance(
        assigned.value, (cst.Integer, cst.Float, cst.UnaryOperation, cst.Name)
    ):
        return {}
    return {assigned.value: [infinity]}


def _turned(place: Place) -> Changes:
    """The complement of the mask that the accused call is given."""
    call = place.only(cst.Call, lambda node: _mask_of(node) is not None)
    mask = _mask_of(call) if call is not None else None
    if mask is None or (call is not None and call_name(call) in FILLS and _is_small(call.args[1].value)):
        return {}
    return {mask: [_complement(mask)]}


def _mask_of(call: cst.Call) -> cst.BaseExpression | None:
    """The only mask of a call."""
    if call_name(call) in FILLS and len(call.args) == 2:
        return call.args[0].value
    given = [found for name in BY_KEYWORD if (found := argument(call, name)) is not None]
    return given[0] if len(given) == 1 else None


def _is_small(value: cst.BaseExpression) -> bool:
    """Whether what is filled in is no large negative number, so that the mask is not what is wrong."""
    return isinstance(value, (cst.Integer, cst.Float))


def _complement(mask: cst.BaseExpression) -> cst.BaseExpression:
    """`x == 0` for `x != 0`, `x` for `~x`, and `~x` for others."""
    if isinstance(mask, cst.UnaryOperation) and isinstance(mask.operator, cst.BitInvert):
        return mask.expression
    if isinstance(mask, cst.Comparison) and len(mask.comparisons) == 1:
        one = mask.comparisons[0]
        other = COMPLEMENT.get(type(one.operator))
        if other is not None:
            return mask.with_changes(comparisons=[one.with_changes(operator=other())])
    simple = isinstance(mask, (cst.Name, cst.Attribute, cst.Call, cst.Subscript)) or bool(mask.lpar)
    inner = mask if simple else mask.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return cst.UnaryOperation(operator=cst.BitInvert(), expression=inner)


def _other_part_dropped(place: Place) -> Changes:
    """The comparison of a random number with a rate, turned round."""
    test = place.only(
        cst.Comparison,
        lambda node: len(node.comparisons) == 1 and type(node.comparisons[0].operator) in TURNED,
    )
    if test is None:
        return {}
    one = test.comparisons[0]
    other = TURNED[type(one.operator)]()
    return {test: [test.with_changes(comparisons=[one.with_changes(operator=other)])]}


def _share_dropped(place: Place) -> Changes:
    """What is dropped for what is kept: 0.2 for 0.8."""
    changes: dict[cst.CSTNode, list[cst.CSTNode]] = {}
    for call in place.nodes(cst.Call):
        if not call_name(call).lower().startswith(("dropout", "alphadropout")):
            continue
        functional = call_name(call) == "dropout"
        share = argument(call, "p", 1 if functional else 0)
        if isinstance(share, cst.Float) and 0.5 < float(share.value) < 1:
            changes[share] = [cst.Float(f"{1 - float(share.value):.6g}")]
    return changes


def _unlike(place: Place) -> Changes:
    """A narrow normal distribution for weights that all begin as one number."""
    changes: dict[cst.CSTNode, list[cst.CSTNode]] = {}
    for call in place.nodes(cst.Call):
        name, owner = call_name(call), dotted(call.func).rpartition(".")[0]
        if not isinstance(call.func, cst.Attribute):
            continue
        normal = call.func.with_changes(attr=cst.Name("normal_"))
        if name in ALIKE and owner.endswith("init") and call.args:
            first = call.args[0].with_changes(comma=cst.MaybeSentinel.DEFAULT)
            changes[call] = [with_argument(call.with_changes(func=normal, args=[first]), "std", USUAL_STD)]
        elif name in ALIKE and owner:
            changes[call] = [with_argument(call.with_changes(func=normal, args=[]), "std", USUAL_STD)]
        elif owner == torch_name(place.source) and name in ("zeros", "ones", "full") and call.args:
            sizes = call.args[:1] if name == "full" else call.args
            drawn = call.with_changes(func=call.func.with_changes(attr=cst.Name("randn")), args=_plain(sizes))
            times = cst.Multiply()
            changes[call] = [
                cst.BinaryOperation(left=drawn, operator=times, right=cst.Float(USUAL_STD)),
            ]
    return changes


def _plain(args: Sequence[cst.Arg]) -> list[cst.Arg]:
    return [*args[:-1], args[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)]


def _still_a_parameter(place: Place) -> Changes:
    """`Parameter(x * 0.01)` for `Parameter(x) * 0.01`, and `Parameter(x.to(d))` for `Parameter(x).to(d)`."""
    made = place.only(cst.Call, lambda node: call_name(node) == "Parameter" and len(node.args) == 1)
    kept = place.only(cst.Assign, lambda node: True)
    if made is None or kept is None or kept.value is made:
        return {}
    inner = made.args[0].value
    changed = kept.value.deep_replace(made, inner)
    if not isinstance(changed, cst.BaseExpression):
        return {}
    return {kept.value: [made.with_changes(args=[made.args[0].with_changes(value=changed)])]}


MASKED_WHOLLY = Repair(
    code="mask-seen-wholly",
    title="Rank seen items last, whatever the scores are",
    rationale="A score may lie below the number that seen items are set to, and they are shown again.",
    triggers=frozenset({"seen-masked-weakly"}),
    needs="one number that seen items are set to",
    note="Minus infinity is below every score.",
    mend=_masked_wholly,
)
MASK_TURNED = Repair(
    code="turn-the-mask",
    title="Hide what the mask should hide",
    rationale="The mask hides what should be seen, and shows what should be hidden.",
    triggers=frozenset({"mask-misread"}),
    needs="one mask in the accused call",
    note="Its complement is given.",
    mend=_turned,
)
OTHER_PART = Repair(
    code="drop-the-rate",
    title="Drop the share that the rate says",
    rationale="The comparison keeps what the rate says to drop, and the scale is that of the other part.",
    triggers=frozenset({"dropout-keeps-rate"}),
    needs="one comparison of random numbers with the rate",
    note="The rate and the scale stay as they were.",
    mend=_other_part_dropped,
)
SHARE_DROPPED = Repair(
    code="drop-less",
    title="Drop the smaller part",
    rationale="In torch the number is the share that is dropped; elsewhere it was the share that is kept.",
    triggers=frozenset({"dropout-drops-most"}),
    needs="a dropout with a number above one half",
    note="What was dropped is kept, and the other way round.",
    mend=_share_dropped,
)
UNLIKE = Repair(
    code="begin-apart",
    title=f"Begin the tables at random, with a standard deviation of {USUAL_STD}",
    rationale="Rows that begin alike get the same gradients where they meet the same rows: they cannot be told apart.",
    triggers=frozenset({"tables-begin-alike"}),
    needs="what sets all weights to one number",
    note="Other weights begin as before.",
    mend=_unlike,
)
STILL_A_PARAMETER = Repair(
    code="keep-the-parameter",
    title="Scale the tensor, and make a parameter of that",
    rationale="What is computed of a parameter is no parameter: no optimizer finds it, and no state holds it.",
    triggers=frozenset({"parameter-lost"}),
    needs="something that is computed of a parameter where it is made",
    note="It begins with the same numbers.",
    mend=_still_a_parameter,
)
