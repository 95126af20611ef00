"""Static rule: the epoch that is kept is the worst one, as the comparison is meant for the other kind of figure."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.named_sense import named_sense
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import same
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import dotted

KIND = FindingKind(
    code="worst-epoch-kept",
    found_by=FoundBy.RULE,
    title="The worst epoch is kept",
    why="The state that is kept, or the epoch at which training stops, is the one that a metric or a loss likes least.",
    definition="`if ndcg < best: best = ndcg`, or `if loss > best: best = loss`: by its name more is better of the first, and less of the other.",
    roles=(Role.ENTRY,),
    explains=(*UNTRAINED, *WEAK),
)
RISES = (ast.Gt, ast.GtE)
FALLS = (ast.Lt, ast.LtE)
BEST = ("best", "top", "highest", "lowest", "min", "max")


def worst_epoch_kept(source: ParsedFile) -> Iterator[RuleHit]:
    """Conditions on two figures, of which the body makes the one that is remembered the new one."""
    repo = source.repo
    for node in source.within(source.nodes[0], ast.If) if repo else ():
        if _is_chosen(source, node):
            continue
        for compare in source.within(node.test, ast.Compare):
            if repo is None or len(compare.ops) != 1:
                continue
            new, rises = _replaced(node, compare) or (None, False)
            if new is None:
                continue
            wanted = named_sense(repo, source, new)
            if wanted and wanted != (1 if rises else -1):
                word = "higher" if wanted > 0 else "lower"
                yield source.hit(
                    KIND.code,
                    node,
                    f"keeps what is worse: {word} {_called(new)} is better, so turn the comparison round",
                )


def _is_chosen(source: ParsedFile, node: ast.If) -> bool:
    """Whether a word says which sense is meant, there or in a condition around: `mode == "min" and value < best`."""
    around = (outer.test for outer in source.around(node) if isinstance(outer, ast.If))
    return any(
        isinstance(part, ast.Constant) and isinstance(part.value, str)
        for test in (node.test, *around)
        for compare in source.within(test, ast.Compare)
        for part in (compare.left, *compare.comparators)
    )


def _replaced(node: ast.If, compare: ast.Compare) -> tuple[ast.expr, bool] | None:
    """The new figure where the body remembers it as the best one, and whether it had to be above the old."""
    op, left, right = compare.ops[0], compare.left, compare.comparators[0]
    if not isinstance(op, RISES + FALLS):
        return None
    for new, old, rises in ((left, right, isinstance(op, RISES)), (right, left, isinstance(op, FALLS))):
        name = dotted(old)
        if any(word in name.lower() for word in BEST) and _is_made(node, name, new):
            return new, rises
    return None


def _is_made(node: ast.If, name: str, new: ast.expr) -> bool:
    """Whether the body assigns the new figure to the name, at once or among others."""
    for statement in node.body:
        if not isinstance(statement, ast.Assign):
            continue
        for target in statement.targets:
            pairs = [(target, statement.value)]
            if isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple):
                pairs = list(zip(target.elts, statement.value.elts))
            if any(dotted(one) == name and same(value, new) for one, value in pairs):
                return True
    return False


def _called(new: ast.expr) -> str:
    key = new.slice if isinstance(new, ast.Subscript) else None
    if isinstance(key, ast.Constant):
        return str(key.value)
    return dotted(new).rpartition(".")[2] or "of it"


RULE = Rule(kind=KIND, run=worst_epoch_kept)
