"""Static rule: a graph that is built of all events of a log, after a part of them was held out."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.held_tables import graphs_of_held
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.parts_of_data import Part, parts_in, parts_named
from diagnosis.rules.parts_taken import is_cut, is_filled_in_part
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import words_of
from diagnosis.rules.whole_log import HELD_OUT, divisions, reads_whole, takes_training
from diagnosis.syntax import called_name, dotted

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
DEGREES = {"deg", "degs", "degree", "degrees"}
NO_INPUT = {
    "stat",
    "stats",
    "plot",
    "draw",
    "show",
    "describe",
    "report",
    "truth",
    "gt",
}  # is looked at, or judged by
PAIRS = ("cooc", "co_occ", "transition", "neighbo")  # of items that follow or meet each other
REDUCED = ("mean", "var", "std", "sum", "max", "min")
FOR_SERVING = ("final", "serv", "prod", "deploy")
MESSAGE = (
    "builds the graph of all events, those of validation and test included: build it of the training part"
)


def held_out_in_graph(source: ParsedFile) -> Iterator[RuleHit]:
    """`train, test = split(log)`, and then `adj = build_adj(log)`."""
    yield from _of_all_parts(source)
    yield from _of_own_log(source)
    repo = repo_of(source)
    for read in graphs_of_held(repo, source):
        yield source.hit(KIND.code, read, MESSAGE)
    if not any(divisions(file) for file in repo.files):
        return
    for call in source.calls:
        counted = _counts_degrees(source, call)
        if not counted and not _builds(source, call):
            continue
        given = [*call.args, *(k.value for k in call.keywords)]
        if (
            reads_whole(repo, source, *given, one_side=counted)
            and Part.TRAIN not in parts_in(*given)
            and not takes_training(repo, call)
            and not _is_second(source, call)
            and not is_cut(repo, source, call)
        ):
            yield source.hit(
                KIND.code, next((o for o in source.around(call) if isinstance(o, ast.stmt)), call), MESSAGE
            )
    for statement in _filled(source):
        if isinstance(statement, ast.For) and is_filled_in_part(source, statement):
            continue
        if _has_one_of_training(source, statement):
            continue
        if reads_whole(
            repo, source, statement.iter if isinstance(statement, ast.For) else statement.targets[0]
        ):
            yield source.hit(KIND.code, statement, MESSAGE)


def _of_all_parts(source: ParsedFile) -> Iterator[RuleHit]:
    """`events = train[u] + valid[u] + test[u]` in a function that builds a graph, by its name or that of what its result is kept as."""
    for function in source.functions:
        kept = [
            w
            for call in source.calls_named(function.name)
            if isinstance(made := source.parents.get(call), ast.Assign)
            for t in made.targets
            for w in words_of(t)
        ]
        if not any(
            _is_graph(word) or any(one in word.lower() for one in PAIRS) for word in (function.name, *kept)
        ):
            continue
        for statement in source.within(function, ast.Assign):
            joined = statement.value
            if isinstance(joined, ast.BinOp) and isinstance(joined.op, ast.Add | ast.BitOr):
                told = parts_in(joined)
                sides = [parts_in(side) for side in (joined.left, joined.right)]
                if Part.TRAIN in told and any(side and side <= HELD_OUT for side in sides):
                    yield source.hit(KIND.code, statement, MESSAGE)


def _of_own_log(source: ParsedFile) -> Iterator[RuleHit]:
    """`self.rows` of `self.train, self.test = self.rows[:n], self.rows[n:]`, read by a method that builds a graph."""
    cuts: dict[tuple[ast.AST | None, str], set[Part]] = {}
    for statement in source.within(source.nodes[0], ast.Assign):
        target, value = statement.targets[0], statement.value
        pairs = (
            list(zip(target.elts, value.elts))
            if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
            else [(target, value)]
        )
        for one, cut in pairs:
            whole = (
                dotted(cut.value)
                if isinstance(cut, ast.Subscript) and isinstance(cut.slice, ast.Slice)
                else ""
            )
            if whole.startswith("self.") and dotted(one).startswith("self.") and not parts_named([whole]):
                owner = next((o for o in source.around(statement) if isinstance(o, ast.ClassDef)), None)
                cuts.setdefault((owner, whole), set()).update(parts_in(one))
    for (owner, whole), told in cuts.items():
        if owner is None or Part.TRAIN not in told or not told & HELD_OUT:
            continue
        for function in source.within(owner, ast.FunctionDef):
            if not _is_graph(function.name.lstrip("_")) or function.name == "__init__":
                continue
            read = next(
                (
                    n
                    for n in source.within(function, ast.Attribute)
                    if dotted(n) == whole and _is_gone_through(source, n)
                ),
                None,
            )
            statement = (
                next((o for o in source.around(read) if isinstance(o, ast.stmt)), None)
                if read is not None
                else None
            )
            if statement is not None:
                yield source.hit(KIND.code, statement, MESSAGE)


def _is_gone_through(source: ParsedFile, node: ast.Attribute) -> bool:
    """Whether the events of a log are read, and not only counted."""
    outer = source.parents.get(node)
    return not (isinstance(outer, ast.Call) and called_name(outer) == "len")


def _builds(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call makes a graph, in its author's words: its own name, or what its result is kept as."""
    statement = source.parents.get(call)
    kept = [w for t in statement.targets for w in words_of(t)] if isinstance(statement, ast.Assign) else []
    return any(map(_is_graph, (called_name(call), *kept)))


