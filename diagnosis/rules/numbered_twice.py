"""Static rule: the ids of one column are numbered anew in another part of the data, where a number means another item."""

import ast
from collections.abc import Iterator
from itertools import combinations

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.numbered_by_function import numbered_for_each
from diagnosis.rules.parts_of_data import Part, parts_in
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import How, arguments_of, bindings, bound_to, owner_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="ids-numbered-twice",
    found_by=FoundBy.RULE,
    title="Ids are numbered twice",
    why="Item 7 of the training is then another item than item 7 of the evaluation, so that every figure is chance.",
    definition="The same column of a training and of another part is numbered by two calls of `factorize`, `fit_transform`, "
    "`cat.codes`, `np.unique(..., return_inverse=True)` or by two dictionaries; or a function that numbers what it is given "
    "is called for each part.",
)

ENCODERS = ("LabelEncoder", "OrdinalEncoder", "CategoricalEncoder", "Series", "Categorical")
THROUGH = {
    "unique",
    "tolist",
    "astype",
    "values",
    "sorted",
    "set",
    "list",
    "drop_duplicates",
    "to_numpy",
    "map",
    "fillna",
}


def ids_numbered_twice(source: ParsedFile) -> Iterator[RuleHit]:
    """`train["item"].factorize()` beside `test["item"].factorize()`; an encoder that is fitted on both."""
    yield from _one_after_another(source)
    for call, name in numbered_for_each(source):
        yield source.hit(
            KIND.code,
            call,
            f"{name} numbers each part of the data anew, so that a number means another thing in each: number once, and "
            "look all up",
        )
    seen: dict[tuple[object, str], tuple[ast.expr, str, ast.expr]] = {}
    for node, column in _numberings(source):
        table, name = _column(column)
        if table is None or not name:
            continue
        key = (source.function_of(node), name)
        before = seen.get(key)
        if before is None:
            seen[key] = (table, dotted(table), node)
        elif before[1] != dotted(table) and _are_two_parts(source, before[0], table):
            yield source.hit(
                KIND.code,
                node,
                f"numbers {name} anew, so that the same number means something else than in {before[1]}: "
                "number once, and look both up",
            )


def _one_after_another(source: ParsedFile) -> Iterator[RuleHit]:
    """`for df in (train, test): df["item"] = LabelEncoder().fit_transform(df["item"])`, and a function that is called for both."""
    for node, column in _numberings(source):
        table, name = _column(column)
        if not isinstance(table, ast.Name) or not name:
            continue
        tables = _stands_for(source, table)
        if any(_are_two_parts(source, one, other) for one, other in combinations(tables, 2)):
            yield source.hit(
                KIND.code,
                node,
                f"numbers {name} anew for each part of the data: number once, and look both up",
            )


def _stands_for(source: ParsedFile, table: ast.Name) -> list[ast.expr]:
    """The tables that a name is one after the other: of a loop, or a parameter that calls of this file give."""
    found = bindings(source, table.id, table)
    loops = [b.value for b in found if b.how is How.ITERATED and isinstance(b.value, ast.Tuple | ast.List)]
    if loops:
        return [part for loop in loops[:1] if isinstance(loop, ast.Tuple | ast.List) for part in loop.elts]
    owner = owner_of(source, table.id, table) if not found else None
    return arguments_of(source, owner, table.id) if owner is not None else []


def _numberings(source: ParsedFile) -> Iterator[tuple[ast.expr, ast.expr]]:
    """(the expression that numbers the values of a column, the column)."""
    for call in source.calls_named("factorize", "fit_transform", "unique"):
        name = called_name(call)
        own = call.func.value if isinstance(call.func, ast.Attribute) else None
        if name == "factorize":
            is_function = own is None or dotted(own) in source.imports
            given = call.args[0] if is_function and call.args else own
        elif name == "fit_transform":
            given = call.args[0] if call.args and _is_encoder(source, own) else None
        else:
            inverse = any(k.arg == "return_inverse" for k in call.keywords)
            given = call.args[0] if call.args and inverse else None
        if given is not None:
            yield call, given
    for node in source.within(source.nodes[0], ast.Attribute):
        inner = node.value
        if node.attr == "codes" and isinstance(inner, ast.Attribute) and inner.attr == "cat":
            yield node, inner.value
    for table in source.within(source.nodes[0], ast.DictComp):
        over = table.generators[0].iter
        if isinstance(over, ast.Call) and called_name(over) == "enumerate" and over.args:
            yield table, over.args[0]


def _is_encoder(source: ParsedFile, own: ast.expr | None) -> bool:
    """Whether what is fitted numbers values, and is no scaler."""
    made = [own] if own is not None else []
    if isinstance(own, ast.Name | ast.Attribute):
        made = bound_to(source, own) or made
    return any(isinstance(m, ast.Call) and called_name(m) in ENCODERS for m in made)


def _column(node: ast.expr) -> tuple[ast.expr | None, str]:
    """(table, name of the column) of `train["item"].unique()`, `sorted(set(train.item))`; (None, "") otherwise."""
    while isinstance(node, ast.Call) and called_name(node) in THROUGH:
        is_method = isinstance(node.func, ast.Attribute)
        inner = node.func.value if isinstance(node.func, ast.Attribute) else (node.args or [None])[0]
        if inner is None or (not is_method and len(node.args) != 1):
            return None, ""
        node = inner
    if isinstance(node, ast.Attribute) and node.attr == "values":
        node = node.value
    while (
        isinstance(node, ast.Call) and called_name(node) in THROUGH and isinstance(node.func, ast.Attribute)
    ):
        node = node.func.value
    if isinstance(node, ast.Attribute) and dotted(node.value):
        return node.value, node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return (node.value, node.slice.value) if isinstance(node.slice.value, str) else (None, "")
    return None, ""


def _are_two_parts(source: ParsedFile, one: ast.expr, other: ast.expr) -> bool:
    """Whether one table is the training's, and the other another part of the same data, in their author's words."""
    first, second = parts_in(one), parts_in(other)
    return Part.TRAIN in first ^ second and len(first) == len(second) == 1


RULE = Rule(kind=KIND, run=ids_numbered_twice)
