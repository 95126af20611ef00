"""One step back from an expression to what it is made of, however it was taken apart: through names, stores, loops, tuples,
columns, loaders, generators, attributes and calls of the repo's functions.

A value that is taken out of another carries its way in: which element, key or column of what is found further back it is.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from diagnosis.origins.stores import stores
from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.made_from import reaching
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import Binding, How, owner_of, parameters
from diagnosis.syntax import called_name, dotted

EACH = ("each", 0)  # any element of a sequence, one after the other
Step = tuple[str, Any]  # EACH, ("at", 1), ("key", "pos"), ("column", 2)
Calls = tuple[tuple[ParsedFile, ast.Call, ast.AST], ...]
DEEPEST_CALLS = 8
# What tells a size, or fills with one value, says nothing of the ids.
SIZES = {
    "len",
    "zeros",
    "ones",
    "empty",
    "zeros_like",
    "ones_like",
    "empty_like",
    "full_like",
    "range",
    "arange",
}
ABOUT = {"shape", "size", "dtype", "device", "ndim", "nnz"}
# Calls that hand the elements of their first argument on.
SAME_ELEMENTS = {
    "list", "tuple", "sorted", "reversed", "iter", "tqdm", "trange", "set", "cycle", "islice", "next", "array", "asarray",
    "ascontiguousarray", "tensor", "as_tensor", "from_numpy", "LongTensor", "IntTensor", "FloatTensor", "Tensor", "Subset",
    "random_split", "deepcopy", "copy", "int64", "int32", "atleast_2d", "default_convert",
}  # fmt: skip
STACKS = {"stack", "column_stack", "c_", "dstack", "transpose"}
APART = {"unbind", "split", "chunk", "hsplit", "tensor_split"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Value:
    """An expression in its file; `way`: what of it is meant, outermost first; calls: those it was reached through.

    turns: comprehensions whose result's element it is, with the step that took it out.
    """

    file: ParsedFile
    node: ast.expr
    way: tuple[Step, ...] = ()
    calls: Calls = ()
    turns: tuple[tuple[ast.AST, Step], ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """What tells it from other values of the same walk."""
        return self.node, self.way, self.turns, len(self.calls)

    def at(self, node: ast.expr, *first: Step, drop: int = 0) -> "Value":
        """Another expression of the same file and call; `first` goes before the way, of which `drop` steps are left out."""
        return replace(self, node=node, way=(*first, *self.way[drop:]))


def back(repo: Codebase, value: Value) -> list[Value]:
    """What a value is made of, one step back; [] where it begins."""
    node = value.node
    if isinstance(node, ast.Name):
        return _name(repo, value, node)
    if isinstance(node, ast.Attribute):
        return [] if node.attr in ABOUT else _attribute(repo, value, node)
    if isinstance(node, ast.Subscript):
        return _subscript(value, node)
    if isinstance(node, ast.Call):
        return _call(repo, value, node)
    if isinstance(node, ast.List | ast.Tuple | ast.Set):
        return _display(value, node.elts)
    if isinstance(node, ast.Dict):
        return _dict(value, node)
    if isinstance(node, ast.ListComp | ast.SetComp | ast.GeneratorExp):
        return [_of_comprehension(value, node)]
    if isinstance(node, ast.DictComp):
        return [value.at(node.value, drop=bool(value.way))]
    return [value.at(part) for part in _operands(node)]


def _of_comprehension(value: Value, node: ast.ListComp | ast.SetComp | ast.GeneratorExp) -> Value:
    element = value.at(node.elt, drop=_is_element(value))
    if not _is_element(value) or len(node.generators) != 1 or node.generators[0].ifs:
        return element
    return replace(element, turns=(*value.turns, (node.generators[0], value.way[0])))


def _operands(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.IfExp):
        yield from (node.body, node.orelse)
    elif isinstance(node, ast.BoolOp):
        yield from node.values
    elif isinstance(node, ast.BinOp):
        yield from (node.left, node.right)
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.NamedExpr | ast.Starred | ast.Await):
        yield node.value
    elif isinstance(node, ast.Compare):
        yield from (node.left, *node.comparators)


def _is_element(value: Value) -> bool:
    return bool(value.way) and value.way[0][0] in ("each", "at")


def _display(value: Value, elements: list[ast.expr]) -> list[Value]:
    kind, which = value.way[0] if value.way else ("", None)
    fixed = kind in ("at", "column") and not any(isinstance(e, ast.Starred) for e in elements)
    if fixed and isinstance(which, int) and -len(elements) <= which < len(elements):
        return [value.at(elements[which], drop=1)]
    return [value.at(element, drop=bool(kind)) for element in elements]


def _dict(value: Value, node: ast.Dict) -> list[Value]:
    kind, which = value.way[0] if value.way else ("", None)
    if kind == "key":
        found = [
            v for k, v in zip(node.keys, node.values) if isinstance(k, ast.Constant) and k.value == which
        ]
        if found:
            return [value.at(found[0], drop=1)]
    return [value.at(each, drop=bool(kind)) for each in node.values]


def _subscript(value: Value, node: ast.Subscript) -> list[Value]:
    index = node.slice
    if isinstance(index, ast.Constant) and isinstance(index.value, str):
        return [value.at(node.value, ("key", index.value))]
    if (number := _number(index)) is not None:
        return [value.at(node.value, ("at", number))]
    if (
        isinstance(index, ast.Tuple)
        and len(index.elts) == 2
        and (column := _number(index.elts[1])) is not None
    ):
        return [value.at(node.value, ("column", column))]
    if isinstance(node.value, ast.Attribute) and node.value.attr == "c_":
        return _display(value, index.elts if isinstance(index, ast.Tuple) else [index])
    parts = [index] if not isinstance(index, ast.Slice | ast.Tuple) else []
    return [
        value.at(node.value, EACH) if parts else value.at(node.value),
        *(replace(value.at(p), way=()) for p in parts),
    ]


def _number(node: ast.expr) -> int | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _number(node.operand)
        return None if inner is None else -inner
    return node.value if isinstance(node, ast.Constant) and type(node.value) is int else None


def _name(repo: Codebase, value: Value, node: ast.Name) -> list[Value]:
    file = value.file
    looped = _loop_in_expression(file, node)
    if looped is not None:
        return _bound(
            value, Binding(value=looped.iter, how=How.ITERATED, position=None, node=looped), node.id
        )
    found = [v for b in reaching(file, node.id, node) for v in _bound(value, b, node.id)]
    found += _stored(value, node.id)
    owner = owner_of(file, node.id, node) or _rest_of(file, node)
    if owner is not None:
        found += _given(repo, value, owner, node.id)
    if not found and (origin := file.imports.get(node.id)):
        found = _imported(repo, value, origin)
    return found


def _loop_in_expression(file: ParsedFile, node: ast.Name) -> ast.comprehension | None:
    """The part of a comprehension around a node that binds its name."""
    for outer in file.around(node):
        if isinstance(outer, ast.stmt):
            return None
        for part in getattr(outer, "generators", ()):
            if _within_target(part.target, node.id) is not None and node is not part.iter:
                return part
    return None


def _rest_of(file: ParsedFile, node: ast.Name) -> Function | None:
    """The function around a node whose `*name` it is."""
    inner = file.function_of(node)
    return (
        inner
        if inner is not None and inner.args.vararg is not None and inner.args.vararg.arg == node.id
        else None
    )


def _bound(value: Value, binding: Binding, name: str) -> list[Value]:
    way = _place_in(binding.node, name)
    turn = dict(value.turns).get(binding.node, EACH)
    first = (turn, *way) if binding.how is How.ITERATED else way
    return [value.at(binding.value, *first)]


def _place_in(node: ast.AST, name: str) -> tuple[Step, ...]:
    """The way to a name in the target that takes a value apart; () where the name takes it whole."""
    targets = getattr(node, "targets", None) or [t for t in [getattr(node, "target", None)] if t is not None]
    for target in targets:
        found = _within_target(target, name)
        if found is not None:
            even = getattr(node, "value", None)
            if isinstance(even, ast.Tuple | ast.List) and isinstance(target, ast.Tuple) and found:
                return found[1:] if len(even.elts) == len(target.elts) else found
            return found
    return ()


def _within_target(target: ast.expr, name: str) -> tuple[Step, ...] | None:
    if dotted(target) == name:
        return ()
    if isinstance(target, ast.Starred):
        return _within_target(target.value, name)
    if isinstance(target, ast.Tuple | ast.List):
        for place, part in enumerate(target.elts):
            found = _within_target(part, name)
            if found is not None:
                return (("at", place), *found)
    return None


def _stored(value: Value, name: str) -> list[Value]:
    """What is put into a container after it was made: appended, or assigned to its elements."""
    return [value.at(given, drop=n if _is_element(value) or value.way[:1] == ((("key", key)),) else 0)
            for given, n, key in stores(value.file, name, value.node)]  # fmt: skip


def _given(repo: Codebase, value: Value, owner: Function, name: str) -> list[Value]:
    if value.calls and value.calls[-1][2] is owner:
        file, call, _ = value.calls[-1]
        return _handed(value, file, call, owner, name)
    found = [
        one
        for made in repo.callers(Defined(file=value.file, node=owner))
        for one in _handed(replace(value, calls=()), made.file, made.call, owner, name)
    ]
    return found or _collated(repo, value, owner, name)


def _handed(value: Value, file: ParsedFile, call: ast.Call, function: Function, name: str) -> list[Value]:
    """What a call gives for a parameter: also for one that takes all the rest, and by arguments behind a star."""
    given = keyword(call, name)
    names = [n for n in parameters(function) if n not in ("self", "cls")]
    rest = function.args.vararg is not None and function.args.vararg.arg == name
    place = len(names) - len(function.args.kwonlyargs) if rest else -1
    if not rest and name in names:
        place = names.index(name)
    outside = replace(value, file=file, calls=value.calls[:-1])
    if given is not None or place < 0:
        return [outside.at(given)] if given is not None else []
    if rest:
        return _display(outside, call.args[place:])
    star = next((n for n, a in enumerate(call.args) if isinstance(a, ast.Starred)), None)
    if star is not None and star <= place and len(call.args) == star + 1:
        starred = call.args[star]
        assert isinstance(starred, ast.Starred)
        return [outside.at(starred.value, ("at", place - star))]
    return [outside.at(call.args[place])] if place < len(call.args) and star is None else []


def _collated(repo: Codebase, value: Value, owner: Function, name: str) -> list[Value]:
    """A function that puts rows of a data set together is given them by the loader that names it."""
    found = []
    for made in repo.calls("DataLoader"):
        collate = keyword(made.call, "collate_fn")
        if collate is not None and dotted(collate).rpartition(".")[2] == owner.name and _dataset(made.call):
            drop = 1 if _is_element(value) else 0
            found += _rows_of(repo, replace(value, file=made.file, node=_dataset(made.call), calls=()), drop)
    return found


def _dataset(call: ast.Call) -> Any:
    return keyword(call, "dataset") or (call.args[0] if call.args else None)


def _rows_of(repo: Codebase, value: Value, drop: int) -> list[Value]:
    """What a data set gives for a row; its elements where it is none of the repo's classes."""
    kind = repo.class_of(value.file, value.node)
    for name in ("__getitem__", "__iter__"):
        method = repo.method(kind, name) if kind else None
        if method is not None:
            return _returned(value, method, None, drop=drop)
    return [replace(value, way=(EACH, *value.way[drop:]))]


