"""Static rule: the last column of unpacked sequences is read as the last event, which it is of the longest alone."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import Value, endings, reaching
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.tensor_calls import whole
from diagnosis.symptoms import UNORDERED, WEAK
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="padding-read-as-last",
    found_by=FoundBy.RULE,
    title="Padding is read as the last event",
    why="All sequences but the longest of the batch end in zeros there, so that most users are answered from nothing.",
    definition="The output of `pad_packed_sequence`, which is padded on the right, is read at its last step.",
    roles=(Role.ENCODER,),
    explains=(
        "newest-kept",
        "more-padding",
        "batch-companions",
        "scores-differ-from-training",
        "padding-attended",
        *UNORDERED,
        *WEAK,
    ),
)
THROUGH = frozenset(
    ("dropout", "contiguous", "float", "to", "relu", "tanh", "layer_norm", "identity", "clone")
)


def padding_read_as_last(source: ParsedFile) -> Iterator[RuleHit]:
    """`out, _ = pad_packed_sequence(packed, batch_first=True)`, then `out[:, -1]`."""
    repo = source.repo
    if repo is None or next(repo.calls("pad_packed_sequence"), None) is None:
        return
    for node in source.within(source.nodes[0], ast.Subscript):
        step = _last_step(node.slice)
        if step is None or not isinstance(node.ctx, ast.Load):
            continue
        ends = endings(repo, source, node.value, THROUGH)
        if ends and all(_is_unpacked(repo, end, step) for end in ends):
            yield source.hit(
                KIND.code,
                node,
                "is padding for all but the longest sequence: take the step before each one's length",
            )


def _last_step(index: ast.expr) -> int | None:
    """The axis whose last place is taken: 1 of `[:, -1]`, 0 of `[-1]`; None for all else."""
    if isinstance(index, ast.Tuple) and len(index.elts) >= 2:
        first = index.elts[0]
        plain = isinstance(first, ast.Slice) and first.lower is first.upper is first.step is None
        return 1 if plain and whole(index.elts[1]) == -1 else None
    return 0 if whole(index) == -1 else None


def _is_unpacked(repo: Codebase, end: Value, axis: int) -> bool:
    """Whether a value is the first of what `pad_packed_sequence` gives, with time along this axis."""
    if not isinstance(end.node, ast.Name):
        return False
    found = reaching(end.file, end.node.id, end.node)
    if len(found) != 1 or found[0].position != 0 or not isinstance(found[0].value, ast.Call):
        return False
    call = found[0].value
    first = keyword(call, "batch_first") or (call.args[1] if len(call.args) > 1 else None)
    is_first = isinstance(first, ast.Constant) and first.value is True
    known = first is None or isinstance(first, ast.Constant)
    return called_name(call) == "pad_packed_sequence" and known and is_first == (axis == 1)


RULE = Rule(kind=KIND, run=padding_read_as_last)
