"""Static rule: a graph that is built of all events of a log, after a part of them was held out."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import names_in, words_of
from diagnosis.rules.whole_log import divisions, is_whole, takes_training
from diagnosis.syntax import called_name

KIND = FindingKind(
    code="held-out-in-graph",
    found_by=FoundBy.RULE,
    title="The graph has the held-out events",
    why="What is to be predicted is an edge of the graph that is propagated over, so that the figures say nothing of what comes next.",
    definition="A graph, adjacency or Laplacian is built of the log that was divided, and not of its training part.",
    roles=(Role.ENCODER,),
    explains=("graph-edges-unknown",),
)
GRAPHS = ("adj", "graph", "laplac", "edge", "norm_mat", "normalized", "normalised", "bipartite", "ui_mat")


def held_out_in_graph(source: ParsedFile) -> Iterator[RuleHit]:
    """`train, test = split(log)`, and then `adj = build_adj(log)`."""
    repo = repo_of(source)
    if not any(divisions(file) for file in repo.files):
        return
    for call in source.calls:
        if not _builds(source, call):
            continue
        given = [*call.args, *(k.value for k in call.keywords)]
        told = [name for one in given for name in names_in(one) if isinstance(name, ast.Name)]
        whole = any(is_whole(repo, source, name) for name in told if _is_read_whole(source, name))
        if whole and not takes_training(repo, call):
            yield source.hit(
                KIND.code,
                next((o for o in source.around(call) if isinstance(o, ast.stmt)), call),
                "builds the graph of all events, those of validation and test included: build it of the training part",
            )


def _builds(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call makes a graph, in its author's words: its own name, or what its result is kept as."""
    statement = source.parents.get(call)
    kept = [w for t in statement.targets for w in words_of(t)] if isinstance(statement, ast.Assign) else []
    words = [called_name(call), *kept]
    return any(
        word.lower().startswith(GRAPHS) or any(f"_{part}" in word.lower() for part in GRAPHS)
        for word in words
    )


def _is_read_whole(source: ParsedFile, name: ast.Name) -> bool:
    """Whether the log itself is handed over, and not its length, its number of items, or a part of it."""
    outer = source.parents.get(name)
    if isinstance(outer, ast.Call):
        return called_name(outer) not in ("len", "max", "min", "int", "shape")
    if isinstance(outer, ast.Attribute):
        return outer.attr.lower() in (
            "users",
            "items",
            "edges",
            "pairs",
            "events",
            "values",
            "u",
            "i",
        ) and not isinstance(source.parents.get(outer), ast.Attribute)
    return isinstance(outer, ast.List | ast.Tuple | ast.keyword | ast.BoolOp) or (
        isinstance(outer, ast.Subscript) and isinstance(outer.slice, ast.Constant) and outer.value is name
    )


RULE = Rule(kind=KIND, run=held_out_in_graph)
