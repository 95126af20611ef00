"""Everything that flows into an expression, nearest first, through names, attributes, calls, returns, loops and files."""

import ast
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from diagnosis.deciding.instances import handed_classes, held_classes
from diagnosis.deciding.parameters import callers, default, position
from diagnosis.deciding.program import ALIKE, SCOPES, Definition, Function, Program
from diagnosis.syntax import called_name

MOST = 1_500  # expressions
DEEPEST = 7  # calls within each other
WIDEST = 3  # parts of parts
FARTHEST = 40  # statements
# Calls whose parts in a list lie side by side in the result, so that a column of it is one of the parts.
SIDE_BY_SIDE = {
    "stack",
    "column_stack",
    "array",
    "tensor",
    "as_tensor",
    "cat",
    "concatenate",
    "hstack",
    "vstack",
    "dstack",
    "c_",
    "TensorDataset",
}
# What tells only of shape and kind, not of values.
SHAPE = {"shape", "dtype", "device", "size", "ndim", "len", "dim"}
SHAPING = {"shape", "dtype", "device"}  # keywords that tell the same
# Where the ends and values of edges are given, the size of the matrix comes third.
SIZED_THIRD = {"sparse_coo_tensor", "SparseTensor", "FloatTensor"}
KEYED = {"get", "getattr", "pop", "setdefault", "dict"}
# What is given to these are names of files and not values.
FILES = {
    "open",
    "loadtxt",
    "genfromtxt",
    "read_csv",
    "read_table",
    "read_parquet",
    "read_pickle",
    "read_json",
}
ITERATED = ("__iter__", "__next__", "__getitem__", "__call__", "forward")
LOADING = {"DataLoader", "Subset", "ConcatDataset"}


@dataclass(frozen=True, eq=False)
class At:
    """An expression and how it was reached.

    part: which parts of its value are meant, outermost last. calls: the calls that were entered, innermost last.
    hops: statements between the start and here. before: what it was reached from.
    """

    node: ast.expr
    part: tuple[object, ...] = ()
    calls: tuple[ast.Call, ...] = ()
    hops: int = 0
    before: "At | None" = None

    def to(self, node: ast.expr, **changed: object) -> "At":
        """A step to another expression."""
        values = {"part": self.part, "calls": self.calls, "hops": self.hops, **changed}
        return At(node, before=self, **values)  # pyright: ignore[reportArgumentType]


def flow_into(
    program: Program, starts: Iterable["ast.expr | At"], left_out: Callable[[ast.AST], bool] | None = None
) -> Iterator[At]:
    """What flows into these expressions, nearest first, themselves included.

    left_out: whether a node lies in code that is not to be walked through.
    """
    queue = deque(start if isinstance(start, At) else At(start) for start in starts)
    seen: set[tuple[object, ...]] = set()
    while queue and len(seen) < MOST:
        at = queue.popleft()
        key = (at.node, at.part, at.calls)
        if key in seen or len(at.calls) > DEEPEST or len(at.part) > WIDEST or at.hops > FARTHEST:
            continue
        seen.add(key)
        if left_out is not None and left_out(at.node):
            continue
        yield at
        for one in _sources(program, at):
            if one.hops == at.hops:
                queue.appendleft(one)
            else:
                queue.append(one)


def _sources(program: Program, at: At) -> Iterator[At]:
    node = at.node
    if isinstance(node, ast.Name):
        yield from _of_name(program, at, node)
    elif isinstance(node, ast.Attribute):
        yield from _of_attribute(program, at, node)
    elif isinstance(node, ast.Call):
        yield from _of_call(program, at, node)
    elif isinstance(node, ast.Subscript):
        yield from _of_subscript(at, node)
    elif isinstance(node, (ast.Tuple, ast.List)) and at.part and _picks(node, at.part[-1]):
        yield at.to(node.elts[at.part[-1]], part=at.part[:-1])  # pyright: ignore[reportArgumentType, reportCallIssue]
    elif isinstance(node, ast.Dict):
        yield from _of_dict(at, node)
    elif isinstance(node, (ast.ListComp, ast.GeneratorExp, ast.SetComp)):
        yield _one_of(at, node) or at.to(node.elt)
    elif _joined(at, node):
        assert isinstance(node, ast.BinOp)
        last = isinstance(at.part[-1], int) and at.part[-1] < 0
        yield at.to(node.right if last else node.left)
    elif isinstance(node, ast.IfExp):
        yield at.to(node.body)
        yield at.to(node.orelse)
    elif isinstance(node, ast.Lambda):
        yield at.to(node.body)
    elif not isinstance(node, ast.Constant):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield at.to(child)


