"""Static rule: all tables of a factorisation, or a layer's weights, begin with one number, so that they learn the same or nothing."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.filled_weights import filled_weights
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.tensor_calls import whole
from diagnosis.rules.values import How, bindings
from diagnosis.rules.written_steps import moves_rows
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="tables-begin-alike",
    found_by=FoundBy.RULE,
    title="Weights begin as one number",
    why="From zeros every gradient of a product is zero, and from another constant all dimensions stay equal: the model "
    "learns nothing, or one dimension.",
    definition="Every embedding table of a class that has no other layer is filled with a constant, and with nothing random "
    "afterwards; both tables of a factorisation that is trained by hand begin as one number; or a constant other than 0 fills the weights of a layer or table, or all parameters of more than one dimension.",
    roles=(Role.INITIALIZATION,),
    explains=(*UNTRAINED, *WEAK),
)

CONSTANT = {"zeros_", "ones_", "constant_", "zero_", "fill_"}
RANDOM = {
    "normal_", "uniform_", "xavier_normal_", "xavier_uniform_", "kaiming_normal_", "kaiming_uniform_", "trunc_normal_",
    "orthogonal_", "sparse_", "copy_", "eye_", "from_pretrained", "load_state_dict",
}  # fmt: skip
FILLS = {"zeros", "ones", "full"}
# What has neither weights nor a say in how tables begin.
WEIGHTLESS = (
    "Dropout",
    "ReLU",
    "GELU",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "Loss",
    "Parameter",
    "Module",
    "Identity",
    "LogSigmoid",
)


def begin_alike(source: ParsedFile) -> Iterator[RuleHit]:
    """Tables, and beside them other weights that a constant fills."""
    tables = list(tables_begin_alike(source))
    yield from tables
    for call in factors_begin_alike(source):
        yield source.hit(
            KIND.code, call, "fills every table with one number: begin with small random numbers"
        )
    for call in filled_weights(source):
        hit = source.hit(
            KIND.code,
            call,
            "fills weights with one number, so that all units stay alike: begin with small random numbers",
        )
        if all(hit.start_line != table.start_line for table in tables):
            yield hit


def tables_begin_alike(source: ParsedFile) -> Iterator[RuleHit]:
    """`nn.init.zeros_` of all of `self.users.weight` and `self.items.weight`."""
    for kind in source.within(source.nodes[0], ast.ClassDef):
        tables = _tables(source, kind)
        if len(tables) < 2 or _has_layers(source, kind):
            continue
        filled = {name: made for name, made in tables.items() if _is_filled(made)}
        places: list[ast.expr] = list(filled.values())
        for call in source.calls_in(kind):
            names = _initialised(source, call, set(tables))
            if names and called_name(call) in RANDOM:
                return
            if names and called_name(call) in CONSTANT:
                filled |= dict.fromkeys(names, call)
                places.append(call)
        if filled.keys() == tables.keys():
            for place in places:
                yield source.hit(
                    KIND.code, place, "fills every table with one number: begin with small random numbers"
                )


def factors_begin_alike(source: ParsedFile) -> Iterator[ast.Call]:
    """`self.P = np.full((n_users, k), .1)` and `self.Q = np.full((n_items, k), .1)` of a factorisation that trains them by hand."""
    for kind in source.within(source.nodes[0], ast.ClassDef):
        made: dict[str, list[ast.Call]] = {}
        for statement in source.within(kind, ast.Assign):
            name, value = dotted(statement.targets[0]), statement.value
            if name.startswith("self.") and isinstance(value, ast.Call) and _width(value):
                made.setdefault(name, []).append(value)
        widths = {_width(calls[0]) for calls in made.values()}
        for width in widths:
            factors = {name: calls for name, calls in made.items() if _width(calls[0]) == width}
            calls = [call for found in factors.values() for call in found]
            filled = all(
                called_name(call) in FILLS and source.full_name(call).startswith("numpy.") for call in calls
            )
            if len(factors) > 1 and filled and _are_multiplied(source, kind, set(factors)):
                yield from calls


def _width(made: ast.Call) -> str:
    """The size of a factor: "k" of `np.full((n, k), .1)` and `rng.normal(0, .1, (n, k))`; "" where that is not told."""
    given = [*made.args, *(word.value for word in made.keywords if word.arg in ("size", "shape"))]
    shapes = [one for one in given if isinstance(one, ast.Tuple) and len(one.elts) == 2]
    return ast.unparse(shapes[0].elts[1]) if len(shapes) == 1 else ""


def _are_multiplied(source: ParsedFile, kind: ast.ClassDef, factors: set[str]) -> bool:
    """Whether two of the tables meet in one product of matrices, and a table is moved by a rate: it is trained by hand."""
    meet = any(
        len({dotted(n) for n in ast.walk(part) if isinstance(n, ast.Attribute)} & factors) > 1
        for part in (
            *(p for p in source.within(kind, ast.BinOp) if isinstance(p.op, ast.MatMult)),
            *(c for c in source.calls_in(kind) if called_name(c) in ("dot", "matmul", "einsum")),
        )
    )
    if not meet or not any(moves_rows(source, function) for function in source.within(kind, ast.FunctionDef)):
        return False
    moved = {
        dotted(s.target.value)
        for s in source.within(kind, ast.AugAssign)
        if isinstance(s.target, ast.Subscript)
    }
    moved |= {
        dotted(arg) for call in source.calls_in(kind) for arg in call.args[:1]
    }  # `self.move(self.P, u, g)`
    return factors <= moved


def _tables(source: ParsedFile, kind: ast.ClassDef) -> dict[str, ast.expr]:
    """`self.x` -> the call that makes a table of more than one column."""
    found: dict[str, ast.expr] = {}
    looked_up = {dotted(part.value) for part in source.within(kind, ast.Subscript)}
    for statement in source.within(kind, ast.Assign):
        value, name = statement.value, dotted(statement.targets[0])
        if not isinstance(value, ast.Call) or not name.startswith("self."):
            continue
        width = value.args[1] if len(value.args) > 1 else keyword(value, "embedding_dim")
        is_table = source.full_name(value) == "torch.nn.Embedding" and whole(width) != 1
        if is_table or (_is_matrix_of_numbers(source, value) and name in looked_up):
            found[name] = value
    return found


def _is_matrix_of_numbers(source: ParsedFile, made: ast.Call) -> bool:
    return source.full_name(made) == "torch.nn.Parameter" and bool(made.args) and _is_matrix(made.args[0])


def _is_matrix(node: ast.expr) -> bool:
    """`torch.zeros(n, d)`, of more than one column"""
    if not isinstance(node, ast.Call):
        return False
    sizes = node.args[0].elts if node.args and isinstance(node.args[0], ast.Tuple | ast.List) else node.args
    return (
        called_name(node) in {*FILLS, "randn", "rand", "empty", "normal"}
        and len(sizes) > 1
        and whole(sizes[1]) != 1
    )


def _is_filled(made: ast.expr) -> bool:
    """`nn.Parameter(torch.zeros(n, d))`"""
    inner = made.args[0] if isinstance(made, ast.Call) and made.args else None
    return isinstance(inner, ast.Call) and called_name(inner) in FILLS


def _has_layers(source: ParsedFile, kind: ast.ClassDef) -> bool:
    """Whether a class has weights besides its tables, from which the tables could learn apart."""
    for call in source.calls_in(kind):
        full = source.full_name(call)
        named = full.rpartition(".")[2]
        if (
            full.startswith("torch.nn.")
            and named[:1].isupper()
            and named != "Embedding"
            and not named.startswith(WEIGHTLESS)
        ):
            return not named.endswith("Loss")
    return False


def _initialised(source: ParsedFile, call: ast.Call, tables: set[str]) -> set[str]:
    """The tables whose whole weight a call of an initialisation sets."""
    name = called_name(call)
    if name not in CONSTANT and name not in RANDOM:
        return set()
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    is_function = own is None or dotted(own).partition(".")[0] in source.imports
    weight = (call.args or [None])[0] if is_function else own
    text = dotted(weight) if weight is not None else ""
    text = text.removesuffix(".data").removesuffix(".weight")
    if text in tables:
        return {text}
    return _stands_for(source, weight, text, tables) if text and "." not in text else set()


def _stands_for(source: ParsedFile, at: ast.expr | None, name: str, tables: set[str]) -> set[str]:
    """The tables that a name is one after the other: of a loop over some, or of all modules that are embeddings."""
    if at is None:
        return set()
    for binding in bindings(source, name, at):
        if binding.how is How.ITERATED and isinstance(binding.value, ast.Tuple | ast.List):
            return {dotted(part).removesuffix(".weight") for part in binding.value.elts} & tables
    for outer in source.around(at):
        if isinstance(outer, Function):
            break
        if isinstance(outer, ast.If) and _asks_for_tables(outer.test, name):
            return tables
        if isinstance(outer, ast.For) and dotted(outer.target) == name and _goes_through_all(outer.iter):
            return tables
    return set()


def _asks_for_tables(test: ast.expr, name: str) -> bool:
    """`isinstance(module, nn.Embedding)`"""
    return (
        isinstance(test, ast.Call)
        and called_name(test) == "isinstance"
        and len(test.args) == 2
        and dotted(test.args[0]) == name
        and any(dotted(part).endswith("Embedding") for part in ast.walk(test.args[1]))
    )


def _goes_through_all(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and dotted(node.func) == "self.parameters"


RULE = Rule(kind=KIND, run=begin_alike)
