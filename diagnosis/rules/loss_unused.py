"""Static rule: a loss term that is computed and never used."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.tensor_calls import operation

KIND = FindingKind(
    code="loss-term-unused",
    found_by=FoundBy.RULE,
    title="A loss term is not used",
    why="What it should teach is not learned; often it was meant to be added to the loss.",
    definition="A local name that holds a loss of torch.nn.functional or of a loss module, and is never read.",
    roles=(Role.LOSS,),
)
LOSSES = [
    "cross_entropy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "nll_loss",
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "kl_div",
    "margin_ranking_loss",
    "triplet_margin_loss",
    "cosine_embedding_loss",
    "huber_loss",
    "logsigmoid",
]


def loss_unused(source: ParsedFile) -> Iterator[RuleHit]:
    """Assignments of losses to names that their function does not read."""
    repo = source.repo
    for assign in source.within(source.nodes[0], ast.Assign) if repo else ():
        target = assign.targets[0]
        function = source.function_of(assign)
        calls = source.within(assign.value, ast.Call)
        if function is None or len(assign.targets) > 1 or not isinstance(target, ast.Name) or not calls:
            continue
        if target.id.startswith("_") or any(
            n.id == target.id and not isinstance(n.ctx, ast.Store) for n in source.within(function, ast.Name)
        ):
            continue
        if any((done := operation(repo, source, call)) is not None and done.name in LOSSES for call in calls):
            yield source.hit(
                KIND.code, assign, f"computes a loss that nothing uses: {target.id} is never read"
            )


RULE = Rule(kind=KIND, run=loss_unused)
