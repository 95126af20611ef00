"""Static rule: a part of the model that the loss cannot reach, because its result is detached or made under no_grad."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import reaching
from diagnosis.rules.reach import reached
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.steps import trainings
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="part-cut-off",
    found_by=FoundBy.RULE,
    title="A part of the model is cut off from the loss",
    why="No gradient passes a detached value: what made it keeps its random weights.",
    definition="In code that trains: the answer of a layer detached where it is given, the only use of a computed value "
    "detached, rows of a table's `.data`, or a layer called under no_grad in `forward`, or a product with a graph in all that training reaches; only in repos that freeze and copy no part on purpose.",
    roles=(Role.ENCODER,),
    explains=("no-gradient", *UNTRAINED, *WEAK),
)
# Signs of parts that learn otherwise: frozen ones, and copies that follow another by averaging.
ON_PURPOSE = {
    "requires_grad",
    "requires_grad_",
    "deepcopy",
    "lerp_",
    "swap_parameters",
    "AveragedModel",
    "stop_gradient",
}


SPARSE = ("sparse.mm", "spmm", "mm", "sparse_mm")  # products with a graph


def cut_from_loss(source: ParsedFile) -> Iterator[RuleHit]:
    """Detached answers of layers, and layers under no_grad, in functions that training reaches."""
    repo = source.repo
    if repo is None or _on_purpose(repo):
        return
    training = _training_functions(repo)
    for function in source.functions:
        if repo.whole and function not in training:
            continue
        if not repo.whole and function.name != "forward":
            continue
        for call in source.within(function, ast.Call):
            if source.function_of(call) is function and called_name(call) == "detach":
                yield from _detached(repo, source, function, call)
        if source.repo is not None and _is_of_module(repo, source, function):
            yield from _rows_of_data(source, function)
        if function in _with_step(repo):
            for node in source.within(function, ast.With):
                yield from _encoded_apart(source, function, node)
        if function.name == "forward":
            for node in source.within(function, ast.With):
                yield from _without_gradient(repo, source, function, node)
        elif repo.whole and source.calls_named(*SPARSE):
            for node in source.within(function, ast.With):
                yield from _without_gradient(repo, source, function, node, of_layers=False)


@once
def _on_purpose(repo: Codebase) -> bool:
    return any(
        node.attr in ON_PURPOSE
        and not (_is_unpacked(file, node) or _is_of_state(file, node) or _asks_for_gradient(file, node))
        for file in repo.files
        for node in file.within(file.nodes[0], ast.Attribute)
    ) or any(
        k.arg == "requires_grad" and not _is_true(k.value)
        for file in repo.files
        for call in file.calls
        for k in call.keywords
    )


def _asks_for_gradient(file: ParsedFile, function: ast.Attribute) -> bool:
    """`w.requires_grad_()` and `w.requires_grad_(True)`, by which a tensor becomes a parameter."""
    call = file.parents.get(function)
    return (
        function.attr == "requires_grad_"
        and isinstance(call, ast.Call)
        and call.func is function
        and all(map(_is_true, [*call.args, *(k.value for k in call.keywords)]))
    )


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _is_unpacked(file: ParsedFile, function: ast.Attribute) -> bool:
    """Whether several names take what a call returns, `train, test = copy.deepcopy(data)`, which is no model then."""
    statement = file.parents.get(file.parents.get(function, function))
    return isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Tuple | ast.List)


def _is_of_state(file: ParsedFile, function: ast.Attribute) -> bool:
    """Whether what is copied is a state, `copy.deepcopy(model.state_dict())`, which is no second model."""
    call = file.parents.get(function)
    given = call.args[0] if isinstance(call, ast.Call) and call.func is function and call.args else None
    return isinstance(given, ast.Call) and called_name(given) == "state_dict"


@once
def _training_functions(repo: Codebase) -> set[ast.AST]:
    """The functions that a training loop reaches."""
    loops = [Defined(file=t.file, node=t.loop) for t in trainings(repo)]
    return {place.node for place in reached(repo, [*loops, *_holders(repo)])}


def _holders(repo: Codebase) -> list[Defined]:
    """The functions in which the training loops stand."""
    return [Defined(file=t.file, node=f) for t in trainings(repo) if (f := t.file.function_of(t.loop))]


def _detached(repo: Codebase, source: ParsedFile, function: Function, call: ast.Call) -> Iterator[RuleHit]:
    if not isinstance(call.func, ast.Attribute) or call.args or not _is_handed_on(source, call):
        return
    value = call.func.value
    if isinstance(value, ast.Name) and _is_given_to_graph(source, call):
        yield source.hit(KIND.code, call, "no gradient reaches what neighbours give: leave out .detach()")
    elif isinstance(value, ast.Call):
        if _is_layer(repo, source, value.func) and not _called_again(source, function, value):
            yield source.hit(
                KIND.code, call, "no gradient reaches this part of the model: leave out .detach()"
            )
    elif isinstance(value, ast.Name) and function.name == "forward":
        made = reaching(source, value.id, value)
        if (
            made
            and not _is_read_otherwise(source, function, value)
            and all(isinstance(b.value, ast.Call) and _computes(repo, source, b.value) for b in made)
        ):
            yield source.hit(KIND.code, call, f"no gradient passes: {value.id} is used detached alone")


def _is_of_module(repo: Codebase, source: ParsedFile, function: Function) -> bool:
    return repo.is_module(repo.class_around(source, function))


def _rows_of_data(source: ParsedFile, function: Function) -> Iterator[RuleHit]:
    """`rows = self.items.weight.data[ids]`, in a method of a module that training runs."""
    for row in source.within(function, ast.Subscript):
        table = row.value
        if not isinstance(row.ctx, ast.Load) or not isinstance(table, ast.Attribute) or table.attr != "data":
            continue
        owner = dotted(table.value)
        ids = row.slice.elts[0] if isinstance(row.slice, ast.Tuple) and row.slice.elts else row.slice
        if (
            owner.startswith("self.")
            and owner.endswith(".weight")
            and not isinstance(ids, ast.Constant | ast.Slice)
        ):
            yield source.hit(
                KIND.code, row, "no gradient reaches the rows of this table: look them up without .data"
            )


def _is_handed_on(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the detached value is an argument of a call; what is stored or returned may be for the record."""
    outer = source.parents.get(call)
    if isinstance(outer, ast.keyword):
        outer = source.parents.get(outer)
    return (
        isinstance(outer, ast.Call)
        and outer.func is not call
        and called_name(outer) not in ("append", "float", "int", "update", "print", "log", "add", "stack")
    )


