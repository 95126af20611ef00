"""Static rule: reads and copies between host and device in every training step."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Loop, ParsedFile, is_backward
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="host-device-traffic",
    found_by=FoundBy.RULE,
    title="Host-device traffic",
    why="Every read of a value waits for the device, and every copy of a Python list crosses the bus.",
    definition="`.item()`, `.cpu()`, `.numpy()`, `.tolist()`, or tensors made of Python lists, "
    "in the loop that steps the optimizer.",
    roles=(Role.LOADER,),
)

READS = {"item", "cpu", "numpy", "tolist"}
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
        for call in _every_step(source, loop):
            if call not in seen:
                seen.add(call)
                yield from _judge(source, call)


def _every_step(source: ParsedFile, loop: Loop) -> Iterator[ast.Call]:
    """Calls that run in each iteration of the loop, also inside functions of this file that it calls and that train."""
    bodies = [list(_unconditional(loop.body))]
    trains = {f.name for f in source.functions if any(map(is_backward, _unconditional(f.body)))}
    known: set[str] = set()
    while bodies:
        calls = bodies.pop()
        yield from calls
        called = {called_name(call) for call in calls} - known
        known |= called
        for function in source.functions:
            if function.name not in called:
                continue
            inside = list(_unconditional(function.body))
            if function.name in trains or trains & {called_name(call) for call in inside}:
                bodies.append(inside)


def _unconditional(body: list[ast.stmt]) -> Iterator[ast.Call]:
    for statement in body:
        if isinstance(statement, ast.If | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        stack: list[ast.AST] = [statement]
        while stack:
            node = stack.pop()
            if isinstance(node, ast.Call):
                yield node
            stack += [
                c for c in ast.iter_child_nodes(node) if not isinstance(c, ast.If | ast.IfExp | ast.Lambda)
            ]


def _judge(source: ParsedFile, call: ast.Call) -> Iterator[RuleHit]:
    reads = (
        isinstance(call.func, ast.Attribute)
        and call.func.attr in READS
        and not call.args
        and not call.keywords
    )
    inner = isinstance(
        source.parents.get(call), ast.Attribute
    )  # `x.cpu().numpy()` is reported once, as a whole
    if reads and not inner:
        assert isinstance(call.func, ast.Attribute)
        yield source.hit(
            KIND.code,
            call,
            f"`.{call.func.attr}()` in the training loop waits for the device at every step: "
            "keep a tensor, or read it once per epoch",
        )
    elif source.full_name(call) in MAKERS and call.args and isinstance(call.args[0], ast.List | ast.ListComp):
        yield source.hit(
            KIND.code,
            call,
            "makes a tensor of a Python list at every training step: prepare it before, or index a tensor",
        )


RULE = Rule(kind=KIND, run=host_device_traffic)
