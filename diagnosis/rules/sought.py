"""What an evaluation looks for: whether the items that a user has had were taken out of it."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.definitions import returns
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings, parameters
from diagnosis.syntax import called_name, dotted

MOST = 60  # expressions that one question passes


def sought_unseen(repo: Codebase, source: ParsedFile, function: Function) -> bool:
    """Whether an evaluation is given, or makes itself, a table by user of held-out items without those that the user has had:
    `{u: items - set(seen[u]) for u, items in held_out.items()}`, wherever in the repo that is made.
    """
    own = [(source, s.value) for s in source.within(function, ast.Assign)]
    place = Defined(file=source, node=function)
    waiting = own + [given for name in parameters(function) for given in repo.given(place, name)]
    seen: set[ast.AST] = set()
    while waiting and len(seen) < MOST:
        file, value = waiting.pop(0)
        if value in seen:
            continue
        seen.add(value)
        if isinstance(value, ast.DictComp) and _takes_off(value.value, value.key, value.generators[0].target):
            return True
        if isinstance(value, ast.Name) and _filled_unseen(file, value):
            return True
        waiting += _before(repo, file, value)
    return False


def _before(repo: Codebase, file: ParsedFile, value: ast.expr) -> Iterator[tuple[ParsedFile, ast.expr]]:
    """What a table by user is handed on from, one step back."""
    if isinstance(value, ast.Name | ast.Attribute):
        yield from repo.bound(file, value, 0)
    elif isinstance(value, ast.DictComp):
        over = value.generators[0].iter
        if (
            isinstance(over, ast.Call)
            and isinstance(over.func, ast.Attribute)
            and called_name(over) == "items"
        ):
            yield file, over.func.value
    elif isinstance(value, ast.Call):
        reached = repo.callee(file, value)
        if reached is not None:
            yield from ((reached.file, one) for one in returns(reached))


def _takes_off(left: ast.expr, key: ast.expr, target: ast.expr) -> bool:
    """`items - set(seen[u])`, where a loop gives both u and items."""
    if not isinstance(left, ast.BinOp) or not isinstance(left.op, ast.Sub) or not isinstance(key, ast.Name):
        return False
    given = {n.id for n in ast.walk(target) if isinstance(n, ast.Name)} - {key.id}
    kept = {n.id for n in ast.walk(left.left) if isinstance(n, ast.Name)}
    return bool(kept & given) and any(
        isinstance(part, ast.Subscript) and dotted(part.slice) == key.id for part in ast.walk(left.right)
    )


def _filled_unseen(file: ParsedFile, table: ast.Name) -> bool:
    """`wanted[u] = set(items) - set(seen[u])` in a loop over what is held out."""
    if not any(isinstance(b.value, ast.Dict | ast.Call) for b in bindings(file, table.id, table)):
        return False
    for statement in file.within(file.function_of(table) or file.nodes[0], ast.Assign):
        (target, *_) = statement.targets
        loop = next((o for o in file.around(statement) if isinstance(o, ast.For)), None)
        fills = isinstance(target, ast.Subscript) and dotted(target.value) == table.id
        if fills and loop is not None and _takes_off(statement.value, target.slice, loop.target):
            return True
    return False
