"""Static rules: reads and copies between host and device in every training step; one number that is read is advice."""

import ast
from collections.abc import Iterator
from dataclasses import replace

from diagnosis.findings import FindingKind, FoundBy, Nature, Role, Severity
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile, is_backward
from diagnosis.rules.values import How, bindings
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="host-device-traffic",
    found_by=FoundBy.RULE,
    title="Host-device traffic",
    why="Every read of a value waits for the device, and every copy of a Python list crosses the bus.",
    definition="Whole tensors that go to the host (`.cpu()`, `.numpy()`, `.tolist()`), values that are read one by one "
    "(`.item()` in a loop), or tensors made of Python lists, in the loop that steps the optimizer.",
    roles=(Role.LOADER,),
    of_accelerators=True,
)
ONE_NUMBER = FindingKind(
    code="loss-read-at-every-step",
    found_by=FoundBy.RULE,
    nature=Nature.ADVICE,
    title="A number is read from the device at every step",
    why="A step then ends before the next one is queued, which costs a few percent of a training on a GPU.",
    definition="`.item()`, `float()`, or a copy or text of a loss, in the loop that steps the optimizer.",
    roles=(Role.LOADER,),
    of_accelerators=True,
)

READS = {"item", "cpu", "numpy", "tolist"}
REDUCES = {"sum", "mean", "norm", "max", "min", "std"}  # to one number, where no axis is given
MANY = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.GeneratorExp, ast.SetComp, ast.DictComp)
MAKERS = {
    "torch.tensor",
    "torch.as_tensor",
    "torch.LongTensor",
    "torch.FloatTensor",
    "torch.Tensor",
    "torch.IntTensor",
}


def host_device_traffic(source: ParsedFile) -> Iterator[RuleHit]:
    """In training loops: values that are read back, and tensors made of Python lists.

    Reads behind a condition (`if step % 100 == 0`) are left out, because they are rare. Functions that the loop calls
    are searched only if they call `backward` themselves.
    """
    seen: set[ast.Call] = set()
    for loop in source.training_loops():
        found: list[RuleHit] = []
        for call in _every_step(source, loop):
            if call not in seen:
                seen.add(call)
                found += _judge(source, call, loop)
        yield from _as_one(found)


def _as_one(hits: list[RuleHit]) -> Iterator[RuleHit]:
    """The hits of one loop: its single numbers are one piece of advice, on the first of them."""
    numbers = sorted((hit for hit in hits if hit.code == ONE_NUMBER.code), key=lambda hit: hit.start_line)
    yield from (hit for hit in hits if hit.code != ONE_NUMBER.code)
    others = sorted(
        {str(hit.start_line) for hit in numbers[1:]} - {str(hit.start_line) for hit in numbers[:1]}, key=int
    )
    more = f" (as on line{'s' if len(others) > 1 else ''} {', '.join(others)})" if others else ""
    yield from (replace(hit, message=hit.message + more) for hit in numbers[:1])


def _every_step(source: ParsedFile, loop: Loop) -> Iterator[ast.Call]:
    """Calls that run in each iteration of the loop, also inside functions of this file that it calls and that train."""
    steps = [call for call in source.calls_named("backward") if is_backward(call)]
    trains = {
        f.name for call in steps if (f := source.function_of(call)) and call in _unconditional(source, f.body)
    }
    bodies = [_body_of_steps(source, loop, trains)]
    known: set[str] = set()
    while bodies:
        calls = bodies.pop()
        yield from calls
        called = {called_name(call) for call in calls} - known
        known |= called
        for function in source.functions:
            if function.name not in called:
                continue
            inside = _unconditional(source, function.body)
            if function.name in trains or trains & {called_name(call) for call in inside}:
                bodies.append(inside)


def _body_of_steps(source: ParsedFile, loop: Loop, trains: set[str]) -> list[ast.Call]:
    """The calls that a step makes in a loop; where comprehensions hold all its steps, as in `[step(b) for b in loader]` within an
    epoch, those in them.
    """
    calls = _unconditional(source, loop.body)
    steps = [call for call in calls if is_backward(call) or called_name(call) in trains]
    held = [_comprehension(source, call) for call in steps]
    if not steps or None in held:
        return calls
    return [call for part in dict.fromkeys(held) if part is not None for call in source.calls_in(part.elt)]