def _picks(node: ast.Tuple | ast.List, part: object) -> bool:
    plain = not any(isinstance(one, ast.Starred) for one in node.elts)
    return plain and isinstance(part, int) and -len(node.elts) <= part < len(node.elts)


def _one_of(at: At, node: ast.ListComp | ast.GeneratorExp | ast.SetComp) -> At | None:
    """Of `u, i, j = (torch.as_tensor(a) for a in (x, y, z))` the one that becomes the part, of `[t.to(device) for t in batch]` that part
    of `batch`; None where more is done to it, or no part is meant."""
    first = node.generators[0]
    if not at.part or len(node.generators) > 1 or first.ifs or not _only_moves(node.elt, first.target):
        return None
    if isinstance(first.iter, (ast.Tuple, ast.List)):
        if not _picks(first.iter, at.part[-1]):
            return None
        return at.to(first.iter.elts[at.part[-1]], part=at.part[:-1])  # pyright: ignore[reportArgumentType, reportCallIssue]
    return at.to(first.iter) if isinstance(first.iter, (ast.Name, ast.Attribute)) else None


def _only_moves(made: ast.expr, target: ast.expr) -> bool:
    """Whether an element is the loop's own, moved or converted at most: `x.to(...)`, `torch.as_tensor(x).long()`."""
    while (
        isinstance(target, ast.Name) and isinstance(made, ast.Call) and isinstance(made.func, ast.Attribute)
    ):
        inside = [made.func.value, *made.args[:1]]
        if any(isinstance(one, ast.Name) and one.id == target.id for one in inside):
            return True
        made = made.func.value
    return False


def _joined(at: At, node: ast.expr) -> bool:
    """Whether a part of `values + (a, b)` or `(a, b) + values`, counted from that end, is one of those that are written."""
    index = at.part[-1] if at.part else None
    if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Add) or not isinstance(index, int):
        return False
    written = node.right if index < 0 else node.left
    return isinstance(written, ast.Tuple) and _picks(written, index)


def _of_dict(at: At, node: ast.Dict) -> Iterator[At]:
    key = at.part[-1] if at.part else None
    named = [
        value
        for name, value in zip(node.keys, node.values, strict=True)
        if isinstance(name, ast.Constant) and name.value == key
    ]
    if named:
        yield at.to(named[-1], part=at.part[:-1])
        return
    merged = [value for name, value in zip(node.keys, node.values, strict=True) if name is None]
    yield from (at.to(value) for value in (merged if merged and isinstance(key, str) else node.values))


def _of_subscript(at: At, node: ast.Subscript) -> Iterator[At]:
    """What is indexed, with the part that is taken where the text says which, and what it is indexed with."""
    last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
    constant = last.operand if isinstance(last, ast.UnaryOp) else last
    rows = isinstance(node.slice, ast.Tuple)
    if isinstance(constant, ast.Constant) and isinstance(constant.value, (int, str)):
        negative = isinstance(last, ast.UnaryOp) and isinstance(constant.value, int)
        value = -constant.value if negative else constant.value  # pyright: ignore[reportOperatorIssue]
        yield at.to(node.value, part=(*at.part, value))
        if rows:
            yield from (at.to(part) for part in node.slice.elts[:-1])  # pyright: ignore[reportAttributeAccessIssue]
        return
    yield at.to(node.value)
    yield at.to(node.slice, part=())


