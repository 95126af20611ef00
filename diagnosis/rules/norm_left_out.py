"""Static rule: a block makes a normalisation for each of its halves, and one half goes without."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.residual_missing import is_residual, stacked
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.symptoms import UNLEARNED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="norm-left-out",
    found_by=FoundBy.RULE,
    title="One half of a block is not normalised",
    why="The stream grows from block to block in the half without a norm, so that deep stacks learn slowly or not at all.",
    definition="A module that is stacked adds the results of two layers to their input and makes a norm for each; one norm is applied, another is read "
    "nowhere, and one sum has none before, in or around it.",
    roles=(Role.NORMALIZATION, Role.ENCODER),
    explains=(*UNLEARNED, *WEAK),
)
HALVES = 2  # sums of a layer and its input


def norm_left_out(source: ParsedFile) -> Iterator[RuleHit]:
    """`x = x + self.attn(self.norm1(x))`, then `x = x + self.ffn(x)` where `self.norm2` was made."""
    repo = source.repo
    if repo is None or not repo.whole:
        return
    for kind in source.within(source.nodes[0], ast.ClassDef):
        forward = next((f for f in kind.body if isinstance(f, Function) and f.name == "forward"), None)
        if forward is None or kind.name not in repo.modules or kind.name not in stacked(repo):
            continue
        norms = _norms(source, kind)
        used = {_of_self(call.func) for call in source.calls_in(forward)} & norms
        unread = {name for name in norms if name not in _read(repo)}
        if not used or not unread or any(called_name(c) == "getattr" for c in source.calls_in(kind)):
            continue
        sums = [
            b
            for b in source.within(forward, ast.BinOp)
            if isinstance(b.op, ast.Add) and is_residual(source, b)
        ]
        bare = [one for one in sums if not _is_normalised(source, one, norms)]
        if len(sums) >= HALVES and len(bare) == 1:
            yield source.hit(
                KIND.code,
                bare[0],
                f"goes without a norm, and {', '.join(sorted(unread))} was made for it and is read nowhere: apply it as the other half does",
            )


def _norms(source: ParsedFile, kind: ast.ClassDef) -> set[str]:
    """The attributes of a class that are made by a norm, alone or in a tuple."""
    found: set[str] = set()
    for statement in source.within(kind, ast.Assign):
        for target in statement.targets:
            both = isinstance(target, ast.Tuple) and isinstance(statement.value, ast.Tuple)
            pairs = zip(target.elts, statement.value.elts) if both else [(target, statement.value)]
            found |= {
                _of_self(one)
                for one, value in pairs
                if isinstance(value, ast.Call) and "norm" in called_name(value).lower()
            }
    return found - {""}


def _of_self(node: ast.AST) -> str:
    """ "x" of `self.x`; "" of all else."""
    return node.attr if isinstance(node, ast.Attribute) and dotted(node.value) == "self" else ""


@once
def _read(repo: Codebase) -> frozenset[str]:
    """The names of all attributes that are read somewhere in the repo."""
    return frozenset(
        node.attr
        for file in repo.files
        for node in file.within(file.nodes[0], ast.Attribute)
        if isinstance(node.ctx, ast.Load)
    )


def _is_normalised(source: ParsedFile, total: ast.BinOp, norms: set[str]) -> bool:
    """Whether a norm is applied in the statement of a sum, or right before or after it in a statement without a sum of its own."""
    statement = next(o for o in source.around(total) if isinstance(o, ast.stmt))
    outer = source.parents.get(statement)
    body = next((b for b in (getattr(outer, name, []) for name in ("body", "orelse")) if statement in b), [])
    at = body.index(statement) if statement in body else 0
    beside = [*body[max(at - 1, 0) : at], *body[at + 1 : at + 2]]
    near = [statement, *(one for one in beside if not _has_sum(source, one))]
    return any(_of_self(c.func) in norms for one in near for c in source.calls_in(one))


def _has_sum(source: ParsedFile, statement: ast.stmt) -> bool:
    return any(isinstance(b.op, ast.Add) for b in source.within(statement, ast.BinOp))


RULE = Rule(kind=KIND, run=norm_left_out)
