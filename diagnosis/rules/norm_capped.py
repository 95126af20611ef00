"""Static rule: norms or gradients that are cut so short that nothing can be learned with them."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.constants import numbers_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="norm-cap-too-tight",
    found_by=FoundBy.RULE,
    title="Norms are capped too low",
    why="A product of such short vectors is near 0 for every item, and a gradient that is cut so short moves nothing.",
    definition="A table whose rows are renormed to at most 0.3 at each look-up, or gradients that are clipped to a norm or value under 0.001.",
    roles=(Role.ITEM_TABLE,),
    explains=("bounded-logits", "not-learning", "learning-rate-too-low", "same-list", *WEAK),
)
SHORTEST_ROW = 0.3
SHORTEST_STEP = 0.001
CLIPS = {"clip_grad_norm_": "max_norm", "clip_grad_value_": "clip_value", "clip_grad_norm": "max_norm"}


def norm_cap_too_tight(source: ParsedFile) -> Iterator[RuleHit]:
    """`nn.Embedding(n, d, max_norm=0.05)`, `clip_grad_norm_(parameters, 1e-5)`."""
    for call in source.calls_named("Embedding", "EmbeddingBag", *CLIPS):
        name = called_name(call)
        if name in ("Embedding", "EmbeddingBag"):
            cap = keyword(call, "max_norm")
            if cap is not None and _below(source, cap, SHORTEST_ROW):
                yield source.hit(
                    KIND.code,
                    call,
                    f"caps the length of rows at `{ast.unparse(cap)}`: leave it out, or take 1 and a scale for the logits",
                )
        else:
            cap = keyword(call, CLIPS[name]) or (call.args[1] if len(call.args) > 1 else None)
            if cap is not None and _below(source, cap, SHORTEST_STEP):
                yield source.hit(
                    KIND.code, call, f"cuts gradients down to `{ast.unparse(cap)}`: 1 to 5 is usual"
                )


def _below(source: ParsedFile, cap: ast.expr, least: float) -> bool:
    found = numbers_of(repo_of(source), source, cap)
    return bool(found) and all(0 < value < least for value in found)


RULE = Rule(kind=KIND, run=norm_cap_too_tight)
