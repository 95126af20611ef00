"""Static rule: the epoch that is kept is the worst, because a metric is compared as a loss is, or a loss as a metric."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.constants import default_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.metric_sense import averaged, said_by
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import How, bindings, parameters, same, words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="best-epoch-inverted",
    found_by=FoundBy.RULE,
    title="The worst epoch is kept",
    why="The weights that are restored and tested are those of the worst epoch, and training stops as soon as the model gets better.",
    definition="A metric that is better when it is larger (NDCG, recall, hit rate, AUC) is kept where it is smaller than the best, or "
    'monitored with mode="min"; or a loss the other way round.',
    explains=WEAK,
)

# Words of code that compares both ways, by a setting.
TWO_WAYS = ("minimi", "maximi", "lower", "higher", "greater", "smaller", "larger", "direction", "descend", "ascend", "bigger", "compar",
            "increas", "decreas")  # fmt: skip
WATCHES = ("EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau", "EarlyStopper", "Checkpoint")


def best_inverted(source: ParsedFile) -> Iterator[RuleHit]:
    """`if value < self.best: self.best = value` of `value = logs[self.monitor]`, where `KeepBest("ndcg")` sets the monitor;
    `EarlyStopping(monitor="val_ndcg", mode="min")`.
    """
    for branch in source.within(source.nodes[0], ast.If):
        for compared in comparisons(branch.test):
            yield from _judged(source, branch, compared)
    for call in source.calls:
        if called_name(call).endswith(WATCHES):
            yield from _watched(source, call)


def comparisons(test: ast.expr) -> Iterator[ast.Compare]:
    """The plain comparison of a condition, also beside `best is None or ...`, and beside others that must hold."""
    parts = test.values if isinstance(test, ast.BoolOp) else [test]
    for part in parts:
        if (
            isinstance(part, ast.Compare)
            and len(part.ops) == 1
            and isinstance(part.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE)
        ):
            yield part


def _judged(source: ParsedFile, branch: ast.If, compared: ast.Compare) -> Iterator[RuleHit]:
    left, right = compared.left, compared.comparators[0]
    rising = isinstance(compared.ops[0], ast.Gt | ast.GtE)
    for value, best, larger_kept in ((left, right, rising), (right, left, not rising)):
        if not is_best(best) or is_best(value) or _goes_both_ways(source, branch):
            continue
        kept = _keeps(branch.body, value, best), _keeps(branch.orelse, value, best)
        if kept[0] == kept[1]:
            continue
        larger_kept = larger_kept if kept[0] else not larger_kept
        better = _better(source, value)
        if better and better != (1 if larger_kept else -1):
            said = "smallest" if better > 0 else "largest"
            yield source.hit(
                KIND.code, compared, f"keeps the {said} value of a metric whose {_OTHER[said]} is best"
            )


_OTHER = {"smallest": "largest", "largest": "smallest"}


def is_best(node: ast.expr) -> bool:
    """Whether a side is the best so far, by its name; something may be added to it, as a margin."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        node = node.left
    while isinstance(node, ast.Subscript):
        node = node.value
    return "best" in dotted(node).rpartition(".")[2].lower()


def _keeps(body: list[ast.stmt], value: ast.expr, best: ast.expr) -> bool:
    """Whether statements make the value the best one."""
    held = best.left if isinstance(best, ast.BinOp) else best
    for statement in body:
        if not isinstance(statement, ast.Assign):
            continue
        for target in statement.targets:
            pairs = [(target, statement.value)]
            if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                pairs = list(zip(target.elts, statement.value.elts))
            if any(dotted(t) and dotted(t) == dotted(held) and same(v, value) for t, v in pairs):
                return True
    return False


def _goes_both_ways(source: ParsedFile, branch: ast.If) -> bool:
    """Whether the function chooses between both comparisons, as by a mode."""
    around = source.function_of(branch) or branch
    owner = next((o for o in source.around(branch) if isinstance(o, ast.ClassDef)), None)
    words = {w.lower() for w in words_of(owner if owner is not None else around)}
    words |= {name.lower() for name in parameters(around)} if isinstance(around, Function) else set()
    pieces = {piece for word in words for piece in word.split("_")}
    return any(piece.startswith(TWO_WAYS) or piece in ("mode", "op", "sign", "order") for piece in pieces)


def _better(source: ParsedFile, value: ast.expr) -> int:
    """1 where more of a value is better, -1 where less is, 0 where its name does not say, nor that of what it was looked up by."""
    if isinstance(value, ast.Subscript | ast.Call):
        return _looked_up(source, value)
    if not isinstance(value, ast.Name | ast.Attribute):
        return 0
    made = [b for b in bindings(source, dotted(value), value) if b.how is How.ASSIGNED]
    found = {_looked_up(source, b.value) if b.position is None else 0 for b in made}
    if found - {0}:
        return found.pop() if len(found) == 1 else 0
    if any(b.position is None and _is_reckoned(b.value) for b in made):
        return 0
    if not made and isinstance(value, ast.Name) and (given := _given(source, value)):
        senses = {_better(file, one) for file, one in given}
        return senses.pop() if len(senses) == 1 else 0
    return said_by([dotted(value).rpartition(".")[2]])


def _given(source: ParsedFile, value: ast.Name) -> list[tuple[ParsedFile, ast.expr]]:
    """What the calls of the repo give for a parameter whose own name says nothing; [] of other names."""
    owner = next(
        (f for f in source.around(value) if isinstance(f, Function) and value.id in parameters(f)), None
    )
    if owner is None or said_by([value.id]):
        return []
    given = repo_of(source).given(Defined(file=source, node=owner), value.id)
    return [(file, one) for file, one in given if isinstance(one, ast.Subscript | ast.Call | ast.Attribute)]


