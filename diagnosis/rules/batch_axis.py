"""Static rule: recurrent layers whose output is read as if the batch came first, or last, when it does not."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Made
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import reaching
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.tensor_calls import whole
from diagnosis.symptoms import WEAK

KIND = FindingKind(
    code="batch-axis-mistaken",
    found_by=FoundBy.RULE,
    title="Batch and time mistaken for each other",
    why="The layer runs along users instead of events, and the last user stands for the last event.",
    definition="The output of a GRU, LSTM or RNN of torch without batch_first, read at `[:, -1]`; or with batch_first, read "
    "at `[-1]`.",
    roles=(Role.ENCODER,),
    explains=("batch-companions", "order-ignored", *WEAK),
)
RECURRENT = ("torch.nn.GRU", "torch.nn.LSTM", "torch.nn.RNN")


def batch_axis(source: ParsedFile) -> Iterator[RuleHit]:
    """Places at which the output of a recurrent layer is read for the last event."""
    repo = source.repo
    for node in source.within(source.nodes[0], ast.Subscript) if repo else ():
        if repo is None or not isinstance(node.ctx, ast.Load):
            continue
        first = _reads_last_of(node.slice)
        if first is None:
            continue
        makers = _output_of(repo, source, node.value)
        if makers and all(_is_batch_first(made) is (not first) for made in makers):
            made = makers[0]
            if first:
                yield made.file.hit(
                    KIND.code, made.call, "is fed and read as (batch, time, width): pass batch_first=True"
                )
            else:
                yield source.hit(
                    KIND.code, node, "takes the last user of the batch, not the last event: use [:, -1]"
                )


def _reads_last_of(index: ast.expr) -> bool | None:
    """True for `[:, -1]`, which needs the batch first; False for `[-1]`; None for all else."""
    if isinstance(index, ast.Tuple) and len(index.elts) >= 2:
        head, second = index.elts[0], index.elts[1]
        whole_axis = (
            isinstance(head, ast.Slice) and head.lower is None and head.upper is None and head.step is None
        )
        return True if whole_axis and whole(second) == -1 else None
    return False if whole(index) == -1 else None


def _output_of(repo: Codebase, source: ParsedFile, node: ast.expr) -> list[Made]:
    """The recurrent layers whose first output a name, or a call with `[0]`, is; [] if it is anything else."""
    call: ast.expr | None = None
    if isinstance(node, ast.Name):
        found = reaching(source, node.id, node)
        if len(found) == 1 and found[0].position == 0:
            call = found[0].value
    elif isinstance(node, ast.Subscript) and whole(node.slice) == 0:
        call = node.value
    makers = repo.makers(source, call.func) if isinstance(call, ast.Call) else []
    return makers if all(made.full_name in RECURRENT for made in makers) else []


def _is_batch_first(made: Made) -> bool | None:
    """None where it cannot be told."""
    if any(k.arg is None for k in made.call.keywords) or len(made.call.args) > 4:
        return None
    given = keyword(made.call, "batch_first")
    if given is None:
        return False
    return bool(given.value) if isinstance(given, ast.Constant) else None


RULE = Rule(kind=KIND, run=batch_axis, crosses=True)
