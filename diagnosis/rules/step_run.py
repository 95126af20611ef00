"""Runs a training step that is written out, as programs without gradients of a library do, on made-up numbers.

What cannot be told (a call of a library, a loop over something else) leaves its names unknown; the rest goes on without them. All rows
are read as they were before the step, so that what a step adds to them can be held against the derivatives of its scores.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from diagnosis.rules.repeated import callee, repo_of
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.step_places import factors, is_of_whole, over_rows, places_of_loop
from diagnosis.rules.step_values import (
    INNER,
    OF_ONE,
    OF_TWO,
    SAME,
    SQUASHES,
    IsVector,
    Unknown,
    Value,
    constant,
    each,
    inner,
    total,
)
from diagnosis.rules.values import How, bindings, parameters
from diagnosis.syntax import called_name, dotted

DEEPEST = 3  # functions of the repo that one step calls in each other
MOST_ROUNDS = 12  # of finding out which rows are vectors
LEAVES = (ast.Continue, ast.Break, ast.Return, ast.Raise)
ARITHMETIC = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
}


@dataclass(frozen=True, kw_only=True)
class Move:
    """What a step adds to one row. made: the statement that computes it; written: the statement that writes the row."""

    by: Value
    made: ast.stmt
    written: ast.stmt


@dataclass(kw_only=True)
class Ran:
    """One run of a step.

    moves: row -> what was added to it. scores: numbers that it computed on its way, by what they are called.
    rows: rows that were read -> their values. numbers: settings and labels that were read, by how they are written.
    late: row -> the rows that were read for its move after they had been moved themselves. again: rows that were read for anything else
    after they had been moved.
    """

    moves: dict[str, Move] = field(default_factory=dict)
    scores: dict[str, Value] = field(default_factory=dict)
    rows: dict[str, Value] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    late: dict[str, set[str]] = field(default_factory=dict)
    again: set[str] = field(default_factory=set)


@dataclass(frozen=True, kw_only=True)
class Point:
    """Made-up numbers: other vectors and other moved rows for each seed, the same settings and labels for all.

    moved: rows of one place that the step moves. told: row or number -> the value to take instead.
    """

    seed: int
    moved: frozenset[str] = frozenset()
    told: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def row(self, name: str, width: int) -> tuple[float, ...]:
        """The places of a row."""
        given = self.told.get(name)
        if given is not None and len(given) == width:
            return given
        if width == 1 and name not in self.moved:
            return (self.number(name),)
        draw = Random(f"{name} {self.seed}")
        return tuple(draw.uniform(-1.5, 1.5) for _ in range(width))

    def number(self, name: str) -> float:
        """A setting or a label."""
        given = self.told.get(name)
        return given[0] if given is not None else Random(name).uniform(0.4, 0.9)


@dataclass(kw_only=True)
class _Frame:
    """A function that runs. given: its parameters, as expressions of the frame that called it."""

    values: dict[str, Value | None] = field(default_factory=dict)
    made: dict[str, ast.stmt] = field(default_factory=dict)
    given: dict[str, tuple["_Frame", ast.expr]] = field(default_factory=dict)
    depth: int = 0
    result: Value | None = None
    owner: Function | None = None


def run(file: ParsedFile, body: list[ast.stmt], point: Point, vectors: set[str]) -> Ran:
    """One run of the statements of a step. vectors: the rows known to be vectors, which grows here.

    Raises:
        Unknown: the rows do not fit together.
    """
    for _ in range(MOST_ROUNDS):
        walk = _Walk(file=file, point=point, vectors=vectors)
        try:
            walk.statements(body, _Frame(owner=file.function_of(body[0])))
            return walk.ran
        except IsVector as fault:
            if fault.rows <= vectors:
                break
            vectors |= fault.rows
    raise Unknown


@dataclass(kw_only=True)
class _Walk:
    file: ParsedFile
    point: Point
    vectors: set[str]
    ran: Ran = field(default_factory=Ran)
    over: set[str] = field(default_factory=set)  # variables that go through the places of rows
    current: str = ""  # the row whose move is being computed
    site: ast.stmt | None = None  # the statement of the step itself that runs

    def statements(self, body: list[ast.stmt], frame: _Frame) -> None:
        """Run statements, one after the other."""
        for statement in body:
            if frame.result is not None:
                return
            try:
                self._statement(statement, frame)
            except Unknown:
                self._forget(statement, frame)

    def _forget(self, statement: ast.stmt, frame: _Frame) -> None:
        for part in self.file.within(statement, ast.Name):
            if isinstance(part.ctx, ast.Store):
                frame.values[part.id] = None

    def _statement(self, node: ast.stmt, frame: _Frame) -> None:
        self.site = self.site if frame.depth else node
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            self._assign(node.targets[0], node.value, node, frame)
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add | ast.Sub):
            self._augment(node, frame)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            self._call_alone(node.value, node, frame)
        elif isinstance(node, ast.Return) and node.value is not None:
            frame.result = self.value(node.value, frame)
        elif isinstance(node, ast.If):
            passes = isinstance(node.body[-1], LEAVES)
            self.statements(node.orelse if passes else node.body, frame)
        elif isinstance(node, ast.With):
            self.statements(node.body, frame)
        elif isinstance(node, ast.For) and (place := places_of_loop(self.file, node)):
            self.over.add(place)
            self.statements(node.body, frame)
            self.over.discard(place)
        elif isinstance(node, ast.For | ast.While | ast.Try | ast.Assign | ast.AugAssign):
            raise Unknown

    def _assign(self, target: ast.expr, value: ast.expr, node: ast.stmt, frame: _Frame) -> None:
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            if len(target.elts) != len(value.elts):
                raise Unknown
            found = [self._or_none(part, frame) for part in value.elts]
            for one, part, got in zip(target.elts, value.elts, found):
                self._bind(one, part, got, node, frame)
        else:
            self._bind(target, value, self.value(value, frame, self._row(target, frame)), node, frame)

    def _or_none(self, node: ast.expr, frame: _Frame) -> Value | None:
        try:
            return self.value(node, frame)
        except Unknown:
            return None

    def _bind(
        self, target: ast.expr, given: ast.expr, value: Value | None, node: ast.stmt, frame: _Frame
    ) -> None:
        if isinstance(target, ast.Name | ast.Attribute):
            name = dotted(target)
            frame.values[name] = value
            frame.made[name] = node
            if value is not None and not value.is_vector:
                self.ran.scores[f"{name} {node.lineno}"] = value
        elif isinstance(target, ast.Subscript) and value is not None:
            row = self._row(target, frame)
            if row:
                by = each(lambda a, b: a - b, value, self._read(row))
                self._move(row, by, self._maker(given, node, frame), node, frame)
        elif isinstance(target, ast.Tuple | ast.List):
            raise Unknown

    def _augment(self, node: ast.AugAssign, frame: _Frame) -> None:
        added = self.value(node.value, frame, self._row(node.target, frame))
        added = added if isinstance(node.op, ast.Add) else each(lambda a: -a, added)
        name = dotted(node.target)
        if name:
            old = frame.values.get(name)
            if old is None:
                raise Unknown
            if self.over and added.is_vector and not old.is_vector:
                added = total(added)
            elif self.over and not added.is_vector and added.rows:
                raise IsVector(added.rows)
            grown = each(lambda a, b: a + b, old, added)
            frame.values[name] = grown
            frame.made[name] = node
            if not grown.is_vector:
                self.ran.scores[f"{name} {node.lineno}"] = grown
        elif row := self._row(node.target, frame):
            self._move(row, added, self._maker(node.value, node, frame), node, frame)

    def _maker(self, value: ast.expr, node: ast.stmt, frame: _Frame) -> ast.stmt:
        """The statement that computes a gradient: the one that gave the name its value where a step adds no more than a rate times it,
        and the step's own where a function that it calls does the rest.
        """
        if frame.depth and self.site is not None:
            return self.site
        names = [dotted(part) for part in factors(value)]
        made = [frame.made[name] for name in names if name in frame.made]
        known = all(names) and len(made) == 1
        return made[0] if known else node

    def _call_alone(self, call: ast.Call, node: ast.stmt, frame: _Frame) -> None:
        name, own = called_name(call), call.func.value if isinstance(call.func, ast.Attribute) else None
        if (
            name == "at"
            and len(call.args) == 3
            and own is not None
            and dotted(own).endswith((".add", ".subtract"))
        ):
            sign = 1 if dotted(own).endswith(".add") else -1
            self._add(call.args[0], call.args[1], call.args[2], sign, node, frame)
        elif name in ("index_add_", "scatter_add_") and own is not None and len(call.args) == 3:
            self._add(own, call.args[1], call.args[2], 1, node, frame)
        elif (
            name in ("add_", "sub_")
            and isinstance(own, ast.Subscript)
            and len(call.args) == 1
            and not call.keywords
        ):
            self._add(own.value, own.slice, call.args[0], 1 if name == "add_" else -1, node, frame)
        else:
            self._inline(call, frame, alone=True)

    def _add(
        self, table: ast.expr, index: ast.expr, added: ast.expr, sign: int, node: ast.stmt, frame: _Frame
    ) -> None:
        row = self._row_of(table, [index], frame)
        if not row:
            raise Unknown
        moved = each(lambda a: sign * a, self.value(added, frame, row))
        self._move(row, moved, self._maker(added, node, frame), node, frame)

    def _move(self, row: str, by: Value, made: ast.stmt, node: ast.stmt, frame: _Frame) -> None:
        if by.is_vector and row not in self.vectors:
            raise IsVector(frozenset([row]))
        width = 2 if row in self.vectors else 1
        by = by if len(by.places) == width else Value(by.places * width)
        before = self.ran.moves.get(row)
        if before is not None:
            by = each(lambda a, b: a + b, before.by, by)
        self.ran.rows[row] = Value(self.point.row(row, width))
        self.ran.moves[row] = Move(by=by, made=made, written=node)

    def _read(self, row: str) -> Value:
        """A row as it was before the step."""
        if row in self.ran.moves and row != self.current:
            (self.ran.late.setdefault(self.current, set()) if self.current else self.ran.again).add(row)
        many = row in self.vectors
        places = self.point.row(row, 2 if many else 1)
        self.ran.rows[row] = Value(places)
        return Value(places, frozenset() if many else frozenset([row]))

    def value(self, node: ast.expr, frame: _Frame, moved: str = "") -> Value:
        """The value of an expression. moved: the row that it moves.

        Raises:
            Unknown: it cannot be told. IsVector: see `total`.
        """
        if moved:
            self.current = moved
            try:
                return self.value(node, frame)
            finally:
                self.current = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
            return self._literal(node, node.value)
        if isinstance(node, ast.Name | ast.Attribute):
            return self._named(node, frame)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, frame)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
            sign = -1.0 if isinstance(node.op, ast.USub) else 1.0
            return each(lambda a: sign * a, self.value(node.operand, frame))
        if isinstance(node, ast.BinOp):
            return self._binary(node, frame)
        if isinstance(node, ast.Call):
            return self._call(node, frame)
        raise Unknown

    def _literal(self, node: ast.Constant, number: float) -> Value:
        """A written number; one between 0 and 1 is a rate or a weight, which may be asked for like a setting."""
        if not isinstance(number, float) or not 0 < number < 1:
            return constant(number)
        name = f"{number} {node.lineno}:{node.col_offset}"
        self.ran.numbers[name] = self.point.told.get(name, (number,))[0]
        return constant(self.ran.numbers[name])

    def _named(self, node: ast.Name | ast.Attribute, frame: _Frame) -> Value:
        name = dotted(node)
        if isinstance(node, ast.Attribute) and not name and node.attr in ("T", "data", "mT"):
            return self.value(node.value, frame)
        if not name or name.endswith(".grad"):
            raise Unknown
        if name in frame.values:
            known = frame.values[name]
            if known is None:
                raise Unknown
            return known
        if name in frame.given:
            outer, given = frame.given[name]
            return self.value(given, outer)
        if frame.depth == 0 and isinstance(node, ast.Name) and frame.owner is not None:
            found = bindings(self.file, name, node)
            if found:
                one = found[0]
                if len(found) == 1 and one.how is How.ASSIGNED and one.position is None:
                    frame.values[name] = None  # no ring
                    frame.values[name] = self.value(one.value, frame)
                    return self.value(node, frame)
                if any(b.how is not How.ITERATED for b in found):
                    raise Unknown
        self.ran.numbers[name] = self.point.number(name)
        return constant(self.ran.numbers[name])

    def _subscript(self, node: ast.Subscript, frame: _Frame) -> Value:
        if is_of_whole(node.slice):
            return self.value(node.value, frame)
        row = self._row(node, frame)
        if not row:
            raise Unknown
        return self._read(row)

    def _row(self, node: ast.expr, frame: _Frame) -> str:
        """The row of a table that an expression picks: `self.P[u]`, `P[u, :]`, `Q[:, i]`, `P[u][k]` in a loop over k; "" for others."""
        if not isinstance(node, ast.Subscript):
            return ""
        indices: list[ast.expr] = []
        while isinstance(node, ast.Subscript):
            found = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            indices = [*found, *indices]
            node = node.value
        return self._row_of(node, indices, frame)

    def _row_of(self, table: ast.expr, indices: list[ast.expr], frame: _Frame) -> str:
        name = self._told(table, frame)
        for ending in (".T", ".data", ".weight"):
            name = name.removesuffix(ending)
        if not name or name in frame.values:
            return ""
        kept = [i for i in indices if not is_of_whole(i) and dotted(i) not in self.over]
        words = [self._told(i, frame) for i in kept]
        return f"{name}[{', '.join(words)}]" if words and all(words) else ""

    def _told(self, node: ast.expr, frame: _Frame) -> str:
        """How an index or a table is written where the step itself stands."""
        if isinstance(node, ast.Name) and node.id in frame.given:
            outer, given = frame.given[node.id]
            return self._told(given, outer)
        if isinstance(node, ast.Subscript | ast.BinOp) and not frame.depth:
            return ast.unparse(node)
        return dotted(node) or (str(node.value) if isinstance(node, ast.Constant) else "")

    def _binary(self, node: ast.BinOp, frame: _Frame) -> Value:
        left, right = self.value(node.left, frame), self.value(node.right, frame)
        if isinstance(node.op, ast.MatMult):
            return self._score(inner(left, right))
        if type(node.op) not in ARITHMETIC:
            raise Unknown
        return each(ARITHMETIC[type(node.op)], left, right)

    def _score(self, value: Value) -> Value:
        self.ran.scores[f"product {len(self.ran.scores)}"] = value
        return value

    def _call(self, call: ast.Call, frame: _Frame) -> Value:
        name = called_name(call)
        try:
            reached = self._inline(call, frame, alone=False)
        except Unknown:
            if name not in OF_ONE:  # a careful version of a function that everybody knows
                raise
            reached = None
        if reached is not None:
            return reached
        if name == "len":
            return constant(1.0)
        given = self._arguments(call)
        if name in ("sum", "mean") and given and over_rows(call, given):
            return self.value(given[0], frame)
        if name == "sum":
            return self._sum(given, frame)
        if name == "einsum" and len(given) == 3:
            return self._score(inner(self.value(given[1], frame), self.value(given[2], frame)))
        if not given:
            raise Unknown
        if name in INNER and len(given) == 2:
            return self._score(inner(*(self.value(one, frame) for one in given)))
        if name in SAME:
            return self.value(given[0], frame)
        if name in OF_TWO and len(given) == 2:
            return each(OF_TWO[name], *(self.value(one, frame) for one in given))
        if name in OF_ONE and len(given) == 1:
            value = self.value(given[0], frame)
            if name in SQUASHES and not value.is_vector:
                self._score(value)
            return each(OF_ONE[name], value)
        raise Unknown

    def _arguments(self, call: ast.Call) -> list[ast.expr]:
        """What a function is given, the object of a method first."""
        own = call.func.value if isinstance(call.func, ast.Attribute) else None
        head = dotted(own).partition(".")[0] if own is not None else ""
        of_library = own is None or (
            head in self.file.imports or head in ("np", "numpy", "torch", "math", "F")
        )
        return list(call.args) if of_library or own is None else [own, *call.args]

    def _sum(self, given: list[ast.expr], frame: _Frame) -> Value:
        if not given:
            raise Unknown
        if isinstance(given[0], ast.GeneratorExp | ast.ListComp):
            loop = given[0].generators[0]
            place = places_of_loop(self.file, loop)
            if not place or len(given[0].generators) != 1:
                raise Unknown
            self.over.add(place)
            try:
                return self._score(total(self.value(given[0].elt, frame)))
            finally:
                self.over.discard(place)
        return self._score(total(self.value(given[0], frame)))

    def _inline(self, call: ast.Call, frame: _Frame, *, alone: bool) -> Value | None:
        """What a function of the repo returns, where it can be followed; None for other functions."""
        reached = callee(repo_of(self.file), self.file, call)
        if reached is None or reached.file != self.file or not isinstance(reached.node, Function):
            return None
        if frame.depth >= DEEPEST:
            raise Unknown
        names = [name for name in parameters(reached.node) if name not in ("self", "cls")]
        if len(call.args) > len(names) or any(isinstance(one, ast.Starred) for one in call.args):
            raise Unknown
        given = {name: (frame, one) for name, one in zip(names, call.args)}
        given |= {word.arg: (frame, word.value) for word in call.keywords if word.arg}
        below = _Frame(given=given, depth=frame.depth + 1, owner=reached.node)
        self.statements(reached.node.body, below)
        if below.result is None and not alone:
            raise Unknown
        return below.result
