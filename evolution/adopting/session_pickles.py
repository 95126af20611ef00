"""Pickles of session recommenders: two lists side by side, beginnings of sessions, and the item that follows each."""

import ast

from diagnosis.syntax import dotted
from evolution.adopting.constants import argument, parameters_of
from evolution.adopting.foreign_code import CodeUnit, ForeignRepo
from evolution.adopting.naming import words_of

FOLLOWING = {"target", "targets", "label", "labels", "y", "ys", "tar", "tars", "next", "answer", "answers"}
DEEPEST = 4


def is_pair_of_sessions(repo: ForeignRepo, unit: CodeUnit, load: ast.expr) -> bool:
    """Whether what is unpickled is taken apart into two parts, of which the second is called a target or a label."""
    parent = unit.file.parents.get(load)
    if not isinstance(parent, ast.Assign) or len(parent.targets) != 1:
        return False
    target = parent.targets[0]
    if isinstance(target, ast.Tuple):
        return _is_second(target)
    name = dotted(target)
    return bool(name) and _parts(repo, unit, name, 0) == {0, 1}


def _parts(repo: ForeignRepo, unit: CodeUnit, name: str, depth: int) -> set[int]:
    """Which parts of a named pair are told apart: 0 is any first part, 1 a second one that is a target by its name."""
    if depth > DEEPEST:
        return set()
    found: set[int] = set()
    for node in unit.nodes:
        if isinstance(node, ast.Assign) and dotted(node.value) == name:
            if isinstance(node.targets[0], ast.Tuple):
                found |= {0, 1} if _is_second(node.targets[0]) else set()
            elif dotted(node.targets[0]).startswith("self.") and unit.owner is not None:
                for other in unit.file.units:
                    if other.owner is unit.owner:
                        found |= _parts(repo, other, dotted(node.targets[0]), depth + 1)
        elif isinstance(node, ast.Subscript) and dotted(node.value) == name:
            found |= _told(unit, node)
        elif isinstance(node, ast.Call) and any(dotted(arg) == name for arg in node.args):
            for entered in repo.reached(unit, node)[:3]:
                for one in parameters_of(entered):
                    given = argument(node, entered, one)
                    if given is not None and dotted(given) == name:
                        found |= _parts(repo, entered, one, depth + 1)
    return found


def _told(unit: CodeUnit, part: ast.Subscript) -> set[int]:
    """What `pair[0]` or `pair[1]` tells."""
    match part.slice:
        case ast.Constant(value=0):
            return {0}
        case ast.Constant(value=1):
            return {1} if _words_around(unit, part) & FOLLOWING else set()
        case _:
            return set()


def _words_around(unit: CodeUnit, part: ast.Subscript) -> set[str]:
    """The words of the name that takes a part: of an assignment, or of a loop over several parts at once."""
    below: ast.AST = part
    for node in unit.around(part):
        if isinstance(node, ast.Assign):
            return set(words_of(dotted(node.targets[0]).rpartition(".")[2]))
        if isinstance(node, (ast.For, ast.comprehension)) and isinstance(below, ast.Call):
            place = below.args.index(part) if part in below.args else -1
            target = node.target
            if isinstance(target, ast.Tuple) and 0 <= place < len(target.elts):
                return set(words_of(dotted(target.elts[place])))
            return set()
        below = node
    return set()


def _is_second(target: ast.Tuple) -> bool:
    """Whether `inputs, targets = pair` names its second part so."""
    names = [dotted(one).rpartition(".")[2] for one in target.elts]
    return len(names) == 2 and bool(set(words_of(names[1])) & FOLLOWING)