def _is_reckoned(node: ast.expr) -> bool:
    """Whether a value may have its sign turned: `-loss`, `1 - auc`."""
    return any(isinstance(p, ast.UnaryOp) and isinstance(p.op, ast.USub) for p in ast.walk(node)) or any(
        isinstance(p, ast.BinOp) and isinstance(p.op, ast.Sub | ast.Div) for p in ast.walk(node)
    )


def _looked_up(source: ParsedFile, value: ast.expr) -> int:
    """The sense of `logs[key]`, `logs.get(key)`, `getattr(logs, key)`: by the key, or by what all calls give for it."""
    key: ast.expr | None = None
    if isinstance(value, ast.Subscript) and not isinstance(value.slice, ast.Slice | ast.Tuple):
        key = value.slice
    elif isinstance(value, ast.Call) and called_name(value) == "get" and value.args:
        key = value.args[0]
    elif isinstance(value, ast.Call) and called_name(value) == "getattr" and len(value.args) > 1:
        key = value.args[1]
    return _of_key(source, key) if key is not None else 0


def _of_key(source: ParsedFile, key: ast.expr) -> int:
    if isinstance(key, ast.Constant):
        return said_by([key.value]) if isinstance(key.value, str) else 0
    return said_by(_texts(repo_of(source), source, key)) if isinstance(key, ast.Name | ast.Attribute) else 0


def _texts(repo: Codebase, source: ParsedFile, key: ast.Name | ast.Attribute) -> list[str]:
    """The strings that a name or attribute may be: assigned, a default, or given by the calls; [] where one is unknown."""
    found: list[str] = []
    waiting: list[tuple[ParsedFile, ast.expr, int]] = [(source, key, 0)]
    while waiting:
        file, node, depth = waiting.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
            continue
        more = _before(repo, file, node) if depth < 4 and isinstance(node, ast.Name | ast.Attribute) else []
        if not more:
            return []
        waiting += [(f, n, depth + 1) for f, n in more]
    return found


def _before(
    repo: Codebase, file: ParsedFile, node: ast.Name | ast.Attribute
) -> list[tuple[ParsedFile, ast.expr]]:
    name = dotted(node)
    made = bindings(file, name, node)
    if made:
        whole = all(b.how is How.ASSIGNED and b.position is None for b in made)
        return [(file, b.value) for b in made] if whole else []
    owner = next((f for f in file.around(node) if isinstance(f, Function) and name in parameters(f)), None)
    if owner is not None:
        default = default_of(owner, name)
        given = repo.given(Defined(file=file, node=owner), name)
        return given or ([(file, default)] if default is not None else [])
    return _defaults(repo, node.attr) if isinstance(node, ast.Attribute) else []


def _defaults(repo: Codebase, name: str) -> list[tuple[ParsedFile, ast.expr]]:
    """What a setting is unless somebody sets it: the default of an option of the command line, or of a field of a class."""
    found: list[tuple[ParsedFile, ast.expr]] = []
    for made in repo.calls("add_argument"):
        flags = [a.value for a in made.call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        default = keyword(made.call, "default")
        if default is not None and any(flag.lstrip("-").replace("-", "_") == name for flag in flags):
            found.append((made.file, default))
    for file in repo.files:
        for field in file.within(file.nodes[0], ast.AnnAssign):
            if (
                isinstance(file.parents.get(field), ast.ClassDef)
                and dotted(field.target) == name
                and field.value
            ):
                found.append((file, field.value))
    return found


def _watched(source: ParsedFile, call: ast.Call) -> Iterator[RuleHit]:
    """A watcher that is told its metric and the wrong direction; a plateau schedule whose `step` is given one."""
    mode = keyword(call, "mode")
    if mode is not None and not isinstance(mode, ast.Constant):
        return
    said = mode.value if isinstance(mode, ast.Constant) else None
    watched = keyword(call, "monitor") or keyword(call, "metric_for_best_model")
    if called_name(call) == "ReduceLROnPlateau":
        if mode is None and len(call.args) > 1:
            said = call.args[1].value if isinstance(call.args[1], ast.Constant) else "unknown"
        yield from _plateau(source, call, str(said or "min"))
        return
    if watched is None and call.args and called_name(call) == "EarlyStopping":
        watched = call.args[0]
    better = (
        said_by([watched.value])
        if isinstance(watched, ast.Constant) and isinstance(watched.value, str)
        else 0
    )
    if (better, said) in ((1, "min"), (-1, "max")):
        right = "max" if better > 0 else "min"
        yield source.hit(
            KIND.code, mode or call, f'watches the metric in the wrong direction: mode="{right}"'
        )


def _plateau(source: ParsedFile, call: ast.Call, mode: str) -> Iterator[RuleHit]:
    """`ReduceLROnPlateau(optimizer)` with `scheduler.step(ndcg)`: the rate falls when the metric rises."""
    outer = source.parents.get(call)
    names = {dotted(t) for t in outer.targets} if isinstance(outer, ast.Assign) else set()
    for step in source.calls_named("step") if names else ():
        if not isinstance(step.func, ast.Attribute) or len(step.args) != 1:
            continue
        if dotted(step.func.value) not in names or len(bindings(source, dotted(step.func.value), step)) != 1:
            continue
        better = _better(source, step.args[0]) or averaged(repo_of(source), source, step.args[0])
        if (better, mode) in ((1, "min"), (-1, "max")):
            right = "max" if better > 0 else "min"
            yield source.hit(
                KIND.code,
                call,
                f'lowers the rate when the metric that it is given gets better: mode="{right}"',
            )
            return


RULE = Rule(kind=KIND, run=best_inverted)
