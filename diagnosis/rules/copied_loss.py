"""Static rule: `backward` on a copy of the loss, from which no gradient reaches the model."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import operation
from diagnosis.symptoms import UNTRAINED, WEAK

KIND = FindingKind(
    code="loss-cut-off",
    found_by=FoundBy.RULE,
    title="The loss is cut off from the model",
    why="A copy of the loss knows nothing of the parameters that made it: the step changes nothing.",
    definition="`backward` on a tensor that `torch.tensor`, `.detach()`, `.data`, `from_numpy` or `requires_grad_` made.",
    roles=(Role.LOSS,),
    explains=(*UNTRAINED, *WEAK),
)
COPIES = {
    "tensor",
    "detach",
    "from_numpy",
    "as_tensor",
    "FloatTensor",
    "Tensor",
    "requires_grad_",
    "Variable",
    "detach_",
}
SCALES = frozenset(("mean", "sum", "to", "clone", "squeeze", "view", "reshape"))


def copied_loss(source: ParsedFile) -> Iterator[RuleHit]:
    """The copies on which `backward` is called, on every way to it."""
    repo = source.repo
    for call in source.calls_named("backward") if repo else ():
        if repo is None or not isinstance(call.func, ast.Attribute):
            continue
        ends = endings(repo, source, call.func.value, SCALES)
        copies = [end for end in ends if _is_copy(end.node) or _copies(repo, end.file, end.node)]
        if ends and len(copies) == len(ends):
            for end in copies:
                yield end.file.hit(
                    KIND.code, end.node, "cuts the loss off from the model: call backward on the loss itself"
                )


def _is_copy(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "data"


def _copies(repo: Codebase, file: ParsedFile, node: ast.expr) -> bool:
    done = operation(repo, file, node) if isinstance(node, ast.Call) else None
    return done is not None and done.name in COPIES


RULE = Rule(kind=KIND, run=copied_loss, crosses=True)
