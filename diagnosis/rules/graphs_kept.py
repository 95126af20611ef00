"""Static rule: losses that are summed or kept with their autograd graphs."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined, returns
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import reaching
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, is_backward
from diagnosis.rules.steps import Does, Training, trainings
from diagnosis.rules.values import Binding, parameters
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="graph-kept",
    found_by=FoundBy.RULE,
    title="Graphs of the losses are kept",
    why="A sum or list of losses that are not detached holds the graph of every step: memory grows all epoch long.",
    definition="The tensor on which `backward` was called, added to, put into or gathered in something that outlives the step.",
    roles=(Role.LOSS,),
)
KEEPERS = {"append", "add", "extend", "appendleft"}
GATHERERS = {"sum", "list", "tuple", "extend"}


def graphs_kept(source: ParsedFile) -> Iterator[RuleHit]:
    """In training loops: `total += loss`, `losses.append(loss)`, `[self.step(batch) for batch in loader]`, and functions
    that do so with what they are given.
    """
    repo = source.repo
    for training in trainings(repo) if repo else ():
        if repo is not None and training.file.path == source.path:
            for body in _bodies(training):
                yield from _kept(repo, body)


def _bodies(training: Training) -> Iterator[Defined]:
    """The loop, and the functions in which `backward` runs once a step."""
    yield Defined(file=training.file, node=training.loop)
    for event in training.of(Does.BACKWARD):
        function = event.file.function_of(event.call)
        if function is not None and event.call is not event.outer:
            yield Defined(file=event.file, node=function)


def _kept(repo: Codebase, place: Defined) -> Iterator[RuleHit]:
    file = place.file
    for node in file.within(place.node, ast.AugAssign, ast.Assign, ast.Call):
        value, store = _plainly(node)
        values = [value] if value is not None else []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not values:
            reached, store = repo.callee(file, node), node.func.value
            values = _kept_arguments(repo, reached, node) if reached else []
        if store is None or not any(_has_graph(repo, file, value) for value in values):
            continue
        if not _is_used_for_backward(file, store) and not _is_local(file, place, store):
            message = "keeps the graph of every step: add loss.detach(), or loss.item() now and then"
            yield file.hit(KIND.code, node, message)
    for gathered in file.within(place.node, ast.ListComp, ast.GeneratorExp):
        lasts = isinstance(gathered, ast.ListComp) or _is_gathered(file, gathered)
        if lasts and isinstance(gathered.elt, ast.Call) and _returns_graph(repo, file, gathered.elt):
            message = "keeps the graph of every step: return loss.detach() from the step"
            yield file.hit(KIND.code, gathered, message)
    for call in file.within(place.node, ast.Call):
        yield from _by_callbacks(repo, file, call)


def _is_gathered(file: ParsedFile, generator: ast.GeneratorExp) -> bool:
    """Whether what a generator yields is kept or summed, rather than taken one at a time."""
    taker = file.parents.get(generator)
    return isinstance(taker, ast.Call) and called_name(taker) in GATHERERS


def _by_callbacks(repo: Codebase, file: ParsedFile, call: ast.Call) -> Iterator[RuleHit]:
    """`self.tell("on_batch_end", model, loss)`: the methods of this name get the last arguments, and keep the loss."""
    names = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
    for method in [d for name in names[:1] for d in repo.functions.get(name, [])]:
        if not isinstance(method.node, Function):
            continue
        given = dict(zip(reversed(parameters(method.node)), reversed(call.args)))
        for node in method.file.within(method.node, ast.AugAssign, ast.Call):
            value, store = _plainly(node)
            loss = given.get(_carried(value)) if value is not None else None
            if value is None or loss is None or not isinstance(store, ast.Attribute):
                continue
            if _has_graph(repo, file, loss) and reaching(method.file, _carried(value), value) == []:
                yield method.file.hit(KIND.code, node, "keeps the graph of every step: add its .detach()")


def _kept_arguments(repo: Codebase, reached: Defined, call: ast.Call, depth: int = 0) -> list[ast.expr]:
    """The arguments that the called method adds to an attribute of its object, or hands on to one that does."""
    function = reached.node
    if not isinstance(function, Function) or depth > 1:
        return []
    kept: set[str] = set()
    for node in reached.file.within(function, ast.AugAssign, ast.Assign, ast.Call):
        value, store = _plainly(node)
        values = [value] if value is not None and isinstance(store, ast.Attribute | ast.Subscript) else []
        if value is None and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            others = [d for d in repo.functions.get(called_name(node), []) if d.node is not function]
            values = [
                v
                for d in (others if len(others) == 1 else [])
                for v in _kept_arguments(repo, d, node, depth + 1)
            ]
        kept |= {_carried(v) for v in values if reaching(reached.file, _carried(v), v) == []}
    names = [n for n in parameters(function) if n != "self"]
    given = dict(zip(names, call.args)) | {k.arg: k.value for k in call.keywords if k.arg}
    return [given[name] for name in names if name in kept and name in given]


def _plainly(node: ast.AST) -> tuple[ast.expr | None, ast.expr | None]:
    """(what is stored, where) of a statement or call that adds to something; (None, None) for all others."""
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
        return node.value, node.target
    if (
        isinstance(node, ast.Assign)
        and isinstance(node.value, ast.BinOp)
        and isinstance(node.value.op, ast.Add)
    ):
        name, sides = dotted(node.targets[0]), (node.value.left, node.value.right)
        if name and name in map(dotted, sides):
            return next((s for s in sides if dotted(s) != name), None), node.targets[0]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        is_keeper = node.func.attr in KEEPERS and len(node.args) == 1
        return (node.args[0], node.func.value) if is_keeper else (None, None)
    return None, None


def _carried(node: ast.expr) -> str:
    """The name whose graph an expression carries on: a name, alone or in sums and products; "" if there is none."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.BinOp):
        return _carried(node.left) or _carried(node.right)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and called_name(node) in ("mean", "sum")
    ):
        return _carried(node.func.value)
    return ""


