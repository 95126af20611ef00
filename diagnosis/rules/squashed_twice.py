"""Static rule: probabilities given to a function that takes logits, and squashes them again."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import FUNCTION_OF, operation
from diagnosis.rules.values import owner_of
from diagnosis.symptoms import UNTRAINED, WEAK

KIND = FindingKind(
    code="probability-for-logit",
    found_by=FoundBy.RULE,
    title="A probability where a logit is expected",
    why="The loss squashes its input itself: of a probability it sees values between 0 and 1 alone, its gradient is weak "
    "and it can never say yes or no.",
    definition="A sigmoid or softmax whose result is the input of a loss that takes logits, or of another sigmoid.",
    roles=(Role.LOSS,),
    explains=(*UNTRAINED, *WEAK),
)
TAKES_LOGITS = {
    "softplus",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "logsigmoid",
    "multilabel_soft_margin_loss",
    "soft_margin_loss",
}
SQUASHES = {"sigmoid", "softmax"}
LOGS = {"log", "log2", "log10"}


def squashed_twice(source: ParsedFile) -> Iterator[RuleHit]:
    """Losses of logits all of whose inputs were squashed, wherever in the repo that happens."""
    repo = source.repo
    for call in source.calls if repo else ():
        if repo is None:
            return
        done = operation(repo, source, call)
        if done is None or not done.values:
            continue
        if done.name in TAKES_LOGITS:
            logits = done.values[0]
        elif done.name in LOGS and (inner := _sigmoid_of(repo, source, done.values[0])) is not None:
            logits = inner
        else:
            continue
        where = squashed(repo, Value(file=source, node=logits))
        for value in where:
            yield value.file.hit(
                KIND.code,
                value.node,
                f"gives a probability to {done.name}, which takes logits: drop it"
                if done.name not in LOGS
                else "is squashed again by the sigmoid of the loss: drop it",
            )


def _sigmoid_of(repo: Codebase, source: ParsedFile, node: ast.expr) -> ast.expr | None:
    """The argument of a sigmoid whose logarithm is taken, a small number added to it or not."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        node = node.left if isinstance(node.left, ast.Call) else node.right
    done = operation(repo, source, node) if isinstance(node, ast.Call) else None
    return done.values[0] if done is not None and done.name == "sigmoid" and done.values else None


def squashed(repo: Codebase, value: Value, depth: int = 0) -> list[Value]:
    """The calls that squash a value, if they do so on every way that it may have come; else []."""
    found: list[Value] = []
    for end in _ends(repo, value):
        inner = _squash(repo, end, depth)
        if not inner:
            return []
        found += inner
    return found


def _ends(repo: Codebase, value: Value) -> list[Value]:
    return endings(repo, value.file, value.node, calls=value.calls)


def _squash(repo: Codebase, end: Value, depth: int) -> list[Value]:
    node = end.node
    if isinstance(node, ast.UnaryOp) and depth < 3:
        return squashed(repo, Value(file=end.file, node=node.operand, calls=end.calls), depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub) and depth < 3:
        left = squashed(repo, Value(file=end.file, node=node.left, calls=end.calls), depth + 1)
        right = squashed(repo, Value(file=end.file, node=node.right, calls=end.calls), depth + 1)
        return [*left, *right] if left and right else []
    if isinstance(node, ast.Name) and depth < 3:
        return _given(repo, end, node, depth)
    if not isinstance(node, ast.Call):
        return []
    done = operation(repo, end.file, node)
    if done is None:
        return []
    if done.name in ("torch.nn.Sequential",) and done.options.args:
        last = done.options.args[-1]
        full = end.file.full_name(last) if isinstance(last, ast.Call) else ""
        return [end] if FUNCTION_OF.get(full.rpartition(".")[2]) in SQUASHES else []
    if done.name in ("cat", "concat", "stack", "hstack", "vstack") and done.values and depth < 3:
        parts = done.values[0].elts if isinstance(done.values[0], ast.Tuple | ast.List) else []
        found = [
            squashed(repo, Value(file=end.file, node=part, calls=end.calls), depth + 1) for part in parts
        ]
        return [v for part in found for v in part] if found and all(found) else []
    return [end] if done.name in SQUASHES else []


def _given(repo: Codebase, end: Value, node: ast.Name, depth: int) -> list[Value]:
    """The calls that squash what every call of a function of the repo gives for a parameter; [] where one does not."""
    owner = owner_of(end.file, node.id, node) if not end.calls else None
    given = repo.given(Defined(file=end.file, node=owner), node.id) if owner is not None else []
    found = [squashed(repo, Value(file=file, node=value), depth + 1) for file, value in given]
    return [v for part in found for v in part] if found and all(found) else []


RULE = Rule(kind=KIND, run=squashed_twice, crosses=True)
