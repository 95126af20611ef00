"""Static rule: examples begin where a history is as long as the longest, although shorter ones are padded."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="only-full-histories",
    found_by=FoundBy.RULE,
    title="Only full histories are learned",
    why="The first events of every user are never a target, and users with few events are not learned at all.",
    definition="Places of targets begin at the longest length of a history, and the whole history before each is padded to that very length.",
    roles=(Role.LOADER,),
    explains=("events-never-targets", *WEAK),
)
LENGTHS = ("max", "len", "hist", "window", "width")


def only_full_histories(source: ParsedFile) -> Iterator[RuleHit]:
    """`for t in range(max_hist, len(items))` beside `pad([items[:t] ...], max_hist)`."""
    for call in source.calls_named("range"):
        if len(call.args) != 2 or not _is_length_of(call.args[1]):
            continue
        name = dotted(call.args[0]).rpartition(".")[2]
        if not any(word in name.lower() for word in LENGTHS):
            continue
        scope = next((o for o in source.around(call) if isinstance(o, ast.ClassDef)), None)
        scope = scope or next((o for o in source.around(call) if isinstance(o, Function)), source.nodes[0])
        if any(_pads(source, one, name) for one in source.within(scope, ast.Call)):
            yield source.hit(
                KIND.code,
                call,
                f"leaves out all targets with fewer than {name} events before them, which are padded elsewhere: begin at 1",
            )


def _is_length_of(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and called_name(node) == "len"


def _pads(source: ParsedFile, call: ast.Call, name: str) -> bool:
    """Whether a call pads histories from their start to the length of this name: `pad([x[:t] for ...], self.max_hist)`."""
    if "pad" not in called_name(call).lower():
        return False
    given = [*call.args, *(k.value for k in call.keywords)]
    to_length = any(dotted(one).rpartition(".")[2] == name for one in given)
    whole = [
        part
        for one in given
        for part in source.within(one, ast.Subscript)
        if isinstance(part.slice, ast.Slice)
        and part.slice.lower is None
        and isinstance(part.slice.upper, ast.Name)
    ]
    return to_length and bool(whole)


RULE = Rule(kind=KIND, run=only_full_histories)
