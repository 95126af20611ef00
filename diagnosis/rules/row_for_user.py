"""Static rule: users are taken for their places in the batch, as `arange(len(users))` where ids of users are looked up."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.repeated import callee, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings, parameters
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="row-for-user",
    found_by=FoundBy.RULE,
    title="A row's place is taken for its user",
    why="A user gets the row of somebody else, another one each time the batch is made up in another way.",
    definition="A function that is given users, reads nothing of them but how many there are, and hands on in their place, or looks up in a "
    "table of users, the numbers from 0 to that.",
    explains=("batch-companions", "scores-differ-from-training", *WEAK),
)
USERS = {"user", "users", "uid", "uids", "user_ids", "user_id", "userids", "uids_batch"}
SCORES = ("score", "predict", "recommend", "rank", "serve", "answer", "forward")


def row_for_user(source: ParsedFile) -> Iterator[RuleHit]:
    """`def score(self, users, histories): return self.answer(np.arange(len(users)), histories)`"""
    for call in source.calls_named("arange"):
        function = source.function_of(call)
        name = _counted(call)
        if function is None or name not in USERS or name not in parameters(function):
            continue
        if _reads_more(source, function, name) or not _stands_for_users(source, function, call):
            continue
        yield source.hit(
            KIND.code, call, f"numbers the rows of the batch where the ids in {name} are meant: give {name}"
        )


def _counted(call: ast.Call) -> str:
    """The name whose length a call counts up to from 0: `arange(len(users))`, `arange(users.shape[0])`; else ""."""
    given = call.args[0] if len(call.args) == 1 else None
    if isinstance(given, ast.Call) and called_name(given) == "len" and len(given.args) == 1:
        return dotted(given.args[0])
    if (
        isinstance(given, ast.Call)
        and isinstance(given.func, ast.Attribute)
        and given.func.attr in ("size", "numel")
    ):
        return dotted(given.func.value)
    if (
        isinstance(given, ast.Subscript)
        and isinstance(given.value, ast.Attribute)
        and given.value.attr == "shape"
    ):
        return dotted(given.value.value)
    return ""


def _reads_more(source: ParsedFile, function: Function, name: str) -> bool:
    """Whether the function reads the ids themselves."""
    for part in source.within(function, ast.Name):
        if part.id != name or isinstance(part.ctx, ast.Store):
            continue
        outer = source.parents.get(part)
        if isinstance(outer, ast.Call) and called_name(outer) == "len":
            continue
        if isinstance(outer, ast.Attribute) and outer.attr in ("shape", "size", "device", "dtype", "numel"):
            continue
        return True
    return False


def _stands_for_users(source: ParsedFile, function: Function, call: ast.Call) -> bool:
    """Whether the numbers are looked up in a table called after users, or handed on in the place of users; not used as rows of what was
    computed for the batch, as classes of a loss, or to be drawn from."""
    inner: ast.AST = call
    for outer in source.around(call):
        if isinstance(outer, ast.Subscript) and outer.slice is inner:
            computed = isinstance(outer.value, ast.Name) and bindings(source, outer.value.id, outer.value)
            return _says_user(outer.value) and not computed
        if isinstance(outer, ast.Call) and outer.func is not inner:
            full = source.full_name(outer)
            if full.startswith(("torch.", "numpy.")) or called_name(outer) in ("to", "long"):
                inner = outer
                continue
            return _takes_users(source, function, outer, inner)
        if isinstance(outer, ast.stmt | ast.Tuple | ast.BinOp):
            return False
        inner = outer
    return False


def _takes_users(source: ParsedFile, function: Function, call: ast.Call, given: ast.AST) -> bool:
    """Whether a call has users in the place of an argument: its function says so, or it hands on the other arguments of a function that
    scores, behind it and in their order."""
    place = next((n for n, argument in enumerate(call.args) if argument is given), None)
    if place is None:
        return any(k.value is given and k.arg is not None and k.arg in USERS for k in call.keywords)
    reached = callee(repo_of(source), source, call)
    if reached is not None and isinstance(reached.node, Function):
        names = [name for name in parameters(reached.node) if name not in ("self", "cls")]
        return place < len(names) and names[place] in USERS
    own = parameters(function)
    mine = [n for n, name in enumerate(own) if name in USERS]
    after = own[mine[0] + 1 :] if mine else []
    follows = call.args[place + 1 :][:1]
    scores = any(word in function.name.lower() for word in SCORES)
    return scores and called_name(call).islower() and bool(follows) and dotted(follows[0]) in after[:1]


def _says_user(node: ast.expr) -> bool:
    return any(piece.rstrip("s") == "user" for piece in dotted(node).lower().replace(".", "_").split("_"))


RULE = Rule(kind=KIND, run=row_for_user)
