"""Data flow inside one function: where a name is bound, what its value depends on, and which statements become dead."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import Block, RecipeFile, Statement, children, loaded_names, substitute
from evolution.recipes.recipe import DoesNotFit


@dataclass(frozen=True, kw_only=True, eq=False)
class Binding:
    """One assignment to a name: `name = value`, or element `index` of an unpacked `value`.

    index: -1 if no tuple is unpacked.
    added: whether it is `name += value`.
    """

    name: str
    value: cst.BaseExpression
    index: int
    added: bool
    statement: cst.SimpleStatementLine
    line: int


class Scope:
    """The parameters, statements and bindings of one function, or of a file's top level, without those of nested functions
    and classes.

    body: what holds the statements.
    """

    def __init__(self, source: RecipeFile, function: Block) -> None:
        self.source, self.function = source, function
        self.body = body_of(function)
        self.parameters = parameters(function) if isinstance(function, cst.FunctionDef) else []
        self.lines = own_lines(function)
        # Of branches, those that ran: what another one would have bound is not what the trial computed with.
        live = [line for line in self.lines if source.ran(line)] if source.ran(function) else self.lines
        self.bindings = [binding for line in live for binding in _bindings(source, line)]

    def before(self, name: str, line: int) -> Binding | None:
        """The last binding of a name above a line."""
        found = [binding for binding in self.bindings if binding.name == name and binding.line < line]
        return found[-1] if found else None

    def resolve(self, node: cst.BaseExpression, line: int) -> tuple[cst.BaseExpression, int]:
        """Follow a plain name to the expression it was bound to; returns the expression and the line of its binding."""
        while isinstance(node, cst.Name):
            binding = self.before(node.value, line)
            if binding is None or binding.index >= 0 or binding.added:
                break
            node, line = binding.value, binding.line
        return node, line

    def names(self) -> set[str]:
        """All names that the function reads or writes."""
        return loaded_names(self.function)


def parameters(function: cst.FunctionDef) -> list[str]:
    """Names of the positional parameters, `self` included."""
    return [param.name.value for param in (*function.params.posonly_params, *function.params.params)]


def body_of(block: Block) -> cst.BaseSuite | cst.Module:
    """The node whose children are the block's statements."""
    return block.body if isinstance(block, cst.FunctionDef) else block


def own_lines(block: Block) -> list[cst.SimpleStatementLine]:
    """Simple statements of the block in the order of the text, without those of functions in it."""
    found: list[cst.SimpleStatementLine] = []

    def walk(node: cst.CSTNode) -> None:
        if isinstance(node, cst.SimpleStatementLine):
            found.append(node)
        elif not isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            for child in children(node):
                walk(child)

    walk(body_of(block))
    return found


def _bindings(source: RecipeFile, statement: cst.SimpleStatementLine) -> list[Binding]:
    line = source.line(statement)
    found: list[Binding] = []

    def bind(target: cst.CSTNode, value: cst.BaseExpression, index: int = -1, added: bool = False) -> None:
        if isinstance(target, cst.Name):
            found.append(
                Binding(
                    name=target.value, value=value, index=index, added=added, statement=statement, line=line
                )
            )
        elif isinstance(target, (cst.Tuple, cst.List)) and index < 0:
            values = value.elements if isinstance(value, (cst.Tuple, cst.List)) else ()
            paired = len(values) == len(target.elements)
            for at, element in enumerate(target.elements):
                bind(element.value, values[at].value if paired else value, -1 if paired else at)

    for part in statement.body:
        if isinstance(part, cst.Assign):
            for target in part.targets:
                bind(target.target, part.value)
        elif isinstance(part, cst.AnnAssign) and part.value is not None:
            bind(part.target, part.value)
        elif isinstance(part, cst.AugAssign):
            bind(part.target, part.value, added=True)
    return found


def expand(
    node: cst.BaseExpression, scope: Scope, given: Mapping[str, cst.BaseExpression], line: int
) -> cst.BaseExpression:
    """An expression of one function in terms of its caller: parameters become the caller's arguments, locals their
    values.

    given: parameter -> the argument that the caller passes.
    line: where the expression stands; only bindings above this line count.

    Raises DoesNotFit if a local was computed in a loop or condition, in place, or by unpacking.
    """
    names: dict[str, cst.BaseExpression] = {}
    for name in loaded_names(node):
        binding = scope.before(name, line)
        if binding is not None:
            is_straight = binding.statement in scope.body.body
            if not is_straight or binding.added or binding.index >= 0:
                raise DoesNotFit(f"`{name}` is computed in several steps inside `{_name(scope)}`")
            names[name] = expand(binding.value, scope, given, binding.line)
        elif name in given:
            names[name] = given[name]
        elif name in scope.parameters:
            raise DoesNotFit(f"`{_name(scope)}` is not given its `{name}` where the loss is computed")
    return substitute(node, names)


