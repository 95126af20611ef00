"""A stack of layers written as one loop over lists of them, `for i in range(len(self.attention))`, in which one result takes the stream's place."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.definitions import returns
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import parameters
from diagnosis.syntax import dotted

ATTENTION = "torch.nn.MultiheadAttention"


def taken_place(repo: Codebase, source: ParsedFile) -> Iterator[tuple[ast.Assign, str]]:
    """(statement, stream): `x = found`, where attention found it in x, while the same loop adds to x, or hands it to a layer that does."""
    for loop in source.within(source.nodes[0], ast.For):
        if not isinstance(source.function_of(loop), Function) or len(loop.body) < 2:
            continue
        assigns = [s for s in loop.body if isinstance(s, ast.Assign)]
        for statement in assigns:
            stream = dotted(statement.targets[0]) if len(statement.targets) == 1 else ""
            call = _attention(repo, source, assigns, statement) if stream.isidentifier() else None
            if call is None or not _reads(assigns, call, stream):
                continue
            if _adds_before(assigns, statement, stream) or not _adds_elsewhere(
                repo, source, assigns, statement, stream
            ):
                continue
            yield statement, stream


def _attention(
    repo: Codebase, source: ParsedFile, assigns: list[ast.Assign], statement: ast.Assign
) -> ast.Call | None:
    """The call of torch's attention whose result a statement gives on as it is, through dropout at most."""
    value = _through_dropout(statement.value)
    if isinstance(value, ast.Name):
        made = [
            s
            for s in assigns
            if s is not statement and s.lineno < statement.lineno and value.id in _targets(s)
        ]
        value = _through_dropout(made[-1].value) if made else value
    if isinstance(value, ast.Subscript):
        value = value.value
    if not isinstance(value, ast.Call) or not isinstance(
        value.func, ast.Subscript | ast.Name | ast.Attribute
    ):
        return None
    layers = repo.makers(source, value.func)
    return value if layers and all(m.full_name == ATTENTION for m in layers) else None


def _through_dropout(value: ast.expr) -> ast.expr:
    while isinstance(value, ast.Call) and "drop" in dotted(value.func).lower() and len(value.args) == 1:
        value = value.args[0]
    return value


def _targets(statement: ast.Assign) -> set[str]:
    return {n.id for t in statement.targets for n in ast.walk(t) if isinstance(n, ast.Name)}


def _reads(assigns: list[ast.Assign], call: ast.Call, stream: str) -> bool:
    """Whether a call is given the stream, or what one call in the loop, as a norm, made of it."""
    given = {n.id for one in call.args for n in ast.walk(one) if isinstance(n, ast.Name)}
    made = [
        s for s in assigns if s.lineno < call.lineno and _targets(s) & given and isinstance(s.value, ast.Call)
    ]
    return stream in given or any(
        isinstance(n, ast.Name) and n.id == stream for s in made for n in ast.walk(s.value)
    )


def _adds_before(assigns: list[ast.Assign], statement: ast.Assign, stream: str) -> bool:
    """Whether the stream is kept under another name before, `residual = x`, by which it may be added later."""
    return any(dotted(s.value) == stream and s.lineno < statement.lineno for s in assigns)


def _adds_elsewhere(
    repo: Codebase, source: ParsedFile, assigns: list[ast.Assign], statement: ast.Assign, stream: str
) -> bool:
    for other in assigns:
        if other is statement or stream not in _targets(other):
            continue
        if isinstance(other.value, ast.BinOp) and isinstance(other.value.op, ast.Add):
            return any(dotted(side) == stream for side in (other.value.left, other.value.right))
        reached = repo.callee(source, other.value) if isinstance(other.value, ast.Call) else None
        if reached is not None and isinstance(reached.node, Function):
            own = set(parameters(reached.node)[1:2])
            if any(
                isinstance(value, ast.BinOp)
                and isinstance(value.op, ast.Add)
                and own & {dotted(value.left), dotted(value.right)}
                for value in returns(reached)
            ):
                return True
    return False
