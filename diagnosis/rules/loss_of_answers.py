"""Static rule: a loss of answers that were all cut off from the model: `loss = criterion(model(x).detach(), y)`."""

import ast
from collections.abc import Iterator

from diagnosis.rules.copied_loss import KIND
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings
from diagnosis.syntax import called_name, dotted

HOLDS = ("model", "net", "encoder", "tower")  # how people call what holds a model
CUTS = {"detach", "numpy", "from_numpy", "tensor", "tolist", "item"}
LOSSES = ("loss", "crit", "bce", "mse", "nll", "entropy", "objective")
PLAIN = {"sum", "len", "float", "int", "range", "zip", "list", "abs", "max", "min", "dict", "tuple", "ce"}
NO_GRAD = ("torch.no_grad", "torch.inference_mode")
MOST_STEPS = 6  # names between the loss and the model's answer


def loss_of_answers(source: ParsedFile) -> Iterator[RuleHit]:
    """The statements that cut off a model's answers, where `backward` is called on a loss that nothing else of the model reaches."""
    for call in source.calls_named("backward"):
        if not isinstance(call.func, ast.Attribute):
            continue
        asked = list(_asked(source, call.func.value, MOST_STEPS, set()))
        cut = [_cut(source, one) for one in asked]
        if asked and all(cut):
            place = next(one for one in cut if one)
            outer = next((o for o in source.around(place) if isinstance(o, ast.stmt)), None)
            if (
                outer is not None
                and call not in source.calls_in(outer)
                and not isinstance(outer, ast.With | ast.For)
            ):
                yield source.hit(
                    KIND.code,
                    outer,
                    "cuts the answer off from the model, so that no gradient reaches it: leave it out",
                )


def _asked(source: ParsedFile, node: ast.expr, steps: int, seen: set[ast.AST]) -> Iterator[ast.expr]:
    """What an expression, or what its names were given, reads of a model: its calls, its methods' calls, its weights. seen: what was
    looked at, which may be reached in several ways.
    """
    if node in seen:
        return
    seen.add(node)
    stack: list[ast.AST] = [node]
    while stack:
        part = stack.pop()
        if isinstance(part, ast.Name | ast.Attribute) and _holds_model(part):
            yield part
            continue
        if isinstance(part, ast.Call) and _may_be_model(source, part):
            yield part.func
            stack += [*part.args, *(k.value for k in part.keywords)]
            continue
        if isinstance(part, ast.Name) and steps > 0:
            for binding in bindings(source, part.id, part):
                if binding.how is How.ASSIGNED and source.function_of(binding.node) is source.function_of(
                    part
                ):
                    yield from _asked(source, binding.value, steps - 1, seen)
        stack += ast.iter_child_nodes(part)


def _may_be_model(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call is of what no line of the function made, a name, an attribute of `self` or a method of one, and neither of a library
    nor called after a loss.
    """
    word = dotted(call.func)
    root, _, rest = word.partition(".")
    name = word.rpartition(".")[2]
    if not word or root in source.imports or name in PLAIN or any(part in word.lower() for part in LOSSES):
        return False
    made = [b for b in bindings(source, root, call) if source.function_of(b.node) is source.function_of(call)]
    return root == "self" or not rest or not made


def _holds_model(node: ast.expr) -> bool:
    """A name, or an attribute of `self`, that people call a model or a net."""
    word = dotted(node)
    own = isinstance(node, ast.Name) or (
        isinstance(node, ast.Attribute) and word.count(".") == 1 and word.startswith("self.")
    )
    return own and any(word.rpartition(".")[2].lower().endswith(end) for end in HOLDS)


def _cut(source: ParsedFile, node: ast.expr) -> ast.expr | None:
    """Where what is read of a model loses its graph, within its own statement: `.detach()`, `.data`, `no_grad`; None if it does not."""
    inner: ast.AST = node
    for outer in source.around(node):
        if isinstance(outer, Function):
            return None
        if isinstance(outer, ast.Attribute) and outer.attr in ("data", "detach") and outer.value is inner:
            return outer
        if isinstance(outer, ast.Call) and called_name(outer) in CUTS and inner is not outer.func:
            return outer
        if isinstance(outer, ast.With) and any(
            isinstance(i.context_expr, ast.Call) and source.full_name(i.context_expr).startswith(NO_GRAD)
            for i in outer.items
        ):
            return node
        inner = outer
    return None


RULE = Rule(kind=KIND, run=loss_of_answers)
