"""Samplers of negatives for training that are made of the whole log, and not of its training part."""

import ast
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase
from diagnosis.rules.parts_of_data import Part, parts_in, parts_named
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import parameters
from diagnosis.rules.whole_log import HELD_OUT, divisions, is_whole, takes_training
from diagnosis.syntax import called_name, dotted

SAMPLERS = ("sampl", "negativ", "corrupt")
OF_A_GRAPH = (
    "kgsampl",
    "kg_sampl",
    "triple",
    "entity",
    "knowledge",
)  # draws facts of items, which are not divided


def made_of_whole_log(repo: Codebase, source: ParsedFile) -> Iterator[ast.Call]:
    """`NegativeSampler(log)` where training data are at hand too, and the log was divided before it came there."""
    if not any(divisions(file) for file in repo.files):
        return
    for call in source.calls:
        name = called_name(call).lower()
        if not any(word in name for word in SAMPLERS) or any(word in name for word in OF_A_GRAPH):
            continue
        given = [*call.args, *(k.value for k in call.keywords)]
        if not any(is_whole(repo, source, one) for one in given) or takes_training(repo, call):
            continue
        if _is_for_training(source, call):
            yield call


def _is_for_training(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the sampler serves training: kept by an object that is given training data, or handed on together with them."""
    function = source.function_of(call)
    owner = source.parents.get(function) if function is not None else None
    names = [getattr(function, "name", ""), getattr(owner, "name", "")]
    if parts_named(names) & HELD_OUT or any("eval" in name.lower() for name in names):
        return False
    statement = next((o for o in source.around(call) if isinstance(o, ast.stmt)), None)
    kept = dotted(statement.targets[0]) if isinstance(statement, ast.Assign) else ""
    if parts_named([kept]) & HELD_OUT:
        return False
    if kept.startswith("self.") and isinstance(function, Function):
        return Part.TRAIN in parts_named(parameters(function))
    around = function or source.nodes[0]
    beside = [
        parts_in(*other.args, *(k.value for k in other.keywords))
        for other in source.calls_in(around)
        if kept and any(dotted(a) == kept for a in (*other.args, *(k.value for k in other.keywords)))
    ]
    return bool(beside) and all(Part.TRAIN in told and not told & HELD_OUT for told in beside)