def _of_name(program: Program, at: At, node: ast.Name) -> Iterator[At]:
    scope = program.scope(node)
    scopes = [scope, *(one for one in program.around(scope) if isinstance(one, (*SCOPES, ast.Module)))]
    for around in scopes:
        found = program.locals.get((around, node.id), [])
        for one in _reaching(program, node, found) if around is scope else found:
            yield from _defined(at, one)
        if not isinstance(around, ast.Module) and position(around, node.id) is not None:
            yield from _of_parameter(program, at, around, node.id)
            return
        if found:
            return
    for tree in [t for p, t in program.trees.items() if p != program.paths[node]]:
        imported = program.locals.get((tree, node.id), [])
        if len(imported) == 1 and _imports(program.trees[program.paths[node]], node.id):
            yield from _defined(at, imported[0])


def _imports(tree: ast.Module, name: str) -> bool:
    return name in _imported(tree)


@lru_cache(maxsize=5_000)
def _imported(tree: ast.Module) -> frozenset[str]:
    from_others = [one for one in ast.walk(tree) if isinstance(one, ast.ImportFrom)]
    return frozenset(one.asname or one.name for each in from_others for one in each.names)


def _reaching(program: Program, use: ast.Name, found: list) -> list:  # pyright: ignore[reportMissingTypeArgument]
    """Definitions that a use may see: those before it, and those of loops around both."""
    loops = [one for one in program.around(use) if isinstance(one, (ast.For, ast.While, ast.AsyncFor))]

    def sees(definition) -> bool:  # pyright: ignore[reportMissingParameterType]
        place = definition.value
        if (place.lineno, place.col_offset) <= (use.lineno, use.col_offset):
            return True
        outer = set(program.around(place))
        return any(loop in outer for loop in loops) or _in_comprehension(program, use)

    return [one for one in found if sees(one)]


def _in_comprehension(program: Program, use: ast.Name) -> bool:
    return any(
        isinstance(one, (ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp))
        for one in program.around(use)
    )


def _defined(at: At, given: Definition) -> Iterator[At]:
    """A step to the value of a name; `enumerate` and `zip` hand parts on."""
    value, part = given.value, given.part_of(at.part)
    if part is None:
        return
    if isinstance(value, ast.Call) and part and isinstance(part[-1], int):
        name, index = called_name(value), part[-1]
        if name == "enumerate" and value.args:
            if index == 1:
                yield at.to(value.args[0], part=part[:-1], hops=at.hops + 1)
            return
        plain = not any(isinstance(one, ast.Starred) for one in value.args)
        if name == "zip" and plain and 0 <= index < len(value.args):
            yield at.to(value.args[index], part=part[:-1], hops=at.hops + 1)
            return
    yield at.to(value, part=part, hops=at.hops + 1)


def _of_attribute(program: Program, at: At, node: ast.Attribute) -> Iterator[At]:
    if node.attr in SHAPE:
        return
    known = program.attributes.get(node.attr, [])
    own = isinstance(node.value, ast.Name) and node.value.id == "self"
    inside = program.class_of(node) if own else None
    if inside is not None:
        mine = [one for one in known if program.class_of(one.value) is inside]
        known = mine or known
    known = [one for one in known if not one.fallback] or known
    if known and len({program.class_of(one.value) for one in known}) <= ALIKE:
        for one in known:
            yield from _defined(at, one)
    properties = [
        f
        for f in program.functions.get(node.attr, [])
        if f.decorator_list and program.class_of(f) is not None
    ]
    for function in properties[:ALIKE]:
        yield from _results(program, at, function, at.calls)
    if node.attr in program.columns and not own:
        yield at.to(node.value, part=(*at.part, node.attr))
    elif not known and not properties and not own:
        yield at.to(node.value)


