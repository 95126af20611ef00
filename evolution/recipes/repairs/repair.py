"""What all repairs share: they edit the lines that findings of their codes accuse, as far as those ran in the trial.

A repair is verified by its cause: it must be gone from the retrained trial, at no loss of the objective. So a repair
never guesses: where the accused lines have no shape that it knows, it makes no patch.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from diagnosis.findings import Finding, Nature
from evolution.recipes.code import Block, Node, RecipeFile, parse_all, rewrite
from evolution.recipes.recipe import DoesNotFit, RecipeContext, RecipePatch

Changes = Mapping[cst.CSTNode, list[cst.CSTNode]]


@dataclass(frozen=True, kw_only=True, eq=False)
class Place:
    """Accused lines of a file, from 1 and inclusive. sources: all files of the program."""

    context: RecipeContext
    sources: tuple[RecipeFile, ...]
    source: RecipeFile
    finding: Finding
    start: int
    end: int

    def nodes(self, kind: type[Node]) -> list[Node]:
        """The nodes of a kind that begin in these lines and ran in the trial, in the order of the text."""
        return [
            node
            for node in self.source.all_of(kind)
            if self.start <= self.source.line(node) <= self.end and self.source.ran(node)
        ]

    def only(self, kind: type[Node], fits: Callable[[Node], bool]) -> Node | None:
        """The node of a kind that fits, if exactly one does; of nodes within each other the outermost."""
        found = [node for node in self.nodes(kind) if fits(node)]
        outer = [node for node in found if not any(above in found for above in self.source.ancestors(node))]
        return outer[0] if len(outer) == 1 else None

    def file_of(self, node: cst.CSTNode) -> RecipeFile:
        """The file of the program that a node is in."""
        return next(source for source in self.sources if node in source.positions)

    def block(self) -> Block:
        """The innermost function around the lines, or the top level of the file."""
        return self.function() or self.source.module

    def function(self) -> cst.FunctionDef | None:
        """The innermost function around the lines."""
        around = [
            function
            for function in self.source.functions()
            if self.source.line(function) <= self.start <= self.source.last_line(function)
        ]
        return around[-1] if around else None


@dataclass(frozen=True, kw_only=True)
class Repair:
    """A recipe that mends each accused place by `mend`, which returns {} for a place that it does not understand.

    needs: what `mend` looks for, for the reason why it made no patch. leaves_figures: neither training nor scores change by it, to the
    bit, and its causes are found in the code alone.
    """

    code: str
    title: str
    rationale: str
    triggers: frozenset[str]
    needs: str
    note: str
    mend: Callable[[Place], Changes]
    techniques: tuple[str, ...] = ()
    leaves_figures: bool = False
    promise: float = 1.0  # with the catalogue's order before all improvements: what is broken comes first

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if no accused place that ran has a shape that the repair knows."""
        changes: dict[str, dict[cst.CSTNode, list[cst.CSTNode]]] = {}
        places = list(_accused(context, self.triggers))
        mended = set[str]()
        for place in places:
            if place.finding.id not in mended and (mends := self.mend(place)):
                mended.add(
                    place.finding.id
                )  # its first anchor that can be mended; the others say where it shows
                for node, new in mends.items():
                    changes.setdefault(place.file_of(node).path, {})[node] = new
        if not changes:
            where = f" at {places[0].source.path}:{places[0].start}" if places else ""
            raise DoesNotFit(f"{self.needs} was not found{where}")
        by_path = {source.path: source for source in places[0].sources}
        edits = [edit for path, mends in changes.items() for edit in rewrite(by_path[path], mends)]
        return RecipePatch(edits=tuple(edits), note=self.note)


def _accused(context: RecipeContext, codes: frozenset[str]) -> Iterator[Place]:
    sources = tuple(parse_all(context))
    by_path = {source.path: source for source in sources}
    for finding in context.findings:
        if finding.code not in codes or finding.kind.nature is Nature.SYMPTOM:
            continue
        for anchor in finding.anchors:
            if anchor.path in by_path:
                yield Place(
                    context=context,
                    sources=sources,
                    source=by_path[anchor.path],
                    finding=finding,
                    start=anchor.start_line,
                    end=anchor.end_line,
                )


def receiver(call: cst.Call) -> cst.BaseExpression | None:
    """`x` for the method call `x.name()`; None where something is called that has arguments, or no attribute."""
    return call.func.value if isinstance(call.func, cst.Attribute) and not call.args else None


def with_argument(call: cst.Call, name: str, value: str, given: cst.BaseExpression | None = None) -> cst.Call:
    """The call with one more keyword argument, or with another value for the argument that has the value `given`."""
    new = cst.parse_expression(value)
    if given is not None:
        return call.with_changes(
            args=[arg.with_changes(value=new) if arg.value is given else arg for arg in call.args]
        )
    tight = cst.SimpleWhitespace("")
    equal = cst.AssignEqual(whitespace_before=tight, whitespace_after=tight)
    return call.with_changes(args=[*call.args, cst.Arg(keyword=cst.Name(name), value=new, equal=equal)])