def _returned(value: Value, function: Defined, call: ast.Call | None, *, drop: int = 0) -> list[Value]:
    """What a function gives back: of a generator its elements."""
    node = function.node
    calls = value.calls if call is None else (*value.calls, (value.file, call, node))
    if call is None:
        calls = ()
    found = []
    for kind in (ast.Return, ast.Yield, ast.YieldFrom):
        for statement in function.file.within(node, kind):
            if statement.value is not None and function.file.function_of(statement) is node:
                extra = 1 if kind is ast.Yield and call is not None and _is_element(value) else 0
                found.append(
                    Value(
                        file=function.file, node=statement.value, way=value.way[drop + extra :], calls=calls
                    )
                )
    return found


def _imported(repo: Codebase, value: Value, origin: str) -> list[Value]:
    module, _, name = origin.rpartition(".")
    tail = f"/{module.replace('.', '/')}.py"
    found = []
    for file in repo.files:
        if f"/{file.path}".endswith(tail):
            found += [
                replace(value, file=file, node=b.value, calls=())
                for b in reaching(file, name, file.nodes[-1])
                if b.how is How.ASSIGNED
            ]
    return found


def _attribute(repo: Codebase, value: Value, node: ast.Attribute) -> list[Value]:
    file = value.file
    kind = (
        repo.class_around(file, node) if dotted(node).startswith("self.") else repo.class_of(file, node.value)
    )
    kinds = repo.lineage(kind) if kind is not None else _with_attribute(repo, node.attr)
    found: list[Value] = []
    for each in kinds:
        found += [
            replace(value.at(b.value, *_place_in(b.node, f"self.{node.attr}")), file=each.file, calls=())
            for b in repo.attribute_bindings(each, node.attr)
        ]
        found += [
            replace(v, file=each.file, calls=())
            for v in _stored(replace(value, file=each.file, node=each.node), f"self.{node.attr}")
        ]
        method = repo.method(each, node.attr)
        if method is not None:
            found += _returned(value, method, None)
    return found or [value.at(node.value)]