def _counts_degrees(source: ParsedFile, call: ast.Call) -> bool:
    statement = source.parents.get(call)
    kept = [w for t in statement.targets for w in words_of(t)] if isinstance(statement, ast.Assign) else []
    return any(_is_degree(source, call, word) for word in kept)


def _is_graph(word: str) -> bool:
    if set(word.lower().split("_")) & NO_INPUT:
        return False
    return word.lower().startswith(GRAPHS) or any(f"_{part}" in word.lower() for part in GRAPHS)


def _is_degree(source: ParsedFile, call: ast.Call, word: str) -> bool:
    """Whether degrees are counted that something is divided by the root of: `deg = np.bincount(users)`, `deg ** -0.5`."""
    if not set(word.lower().split("_")) & DEGREES:
        return False
    around = source.function_of(call) or source.nodes[0]
    for root in source.calls_named("rsqrt", "sqrt", "pow", "power"):
        if word in words_of(root) and not any(called_name(c) in REDUCED for c in source.calls_in(root)):
            return True
    return any(
        isinstance(part.op, ast.Pow) and word in words_of(part.left) and _is_below(source, part)
        for part in source.within(around, ast.BinOp)
    )


def _is_below(source: ParsedFile, power: ast.BinOp) -> bool:
    """Whether a power divides: `degree ** -0.5`, `1 / degree ** 0.5`; not `popularity ** 0.5`, which weighs."""
    outer = source.parents.get(power)
    if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Div) and outer.right is power:
        return True
    return not isinstance(power.right, ast.Constant)


def _is_second(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a graph of the training part is there too, or this one is named after what it answers: the last one serves."""
    statement = source.parents.get(call)
    kept = [w for t in statement.targets for w in words_of(t)] if isinstance(statement, ast.Assign) else []
    if parts_named(kept) & HELD_OUT or any(word in name.lower() for name in kept for word in FOR_SERVING):
        return True
    return _has_one_of_training(source, call) or any(
        other is not call
        and source.function_of(other) is source.function_of(call)
        and Part.TRAIN in parts_in(*other.args, *(k.value for k in other.keywords))
        for other in source.calls_named(called_name(call))
        if _builds(source, other) or _counts_degrees(source, other)
    )


def _has_one_of_training(source: ParsedFile, node: ast.AST) -> bool:
    """Whether the function keeps a graph of the training part as well: `train_adj = coo_matrix(train)`, `edge_index = tensor(train.values)`."""
    return any(
        isinstance(statement.value, ast.Call)
        and Part.TRAIN in parts_in(statement.value)
        and any(_is_graph(word) for target in statement.targets for word in words_of(target))
        for statement in source.within(source.function_of(node) or source.nodes[0], ast.Assign)
        if source.function_of(statement) is source.function_of(node)
    )


def _filled(source: ParsedFile) -> Iterator[ast.For | ast.Assign]:
    """Where a graph is filled by hand: `for u, i, t in rows: graph[u].append(i)`, `adj[rows[:, 0], rows[:, 1]] = 1`."""
    for statement in source.within(source.nodes[0], ast.Assign):
        target = statement.targets[0]
        cells = isinstance(target, ast.Subscript) and isinstance(target.slice, ast.Tuple)
        if cells and _is_graph(dotted(target.value).rpartition(".")[2]):
            yield statement
    loops: set[ast.For] = set()
    for fill in source.calls_named("append", "add", "add_edge", "update"):
        loop = next((o for o in source.around(fill) if isinstance(o, ast.For | Function)), None)
        graph = fill.func.value if isinstance(fill.func, ast.Attribute) else None
        graph = graph.value if isinstance(graph, ast.Subscript) else graph
        named = graph is not None and _is_graph(dotted(graph).rpartition(".")[2])
        if isinstance(loop, ast.For) and (named or called_name(fill) == "add_edge"):
            loops.add(loop)
    yield from sorted(loops, key=source.places.__getitem__)


RULE = Rule(kind=KIND, run=held_out_in_graph)
