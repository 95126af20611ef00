"""Where a function that scores detaches its answer at the end, of tensors that training moves as well."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.repeated import below, callee
from diagnosis.rules.source import Function, Loop, ParsedFile, is_backward, is_false
from diagnosis.rules.values import How, bindings
from diagnosis.syntax import called_name, dotted

SCORES = ("score", "predict", "rank", "recommend", "answer", "logits_of")
RANKS = {"topk", "argsort", "argpartition"}
MOST_CALLERS = 3  # functions above the one that scores


def detached_answer(source: ParsedFile, function: Function, repo: Codebase) -> ast.stmt | None:
    """The statement that detaches what a function answers, or ranks by: `return (w @ v.T).detach().cpu().numpy()`."""
    detached = [call for call in source.calls_named("detach") if source.function_of(call) is function]
    if len(detached) != 1 or not _is_scorer(source, function) or function in _of_training(repo):
        return None
    (call,) = detached
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    if own is None or not _is_numbers(source, call) or not _is_computed(source, own):
        return None
    if _takes_gradients(source, function) or _freezes(repo):
        return None
    if not _shares(repo, Defined(file=source, node=function)):
        return None
    return next((outer for outer in source.around(call) if isinstance(outer, ast.stmt)), None)


def _takes_gradients(source: ParsedFile, function: Function) -> bool:
    """Whether a function needs the graph itself: it calls `torch.autograd.grad`, or asks for gradients of its input."""
    return any(
        source.full_name(call).endswith("autograd.grad")
        or called_name(call) in ("requires_grad_", "backward")
        for call in source.calls_in(function)
    )


@once
def _freezes(repo: Codebase) -> bool:
    """Whether a repo takes parameters out of training, so that what is made of them may have no graph: `p.requires_grad = False`."""
    for file in repo.files:
        if any(call.args and is_false(call.args[0]) for call in file.calls_named("requires_grad_")):
            return True
        for statement in file.within(file.nodes[0], ast.Assign):
            for target in statement.targets:
                if (
                    isinstance(target, ast.Attribute)
                    and target.attr == "requires_grad"
                    and is_false(statement.value)
                ):
                    return True
    return False


def _is_scorer(source: ParsedFile, function: Function) -> bool:
    name = function.name.lower().lstrip("_")
    ranks = any(called_name(call) in RANKS for call in source.calls_in(function))
    return ranks or any(name.startswith(word) or name.endswith((f"_{word}", f"_{word}s")) for word in SCORES)


def _is_numbers(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the detached tensor leaves torch at once: nobody detaches for `numpy()` what has no graph."""
    for outer in source.around(call):
        if isinstance(outer, ast.Call) and called_name(outer) in ("numpy", "tolist"):
            return True
        if not isinstance(outer, ast.Attribute | ast.Call):
            return False
    return False


def _is_computed(source: ParsedFile, node: ast.expr) -> bool:
    """Whether a value is a product, or what a call answers; not a table that is read, or one of its rows."""
    while isinstance(node, ast.Subscript) or (
        isinstance(node, ast.Call) and called_name(node) in ("cpu", "squeeze", "float")
    ):
        node = (
            node.value
            if isinstance(node, ast.Subscript)
            else getattr(node.func, "value", ast.Constant(value=None))
        )
    if isinstance(node, ast.Name):
        found = [b.value for b in bindings(source, node.id, node) if b.how is How.ASSIGNED]
        return bool(found) and all(not isinstance(v, ast.Name) and _is_computed(source, v) for v in found)
    return isinstance(node, ast.BinOp | ast.Call)


@once
def _of_training(repo: Codebase) -> dict[ast.AST, Defined]:
    """The functions that a step of training runs, and those that hold one."""
    steps: dict[ast.AST, Defined] = {}
    single: list[Defined] = []
    for file in repo.files:
        for call in file.calls_named("backward"):
            function = file.function_of(call)
            if function is None or not is_backward(call):
                continue
            steps[function] = Defined(file=file, node=function)
            loop = next((o for o in file.around(call) if isinstance(o, Loop | Function)), None)
            if loop is function:
                single.append(steps[function])
    inside = [
        reached
        for file in repo.files
        for loop in file.training_loops()
        for call in file.calls_in(*loop.body)
        if (reached := callee(repo, file, call)) is not None
    ]
    return below(repo, [*inside, *single]) | steps


def _shares(repo: Codebase, function: Defined) -> bool:
    """Whether a function calls what a step of training calls, or reads the same attributes of its object, so that its values have
    gradients.
    """
    training = _of_training(repo)
    if set(below(repo, [function])) & set(training):
        return True
    owner = function.file.parents.get(function.node)
    others = [
        d
        for node, d in training.items()
        if d.file.parents.get(node) is owner and isinstance(owner, ast.ClassDef)
    ]
    called = set(_called(function))
    return bool(called) and any(called & set(_called(other)) for other in others)


def _called(function: Defined) -> Iterator[str]:
    """`self.net(...)`, `model(...)`: the attributes that a function calls, or multiplies."""
    for call in function.file.calls_in(function.node):
        if dotted(call.func).startswith("self.") and dotted(call.func).count(".") == 1:
            yield dotted(call.func)
    for part in function.file.within(function.node, ast.BinOp):
        if isinstance(part.op, ast.MatMult):
            for inner in ast.walk(part):
                name = dotted(inner)
                if name.startswith("self.") and name.count(".") == 1:
                    yield name
