"""Static rule: a softmax over the users of a batch alone, where items are to be ranked."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.definitions import Defined, returns
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import bindings, parameters, words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="softmax-over-users",
    found_by=FoundBy.RULE,
    title="The softmax runs over users",
    why="The model learns which user an item belongs to, and scoring asks which item belongs to a user.",
    definition="A cross-entropy with the diagonal of a batch's products as its classes, of users in columns and items in rows, and none the "
    "other way round.",
    roles=(Role.LOSS,),
    explains=WEAK,
)
USERS = (
    "user",
    "users",
    "u",
    "query",
    "queries",
    "state",
    "states",
    "session",
    "hist",
    "history",
    "seq",
)
ITEMS = (
    "item",
    "items",
    "i",
    "v",
    "pos",
    "positive",
    "positives",
    "target",
    "targets",
    "candidate",
    "candidates",
    "doc",
    "docs",
)


def softmax_over_users(source: ParsedFile) -> Iterator[RuleHit]:
    """`F.cross_entropy((users @ items.T).T, torch.arange(len(users)))`"""
    losses = [
        c for c in source.calls_named("cross_entropy") if len(c.args) > 1 and _is_diagonal(source, c.args[1])
    ]
    for call in losses:
        function = source.function_of(call)
        if function is None or _columns(source, call.args[0]) != USERS:
            continue
        others = [
            c
            for c in losses
            if c is not call and (source.function_of(c) is function or _columns(source, c.args[0]) == ITEMS)
        ]
        if _normalises_too(source, function) or _ranks_users(source):
            continue
        if not others and keyword(call, "weight") is None and not _is_helper(source, function):
            yield source.hit(
                KIND.code,
                call,
                "ranks the users of the batch for each item: turn the products round to rank items for each user",
            )


def _normalises_too(source: ParsedFile, function: Function) -> bool:
    """Whether another softmax stands beside, as the other half of a loss that runs both ways."""
    return any(
        source.function_of(c) is function for c in source.calls_named("log_softmax", "logsumexp", "softmax")
    )


def _ranks_users(source: ParsedFile) -> bool:
    """Whether users are what is ranked in the file, for an item that seeks its audience."""
    return any(
        _columns(source, value) == USERS
        for call in source.calls_named("topk", "argsort")
        for value in (*call.args[:1], *([call.func.value] if isinstance(call.func, ast.Attribute) else []))
    )


def _is_helper(source: ParsedFile, function: Function) -> bool:
    """Whether the function is called more than once in a statement, as for both sides of one loss."""
    calls = source.calls_named(function.name)
    statements = [next((id(o) for o in source.around(c) if isinstance(o, ast.stmt)), 0) for c in calls]
    return len(statements) != len(set(statements))


def _is_diagonal(source: ParsedFile, node: ast.expr) -> bool:
    """`torch.arange(len(x))`, perhaps by a name of its own."""
    values = [node]
    if isinstance(node, ast.Name):
        values = [b.value for b in bindings(source, node.id, node) if b.position is None]
    return len(values) == 1 and any(
        called_name(c) == "arange" and len(c.args) == 1 for c in source.calls_in(values[0])
    )


def _columns(source: ParsedFile, node: ast.expr, turned: bool = False, depth: int = 0) -> tuple[str, ...]:
    """USERS where the columns of a product are users and its rows items, ITEMS the other way round, () where that is not said."""
    if depth > 6:
        return ()
    if isinstance(node, ast.Attribute) and node.attr in ("T", "mT"):
        return _columns(source, node.value, not turned, depth + 1)
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and called_name(node) in ("t", "transpose")
    ):
        return _columns(source, node.func.value, not turned, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Mult | ast.Sub | ast.Add):
        return _columns(source, node.left, turned, depth + 1)
    before = _before(source, node)
    if before:
        said = {_columns(file, value, turned, depth + 1) for file, value in before}
        return said.pop() if len(said) == 1 else ()
    sides = _sides(source, node)
    if sides is None:
        return ()
    rows, columns = (_said(side) for side in sides)
    if not rows or not columns or rows == columns:
        return ()
    return rows if turned else columns


def _before(source: ParsedFile, node: ast.expr) -> list[tuple[ParsedFile, ast.expr]]:
    """What a name was bound to, or is given as, other than itself with something added; what a function of the repo returns."""
    repo = source.repo
    if isinstance(node, ast.Name):
        made = [b.value for b in bindings(source, node.id, node) if not _changes(b.value, node.id)]
        owner = source.function_of(node)
        if made or repo is None or owner is None or node.id not in parameters(owner):
            return [(source, value) for value in made]
        given = repo.given(Defined(file=source, node=owner), node.id)
        return [(file.placed_in(repo), value) for file, value in given]
    reached = repo.callee(source, node) if repo is not None and isinstance(node, ast.Call) else None
    return (
        [(reached.file.placed_in(repo), value) for value in returns(reached)] if reached is not None else []
    )


def _changes(value: ast.expr, name: str) -> bool:
    """Whether a value is made of the name itself: `logits = logits - log_q`."""
    return any(isinstance(part, ast.Name) and part.id == name for part in ast.walk(value))


def _sides(source: ParsedFile, node: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """The two factors of `a @ b.T`, `torch.matmul(a, b.t())`: what gives the rows, and what gives the columns."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
        left, right = node.left, node.right
    elif isinstance(node, ast.Call) and called_name(node) in ("matmul", "mm") and len(node.args) == 2:
        left, right = node.args
    else:
        return None
    inner = right.value if isinstance(right, ast.Attribute) and right.attr in ("T", "mT") else None
    if (
        isinstance(right, ast.Call)
        and isinstance(right.func, ast.Attribute)
        and called_name(right) in ("t", "transpose")
    ):
        inner = right.func.value
    return (left, inner) if inner is not None else None


def _said(node: ast.expr) -> tuple[str, ...]:
    words = [word.lower() for word in words_of(node)]
    # one letter says what it says where it stands alone; `z_i` and `z_u` are views
    pieces = {p for word in words for p in word.split("_") if len(p) > 1 or p == word}
    found = [words for words in (USERS, ITEMS) if pieces & {*words}]
    return found[0] if len(found) == 1 else ()


RULE = Rule(kind=KIND, run=softmax_over_users)
