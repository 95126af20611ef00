"""Which code runs while the product trains: what `build` and `fit` reach, and not a repo's own `main`, nor `score`."""

import ast
from collections.abc import Iterator
from functools import lru_cache

from diagnosis.deciding.program import Function, Program

# Methods that libraries call.
BY_THEMSELVES = {
    "forward",
    "training_step",
    "train_dataloader",
    "configure_optimizers",
    "setup",
    "prepare_data",
    "run",
}


@lru_cache(maxsize=8)
def at_rest(program: Program) -> frozenset[ast.AST]:
    """Functions that training does not reach by any name; none of them where the repo has no entry `build`.

    Names decide, whatever they are called on, so that what is left out surely does not run.
    """
    functions = [one for more in program.functions.values() for one in more]
    builds = [
        one for one in program.functions.get("build", []) if isinstance(program.parents.get(one), ast.Module)
    ]
    if not builds:
        return frozenset()
    fits = [one for one in program.functions.get("fit", []) if _of_entry(program, one)]
    reached = _reached(program, [*builds, *fits, *_loaded(program)])
    return frozenset(one for one in functions if one not in reached)


def is_idle(program: Program, node: ast.AST) -> bool:
    """Whether a node lies in code that training does not reach, a module's part for `python file.py` included."""
    idle = at_rest(program)
    return bool(idle) and any(one in idle or _is_main_part(one) for one in program.around(node))


def _of_entry(program: Program, function: Function) -> bool:
    owner = program.class_of(function)
    return owner is not None and bool(program.methods(owner, "score"))


def _loaded(program: Program) -> Iterator[ast.AST]:
    """What runs when a file is imported."""
    for tree in program.trees.values():
        for statement in tree.body:
            if not isinstance(statement, (Function, ast.ClassDef)) and not _is_main_part(statement):
                yield statement


def _is_main_part(node: ast.AST) -> bool:
    """Whether it is `if __name__ == "__main__":`."""
    return isinstance(node, ast.If) and any(
        isinstance(one, ast.Name) and one.id == "__name__" for one in ast.walk(node.test)
    )


def _reached(program: Program, starts: list[ast.AST]) -> set[ast.AST]:
    reached, waiting, known = set(starts), list(starts), {"score"}
    while waiting:
        for name in _names(waiting.pop()):
            if name not in known:
                known.add(name)
                more = [one for one in _meant(program, name) if one not in reached]
                reached.update(more)
                waiting += more
    return reached


def _names(node: ast.AST) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            yield one.id
        elif isinstance(one, ast.Attribute):
            yield one.attr
        elif isinstance(one, ast.Constant) and isinstance(one.value, str) and one.value.isidentifier():
            yield one.value  # getattr(self, "step"), tables of names


def _meant(program: Program, name: str) -> Iterator[ast.AST]:
    """Functions of a name, and what runs by itself of a class: its body, its bases, `__init__`, `__iter__`, `forward`."""
    yield from program.functions.get(name, [])
    for owner in program.classes.get(name, []):
        yield from owner.bases
        yield from owner.decorator_list
        for one in owner.body:
            runs = not isinstance(one, (Function, ast.ClassDef))
            if runs or one.name.startswith("__") or one.name in BY_THEMSELVES:  # pyright: ignore[reportAttributeAccessIssue]
                yield one
