"""Static rule: a loss that is a likelihood without its minus sign, so that training makes what happened less likely."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.losses import DEEPEST, THROUGH, losses
from diagnosis.rules.made_from import Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.steps import is_optimizer
from diagnosis.rules.tensor_calls import amount, operation
from diagnosis.symptoms import UNLEARNED, UNTRAINED, WEAK

KIND = FindingKind(
    code="likelihood-minimised",
    found_by=FoundBy.RULE,
    title="A likelihood is minimised",
    why="Training makes what users did less likely at every step: the model ranks as badly as it can.",
    definition="`backward` is called on a sum or mean of log-probabilities that no minus sign turns.",
    roles=(Role.LOSS,),
    explains=("learns-backwards", *UNLEARNED, *UNTRAINED, *WEAK),
)

LOGS = {"logsigmoid", "log_softmax"}
PROBABILITIES = {"sigmoid", "softmax"}
TURNS = {"neg", "negative"}


def likelihood_minimised(source: ParsedFile) -> Iterator[RuleHit]:
    """`F.logsigmoid(pos - neg).mean().backward()`"""
    repo = source.repo
    if repo is None or _has_adversaries(repo):
        return
    for loss in losses(source):
        for end in _likelihoods(repo, Value(file=source, node=loss), 1, 0):
            yield end.file.hit(
                KIND.code,
                end.node,
                "is a log-likelihood, which training makes smaller: put a minus before it",
            )


@once
def _has_adversaries(repo: Codebase) -> bool:
    """Whether a repo may have a loss that is meant to be made worse: several optimizers, or one that maximises."""
    made = [c for file in repo.files for c in file.calls if is_optimizer(file.full_name(c))]
    return len({ast.dump(c) for c in made}) > 1 or any(k.arg == "maximize" for c in made for k in c.keywords)


def _likelihoods(repo: Codebase, value: Value, sign: int, depth: int) -> list[Value]:
    """The terms of a loss that are log-probabilities with a plus before them. sign: of the value in the loss."""
    if depth > DEEPEST:
        return []
    found = []
    for end in endings(repo, value.file, value.node, THROUGH, value.calls):
        found += _of(repo, end, sign, depth + 1)
    return found


def _of(repo: Codebase, end: Value, sign: int, depth: int) -> list[Value]:
    node = end.node
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return _part(repo, end, node.operand, -sign, depth)
    if isinstance(node, ast.BinOp):
        return _reckoned(repo, end, node, sign, depth)
    done = operation(repo, end.file, node) if isinstance(node, ast.Call) else None
    if done is None or not done.values:
        return []
    if done.name in TURNS:
        return _part(repo, end, done.values[0], -sign, depth)
    if done.name in LOGS or (done.name == "log" and _is_probability(repo, end.file, done.values[0])):
        # a generator's loss says less of what is false; it is of one score alone
        return [end] if sign > 0 and not _is_turned(done.values[0]) else []
    return []


def _part(repo: Codebase, end: Value, node: ast.expr, sign: int, depth: int) -> list[Value]:
    return _likelihoods(repo, Value(file=end.file, node=node, calls=end.calls), sign, depth)


def _reckoned(repo: Codebase, end: Value, node: ast.BinOp, sign: int, depth: int) -> list[Value]:
    left, right = node.left, node.right
    if isinstance(node.op, ast.Add):
        return [*_part(repo, end, left, sign, depth), *_part(repo, end, right, sign, depth)]
    if isinstance(node.op, ast.Sub):
        return [*_part(repo, end, left, sign, depth), *_part(repo, end, right, -sign, depth)]
    if isinstance(node.op, ast.Div):
        return _part(repo, end, left, sign, depth)
    if isinstance(node.op, ast.Mult):
        for number, other in ((amount(left), right), (amount(right), left)):
            if number is not None:
                return _part(repo, end, other, sign if number > 0 else -sign, depth)
        if any(_is_probability(repo, end.file, s) or _is_turned(s) for s in (left, right)):
            return []  # an entropy, or a weight with a sign of its own
        return [*_part(repo, end, left, sign, depth), *_part(repo, end, right, sign, depth)]
    return []


def _is_turned(node: ast.expr) -> bool:
    """Whether anything in an expression has a minus sign, numbers apart."""
    return any(
        isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub) and amount(part) is None
        for part in ast.walk(node)
    )


def _is_probability(repo: Codebase, file: ParsedFile, node: ast.expr) -> bool:
    """Whether a value is a sigmoid or softmax, a small number added to it or not."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        node = node.left if amount(node.right) is not None else node.right
    ends = endings(repo, file, node)
    names = [
        done.name if isinstance(end.node, ast.Call) and (done := operation(repo, end.file, end.node)) else ""
        for end in ends
    ]
    return bool(names) and all(name in PROBABILITIES for name in names)


RULE = Rule(kind=KIND, run=likelihood_minimised, crosses=True)