def _comprehension(
    source: ParsedFile, call: ast.Call
) -> ast.ListComp | ast.GeneratorExp | ast.SetComp | None:
    """The comprehension whose elements a call makes; None where a statement makes it."""
    for outer in source.around(call):
        if isinstance(outer, ast.ListComp | ast.GeneratorExp | ast.SetComp) and call in source.calls_in(
            outer.elt
        ):
            return outer
        if isinstance(outer, ast.stmt):
            break
    return None


def _unconditional(source: ParsedFile, body: list[ast.stmt]) -> list[ast.Call]:
    """The calls of a body that no condition may skip, those of functions inside it left out."""
    kinds = (ast.If, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [
        call
        for statement in body
        if not isinstance(statement, kinds)
        for call in source.within(statement, ast.Call)
        if not _is_conditional(source, call, statement)
    ]


def _is_conditional(source: ParsedFile, call: ast.Call, statement: ast.stmt) -> bool:
    for outer in source.around(call):
        if isinstance(outer, ast.If | ast.Lambda) or (
            isinstance(outer, ast.IfExp) and not _is_in_both(call, outer)
        ):
            return True
        if outer is statement:
            return False
    return False


def _is_in_both(call: ast.Call, choice: ast.IfExp) -> bool:
    """Whether both values of a choice make the same call: `x.item() if total is None else total + x.item()`."""
    same = ast.dump(call)
    return all(
        any(isinstance(part, ast.Call) and ast.dump(part) == same for part in ast.walk(value))
        for value in (choice.body, choice.orelse)
    )


def read_hit(source: ParsedFile, call: ast.Call, loop: ast.AST | None, where: str) -> RuleHit:
    """A hit on a read; advice where it is of one number a step. loop: the loop of steps; None in a function of one step."""
    name = called_name(call)
    if name == "float":
        return source.hit(
            ONE_NUMBER.code,
            call,
            f"`float()` in {where} waits for the device at every step: keep a tensor, or read it once per epoch",
            Severity.INFORMATION,
        )
    if _is_of_many(source, call, loop):
        return source.hit(
            KIND.code,
            call,
            f"`.{name}()` for each element, in {where}, waits for the device each time: read all at once",
        )
    if name == "item" or _is_of_one_number(source, _value_read(call), call):
        return source.hit(
            ONE_NUMBER.code,
            call,
            f"`.{name}()` in {where} waits for the device at every step: keep a tensor, or read it once per epoch",
            Severity.INFORMATION,
        )
    return source.hit(
        KIND.code,
        call,
        f"`.{name}()` in {where} copies a tensor to the host at every step: compute on the device",
    )


def is_read(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call reads a device's values; `x.cpu().numpy()` is one read, as a whole. `numpy()` alone is none: torch
    refuses it for a tensor on a device, so that such code has made its tensor on the host.
    """
    return (
        isinstance(call.func, ast.Attribute)
        and call.func.attr in READS
        and not call.args
        and not call.keywords
        and not isinstance(source.parents.get(call), ast.Attribute)
        and (call.func.attr != "numpy" or _goes_to_host(call.func.value))
    )


def _goes_to_host(node: ast.expr) -> bool:
    """Whether `cpu()` or `to("cpu")` stands in a chain of calls."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in ("cpu", "to"):
            return True
        node = node.func.value
    return False


def _judge(source: ParsedFile, call: ast.Call, loop: Loop) -> Iterator[RuleHit]:
    if is_read(source, call):
        yield read_hit(source, call, loop, "the training loop")
    elif _reads_silently(source, call):
        yield source.hit(
            ONE_NUMBER.code,
            call,
            "reads the loss in the training loop, which waits for the device at every step: keep a tensor, or read it once per epoch",
            Severity.INFORMATION,
        )
    elif source.full_name(call) in MAKERS and call.args and _is_list(call.args[0]):
        yield source.hit(
            KIND.code,
            call,
            "makes a tensor of a Python list at every training step: prepare it before, or index a tensor",
        )


def _reads_silently(source: ParsedFile, call: ast.Call) -> bool:
    """`float(loss)`, and a text that a loss is formatted into, `bar.set_description(f"loss {loss:.4f}")`."""
    if called_name(call) == "float" and isinstance(call.func, ast.Name) and len(call.args) == 1:
        return bool(dotted(call.args[0])) and _is_of_one_number(source, call.args[0], call)
    given = [*call.args, *(k.value for k in call.keywords)]
    texts = [part for one in given if isinstance(one, ast.JoinedStr) for part in one.values]
    return any(
        isinstance(part, ast.FormattedValue)
        and bool(dotted(part.value))
        and _is_of_one_number(source, part.value, call)
        for part in texts
    )


def _is_list(node: ast.expr) -> bool:
    """Whether a value is a list that grows with the batch; two constants in brackets cost nothing."""
    return isinstance(node, ast.ListComp) or (
        isinstance(node, ast.List) and not all(isinstance(part, ast.Constant) for part in node.elts)
    )


def _is_of_many(source: ParsedFile, call: ast.Call, loop: ast.AST | None) -> bool:
    """Whether a step reads many times: in a loop of its own, other than one over the few parts of a loss."""
    for outer in source.around(call):
        if outer is loop or isinstance(outer, Function):
            return False
        if isinstance(outer, ast.For | ast.AsyncFor) and not _is_of_few(source, outer.iter):
            return not any(call in ast.walk(part) for part in (outer.iter, outer.target))
        if isinstance(outer, ast.ListComp | ast.GeneratorExp | ast.SetComp | ast.DictComp):
            given = [part.iter for part in outer.generators]
            inside = not any(call in ast.walk(part) for part in given)
            if inside and not any(_is_of_few(source, part) for part in given):
                return True
        if isinstance(outer, ast.While):
            return True
    return False


def _is_of_few(source: ParsedFile, node: ast.expr) -> bool:
    """Whether a loop goes through a few things: entries of a dictionary, or a list that was begun in brackets."""
    if isinstance(node, ast.Call):
        if called_name(node) in ("enumerate", "zip"):
            return any(_is_of_few(source, part) for part in node.args)
        return called_name(node) in ("items", "values", "keys") and not node.args
    if isinstance(node, ast.Name):
        made = [b.value for b in bindings(source, node.id, node) if b.how is How.ASSIGNED]
        return bool(made) and all(isinstance(value, ast.List) for value in made)
    return isinstance(node, ast.Tuple | ast.List)


def _value_read(call: ast.Call) -> ast.expr:
    """What is read: `x` of `x.detach().cpu().numpy()`."""
    node: ast.expr = call
    while True:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
            if node.func.attr in REDUCES:
                return node
            node = node.func.value
        elif isinstance(node, ast.Attribute) and node.attr == "data":
            node = node.value
        else:
            return node


def _is_of_one_number(source: ParsedFile, value: ast.expr, at: ast.AST) -> bool:
    """Whether a value is a single number: a loss, a part of one, or a sum without an axis."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        return value.func.attr in REDUCES and not value.args and not value.keywords
    name = dotted(value)
    function = source.function_of(at) or source.nodes[0]
    losses = {
        part.id
        for call in source.calls_in(function)
        if is_backward(call) and isinstance(call.func, ast.Attribute)
        for part in ast.walk(call.func.value)
        if isinstance(part, ast.Name)
    }
    parts = {
        part.id
        for loss in losses
        for binding in bindings(source, loss, at)
        if binding.how is not How.ITERATED and isinstance(binding.value, ast.BinOp | ast.Name)
        for part in ast.walk(binding.value)
        if isinstance(part, ast.Name)
    }
    few = any(
        binding.how is How.ITERATED and _is_of_few(source, binding.value)
        for binding in (bindings(source, name, at) if name else [])
    )
    return few or name in losses | parts


RULE = Rule(kind=KIND, beside=(ONE_NUMBER,), run=host_device_traffic)
