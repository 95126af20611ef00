"""Tables of a class to which held-out events were added, and where they are read: as a graph, or as what a sampler spares."""

import ast
import re
from collections.abc import Iterator

from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.draws import is_draw
from diagnosis.rules.draws_rejected import samples_for_training
from diagnosis.rules.parts_of_data import Part, parts_in, parts_named
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings
from diagnosis.syntax import called_name, dotted

HELD_OUT = {Part.TEST, Part.VALID}
SPARSE = {"sparse_coo_tensor", "coo_matrix", "csr_matrix", "dok_matrix", "lil_matrix", "coo_array", "csr_array", "SparseTensor"}  # fmt: skip
ROOTS = {"rsqrt", "sqrt", "pow", "power", "float_power"}
GRAPHS = {"graph", "adj", "adjacency", "laplacian", "edges"}
JOINS = {"concatenate", "concat", "cat", "vstack", "hstack", "chain"}
COUNTS = {"len", "max", "min", "sum", "size", "mean", "nunique"}
NUMBERS = {"n", "num", "size", "count", "len", "length", "number", "total"}
COPIES = {"copy", "clone", "deepcopy"}
GROWS = ("add", "update", "append", "extend")
FOR_SERVING = {"final", "serve", "serving", "prod", "deploy", "eval", "evaluate"}
_PIECE = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def graphs_of_held(repo: Codebase, source: ParsedFile) -> Iterator[ast.stmt]:
    """The statements that read such a table in functions that build a graph: one of sparse form that roots of degrees divide, or one that
    is called so.
    """
    held = _held_tables(repo)
    for function in source.functions if held else ():
        if _builds_graph(source, function):
            for read in _reads(repo, source, function):
                yield _statement_of(source, read)
                break


def spared_by_tables(repo: Codebase, source: ParsedFile) -> Iterator[ast.stmt]:
    """The statements of training samplers that ask such a table whether what was drawn is to be drawn again."""
    held = _held_tables(repo)
    for function in source.functions if held else ():
        reads = list(_reads(repo, source, function))
        if not reads or not samples_for_training(repo, source, function):
            continue
        drawn = {
            name.id
            for call in source.calls_in(function)
            if is_draw(source, call) and isinstance(kept := _statement_of(source, call), ast.Assign)
            for target in kept.targets
            for name in ast.walk(target)
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
        }
        for read in reads:
            if _asks_of(source, read, drawn):
                yield _statement_of(source, read)
                break


@once
def _held_tables(repo: Codebase) -> dict[str, set[ast.AST]]:
    """Attribute -> the classes in which it holds events of training and of held-out parts together."""
    found: dict[str, set[ast.AST]] = {}
    for file in repo.files:
        for kind in file.within(file.nodes[0], ast.ClassDef):
            for name in _filled(file, kind):
                if not parts_named([name]):
                    found.setdefault(name, set()).add(kind)
    return found


@once
def _kept_in(repo: Codebase) -> dict[str, set[ast.AST]]:
    """Attribute -> the classes that assign it."""
    found: dict[str, set[ast.AST]] = {}
    for file in repo.files:
        for part in file.within(file.nodes[0], ast.Attribute) if _held_tables(repo) else ():
            kind = repo.class_around(file, part)
            if isinstance(part.ctx, ast.Store) and _own(part) and kind is not None:
                found.setdefault(part.attr, set()).add(kind.node)
    return found


def _filled(file: ParsedFile, kind: ast.ClassDef) -> Iterator[str]:
    for statement in file.within(kind, ast.Assign):
        (target, *_) = statement.targets
        if isinstance(target, ast.Subscript):
            held = _is_held(target.slice) or _loops_over_held(file, statement)
            if _own(target.value) and held and _has_training(file, target.value):
                yield _own(target.value)
        elif _own(target) and _joins(statement.value):
            yield _own(target)
    for call in file.within(kind, ast.Call):
        table = call.func.value if isinstance(call.func, ast.Attribute) else None
        if called_name(call) not in GROWS or not isinstance(table, ast.Subscript) or not _own(table.value):
            continue
        if _loops_over_held(file, call) and _has_training(file, table.value):
            yield _own(table.value)


def _own(node: ast.expr) -> str:
    """The `net` of `self.net`; nothing of all else."""
    text = dotted(node)
    return text.removeprefix("self.") if text.startswith("self.") and text.count(".") == 1 else ""


def _is_held(index: ast.expr) -> bool:
    """Whether cells are those of held-out events: `self.net[test_users, test_items] = 1`."""
    told = parts_in(index)
    return isinstance(index, ast.Tuple) and bool(told) and told <= HELD_OUT


def _loops_over_held(file: ParsedFile, node: ast.AST) -> bool:
    """Whether a loop around goes through held-out events, alone or with others: `for user, item in [*valid, *test]`."""
    for outer in file.around(node):
        if isinstance(outer, Function):
            return False
        if isinstance(outer, ast.For) and parts_in(outer.iter) & HELD_OUT:
            return True
    return False


