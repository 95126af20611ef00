"""Static rule: a contrastive loss is given one view twice, which makes each row its own positive."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import same
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="views-identical",
    found_by=FoundBy.RULE,
    title="Both views are one",
    why="A row is as similar to itself as can be, so that the term teaches nothing but to keep others away.",
    definition="The first two arguments of a contrastive loss are one and the same expression, and no labels say what belongs together.",
    roles=(Role.LOSS,),
    explains=WEAK,
)
LOSSES = ("infonce", "info_nce", "nce_loss", "contrast", "simclr", "ntxent", "nt_xent", "ssl_loss", "cl_loss")
SAME_BY_DESIGN = ("sup", "label", "class", "queue")


def views_identical(source: ParsedFile) -> Iterator[RuleHit]:
    """`info_nce(hidden[:, -1], hidden[:, -1], temperature)`"""
    for call in source.calls:
        name = called_name(call).lower()
        if len(call.args) < 2 or not any(word in name for word in LOSSES):
            continue
        first, second = call.args[:2]
        others = [word for a in (*call.args[2:], *(k.value for k in call.keywords)) for word in _words(a)]
        if any(word in name for word in SAME_BY_DESIGN) or any(
            piece in word for word in others for piece in SAME_BY_DESIGN
        ):
            continue
        runs = any(isinstance(part, ast.Call) for part in ast.walk(first))
        if same(first, second) and not isinstance(first, ast.Constant) and not runs:
            yield source.hit(
                KIND.code,
                call,
                "is given one view twice, so that every row is its own positive: give it the other view",
            )


def _words(node: ast.expr) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.Name):
            yield part.id.lower()
        elif isinstance(part, ast.Attribute):
            yield part.attr.lower()


RULE = Rule(kind=KIND, run=views_identical)