def _with_attribute(repo: Codebase, name: str) -> list[Defined]:
    """The only class of the repo that assigns to an attribute of this name."""
    found = [d for places in repo.classes.values() for d in places if repo.attribute_bindings(d, name)]
    return found if len(found) == 1 else []


def _call(repo: Codebase, value: Value, call: ast.Call) -> list[Value]:
    name = called_name(call)
    if name == "DataLoader":
        return _loaded(repo, value, call)
    reached = repo.callee(value.file, call) if len(value.calls) < DEEPEST_CALLS else None
    if reached is not None and isinstance(reached.node, Function):
        if any(function is reached.node for _, _, function in value.calls):
            return []
        return _returned(value, reached, call)
    if name in repo.classes and value.way and value.way[0][0] in ("each", "at"):
        rows = _rows_of(repo, value, 1)
        if rows and rows[0].node is not call:
            return rows
    return _library(value, call, name)


def _loaded(repo: Codebase, value: Value, call: ast.Call) -> list[Value]:
    """The batches of a loader: what its function makes of rows, else the rows themselves, one below the other."""
    collate = keyword(call, "collate_fn")
    drop = 1 if _is_element(value) else 0
    if collate is not None:
        named = dotted(collate).rpartition(".")[2]
        functions = repo.functions.get(named, [])
        if len(functions) == 1:
            return _returned(replace(value, calls=()), functions[0], None, drop=drop)
        if isinstance(collate, ast.Lambda):
            return [value.at(collate.body, drop=drop)]
    data = _dataset(call)
    return _rows_of(repo, value.at(data), drop) if data is not None else []