def _name(scope: Scope) -> str:
    return scope.function.name.value if isinstance(scope.function, cst.FunctionDef) else scope.source.path


def dead_after(
    scope: Scope, gone: Sequence[cst.SimpleStatementLine], new_names: Iterable[str]
) -> list[Statement]:
    """Statements that only served the removed ones (`gone`): neither the rest nor `new_names` read their results.

    A loop or condition counts as one statement if it only assigns. A call that stands alone is never dead.
    """
    feeding = _feeding(scope, gone)
    live = set(new_names)
    candidates = [unit for unit in _units(scope.body) if unit not in gone and unit in feeding]
    kept_names = _names_outside(scope.body, {*candidates, *gone})
    live |= kept_names
    dead = list(candidates)
    while True:
        revived = [unit for unit in dead if _written(unit) & live]
        if not revived:
            return dead
        for unit in revived:
            dead.remove(unit)
            live |= loaded_names(unit)


def _units(body: cst.CSTNode) -> list[Statement]:
    """Statements that can be removed as a whole: simple assignments, and compound statements that hold nothing else."""
    found: list[Statement] = []

    def walk(node: cst.CSTNode) -> None:
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
            return
        if isinstance(node, (cst.SimpleStatementLine, cst.If, cst.While, cst.For)) and _only_assigns(node):
            found.append(node)
            return
        for child in children(node):
            walk(child)

    walk(body)
    return found


def _only_assigns(node: cst.SimpleStatementLine | cst.If | cst.While | cst.For) -> bool:
    if isinstance(node, cst.SimpleStatementLine):
        return all(isinstance(part, (cst.Assign, cst.AnnAssign, cst.AugAssign)) for part in node.body)
    inner: list[cst.CSTNode] = list(node.body.body)
    if isinstance(node.orelse, cst.Else):
        inner += node.orelse.body.body
    elif node.orelse is not None:
        inner.append(node.orelse)
    kinds = (cst.SimpleStatementLine, cst.If, cst.While, cst.For)
    return all(isinstance(statement, kinds) and _only_assigns(statement) for statement in inner)


def _written(node: cst.CSTNode) -> set[str]:
    """Names that a statement binds, or changes through an index or an attribute."""
    found: set[str] = set()

    def base(target: cst.CSTNode) -> None:
        if isinstance(target, cst.Name):
            found.add(target.value)
        elif isinstance(target, (cst.Subscript, cst.Attribute)):
            base(target.value)
        elif isinstance(target, (cst.Tuple, cst.List)):
            for element in target.elements:
                base(element.value)

    def walk(at: cst.CSTNode) -> None:
        if isinstance(at, cst.Assign):
            for target in at.targets:
                base(target.target)
        elif isinstance(at, (cst.AugAssign, cst.AnnAssign, cst.NamedExpr, cst.For)):
            base(at.target)
        for child in children(at):
            walk(child)

    walk(node)
    return found


def _feeding(scope: Scope, gone: Sequence[cst.SimpleStatementLine]) -> list[Statement]:
    """Statements whose results the removed ones use, directly or not."""
    units = _units(scope.body)
    wanted = {name for statement in gone for name in loaded_names(statement)}
    feeding: list[Statement] = []
    while True:
        more = [unit for unit in units if unit not in feeding and _written(unit) & wanted]
        if not more:
            return feeding
        feeding += more
        for unit in more:
            wanted |= loaded_names(unit)


def _names_outside(body: cst.CSTNode, without: set[Statement]) -> set[str]:
    """Names that the body reads or writes outside the statements `without`."""
    found: set[str] = set()

    def walk(node: cst.CSTNode) -> None:
        if node in without:
            return
        if isinstance(node, cst.SimpleStatementLine):
            found.update(loaded_names(node))
            return
        if isinstance(node, cst.BaseExpression):
            found.update(loaded_names(node))
            return
        for child in children(node):
            walk(child)

    walk(body)
    return found