def _has_graph(repo: Codebase, file: ParsedFile, node: ast.expr) -> bool:
    """Whether an expression carries a tensor on which `backward` is called in its function, or in the function that
    returns it.
    """
    name = _carried(node)
    if not name:
        return isinstance(node, ast.Call) and _returns_graph(repo, file, node)
    here = reaching(file, name, node)
    if any(isinstance(b.value, ast.Call) and _returns_graph(repo, file, b.value) for b in here):
        return True
    scope = file.function_of(node) or file.nodes[0]
    return _is_backwarded(file, scope, name, here) or _is_term(file, scope, name, here)


def _is_term(file: ParsedFile, scope: ast.AST, name: str, values: list[Binding]) -> bool:
    """Whether a name that a call gave its value is a term of a loss on which `backward` is called: `loss = rec + 0.1 * kl`."""
    if not values or not all(isinstance(b.value, ast.Call) and not _is_plain(b.value) for b in values):
        return False
    for call in file.within(scope, ast.Call):
        loss = call.func.value if is_backward(call) and isinstance(call.func, ast.Attribute) else None
        if isinstance(loss, ast.Name) and file.function_of(call) in (scope, None):
            made = reaching(file, loss.id, loss)
            if any(name in _terms(b.value) for b in made):
                return True
    return False


def _is_plain(call: ast.Call) -> bool:
    """Whether a call gives a number, or what has no graph."""
    return called_name(call) in (
        "item",
        "float",
        "int",
        "len",
        "detach",
        "min",
        "max",
        "round",
        "sum",
        "next",
    )


def _terms(node: ast.expr) -> set[str]:
    """The names that a sum adds up, each alone or times a number."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        return _terms(node.left) | _terms(node.right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        pairs = ((node.left, node.right), (node.right, node.left))
        return next((_terms(other) for one, other in pairs if isinstance(one, ast.Constant)), set())
    return set()


def _returns_graph(repo: Codebase, file: ParsedFile, call: ast.Call) -> bool:
    reached = repo.callee(file, call)
    return reached is not None and any(
        isinstance(value, ast.Name)
        and _is_backwarded(reached.file, reached.node, value.id, reaching(reached.file, value.id, value))
        for value in returns(reached)
    )


def _is_backwarded(file: ParsedFile, scope: ast.AST, name: str, values: list[Binding]) -> bool:
    """Whether `backward` is called in a scope on the same value of a name."""
    for call in file.within(scope, ast.Call):
        if (
            is_backward(call)
            and isinstance(call.func, ast.Attribute)
            and file.function_of(call) in (scope, None)
        ):
            loss = call.func.value
            carried = [n for n in ast.walk(loss) if isinstance(n, ast.Name) and n.id == name]
            if carried and _carried(loss) == name and values and reaching(file, name, carried[0]) == values:
                return True
    return False


def _is_used_for_backward(file: ParsedFile, store: ast.expr) -> bool:
    """Whether what is stored to is itself a loss, or part of one."""
    name = dotted(store.value if isinstance(store, ast.Subscript) else store).rpartition(".")[2]
    function = file.function_of(store) or file.nodes[0]
    losses = [
        c.func.value
        for c in file.within(function, ast.Call)
        if is_backward(c) and isinstance(c.func, ast.Attribute)
    ]
    words = {
        n.id if isinstance(n, ast.Name) else n.attr
        for loss in losses
        for n in ast.walk(loss)
        if isinstance(n, ast.Name | ast.Attribute)
    }
    return not name or name in words


def _is_local(file: ParsedFile, place: Defined, store: ast.expr) -> bool:
    """Whether what is stored to is made anew in each round."""
    name = dotted(store.value if isinstance(store, ast.Subscript) else store)
    if "." in name:
        return False
    made = [b.node for b in reaching(file, name, store)]
    body = file.places[place.node], file.ends[file.places[place.node]]
    return bool(made) and all(body[0] < file.places[m] < body[1] for m in made)


RULE = Rule(kind=KIND, run=graphs_kept, crosses=True)
