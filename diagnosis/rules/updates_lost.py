"""Static rule: updates of rows by `table[ids] += ...`, of which one is kept where an id occurs twice."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings, parameters
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="updates-lost",
    found_by=FoundBy.RULE,
    title="Updates of repeated ids are lost",
    why="With an array of ids, `table[ids] += x` writes each row once: of an item that a batch holds ten times, nine "
    "updates are lost.",
    definition="An augmented assignment to rows that an array of ids picks, which may hold an id twice.",
    roles=(Role.ITEM_TABLE,),
    explains=WEAK,
)
# What gives ids that differ from each other.
DISTINCT = {
    "unique",
    "arange",
    "range",
    "permutation",
    "randperm",
    "nonzero",
    "flatnonzero",
    "argwhere",
    "where",
    "argsort",
    "topk",
    "argpartition",
    "isin",
    "flip",
    "slice",
}


def updates_lost(source: ParsedFile) -> Iterator[RuleHit]:
    """`table[ids] += x` in a function that treats `table[ids]` as several rows."""
    for node in source.within(source.nodes[0], ast.AugAssign):
        target = node.target
        if not isinstance(target, ast.Subscript) or not isinstance(node.op, ast.Add | ast.Sub):
            continue
        ids = target.slice
        function = source.function_of(node)
        if function is None or not isinstance(ids, ast.Name) or not _may_repeat(source, ids, function):
            continue
        many = (
            _is_array(source, function, ids.id)
            or _is_spread(source, function, node.value)
            or _is_given_array(source, function, ids.id)
        )
        if many and not _is_distinct(source, ids):
            yield source.hit(
                KIND.code, node, "keeps one update of an id that occurs twice: use np.add.at, or index_add_"
            )


def _may_repeat(source: ParsedFile, ids: ast.Name, function: Function) -> bool:
    """Whether the ids are an argument, or a draw or a part of something; a loop's variable is one id."""
    found = bindings(source, ids.id, ids)
    return ids.id in parameters(function) if not found else not any(b.how.value == "for" for b in found)


def _is_distinct(source: ParsedFile, ids: ast.Name) -> bool:
    for binding in bindings(source, ids.id, ids):
        calls = {called_name(c) for c in ast.walk(binding.value) if isinstance(c, ast.Call)}
        compares = any(isinstance(p, ast.Compare) for p in ast.walk(binding.value))
        if calls & DISTINCT or compares or isinstance(binding.value, ast.Constant):
            return True
    return False


def _is_array(source: ParsedFile, function: Function, ids: str) -> bool:
    """Whether the function shows that the ids are many: rows that they pick are summed over their last axis, get a new
    axis beside them, or the ids are drawn with a size.
    """
    rows = {
        dotted(target)
        for a in source.within(function, ast.Assign)
        if isinstance(a.value, ast.Subscript) and dotted(a.value.slice) == ids
        for target in a.targets
        if dotted(target)
    }
    for assign in source.within(function, ast.Assign):
        target = assign.targets[0]
        if (
            isinstance(target, ast.Tuple)
            and isinstance(assign.value, ast.Tuple)
            and len(target.elts) == len(assign.value.elts)
        ):
            for name, value in zip(target.elts, assign.value.elts):
                if isinstance(value, ast.Subscript) and dotted(value.slice) == ids:
                    rows.add(dotted(name))
    for call in source.within(function, ast.Call):
        name = called_name(call)
        if name in ("sum", "einsum") and _over_rows(call) and _mentions(call, ids, rows):
            return True
    return False


def _is_given_array(source: ParsedFile, function: Function, ids: str) -> bool:
    """Whether a caller in the file gives a small helper ids that it treats as many itself: `self.update(self.P, u, g)`."""
    if ids not in parameters(function):
        return False
    for caller in source.functions:
        for call in source.calls_in(caller) if caller is not function else ():
            if called_name(call) != function.name or source.function_of(call) is not caller:
                continue
            given = _argument(call, function, ids)
            if isinstance(given, ast.Name) and _is_array(source, caller, given.id):
                return True
    return False


def _argument(call: ast.Call, function: Function, name: str) -> ast.expr | None:
    for word in call.keywords:
        if word.arg == name:
            return word.value
    names = [one for one in parameters(function) if one not in ("self", "cls")]
    place = names.index(name) if name in names else len(call.args)
    return call.args[place] if place < len(call.args) else None


def _is_spread(source: ParsedFile, function: Function, value: ast.expr) -> bool:
    """Whether an added value has one number for each row: the function gives it, or a part of it, a second axis."""
    spread: set[str] = set()
    for part in source.within(function, ast.Subscript):
        index = part.slice
        if isinstance(index, ast.Tuple) and len(index.elts) == 2 and isinstance(index.elts[0], ast.Slice):
            last = index.elts[1]
            new_axis = isinstance(last, ast.Constant) and last.value is None
            if new_axis or dotted(last).endswith("newaxis"):
                spread.add(dotted(part.value))
                outer = source.parents.get(part)
                spread |= {dotted(t) for t in outer.targets} if isinstance(outer, ast.Assign) else set()
    return any(isinstance(p, ast.Name) and p.id in spread for p in ast.walk(value))


def _over_rows(call: ast.Call) -> bool:
    """Whether a sum runs over the axis of the width, so that it leaves one number for each row."""
    if called_name(call) == "einsum":
        text = call.args[0] if call.args else None
        return (
            isinstance(text, ast.Constant) and "->" in str(text.value) and not str(text.value).endswith("->")
        )
    axes = [k.value for k in call.keywords if k.arg in ("axis", "dim")] or call.args[-1:]
    values = [a.operand if isinstance(a, ast.UnaryOp) else a for a in axes]
    return any(isinstance(v, ast.Constant) and v.value == 1 for v in values)


def _mentions(call: ast.Call, ids: str, rows: set[str]) -> bool:
    for part in ast.walk(call):
        if isinstance(part, ast.Subscript) and dotted(part.slice) == ids:
            return True
        if isinstance(part, ast.Name | ast.Attribute) and dotted(part) in rows:
            return True
    return False


RULE = Rule(kind=KIND, run=updates_lost)
