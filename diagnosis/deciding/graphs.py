"""Which lines decide the entries of a graph: its blocks, and the weights of its edges."""

import ast

from diagnosis.deciding.program import Program
from diagnosis.deciding.shape import calls_any, operands, slices
from diagnosis.deciding.walk import At
from diagnosis.syntax import called_name

SPARSE = {"sparse_coo_tensor", "FloatTensor", "SparseTensor"}
BLOCKS = {"bmat", "block_array", "block"}
MATRICES = BLOCKS | {
    "csr_matrix", "coo_matrix", "csc_matrix", "lil_matrix", "dok_matrix", "csr_array", "coo_array", "csc_array",
}  # fmt: skip
JOINS = {"cat", "concat", "concatenate", "hstack", "append"}
POWERS = {"power", "pow", "float_power", "sqrt", "rsqrt", "sqrt_", "pow_", "reciprocal"}
ENTRIES = {"data", "values", "val", "_values"}  # what another matrix calls the weights of its edges


def blocks(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where edges are put into blocks of a matrix; else where items are numbered behind users; else where ends of edges of both
    ways are joined.
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
        if isinstance(at.node, ast.Call) and called_name(at.node) in JOINS and _of_two(at.node):
            joined.append(at.node)
    return built or added or joined


def _of_two(call: ast.Call) -> bool:
    first = call.args[0] if call.args else None
    return isinstance(first, (ast.List, ast.Tuple)) and len(first.elts) == 2


def weights(program: Program, walked: list[At]) -> list[ast.AST]:
    """Where degrees are raised to a power; else where the values are made that a sparse matrix is built from; else where the
    function that builds the matrix gives it back.
    """
    powers: list[ast.AST] = [at.node for at in walked if _is_power(at.node)]
    if powers:
        return powers[:1]
    calls = [
        at.node for at in walked if isinstance(at.node, ast.Call) and calls_any(program, at.node, SPARSE)
    ]
    here = {program.scope(one) for one in _builders(walked)}
    made = [
        one
        for one in calls
        if len(one.args) > 1 and (program.scope(one) in here or not _takes_over(program, one.args[1]))
    ][:1]
    given = [
        at.node for at in walked for one in made if at.before is not None and at.before.node is one.args[1]
    ]
    return [*given[:1]] or [*made] or _built(program, walked)


def _is_power(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return called_name(node) in POWERS
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow)


def _takes_over(program: Program, given: ast.expr) -> bool:
    """Whether the values are those of another matrix, as of one that is converted or thinned out."""
    values: list[ast.expr] = [given]
    names = [one.id for one in ast.walk(given) if isinstance(one, ast.Name)]
    for name in names:
        values += [one.held for one in program.locals.get((program.scope(given), name), [])]
    parts = [part for value in values for part in ast.walk(value)]
    return any(isinstance(one, ast.Attribute) and one.attr in ENTRIES for one in parts)


def _builders(walked: list[At]) -> list[ast.AST]:
    return [at.node for at in walked if isinstance(at.node, ast.Call) and called_name(at.node) in MATRICES]


def _built(program: Program, walked: list[At]) -> list[ast.AST]:
    """What is given back by the function that builds the matrix, and where it is built."""
    for builder in _builders(walked)[:1]:
        scope = program.scope(builder)
        back = [at.node for at in walked if isinstance(program.parents.get(at.node), ast.Return)]
        return [*(one for one in back if program.scope(one) is scope), builder]
    return []
