"""Which syntax decides the edges of a graph: what leaves some out, how they are put into blocks, and what they weigh."""

import ast

from diagnosis.deciding.program import Program
from diagnosis.deciding.properties import DRAWS, cuts, draws
from diagnosis.deciding.shape import SPARSE, Picks, calls_any, operands, slices
from diagnosis.deciding.walk import At
from diagnosis.syntax import called_name

BLOCKS = {"bmat", "block_array", "block"}
MATRICES = BLOCKS | {
    "csr_matrix", "coo_matrix", "csc_matrix", "lil_matrix", "dok_matrix", "csr_array", "coo_array", "csc_array",
}  # fmt: skip
POWERS = {"power", "pow", "float_power", "sqrt", "rsqrt", "sqrt_", "pow_", "reciprocal"}
BESIDE = {"stack", "vstack", "array", "tensor", "asarray", "row_stack"}
ENDS = {"cat", "concat", "concatenate", "hstack"}  # one behind the other, not side by side


def edge_cuts(program: Program, walked: list[At]) -> list[ast.AST]:
    """What leaves edges out; else random choices of them, else where they are put into blocks of a matrix."""
    return cuts(program, walked) or draws(program, walked) or blocks(program, walked)


def lasting_cuts(program: Program, walked: list[At]) -> list[ast.AST]:
    """The same of edges that no step has: a random choice that each step makes anew is not what leaves them out."""
    found = [node for node in cuts(program, walked) if not _is_drawn(program, node, walked)]
    return found or blocks(program, walked)


def _is_drawn(program: Program, node: ast.AST, walked: list[At]) -> bool:
    """Whether random numbers are compared."""
    if not isinstance(node, ast.Compare):
        return False
    beside = {at.node for at in walked if _came_from(at, node)}
    return any(calls_any(program, one, DRAWS) for one in (*ast.walk(node), *beside))


def _came_from(at: At, node: ast.AST) -> bool:
    """Whether an expression was reached from a node within a statement."""
    before = at.before
    return before is not None and before.hops == at.hops - 1 and before.node in ast.walk(node)


def blocks(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where edges are put into blocks of a matrix; else where items are numbered behind users, else where the ends of edges
    are joined.
    """
    built: list[ast.AST] = []
    added: list[ast.AST] = []
    joined: list[ast.AST] = []
    for at in walked:
        statement = program.statement(at.node)
        targets = (
            statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        )
        cells = [
            one for one in targets if isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Tuple)
        ]
        if any(slices(one) for one in cells) or calls_any(program, at.node, BLOCKS):
            built.append(at.node)
        sums = operands(at.node, ast.Add)
        if sums is not None and isinstance(sums[1], (ast.Name, ast.Attribute)):
            added.append(at.node)
        if calls_any(program, at.node, ENDS) and _joins_ids(at.node):
            joined.append(at.node)
    return built or added or joined


def pairs(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where the two ends of each edge are put side by side, once and not the other way round as well; else as `blocks`."""
    cells = blocks(program, walked)
    if any(calls_any(program, node, BLOCKS | ENDS) or _fills_cells(program, node) for node in cells):
        return cells
    beside: list[ast.AST] = [
        at.node for at in walked if calls_any(program, at.node, BESIDE) and _joins_ids(at.node)
    ]
    return beside or cells


def _fills_cells(program: Program, node: ast.AST) -> bool:
    statement = program.statement(node)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    return any(isinstance(one, ast.Subscript) and isinstance(one.slice, ast.Tuple) for one in targets)


def _joins_ids(node: ast.AST) -> bool:
    """Whether several arrays that have names are joined: `np.concatenate([users, items])`."""
    parts = node.args[0] if isinstance(node, ast.Call) and node.args else None
    named = [
        one
        for one in (parts.elts if isinstance(parts, (ast.List, ast.Tuple)) else [])
        if isinstance(one, (ast.Name, ast.Attribute))
    ]
    return len(named) > 1


def weights(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where degrees are raised to a power; else where the values of the edges are made that a sparse matrix is built from; of
    one that is made of another library's, where the function that builds that one hands it out.
    """
    powers: list[ast.AST] = [at.node for at in walked if _is_power(at.node)]
    if powers:
        return powers[:1]
    calls = [at for at in walked if isinstance(at.node, ast.Call) and calls_any(program, at.node, SPARSE)]
    made = [at for at in calls if isinstance(at.node, ast.Call) and len(at.node.args) > 1]
    for one in reversed(made):
        values = one.node.args[1] if isinstance(one.node, ast.Call) else one.node
        flow = [at for at in walked if _reached_from(at, values)]
        handed = [at.node for at in flow if at.hops > one.hops + 1 and _is_handed_out(program, at, one)]
        if handed and any(getattr(at.node, "attr", "") == "data" for at in flow):
            return list(handed[:1])
    first = [at.node.args[1] for at in made[:1] if isinstance(at.node, ast.Call)]
    given = [at.node for at in walked for one in first if at.before is not None and at.before.node is one]
    return [*given[:1]] or [at.node for at in made[:1]] or _built(program, walked)


def _is_power(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return called_name(node) in POWERS
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def _built(program: Program, walked: list[At]) -> list[ast.AST]:
    """What is given back by the function that builds the matrix, and where it is built."""
    built = [at.node for at in walked if isinstance(at.node, ast.Call) and called_name(at.node) in MATRICES]
    for builder in built[:1]:
        scope = program.scope(builder)
        back = [at.node for at in walked if isinstance(program.parents.get(at.node), ast.Return)]
        return [*(one for one in back if program.scope(one) is scope), builder]
    return []


def _reached_from(at: At, start: ast.AST) -> bool:
    one: At | None = at
    while one is not None:
        if one.node is start:
            return True
        one = one.before
    return False


def _is_handed_out(program: Program, at: At, made: At) -> bool:
    """Whether it is what another function than the one around `made` returns."""
    elsewhere = program.scope(at.node) is not program.scope(made.node)
    return elsewhere and isinstance(program.parents.get(at.node), ast.Return)


OF_GRAPHS: dict[str, Picks] = {
    "graph-edges-missing": edge_cuts,
    "graph-edges-missing, lasting": lasting_cuts,
    "graph-wrong-block": blocks,
    "graph-one-way": pairs,
    "graph-not-normalised": weights,
}