def _of_call(program: Program, at: At, node: ast.Call) -> Iterator[At]:
    name = called_name(node)
    if name in SHAPE:
        return
    if name in ("get", "get_nowait") and not node.args:  # of a queue: what others put into it
        yield from (at.to(one.args[0], hops=at.hops + 1) for one in program.calls.get("put", []) if one.args)
        return
    functions = _called(program, node, name)
    if functions and node not in at.calls:
        for function in functions:
            yield from _results(program, at, function, (*at.calls, node))
        return
    if name in LOADING:
        yield from _of_loader(program, at, node)
        return
    if name in FILES:
        return
    for owner in program.classes.get(name, [])[:1]:
        for function in program.methods(owner, *ITERATED):
            yield from _results(program, at, function, at.calls)
        return
    if name in KEYED and _key(at, node):
        yield from _of_key(program, at, node)
        return
    places = node.args[:2] if name in SIZED_THIRD else node.args
    arguments = [*places, *(one.value for one in node.keywords if one.arg not in SHAPING)]
    if name in SIDE_BY_SIDE and at.part and node.args:
        first = node.args[0]
        if isinstance(first, (ast.List, ast.Tuple)) and _picks(first, at.part[-1]):
            yield at.to(first)
            return
        if name == "TensorDataset" and isinstance(at.part[-1], int) and at.part[-1] < len(node.args):
            yield at.to(node.args[at.part[-1]], part=at.part[:-1])
            return
    if isinstance(node.func, ast.Attribute):
        yield at.to(node.func.value)
    for one in arguments:
        yield at.to(one.value if isinstance(one, ast.Starred) else one)


def _key(at: At, node: ast.Call) -> str:
    """The name that a call looks up in its first argument or receiver; of `dict(...)` the one that is wanted; "" if none."""
    if called_name(node) == "dict":
        wanted = at.part[-1] if at.part else None
        return next((one.arg for one in node.keywords if one.arg and one.arg == wanted), "")
    index = 1 if called_name(node) == "getattr" else 0
    said = node.args[index] if len(node.args) > index else None
    value = said.value if isinstance(said, ast.Constant) else None
    return value if isinstance(value, str) and (index or isinstance(node.func, ast.Attribute)) else ""


def _of_key(program: Program, at: At, node: ast.Call) -> Iterator[At]:
    """`settings.get("lr", 1)`, `getattr(settings, "lr", 1)`, `dict(lr=1)`: what lies under the key, and the default."""
    key = _key(at, node)
    if called_name(node) == "dict":
        yield from (at.to(one.value, part=at.part[:-1]) for one in node.keywords if one.arg == key)
        return
    if called_name(node) == "getattr":
        assigned = program.attributes.get(key, [])
        yield from (step for one in assigned for step in _defined(at, one))
        yield from (at.to(one) for one in node.args[2:] if not assigned)
        return
    yield at.to(node.func.value, part=(*at.part, key))  # pyright: ignore[reportAttributeAccessIssue]
    yield from (at.to(one) for one in node.args[1:])


def _called(program: Program, node: ast.Call, name: str) -> list[Function]:
    """The repo's functions that a call may mean; [] if there is none, or too many."""
    found = [f for f in program.functions.get(name, []) if not name.startswith("__")]
    if isinstance(node.func, ast.Attribute):
        base = node.func.value
        inside = program.class_of(node)
        if isinstance(base, ast.Name) and base.id == "self" and inside is not None:
            found = program.methods(inside, name) or found
    else:
        found = [f for f in found if not isinstance(program.parents.get(f), ast.ClassDef)]
    if not found and isinstance(node.func, (ast.Name, ast.Attribute)):
        for owner in held_classes(program, name):
            found += program.methods(owner, "forward", "__call__")
    return found if len(found) <= ALIKE else []


def _results(program: Program, at: At, function: Function, calls: tuple[ast.Call, ...]) -> Iterator[At]:
    """What a function returns and yields."""
    for value in _given_back(program, function):
        yield at.to(value, calls=calls, hops=at.hops + 1)


@lru_cache(maxsize=50_000)
def _given_back(program: Program, function: Function) -> tuple[ast.expr, ...]:
    nodes = [one for one in ast.walk(function) if isinstance(one, (ast.Return, ast.Yield, ast.YieldFrom))]
    own = [one.value for one in nodes if program.scope(one) is function]
    return tuple(value for value in own if value is not None)


def _of_loader(program: Program, at: At, node: ast.Call) -> Iterator[At]:
    """Batches of a loader: what its `collate_fn` makes of what its dataset gives."""
    collate = next((k.value for k in node.keywords if k.arg == "collate_fn"), None)
    for function in _named(program, collate):
        yield from _results(program, at, function, (*at.calls, node))
    if collate is None or not _named(program, collate):
        yield from _elements(at, node)


def _elements(at: At, node: ast.Call) -> Iterator[At]:
    first = node.args[0] if node.args else next((k.value for k in node.keywords if k.arg == "dataset"), None)
    if first is not None:
        yield at.to(first)


