"""The user's code as a libcst tree, which keeps every byte: finding nodes and names, and rewriting whole statements."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from diagnosis import syntax
from diagnosis.encoding import unmarked
from diagnosis.findings import Site
from evolution.domain.edits import Edit, make_edits
from evolution.recipes.notebook import SUFFIX, NotAProgram, as_program, with_program
from evolution.recipes.other_processes import lines_beside
from evolution.recipes.recipe import DoesNotFit, RecipeContext

Statement = cst.SimpleStatementLine | cst.BaseCompoundStatement
Block = (
    cst.FunctionDef | cst.Module
)  # what runs line by line: a function, or a file's own top level, as of a script
Node = TypeVar("Node", bound=cst.CSTNode)


@dataclass(frozen=True, kw_only=True, eq=False)
class RecipeFile:
    """One parsed file.

    parents, positions: of every node of `module`.
    notebook: the file's own text where `text` is the program of a notebook, else "".
    executed, trained: the lines that ran in the trial, and those that ran while it trained; None where nobody saw.
    """

    path: str
    text: str
    module: cst.Module
    parents: Mapping[cst.CSTNode, cst.CSTNode]
    positions: Mapping[cst.CSTNode, object]
    notebook: str = ""
    executed: frozenset[int] | None = None
    trained: frozenset[int] | None = None

    def ran(self, node: cst.CSTNode) -> bool:
        """Whether the node was seen at work in the trial; true where nobody saw which lines ran."""
        return self.executed is None or not self.executed.isdisjoint(self._own_lines(node))

    def trains(self, node: cst.CSTNode) -> bool:
        """Whether the node was seen at work while the trial trained; true where nobody saw which lines ran."""
        return self.trained is None or not self.trained.isdisjoint(self._own_lines(node))

    def _own_lines(self, node: cst.CSTNode) -> range:
        """Lines that show that a node is at work: of a function those of its body, as its header runs where it is defined."""
        if isinstance(node, cst.Module):
            return range(1, self.text.count("\n") + 2)
        if isinstance(node, cst.FunctionDef):
            node = node.body
        return range(self.line(node), self.last_line(node) + 1)

    def place(self, node: cst.CSTNode) -> str:
        """`path:line` of the node."""
        return f"{self.path}:{self.line(node)}"

    def line(self, node: cst.CSTNode) -> int:
        """The node's first line, from 1."""
        return self.positions[node].start.line  # type: ignore[attr-defined]

    def last_line(self, node: cst.CSTNode) -> int:
        """The node's last line, from 1 and inclusive."""
        return self.positions[node].end.line  # type: ignore[attr-defined]

    def code(self, node: cst.CSTNode) -> str:
        """The node's own text, without parentheses around it."""
        return self.module.code_for_node(bare(node)).strip()

    def ancestors(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The nodes around a node, innermost first."""
        while node in self.parents:
            node = self.parents[node]
            yield node

    def enclosing(self, node: cst.CSTNode, kind: type[Node]) -> Node | None:
        """The innermost node of a kind around a node, or None."""
        return next((above for above in self.ancestors(node) if isinstance(above, kind)), None)

    def statement(self, node: cst.CSTNode) -> cst.SimpleStatementLine | None:
        """The simple statement that holds the node; None if the node stands in the header of an if, for, def..."""
        for above in (node, *self.ancestors(node)):
            if isinstance(above, cst.SimpleStatementLine):
                return above
            if isinstance(above, cst.BaseCompoundStatement):
                return None
        return None

    def functions(self) -> list[cst.FunctionDef]:
        """All functions and methods, in the order of the text."""
        return self.all_of(cst.FunctionDef)

    def blocks(self) -> list[Block]:
        """All functions and methods, then the top level of the file."""
        return [*self.functions(), self.module]

    def block(self, node: cst.CSTNode) -> Block:
        """The function around a node, or the file's top level."""
        return self.enclosing(node, cst.FunctionDef) or self.module

    def all_of(self, kind: type[Node], root: cst.CSTNode | None = None) -> list[Node]:
        """Every node of a kind below `root` (the whole file by default), in the order of the text."""
        return [node for node in _of_kind(root or self.module, kind) if isinstance(node, kind)]


@lru_cache(maxsize=1 << 12)
def _of_kind(root: cst.CSTNode, kind: type[cst.CSTNode]) -> tuple[cst.CSTNode, ...]:
    return tuple(node for node in _below(root) if isinstance(node, kind))


@lru_cache(maxsize=1 << 14)
def _below(root: cst.CSTNode) -> tuple[cst.CSTNode, ...]:
    return (root, *(node for child in children(root) for node in _below(child)))


@lru_cache(maxsize=1 << 17)
def children(node: cst.CSTNode) -> tuple[cst.CSTNode, ...]:
    """A node's children, cached: libcst collects them by a new visit at every access."""
    return tuple(node.children)


@lru_cache(maxsize=64)
def parse(path: str, text: str) -> RecipeFile:
    """Parse a file. Raises DoesNotFit if the text is not valid Python, or is nested too deeply."""
    told, text = (text, _program(path, text)) if path.endswith(SUFFIX) else ("", text)
    fault = syntax.parse(text)  # first: libcst ends the whole process where code is nested very deeply
    if isinstance(fault, syntax.Unparsed):
        raise DoesNotFit(f"{path}:{fault.line} is not valid Python: {fault.message}")
    try:
        wrapper = MetadataWrapper(cst.parse_module(unmarked(text)), unsafe_skip_copy=True)
        parents, positions = wrapper.resolve(ParentNodeProvider), wrapper.resolve(PositionProvider)
    except cst.ParserSyntaxError as error:
        raise DoesNotFit(f"{path}:{error.raw_line} is not valid Python") from None
    except (RecursionError, UnicodeError) as error:
        raise DoesNotFit(f"{path} cannot be rewritten: {error}") from None
    return RecipeFile(
        path=path, text=text, module=wrapper.module, parents=parents, positions=positions, notebook=told
    )


def _program(path: str, text: str) -> str:
    try:
        return as_program(text)
    except NotAProgram as fault:
        raise DoesNotFit(f"{path} is no program that can be rewritten: {fault}") from None


def parse_all(context: RecipeContext) -> list[RecipeFile]:
    """All Python files and notebooks of the context that can be parsed, by path. Raises DoesNotFit if none of them can."""
    found, faults = list[RecipeFile](), list[DoesNotFit]()
    beside = lines_beside(context.sources, context.trace.get("executed") or {})
    for path, text in sorted(context.sources.items()):
        if path.endswith((".py", SUFFIX)):
            try:
                lines = _lines_seen(context, path, beside.get(path, frozenset()))
                found.append(replace(parse(path, text), **lines))
            except DoesNotFit as fault:
                faults.append(fault)
    if faults and not found:
        raise faults[0]
    return found


def _lines_seen(
    context: RecipeContext, path: str, beside: frozenset[int]
) -> dict[str, frozenset[int] | None]:
    """The `executed` and `trained` lines of a file. beside: those that ran in processes that feed the training."""
    seen = {"executed": context.trace.get("executed"), "trained": context.trace.get("executed_training")}
    return {name: beside.union(lines.get(path, ())) if lines else None for name, lines in seen.items()}


def blocks_at(sources: Sequence[RecipeFile], sites: Sequence[Site]) -> list[tuple[RecipeFile, Block]]:
    """The innermost function around each site, or the top level of its file, best site first; then all others that ran,
    because a site may be missing or wrong; those that nobody saw run are last, for a reason to give.
    """
    by_path = {source.path: source for source in sources}
    found: list[tuple[RecipeFile, Block]] = []
    for site in sites:
        source = by_path.get(site.path)
        around = [
            function
            for function in (source.functions() if source else [])
            if source and source.line(function) <= site.start_line <= source.last_line(function)
        ]
        if source:
            found.append((source, around[-1] if around else source.module))
    rest = [(source, block) for source in sources for block in source.blocks()]
    found = [*found, *sorted(rest, key=lambda one: not one[0].ran(one[1]))]
    return list({id(block): (source, block) for source, block in found}.values())


def not_seen(what: str, source: RecipeFile, node: cst.CSTNode) -> DoesNotFit:
    """The refusal to patch code that did not run in the trial."""
    return DoesNotFit(f"{what} at {source.place(node)} did not run in this trial")


def bare(node: Node) -> Node:
    """The node without parentheses around it."""
    if getattr(node, "lpar", ()):
        return node.with_changes(lpar=[], rpar=[])
    return node


def dotted(node: cst.CSTNode) -> str:
    """`a.b.c` for names and attributes, "" for anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr.value}" if head else ""
    return ""


def last_name(node: cst.CSTNode) -> str:
    """`c` for `anything.c` and for `c`, "" for anything else."""
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else ""


def call_name(node: cst.CSTNode) -> str:
    """The last part of the called name: `linear` for `F.linear(x)`; "" if the node is no call."""
    return last_name(node.func) if isinstance(node, cst.Call) else ""


def argument(call: cst.Call, name: str, position: int | None = None) -> cst.BaseExpression | None:
    """The argument given by keyword `name`, else at `position` (from 0); None if it is not given or hidden behind
    `*args`.
    """
    for arg in call.args:
        if arg.keyword is not None and arg.keyword.value == name:
            return arg.value
    plain = [arg for arg in call.args if arg.keyword is None]
    if position is None or position >= len(plain) or any(arg.star for arg in plain[: position + 1]):
        return None
    return plain[position].value


def loaded_names(node: cst.CSTNode) -> set[str]:
    """Names that the code reads or writes, without attributes and keywords of calls."""
    found: set[str] = set()

    def walk(at: cst.CSTNode) -> None:
        if isinstance(at, cst.Name):
            found.add(at.value)
        for child in children(at):
            is_label = (isinstance(at, cst.Attribute) and child is at.attr) or (
                isinstance(at, cst.Arg) and child is at.keyword
            )
            if not is_label:
                walk(child)

    walk(node)
    return found


def substitute(node: Node, names: Mapping[str, cst.BaseExpression]) -> Node:
    """The expression with names replaced; attributes and keywords of the same spelling stay."""

    class Replace(cst.CSTTransformer):
        def on_leave(self, original_node, updated_node):  # type: ignore[override]
            updated = super().on_leave(original_node, updated_node)
            if isinstance(updated, cst.Attribute) and isinstance(original_node, cst.Attribute):
                return updated.with_changes(attr=original_node.attr)
            if isinstance(updated, cst.Arg) and isinstance(original_node, cst.Arg):
                return updated.with_changes(keyword=original_node.keyword)
            if isinstance(original_node, cst.Name) and original_node.value in names:
                return _grouped(names[original_node.value])
            return updated

    return node.visit(Replace())  # type: ignore[return-value]


def _grouped(node: cst.BaseExpression) -> cst.BaseExpression:
    simple = (cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.SimpleString, cst.Integer, cst.Float)
    if isinstance(node, simple) or node.lpar:
        return node
    return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def fresh_name(taken: set[str], *choices: str) -> str:
    """The first choice that is not taken, else the last one with underscores added. The name is added to `taken`."""
    name = next((choice for choice in choices if choice not in taken), choices[-1])
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def functional(source: RecipeFile) -> str:
    """How this file can call torch.nn.functional: "F", "nn.functional", "torch.nn.functional".

    Raises DoesNotFit where the file does not import torch.
    """
    known = imported(source)
    for name, local in known.items():
        if name == "torch.nn.functional":
            return local
    if "torch.nn" in known:
        return f"{known['torch.nn']}.functional"
    return f"{torch_name(source)}.nn.functional"


def torch_name(source: RecipeFile) -> str:
    """The name that this file has for torch. Raises DoesNotFit if the file does not import torch."""
    known = imported(source)
    if "torch" not in known:
        raise DoesNotFit(f"{source.path} does not import torch as a module")
    return known["torch"]


def imported(source: RecipeFile) -> dict[str, str]:
    """Full name -> local name of what the file imports at its top level."""
    found: dict[str, str] = {}
    for statement in source.module.body:
        for part in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if isinstance(part, cst.Import):
                for alias in part.names:
                    full = dotted(alias.name)
                    if alias.asname is None:
                        found.setdefault(full.split(".")[0], full.split(".")[0])
                    found[full] = dotted(alias.asname.name) if alias.asname else full
            elif (
                isinstance(part, cst.ImportFrom)
                and part.module
                and not isinstance(part.names, cst.ImportStar)
            ):
                for alias in part.names:
                    full = f"{dotted(part.module)}.{dotted(alias.name)}"
                    found[full] = dotted(alias.asname.name) if alias.asname else dotted(alias.name)
    return found


def statements(lines: Sequence[str]) -> list[Statement]:
    """Parse lines of code into statements, keeping comments."""
    module = cst.parse_module("\n".join(lines) + "\n")
    first, *rest = module.body
    first = first.with_changes(leading_lines=[*module.header, *first.leading_lines])  # type: ignore[union-attr]
    return [first, *rest]  # type: ignore[list-item]


def rewrite(source: RecipeFile, changes: Mapping[cst.CSTNode, Sequence[cst.CSTNode]]) -> list[Edit]:
    """Edits that replace nodes of the file by others; an empty sequence removes a statement.

    Raises DoesNotFit if the result would not be Python, as where a block would be left empty.
    """

    class Replace(cst.CSTTransformer):
        def on_leave(self, original_node, updated_node):  # type: ignore[override]
            updated = super().on_leave(original_node, updated_node)
            if original_node not in changes:
                return updated
            new = changes[original_node]
            if isinstance(original_node, (cst.SimpleStatementLine, cst.BaseCompoundStatement)):
                return cst.FlattenSentinel(new) if new else cst.RemoveFromParent()
            return new[0]

    text = source.module.visit(Replace()).code
    fault = syntax.parse(text)
    if isinstance(fault, syntax.Unparsed):
        raise DoesNotFit(f"the change would be no Python at {source.path}:{fault.line}: {fault.message}")
    if not source.notebook:
        return make_edits(source.path, source.text, text)
    try:
        return make_edits(source.path, source.notebook, with_program(source.notebook, text))
    except NotAProgram as fault:
        raise DoesNotFit(f"{source.path} cannot be rewritten: {fault}") from None