def _library(value: Value, call: ast.Call, name: str) -> list[Value]:
    if name in SIZES:
        return []
    if name in ("full", "full_like"):
        return [value.at(filling) for filling in call.args[1:2]]
    inner = call.func.value if isinstance(call.func, ast.Attribute) else None
    method = inner is not None and not (isinstance(inner, ast.Name) and inner.id in value.file.imports)
    args: list[ast.expr] = [
        *call.args,
        *(k.value for k in call.keywords if k.arg not in ("axis", "dim", "dtype", "device")),
    ]
    kind, which = value.way[0] if value.way else ("", None)
    if name == "zip":
        if kind == "at" and len(call.args) == 1 and isinstance(call.args[0], ast.Starred):
            return [value.at(call.args[0].value, EACH, ("at", which), drop=1)]
        second = value.way[1] if len(value.way) > 1 else ("", None)
        if second[0] == "at" and isinstance(second[1], int) and second[1] < len(call.args):
            return [value.at(call.args[second[1]], EACH, drop=2)]
    if name == "enumerate" and call.args:
        second = value.way[1] if len(value.way) > 1 else ("", None)
        return [value.at(call.args[0], EACH, drop=2)] if second == ("at", 1) else []
    if name in ("TensorDataset", "StackDataset") and len(value.way) > 1 and value.way[1][0] == "at":
        which = value.way[1][1]
        return [value.at(call.args[which], EACH, drop=2)] if which < len(call.args) else []
    if name == "items" and inner is not None and len(value.way) > 1:
        return [value.at(inner, EACH, drop=2)]
    if name in APART and kind in ("at", "each"):
        first = inner if method else (call.args[0] if call.args else None)
        step: tuple[Step, ...] = (("column", which),) if name == "unbind" and kind == "at" else ()
        return [value.at(first, *step, drop=1)] if first is not None else []
    if name in STACKS and kind == "column" and call.args and isinstance(call.args[0], ast.List | ast.Tuple):
        return _display(value, call.args[0].elts)
    if name in SAME_ELEMENTS and args:
        return [value.at(inner if method and not call.args and inner is not None else args[0])]
    found = [value.at(inner)] if method and inner is not None else []
    return found + [value.at(a) for a in args]