def _is_given_to_graph(source: ParsedFile, call: ast.Call) -> bool:
    """`torch.sparse.mm(graph, x.detach())`"""
    outer = source.parents.get(call)
    sparse = isinstance(outer, ast.Call) and source.full_name(outer).endswith(
        ("sparse.mm", "spmm", "sparse_mm")
    )
    return isinstance(outer, ast.Call) and sparse and call in outer.args[1:]


def _is_layer(repo: Codebase, source: ParsedFile, function: ast.expr) -> bool:
    """Whether what is called is a module of the repo, or a layer of torch with weights."""
    kind = repo.class_of(source, function)
    if repo.is_module(kind):
        return True
    made = repo.makers(source, function)
    return bool(made) and all(
        m.full_name.startswith(("torch.nn.Linear", "torch.nn.Embedding", "torch.nn.GRU")) for m in made
    )


def _is_own_object(repo: Codebase, source: ParsedFile, function: ast.expr) -> bool:
    """Whether what is called is an attribute of the module, or an element of one, that is no method."""
    while isinstance(function, ast.Subscript):
        function = function.value
    kind = repo.class_around(source, function)
    if not isinstance(function, ast.Attribute) or not dotted(function).startswith("self.") or kind is None:
        return False
    return repo.method(kind, function.attr) is None


def _called_again(source: ParsedFile, function: Function, call: ast.Call) -> bool:
    name = dotted(call.func)
    return bool(name) and any(
        c is not call and dotted(c.func) == name for c in source.within(function, ast.Call)
    )


def _is_read_otherwise(source: ParsedFile, function: Function, name: ast.Name) -> bool:
    return any(
        n.id == name.id and n is not name and isinstance(n.ctx, ast.Load)
        for n in source.within(function, ast.Name)
    )


def _computes(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call is of a layer, or of a method of the module."""
    return _is_layer(repo, source, call.func) or repo.callee(source, call) is not None


def _without_gradient(
    repo: Codebase, source: ParsedFile, function: Function, node: ast.With, *, of_layers: bool = True
) -> Iterator[RuleHit]:
    """`with torch.no_grad(): x = self.layer(ids)` in `forward`, where x is used afterwards; `x = torch.sparse.mm(graph, x)` in all that
    training reaches.
    """
    names = {source.full_name(i.context_expr) for i in node.items if isinstance(i.context_expr, ast.Call)}
    if names != {"torch.no_grad"} or any(isinstance(o, ast.If) for o in source.around(node)):
        return
    for assign in node.body:
        if not isinstance(assign, ast.Assign) or not isinstance(assign.value, ast.Call):
            continue
        target = assign.targets[0]
        end = source.ends[source.places[node]]
        used = isinstance(target, ast.Name) and any(
            n.id == target.id and source.places[n] >= end for n in source.within(function, ast.Name)
        )
        if used and source.full_name(assign.value).endswith(SPARSE) and not assign.value.keywords:
            yield source.hit(KIND.code, assign, "no gradient reaches what neighbours give: leave out no_grad")
            continue
        if not of_layers:
            continue
        function_called = assign.value.func
        layer = _is_layer(repo, source, function_called) or _is_own_object(repo, source, function_called)
        if used and layer and not _called_again(source, function, assign.value):
            yield source.hit(KIND.code, assign, "no gradient reaches this layer: leave out no_grad")


@once
def _with_step(repo: Codebase) -> set[ast.AST]:
    """The functions that call `backward` themselves."""
    return {
        function
        for file in repo.files
        for call in file.calls_named("backward")
        if (function := file.function_of(call)) is not None
    }


def _encoded_apart(source: ParsedFile, function: Function, node: ast.With) -> Iterator[RuleHit]:
    """`with torch.no_grad(): h = model.encode(x)`, of which the same model goes on: `logits = model.head(h)`."""
    names = {source.full_name(i.context_expr) for i in node.items if isinstance(i.context_expr, ast.Call)}
    if names != {"torch.no_grad"} or any(isinstance(o, ast.If) for o in source.around(node)):
        return
    for assign in node.body:
        made = assign.value if isinstance(assign, ast.Assign) else None
        target = assign.targets[0] if isinstance(assign, ast.Assign) else None
        if (
            not isinstance(made, ast.Call)
            or not isinstance(made.func, ast.Attribute)
            or not isinstance(target, ast.Name)
        ):
            continue
        owner = dotted(made.func.value)
        for call in source.calls_in(function):
            goes_on = isinstance(call.func, ast.Attribute) and dotted(call.func.value) == owner != ""
            after = source.places[call] >= source.ends[source.places[node]]
            differs = isinstance(call.func, ast.Attribute) and call.func.attr != made.func.attr
            if goes_on and after and differs and any(dotted(given) == target.id for given in call.args):
                yield source.hit(
                    KIND.code, assign, "no gradient reaches this part of the model: leave out no_grad"
                )
                break


RULE = Rule(kind=KIND, run=cut_from_loss)
