"""Static rule: the best figure so far is compared with and never set, so that every epoch counts as the best."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.best_inverted import comparisons, is_best
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Loop, ParsedFile
from diagnosis.rules.values import How, bindings
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="best-never-raised",
    found_by=FoundBy.RULE,
    title="The best figure is never set",
    why="Each epoch beats where the comparison began, so the last one is kept, and training never ends early.",
    definition="A figure is compared with the best so far, something is kept where it is better, and the best so far has only the number "
    "that it began with.",
)
INFINITE = ("inf", "Inf", "infty", "NINF", "PINF")
KEEPS = ("deepcopy", "state_dict", "save", "checkpoint", "dump", "clone")
KEPT = ("best", "kept", "keep", "state", "wait", "patience", "counter", "bad", "stale", "since")


def best_never_raised(source: ParsedFile) -> Iterator[RuleHit]:
    """`if ndcg > self.best: self.state = copy.deepcopy(...)`, where `self.best = -1.0` is all that is ever said of it."""
    for branch in source.within(source.nodes[0], ast.If):
        for compared in comparisons(branch.test):
            sides = (compared.left, compared.comparators[0])
            best = next((side for side in sides if is_best(side)), None)
            other = sides[0] if best is sides[1] else sides[1]
            if best is None or is_best(other) or isinstance(other, ast.Constant):
                continue
            held = best.left if isinstance(best, ast.BinOp) else best
            if isinstance(held, ast.Name | ast.Attribute) and _stays(source, branch, held) and _keeps(branch):
                yield source.hit(
                    KIND.code,
                    compared,
                    f"compares with `{dotted(held)}`, which nothing sets again: every epoch counts as the best. Set it where the "
                    "figure is better",
                )


def _stays(source: ParsedFile, branch: ast.If, held: ast.Name | ast.Attribute) -> bool:
    """Whether a name has only the number that it began with, before the loop that compares or in another function."""
    name = dotted(held)
    found = bindings(source, name, branch)
    if not found or not all(b.how is How.ASSIGNED and b.position is None and _begins(b.value) for b in found):
        return False
    if isinstance(held, ast.Attribute):
        own = source.function_of(branch)
        elsewhere = all(source.function_of(b.node) is not own for b in found)
        return name.startswith("self.") and elsewhere and _stores(source, held.attr) == len(found)
    loop = next((outer for outer in source.around(branch) if isinstance(outer, Loop)), None)
    shared = any(name in part.names for part in source.within(source.nodes[0], ast.Global, ast.Nonlocal))
    return loop is not None and not shared and not any(loop in source.around(b.node) for b in found)


def _begins(value: ast.expr) -> bool:
    """`-1.0`, `float("-inf")`, `-np.inf`, `None`: what the best is before there is one."""
    if isinstance(value, ast.UnaryOp):
        value = value.operand
    if isinstance(value, ast.Call):
        return called_name(value) == "float" and all(isinstance(given, ast.Constant) for given in value.args)
    return isinstance(value, ast.Constant) or dotted(value).rpartition(".")[2] in INFINITE


def _stores(source: ParsedFile, attribute: str) -> int:
    """How often the repo sets an attribute of this name, of whatever object, also by its name as a string."""
    found = 0
    for file in repo_of(source).files:
        for part in file.within(file.nodes[0], ast.Attribute):
            found += part.attr == attribute and isinstance(part.ctx, ast.Store)
        for text in file.within(file.nodes[0], ast.Constant):
            called = file.parents.get(text)
            found += (
                text.value == attribute and isinstance(called, ast.Call) and called_name(called) == "setattr"
            )
    return found


def _keeps(branch: ast.If) -> bool:
    """Whether a branch keeps a state, or counts how long there was nothing better."""
    for statement in (*branch.body, *branch.orelse):
        for part in ast.walk(statement):
            if isinstance(part, ast.Call) and any(word in called_name(part).lower() for word in KEEPS):
                return True
            if isinstance(part, ast.Name | ast.Attribute) and isinstance(part.ctx, ast.Store):
                last = dotted(part).rpartition(".")[2].lower()
                if any(word in last for word in KEPT):
                    return True
    return False


RULE = Rule(kind=KIND, run=best_never_raised)
