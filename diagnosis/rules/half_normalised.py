"""Static rule: self-attention whose queries are normalised and whose keys and values are not."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Nature, Role
from diagnosis.rules.codebase import Codebase, Made
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.values import bound_to, same
from diagnosis.syntax import dotted

KIND = FindingKind(
    code="attention-half-normalised",
    found_by=FoundBy.RULE,
    nature=Nature.ADVICE,  # SASRec's own code does so
    title="Only the queries of self-attention are normalised",
    why="Keys and values grow with the residual stream while queries do not. SASRec was published so; the norm before the "
    "attention on all three, or after it, often ranks better.",
    definition="A self-attention is given norm(x) as its query and the same x as its key and value.",
    roles=(Role.ENCODER,),
    sources=("github.com/pmixer/SASRec.pytorch/pull/48",),
)
NORMS = (
    "torch.nn.LayerNorm",
    "torch.nn.RMSNorm",
    "torch.nn.functional.layer_norm",
    "torch.nn.functional.rms_norm",
)
NAMES = ("query", "key", "value")


def attention_half_normalised(source: ParsedFile) -> Iterator[RuleHit]:
    """`q = norm(x); attention(q, x, x)`, the norm of any file."""
    repo = source.repo
    if repo is None:
        return
    for call in source.calls:
        if len(call.args) + len(call.keywords) < len(NAMES):
            continue
        given = [
            keyword(call, name) or (call.args[n] if len(call.args) > n else None)
            for n, name in enumerate(NAMES)
        ]
        query, key, value = given
        if (
            query is None
            or key is None
            or not same(key, value)
            or not isinstance(key, ast.Name | ast.Attribute)
        ):
            continue
        if not _is_attention(repo, source, call):
            continue
        made = [query] if isinstance(query, ast.Call) else _bound(source, query)
        if made and all(_is_norm_of(repo, source, one, key) for one in made):
            yield source.hit(
                KIND.code,
                call,
                "attends with normalised queries to keys and values that are not: give all three the normalised input",
            )


def _bound(source: ParsedFile, query: ast.expr) -> list[ast.expr]:
    return bound_to(source, query) if isinstance(query, ast.Name) else []


def _is_attention(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    made = _layers(repo, source, call.func)
    return bool(made) and all("attention" in one.name.lower() for one in made)


def _is_norm_of(repo: Codebase, source: ParsedFile, made: ast.expr, key: ast.expr) -> bool:
    if not isinstance(made, ast.Call) or not made.args or not same(made.args[0], key):
        return False
    norms = _layers(repo, source, made.func)
    return source.full_name(made) in NORMS or (bool(norms) and all(one.full_name in NORMS for one in norms))


def _layers(repo: Codebase, source: ParsedFile, function: ast.expr) -> list[Made]:
    """What makes the layer that is called; of `self.layers[i]` what was appended to the list."""
    found = repo.makers(source, function)
    if found or not isinstance(function, ast.Subscript):
        return found
    appended = [
        call.args[0]
        for call in source.calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "append" and call.args
        if dotted(call.func.value) == dotted(function.value) != ""
    ]
    return [made for one in appended for made in repo.makers(source, one)]


RULE = Rule(kind=KIND, run=attention_half_normalised)