def _named(program: Program, node: ast.expr | None) -> list[Function]:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    found = program.functions.get(name, [])
    if isinstance(node, ast.Call) and node.args:  # functools.partial, or an instance with __call__
        return _named(program, node.args[0])
    for owner in handed_classes(program, name) if name and not found else ():
        found = [*found, *program.methods(owner, "__call__")]
    return found[:ALIKE]


def _of_parameter(program: Program, at: At, scope: ast.AST, name: str) -> Iterator[At]:
    place = position(scope, name)
    if not isinstance(scope, Function) or place is None or name in ("self", "cls"):
        return
    calls = at.calls
    while calls and not _enters(program, calls[-1], scope):
        calls = calls[:-1]  # the parameter was reached through an attribute, and not through this call
    entered = calls[-1] if calls else None
    if entered is not None:
        if called_name(entered) in LOADING:
            yield from _elements(at.to(at.node, calls=calls[:-1]), entered)
        else:
            yield from _given(at, entered, scope, place, name, calls[:-1])
        return
    called = callers(program, scope)
    for call in called:
        yield from _given(at, call, scope, place, name, ())
    loaders = [one for one in _loaders(program) if not called and _enters(program, one, scope)]
    for loader in loaders:
        yield from _elements(at, loader)
    if not called and not loaders:
        yield from (at.to(one, hops=at.hops + 1) for one in default(scope, name))


def _loaders(program: Program) -> Iterator[ast.Call]:
    for name in LOADING:
        yield from program.calls.get(name, [])


def _enters(program: Program, call: ast.Call, function: Function) -> bool:
    """Whether a call runs this function: by its name, or as the `collate_fn` of a loader."""
    name = called_name(call)
    if name in LOADING:
        return any(function in _named(program, one.value) for one in call.keywords if one.arg == "collate_fn")
    return function in _called(program, call, name)


def _given(
    at: At, call: ast.Call, scope: Function, place: int, name: str, calls: tuple[ast.Call, ...]
) -> Iterator[At]:
    """What a call gives for a parameter, `*rest` and `**named` included."""
    if scope.args.kwarg is not None and scope.args.kwarg.arg == name:
        wanted = at.part[-1] if at.part else None
        named = [one.value for one in call.keywords if one.arg is not None and one.arg == wanted]
        unpacked = [one.value for one in call.keywords if one.arg is None]
        yield from (at.to(one, part=at.part[:-1], calls=calls, hops=at.hops + 1) for one in named)
        yield from (at.to(one, calls=calls, hops=at.hops + 1) for one in unpacked if not named)
        return
    if scope.args.vararg is None or scope.args.vararg.arg != name:
        yield from _argument(at, call, scope, place, name, calls)
        return
    names = [one.arg for one in (*scope.args.posonlyargs, *scope.args.args)]
    rest = call.args[len(names) - (names[:1] == ["self"]) :]
    index = at.part[-1] if at.part else None
    if isinstance(index, int) and 0 <= index < len(rest):
        yield at.to(rest[index], part=at.part[:-1], calls=calls, hops=at.hops + 1)
    else:
        yield from (at.to(one, calls=calls, hops=at.hops + 1) for one in rest)


def _argument(
    at: At, call: ast.Call, scope: Function, place: int, name: str, calls: tuple[ast.Call, ...]
) -> Iterator[At]:
    given = [one.value for one in call.keywords if one.arg == name]
    starred = [one.value for one in call.args if isinstance(one, ast.Starred)]
    if not given and 0 <= place < len(call.args) and not starred:
        given = [call.args[place]]
    for one in given:
        yield at.to(one, calls=calls, hops=at.hops + 1)
    if not given and len(starred) == 1 and place >= 0:
        yield at.to(starred[0], calls=calls, hops=at.hops + 1, part=(*at.part, place - len(call.args) + 1))
    elif not given:
        unpacked = [one.value for one in call.keywords if one.arg is None]
        yield from (at.to(one, calls=calls, hops=at.hops + 1, part=(*at.part, name)) for one in unpacked)
        yield from (at.to(one, calls=calls, hops=at.hops + 1) for one in default(scope, name))