def _has_training(file: ParsedFile, table: ast.expr) -> bool:
    """Whether a table begins as one of training events, `self.net = self.bought.copy()`, or is filled from them too."""
    name = dotted(table)
    for binding in bindings(file, name, table):
        copied = (called_name(call) in COPIES for call in file.within(binding.value, ast.Call))
        if any(copied) or Part.TRAIN in parts_in(binding.value):
            return True
    return _is_filled_in_training(file, name)


def _is_filled_in_training(file: ParsedFile, name: str) -> bool:
    return any(
        isinstance(target, ast.Subscript)
        and dotted(target.value) == name
        and (
            Part.TRAIN in parts_in(target.slice)
            or any(isinstance(o, ast.For) and Part.TRAIN in parts_in(o.iter) for o in file.around(statement))
        )
        for statement in file.within(file.nodes[0], ast.Assign)
        for target in statement.targets
    )


def _joins(value: ast.expr) -> bool:
    """Whether events of training and held-out ones are put together: `concatenate([train, test])`, `csr(train) + csr(test)`."""
    if isinstance(value, ast.Call) and called_name(value) in JOINS and value.args:
        sides = value.args[0].elts if isinstance(value.args[0], ast.List | ast.Tuple) else value.args
    elif isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.BitOr):
        sides = [value.left, value.right]
    else:
        return False
    if any(_is_number(side) for side in sides):
        return False
    told = [parts_in(side) for side in sides]
    return any(Part.TRAIN in one for one in told) and any(one and one <= HELD_OUT for one in told)


def _is_number(side: ast.expr) -> bool:
    """`len(train)`, `self.n_test`, `train.shape[0]`"""
    counted = any(isinstance(part, ast.Call) and called_name(part) in COUNTS for part in ast.walk(side))
    last = dotted(side).rpartition(".")[2].lower()
    pieces = {piece.lower() for piece in _PIECE.findall(last)} | {*last.split("_")}
    shaped = any(
        isinstance(part, ast.Attribute) and part.attr in ("shape", "size") for part in ast.walk(side)
    )
    return counted or shaped or isinstance(side, ast.Constant) or bool(pieces & NUMBERS)


def _reads(repo: Codebase, source: ParsedFile, function: Function) -> Iterator[ast.Attribute]:
    """The reads of such tables: of the own object where its class is one of theirs; of another, where no other class keeps this name."""
    held = _held_tables(repo)
    for part in source.within(function, ast.Attribute):
        if part.attr not in held or not isinstance(part.ctx, ast.Load) or _is_filled_here(source, part):
            continue
        kind = repo.class_around(source, part) if _own(part) else None
        if (
            kind.node in held[part.attr]
            if kind is not None
            else _kept_in(repo).get(part.attr, set()) <= held[part.attr]
        ):
            yield part


def _is_filled_here(source: ParsedFile, read: ast.Attribute) -> bool:
    """Whether a read is `self.net` of `self.net[u, i] = 1` or of `self.net[u].add(i)`."""
    outer = source.parents.get(read)
    while isinstance(outer, ast.Subscript):
        if isinstance(outer.ctx, ast.Store):
            return True
        outer = source.parents.get(outer)
    return isinstance(outer, ast.Attribute) and outer.attr in GROWS


def _builds_graph(source: ParsedFile, function: Function) -> bool:
    pieces = {piece.lower() for piece in _PIECE.findall(function.name)}
    if parts_named([function.name]) or pieces & FOR_SERVING:
        return False
    calls = source.calls_in(function)
    sparse = any(called_name(call) in SPARSE for call in calls)
    roots = any(called_name(call) in ROOTS for call in calls) or any(
        isinstance(part.op, ast.Pow) for part in source.within(function, ast.BinOp)
    )
    return sparse and (roots or bool(pieces & GRAPHS))


def _asks_of(source: ParsedFile, read: ast.Attribute, drawn: set[str]) -> bool:
    """`data.known[users, drawn]`, `j in self.known[u]`"""
    outer: ast.AST | None = source.parents.get(read)
    inner: ast.AST = read
    while isinstance(outer, ast.Subscript) and outer.value is inner:
        if drawn & {n.id for n in ast.walk(outer.slice) if isinstance(n, ast.Name)}:
            return True
        inner, outer = outer, source.parents.get(outer)
    return (
        isinstance(outer, ast.Compare)
        and isinstance(outer.ops[0], ast.In | ast.NotIn)
        and any(isinstance(n, ast.Name) and n.id in drawn for n in ast.walk(outer.left))
    )


def _statement_of(source: ParsedFile, node: ast.AST) -> ast.stmt:
    return next(outer for outer in source.around(node) if isinstance(outer, ast.stmt))
