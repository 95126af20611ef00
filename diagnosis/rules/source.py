"""A Python file, parsed and walked once, with the lookups that static rules need: parents, calls, training loops."""

import ast
from bisect import bisect_left
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from diagnosis.findings import Severity
from diagnosis.rules.hits import RuleHit
from diagnosis.syntax import called_name, dotted, fields_of_nodes, parsed

if TYPE_CHECKING:
    from diagnosis.rules.codebase import Codebase

Loop = ast.For | ast.AsyncFor | ast.While
Function = ast.FunctionDef | ast.AsyncFunctionDef
MOST_HELPERS = 3  # functions between a loop and the `backward` that it calls
# Nodes without a position of their own that hold others.
_SHARED = (
    "calls",
    "_calls_by_name",
    "functions",
    "loops",
    "_owners",
    "_full_names",
    "_kept_by_type",
)  # of a file, whatever its repo
_PLAIN = {ast.comprehension, ast.arguments, ast.withitem, ast.match_case}


@dataclass(frozen=True, kw_only=True, eq=False)
class ParsedFile:
    """One parsed file.

    nodes: every node that holds code, outer before inner, in the order of the text.
    ends: everything inside `nodes[i]` is `nodes[i + 1 : ends[i]]`.
    places: node -> its index in `nodes`.
    by_type: type of node -> indices in `nodes`.
    parents: node -> the node around it.
    imports: local name -> full dotted name of the imported thing.
    repo: this file and the others of its repo that are at hand; None outside a check.
    """

    path: str
    nodes: list[ast.AST]
    ends: list[int]
    places: dict[ast.AST, int]
    by_type: dict[type, list[int]]
    parents: dict[ast.AST, ast.AST]
    imports: dict[str, str]
    repo: "Codebase | None" = None

    def __eq__(self, other: object) -> bool:
        """One parsed text is one file, whether it knows its repo or not."""
        return isinstance(other, ParsedFile) and self.nodes is other.nodes

    def __hash__(self) -> int:
        return id(self.nodes)

    def placed_in(self, repo: "Codebase | None") -> "ParsedFile":
        """The same file as part of a repo, with the lookups that both have made, and share."""
        placed = replace(self, repo=repo)
        vars(placed).update({name: getattr(self, name) for name in _SHARED})
        return placed

    @cached_property
    def calls(self) -> list[ast.Call]:
        """All calls of the file, in the order of the text."""
        return self.within(self.nodes[0], ast.Call)

    @cached_property
    def _calls_by_name(self) -> dict[str, list[ast.Call]]:
        found: dict[str, list[ast.Call]] = {}
        for call in self.calls:
            found.setdefault(called_name(call), []).append(call)
        return found

    def calls_named(self, *names: str) -> list[ast.Call]:
        """The calls whose called name, its last part, is one of these, in the order of the text."""
        found = [call for name in names for call in self._calls_by_name.get(name, [])]
        return sorted(found, key=self.places.__getitem__) if len(names) > 1 else found

    @property
    def called_names(self) -> AbstractSet[str]:
        """The last parts of the names of all that is called."""
        return self._calls_by_name.keys()

    @cached_property
    def functions(self) -> list[Function]:
        """All functions and methods, async ones last."""
        return self.within(self.nodes[0], ast.FunctionDef, ast.AsyncFunctionDef)

    @cached_property
    def loops(self) -> list[Loop]:
        """All `for` loops, then `async for`, then `while`."""
        return self.within(self.nodes[0], ast.For, ast.AsyncFor, ast.While)

    def within(self, node: ast.AST, *types: type) -> list[Any]:
        """The nodes of exactly these types in a node, itself included, by type, then in the order of the text."""
        first = self.places[node]
        found: list[Any] = []
        for kind in types:
            places = self.by_type.get(kind)
            if places is None:
                continue
            start = bisect_left(places, first)
            found += self._of_type(kind)[start : bisect_left(places, self.ends[first], start)]
        return found

    def _of_type(self, kind: type) -> list[Any]:
        """The nodes of exactly this type, in the order of the text."""
        kept = self._kept_by_type
        if kind not in kept:
            kept[kind] = [self.nodes[i] for i in self.by_type[kind]]
        return kept[kind]

    @cached_property
    def _kept_by_type(self) -> dict[type, list[Any]]:
        """What was asked of `_of_type`."""
        return {}

    def calls_in(self, *nodes: ast.AST) -> list[ast.Call]:
        """All calls inside the given nodes, themselves included."""
        return [call for node in nodes for call in self.within(node, ast.Call)]

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes around a node, innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def function_of(self, node: ast.AST) -> Function | None:
        """The innermost function around a node; None at the top of the file."""
        return self._owners.get(node)

    @cached_property
    def _owners(self) -> dict[ast.AST, Function]:
        """Node -> the innermost function around it."""
        found: dict[ast.AST, Function] = {}
        for node in self.nodes[1:]:
            outer = self.parents[node]
            owner = outer if isinstance(outer, Function) else found.get(outer)
            if owner is not None:
                found[node] = owner
        return found

    @cached_property
    def _full_names(self) -> dict[ast.Call, str]:
        """What was asked of `full_name`."""
        return {}

    def full_name(self, call: ast.Call) -> str:
        """The full dotted name of the called function, imports resolved: `F.dropout(x)` ->
        "torch.nn.functional.dropout".
        """
        if call not in self._full_names:
            self._full_names[call] = self._full_name(call)
        return self._full_names[call]

    def _full_name(self, call: ast.Call) -> str:
        head, _, rest = dotted(call.func).partition(".")
        origin = self.imports.get(head, head)
        return f"{origin}.{rest}" if rest else origin

    def training_loops(self) -> list[Loop]:
        """The innermost loops that train: they call `backward`, or a function of this file that does so once a call.

        A function with a loop of its own around `backward` is an epoch, and who calls it in a loop loops over epochs.
        """
        backward = [call for call in self.calls_named("backward") if is_backward(call)]
        stepping: set[str] = set()
        steps = backward
        for _ in range(MOST_HELPERS):
            once = [f.name for call in steps if (f := self.function_of(call)) and not self._loops(call)]
            more = set(once) - stepping
            if not more:
                break
            stepping |= more
            steps = backward + self.calls_named(*stepping)
        found: dict[Loop, None] = {}
        for call in steps:
            for outer in self.around(call):
                if isinstance(outer, Function):
                    break
                if isinstance(outer, Loop):
                    found[outer] = None
                    break
        around = {outer for loop in found for outer in self.around(loop)}
        return [loop for loop in found if loop not in around]

    def _loops(self, node: ast.AST) -> bool:
        """Whether the node is repeated by a loop of its own function."""
        for outer in self.around(node):
            if isinstance(outer, Function):
                return False
            if isinstance(outer, Loop | ast.comprehension | ast.ListComp | ast.GeneratorExp | ast.SetComp):
                return True
        return False

    def hit(
        self, code: str, node: ast.expr | ast.stmt, message: str, severity: Severity = Severity.WARNING
    ) -> RuleHit:
        """A hit on a node. For a loop, function, `if` or `with`, only its first line is marked."""
        compound = isinstance(node, Loop | Function | ast.If | ast.With)
        return RuleHit(
            code=code,
            path=self.path,
            start_line=node.lineno,
            end_line=node.lineno if compound else (node.end_lineno or node.lineno),
            start_column=node.col_offset,
            end_column=node.col_offset + 3 if compound else (node.end_col_offset or node.col_offset),
            message=message,
            severity=severity,
        )


