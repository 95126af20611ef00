"""Static rule: a negative log-likelihood of what are no log-probabilities."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import REARRANGES, Value, endings
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import operation
from diagnosis.symptoms import NARROW, UNLEARNED, WEAK

KIND = FindingKind(
    code="likelihood-of-scores",
    found_by=FoundBy.RULE,
    title="A likelihood of plain scores",
    why="The target's score rises without limit and no other score falls: everything is recommended to everybody.",
    definition="`nll_loss` is given scores of a product or linear layer, or probabilities, on every way that they may have come: it takes "
    "log-probabilities, as of `log_softmax`.",
    roles=(Role.LOSS,),
    explains=(*UNLEARNED, *NARROW, *WEAK, "overconfidence"),
)
SCORES = {"matmul", "mm", "bmm", "linear", "einsum", "addmm", "baddbmm"}
PROBABILITIES = {"softmax", "sigmoid"}
THROUGH = frozenset((*REARRANGES, "masked_fill", "dropout", "clamp"))


def likelihood_of_scores(source: ParsedFile) -> Iterator[RuleHit]:
    """`F.nll_loss(users @ items.T, targets)`, and `nn.NLLLoss()` of a model that returns such scores."""
    repo = source.repo
    if repo is None:
        return
    for call in source.calls:
        done = operation(repo, source, call)
        if done is None or done.name != "nll_loss" or not done.values:
            continue
        found = {_kind(repo, end) for end in endings(repo, source, done.values[0], THROUGH)}
        if found and "" not in found:
            given = "probabilities" if found == {"probabilities"} else "plain scores"
            yield source.hit(
                KIND.code,
                call,
                f"is given {given} and takes log-probabilities: use cross_entropy, or log_softmax before it",
            )


def _kind(repo: Codebase, end: Value) -> str:
    """What an expression makes; "" where that is not known."""
    node = end.node
    if isinstance(node, ast.BinOp):
        return "scores" if isinstance(node.op, ast.MatMult) else ""
    done = operation(repo, end.file, node) if isinstance(node, ast.Call) else None
    if done is None:
        return ""
    return "scores" if done.name in SCORES else "probabilities" if done.name in PROBABILITIES else ""


RULE = Rule(kind=KIND, run=likelihood_of_scores)
