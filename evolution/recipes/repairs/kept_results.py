"""Repairs of results that get lost: of calls that change nothing in place, and of updates of repeated rows."""

import libcst as cst

from evolution.recipes.code import call_name, dotted, imported
from evolution.recipes.repairs.repair import Changes, Place, Repair

MODULES = ("torch", "np", "numpy", "F", "nn", "functional")


def _kept(place: Place) -> Changes:
    """`x = x.masked_fill(...)` for a call of that kind that stands alone, and `total = total + y` for a sum."""
    stated = place.only(cst.Expr, lambda node: isinstance(node.value, (cst.Call, cst.BinaryOperation)))
    if stated is None:
        return {}
    target = _first(stated.value)
    if not isinstance(target, (cst.Name, cst.Attribute)) or not dotted(target):
        return {}
    new = cst.Assign(targets=[cst.AssignTarget(target.deep_clone())], value=stated.value)
    return {stated: [new]}


def _first(value: cst.BaseExpression) -> cst.BaseExpression | None:
    """What the result is a changed form of: the object of a method, a function's first argument, a sum's left side."""
    if isinstance(value, cst.BinaryOperation):
        return value.left
    if not isinstance(value, cst.Call):
        return None
    owner = value.func.value if isinstance(value.func, cst.Attribute) else None
    if owner is not None and dotted(owner).split(".")[-1] not in MODULES:
        return owner
    plain = [arg.value for arg in value.args if arg.keyword is None and not arg.star]
    return plain[0] if plain else None


def _added(place: Place) -> Changes:
    """`np.add.at(table, ids, x)` for `table[ids] += x`."""
    changes: dict[cst.CSTNode, list[cst.CSTNode]] = {}
    numpy = imported(place.source).get("numpy", "")
    for node in place.nodes(cst.AugAssign):
        at = node.target
        signs = {cst.AddAssign: "", cst.SubtractAssign: "-"}
        if not numpy or not isinstance(at, cst.Subscript) or type(node.operator) not in signs:
            continue
        if len(at.slice) != 1 or not isinstance(at.slice[0].slice, cst.Index):
            continue
        table, ids = place.source.code(at.value), place.source.code(at.slice[0].slice.value)
        function = "subtract" if signs[type(node.operator)] else "add"
        code = f"{numpy}.{function}.at({table}, {ids}, {place.source.code(node.value)})"
        changes[node] = [cst.Expr(cst.parse_expression(code))]
    return changes


def _redrawn(place: Place) -> Changes:
    """The negation of a test that skips the redraw where something collides."""
    at = place.only(cst.If, lambda node: True) or place.only(cst.While, lambda node: True)
    if at is None:
        return {}
    test = at.test
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        return {test: [test.expression]}
    if call_name(test) == "any":
        return {test: [cst.UnaryOperation(operator=cst.Not(), expression=test)]}
    is_zero = isinstance(test, cst.Comparison) and place.source.code(test).replace(" ", "").endswith("==0")
    if is_zero and isinstance(test, cst.Comparison):
        one = test.comparisons[0]
        return {test: [test.with_changes(comparisons=[one.with_changes(operator=cst.GreaterThan())])]}
    return {}


def _in_double(place: Place) -> Changes:
    """Double precision for the type that times are read in."""
    names = [n for n in place.nodes(cst.Attribute) if n.attr.value == "float32"]
    texts = [n for n in place.nodes(cst.SimpleString) if n.evaluated_value == "float32"]
    if len(names) + len(texts) != 1:
        return {}
    if names:
        return {names[0]: [names[0].with_changes(attr=cst.Name("float64"))]}
    return {texts[0]: [texts[0].with_changes(value=texts[0].value.replace("float32", "float64"))]}


KEPT = Repair(
    code="keep-the-result",
    title="Keep the result",
    rationale="The call returns a new value and leaves its object as it was: what it should have done was never done.",
    triggers=frozenset({"result-dropped"}),
    needs="one call or sum that stands alone, of something that has a name",
    note="The result takes the name of what it was computed of.",
    mend=_kept,
)
ADDED = Repair(
    code="add-every-update",
    title="Add the updates of repeated rows up",
    rationale="An id that is twice in a batch keeps only its last update: frequent items learn the least of what they could.",
    triggers=frozenset({"updates-lost"}),
    needs="an update in place of a numpy table by ids",
    note="`ufunc.at` adds every update.",
    mend=_added,
)
REDRAWN = Repair(
    code="draw-collisions-again",
    title="Draw collisions again",
    rationale="The test skips the redraw where there is something to draw again.",
    triggers=frozenset({"redraw-skipped"}),
    needs="one test of what collided",
    note="Only the test is another.",
    mend=_redrawn,
)
IN_DOUBLE = Repair(
    code="times-in-double",
    title="Read times in double precision",
    rationale="Single precision tells times apart by two minutes at best: events of one sitting lose their order.",
    triggers=frozenset({"timestamps-in-float32"}),
    needs="one `float32` in the accused line",
    note="Everything else is read as before.",
    mend=_in_double,
)