def read_source(path: str, text: str) -> ParsedFile | None:
    """Parse a file for the rules; None if the text is not valid Python."""
    tree = parsed(text)
    return read_tree(path, tree) if tree is not None else None


def read_tree(path: str, tree: ast.Module) -> ParsedFile:
    """A file that was parsed, with its lookups."""
    nodes: list[ast.AST] = []
    parents: dict[ast.AST, ast.AST] = {}
    by_type: dict[type, list[int]] = {}
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        by_type.setdefault(type(node), []).append(len(nodes))
        nodes.append(node)
        for child in reversed(_children(node)):
            parents[child] = node
            stack.append(child)
    places = {node: i for i, node in enumerate(nodes)}
    ends = list(range(1, len(nodes) + 1))
    for i in range(len(nodes) - 1, 0, -1):
        outer = places[parents[nodes[i]]]
        ends[outer] = max(ends[outer], ends[i])
    return ParsedFile(
        path=path,
        nodes=nodes,
        ends=ends,
        places=places,
        by_type=by_type,
        parents=parents,
        imports=_imports([nodes[i] for kind in (ast.Import, ast.ImportFrom) for i in by_type.get(kind, [])]),
    )


def _children(node: ast.AST) -> list[ast.AST]:
    """Like ast.iter_child_nodes, without the contexts and operators, which are shared between nodes."""
    children: list[ast.AST] = []
    for name in fields_of_nodes(type(node)):
        value = getattr(node, name, None)
        if type(value) is list:
            children += [
                part
                for part in value
                if (isinstance(part, ast.AST) and part._attributes) or type(part) in _PLAIN
            ]
        elif isinstance(value, ast.AST) and (value._attributes or type(value) in _PLAIN):
            children.append(value)
    return children


def _imports(statements: list[Any]) -> dict[str, str]:
    origin: dict[str, str] = {}
    for node in statements:
        for name in node.names:
            if isinstance(node, ast.ImportFrom):
                origin[name.asname or name.name] = f"{node.module or ''}.{name.name}"
            else:
                root = name.name.split(".")[0]
                origin[name.asname or root] = name.name if name.asname else root
    return origin


def is_backward(call: ast.Call) -> bool:
    """Whether the call is `something.backward(...)`."""
    return isinstance(call.func, ast.Attribute) and call.func.attr == "backward"


def keyword(call: ast.Call, name: str) -> ast.expr | None:
    """The value of a keyword argument; None if the call does not give it."""
    return next((k.value for k in call.keywords if k.arg == name), None)


def is_false(node: ast.expr | None) -> bool:
    """Whether the node is the constant False; None is not."""
    return isinstance(node, ast.Constant) and node.value is False
