"""What a removed loss leaves behind: names that nobody reads any more, such as the sampled negatives.

A name that is unpacked beside others becomes `_`; where a tuple of values is assigned, the pair of name and value goes,
if making the value does nothing else.
"""

from collections.abc import Iterable, Mapping, Sequence

import libcst as cst

from evolution.recipes.code import bare, call_name, children, loaded_names
from evolution.recipes.flow import Scope

PURE = {"array", "asarray", "LongTensor", "tensor", "as_tensor", "from_numpy", "to", "long", "float", "int"}
UNREAD = "_"

Changes = Mapping[cst.CSTNode, Sequence[cst.CSTNode]]


def without_unread(
    scope: Scope, changes: Changes, served: Iterable[str]
) -> dict[cst.CSTNode, list[cst.CSTNode]]:
    """Further changes of the function, so that it binds none of the names `served` that its new text does not read.

    changes: statements that are replaced or removed already. Names that the function was given stay.
    """
    found: dict[cst.CSTNode, list[cst.CSTNode]] = {}
    wanted = set(served) - set(scope.parameters) - {UNREAD}
    for line in reversed(scope.lines):  # from below: what is gone there is not read above
        elsewhere = _read(scope.body, {**changes, **found, line: []})
        if line not in changes and (new := _without(line, wanted - elsewhere)) is not None:
            found[line] = [new]
    own = [loop for loop in scope.source.all_of(cst.For) if scope.source.block(loop) is scope.function]
    for loop in own:
        unread = wanted - _read(scope.body, {**changes, **found})
        if isinstance(loop.target, cst.Tuple) and (kept := _renamed(loop.target, unread)) is not None:
            found[loop.target] = [kept]
    return found


def _without(line: cst.SimpleStatementLine, unread: set[str]) -> cst.SimpleStatementLine | None:
    """The statement without the unread names that it unpacks; None where it has none."""
    part = line.body[0]
    if len(line.body) != 1 or not isinstance(part, cst.Assign) or len(part.targets) != 1:
        return None
    target, value = part.targets[0].target, bare(part.value)
    if not isinstance(target, cst.Tuple):
        return None
    if isinstance(value, cst.Tuple) and len(value.elements) == len(target.elements):
        changed = _unpaired(part, target, value, unread)
    else:
        renamed = _renamed(target, unread)
        changed = renamed and part.with_changes(targets=[part.targets[0].with_changes(target=renamed)])
    return line.with_changes(body=[changed]) if changed else None


def _unpaired(part: cst.Assign, target: cst.Tuple, value: cst.Tuple, unread: set[str]) -> cst.Assign | None:
    pairs = list(zip(target.elements, value.elements))
    gone = [to for to, given in pairs if _is_one_of(to.value, unread) and _is_pure(given.value)]
    kept = [(to, given) for to, given in pairs if to not in gone]
    if any(_is_one_of(to.value, loaded_names(given)) for to in gone for _, given in kept):
        return None
    if len(kept) == len(pairs) or not kept:
        return None
    names, values = ([element.with_changes(comma=_COMMA) for element in side] for side in zip(*kept))
    names[-1], values[-1] = (
        side[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT) for side in (names, values)
    )
    if len(kept) == 1:
        names, values = [names[0].value], [values[0].value]
    else:
        names, values = [target.with_changes(elements=names)], [value.with_changes(elements=values)]
    return part.with_changes(targets=[part.targets[0].with_changes(target=names[0])], value=values[0])


_COMMA = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


def _renamed(target: cst.Tuple, unread: set[str]) -> cst.Tuple | None:
    """The names with `_` for those that nobody reads; None where all are read."""
    if not any(_is_one_of(element.value, unread) for element in target.elements):
        return None
    new = [
        element.with_changes(value=cst.Name(UNREAD)) if _is_one_of(element.value, unread) else element
        for element in target.elements
    ]
    return target.with_changes(elements=new)


def _is_one_of(node: cst.BaseExpression, names: set[str]) -> bool:
    return isinstance(node, cst.Name) and node.value in names


def _is_pure(node: cst.BaseExpression) -> bool:
    """Whether making a value does nothing else, as far as its calls' names tell."""
    if isinstance(node, cst.Call):
        return call_name(node) in PURE and all(_is_pure(arg.value) for arg in node.args)
    return isinstance(node, (cst.Name, cst.Attribute, cst.Subscript, cst.Integer, cst.Float))


def _read(body: cst.CSTNode, changes: Changes) -> set[str]:
    """Names that a block reads, once the changes are made. A name that is only assigned is not read."""
    found = set[str]()

    def walk(node: cst.CSTNode) -> None:
        if node in changes:
            for new in changes[node]:
                enter(new)
        else:
            enter(node)

    def enter(node: cst.CSTNode) -> None:
        if isinstance(node, cst.Assign):
            for target in node.targets:
                bound(target.target)
            walk(node.value)
        elif isinstance(node, cst.For):
            bound(node.target)
            for child in children(node):
                if child is not node.target:
                    walk(child)
        elif isinstance(node, cst.BaseExpression):
            found.update(loaded_names(node))
        else:
            for child in children(node):
                walk(child)

    def bound(target: cst.CSTNode) -> None:
        if isinstance(target, (cst.Tuple, cst.List)):
            for element in target.elements:
                bound(element.value)
        elif not isinstance(target, cst.Name):
            found.update(loaded_names(target))

    walk(body)
    return found
