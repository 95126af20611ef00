"""Static rule: negatives that are drawn before training, and used in all of its epochs."""

import ast
from collections.abc import Iterator, Sequence

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.draws import draws_one, is_draw
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.repeated import callee, in_training_loop, repeated, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile
from diagnosis.rules.values import How, bindings, origins
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="drawn-once",
    found_by=FoundBy.RULE,
    title="Drawn once for all epochs",
    why="The model learns these negatives by heart, and nothing of the rest of the catalogue.",
    definition="Items that were drawn outside the loop of epochs are read in it, and drawn nowhere inside it.",
    roles=(Role.NEGATIVES,),
    explains=("negatives-repeated", "overconfidence", *WEAK),
)

ORDERS = {"permutation", "randperm", "shuffle", "permuted"}


def drawn_once(source: ParsedFile) -> Iterator[RuleHit]:
    """`self.negatives = rng.integers(...)` in a constructor, or `negatives = ...` before the loop, read in each epoch."""
    repo = repo_of(source)
    again = repeated(repo)
    for statement in source.within(source.nodes[0], ast.Assign):
        function = source.function_of(statement)
        name = dotted(statement.targets[0]) if len(statement.targets) == 1 else ""
        if not name or function is None or ("." in name and function.name != "__init__"):
            continue
        if not isinstance(statement.value, ast.Call) or not _draws(source, statement.value, repo):
            continue
        if function in again or in_training_loop(source, statement, repo):
            continue
        is_kept = name.startswith("self.") and function.name == "__init__" and _is_set_once(source, name)
        if (is_kept and _is_read_again(source, name, again)) or (
            "." not in name and _is_read_in_loop(source, name, function, repo)
        ):
            yield source.hit(
                KIND.code,
                statement,
                "draws once what all epochs use: draw it anew at the start of each epoch",
            )


def _draws(source: ParsedFile, value: ast.expr, repo: Codebase, steps: int = 0) -> bool:
    """Whether a value is an array of drawn items: drawn here, or by the function that is called."""
    if not isinstance(value, ast.Call):
        return False
    if is_draw(source, value):
        return not draws_one(value)
    reached = callee(repo, source, value)
    if (
        reached is None
        or not isinstance(reached.node, Function)
        or steps > 2
        or reached.node.name == "__init__"
    ):
        return False
    returned = [r.value for r in reached.file.within(reached.node, ast.Return) if r.value is not None]
    return bool(returned) and all(_returns_draw(reached.file, value, repo, steps) for value in returned)


def _returns_draw(file: ParsedFile, value: ast.expr, repo: Codebase, steps: int) -> bool:
    """Whether a returned value is a draw, or what a table holds at drawn places."""
    if isinstance(value, ast.Name):
        made = [b.value for b in bindings(file, value.id, value) if b.how is How.ASSIGNED]
        return bool(made) and all(_draws(file, m, repo, steps + 1) or _holds_draw(file, m) for m in made)
    return _draws(file, value, repo, steps + 1) or _holds_draw(file, value)


def _holds_draw(file: ParsedFile, value: ast.expr) -> bool:
    taken = value.slice if isinstance(value, ast.Subscript) else None
    steps = list(origins(file, taken)) if taken is not None else [value]
    calls = [part for step in steps for part in ast.walk(step) if isinstance(part, ast.Call)]
    if any(called_name(call) in ORDERS for call in calls):
        return False
    shares = taken is not None and any(called_name(call) in ("rand", "random", "uniform") for call in calls)
    return shares or any(is_draw(file, call) and not draws_one(call) for call in calls)


def _is_set_once(source: ParsedFile, name: str) -> bool:
    """Whether nothing but one statement assigns an attribute, or its elements."""
    attribute = name.rpartition(".")[2]
    stored = [
        p
        for p in source.within(source.nodes[0], ast.Attribute)
        if p.attr == attribute and isinstance(p.ctx, ast.Store)
    ]
    elements = [
        p
        for p in source.within(source.nodes[0], ast.Subscript)
        if isinstance(p.ctx, ast.Store) and dotted(p.value).endswith(f".{attribute}")
    ]
    owners = [source.function_of(p) for p in elements]
    return len(stored) == 1 and all(owner is not None and owner.name == "__init__" for owner in owners)


def _is_read_again(source: ParsedFile, name: str, again: dict[ast.AST, Defined]) -> bool:
    """Whether an epoch cuts a part out of the attribute, or hands it on beside other arrays."""
    reads = [
        part
        for part in source.within(source.nodes[0], ast.Attribute)
        if dotted(part) == name and isinstance(part.ctx, ast.Load)
    ]
    return any(_is_data(source, [part]) and _is_in_an_epoch(source, part, again) for part in reads)


def _is_in_an_epoch(source: ParsedFile, node: ast.AST, again: dict[ast.AST, Defined]) -> bool:
    return source.function_of(node) in again or in_training_loop(source, node, repo_of(source))


def _is_read_in_loop(source: ParsedFile, name: str, function: Function, repo: Codebase) -> bool:
    """Whether a loop of the function that trains reads the name, which nothing in the loop sets."""
    if len(bindings(source, name, function.body[0])) != 1:
        return False
    loops = [loop for loop in source.within(function, ast.For, ast.While) if isinstance(loop, Loop)]
    for loop in loops:
        reads = [
            n
            for s in loop.body
            for n in source.within(s, ast.Name)
            if n.id == name and isinstance(n.ctx, ast.Load)
        ]
        if reads and in_training_loop(source, loop.body[0], repo) and _is_data(source, reads):
            return True
    return False


def _is_data(source: ParsedFile, reads: Sequence[ast.expr]) -> bool:
    """Whether the array is cut, or handed on beside others: no seed, no rare use behind a condition."""
    for read in reads:
        outer = source.parents.get(read)
        cut = isinstance(outer, ast.Subscript) and outer.value is read
        handed = isinstance(outer, ast.Call) and read in outer.args and len(outer.args) > 1
        handed |= isinstance(outer, ast.List | ast.Tuple) and len(outer.elts) > 1
        if isinstance(outer, ast.Assign) and isinstance(read, ast.Attribute):
            cut = _is_data_under_another_name(source, outer)
        if (cut or handed) and not any(isinstance(o, ast.If) for o in source.around(read)):
            return True
    return False


def _is_data_under_another_name(source: ParsedFile, statement: ast.Assign) -> bool:
    """`negatives = self.negatives`, which is then cut, or stands beside other arrays."""
    target, function = statement.targets[0], source.function_of(statement)
    if not isinstance(target, ast.Name) or function is None:
        return False
    reads = [n for n in source.within(function, ast.Name) if n.id == target.id]
    return any(_is_part_of_many(source, n) for n in reads if isinstance(n.ctx, ast.Load))


def _is_part_of_many(source: ParsedFile, read: ast.Name) -> bool:
    """Whether a name, or what its method makes of it, is cut or stands beside other arrays."""
    inner: ast.AST = read
    for outer in source.around(read):
        if isinstance(outer, ast.List | ast.Tuple):
            return len(outer.elts) > 1
        if isinstance(outer, ast.Subscript):
            return outer.value is inner
        if isinstance(outer, ast.Call) and inner is not outer.func:
            return len(outer.args) > 1
        if not isinstance(outer, ast.Attribute | ast.Call):
            return False
        inner = outer
    return False


RULE = Rule(kind=KIND, run=drawn_once)
