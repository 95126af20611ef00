"""How seldom a repo's own loop evaluates, which says how often it is worth ranking its model.

Where an epoch is a handful of steps, ranking every user after each of them costs as much as the training.
"""

import ast
from dataclasses import dataclass

from evolution.adopting.constants import Constants
from evolution.adopting.evaluations import names_evaluation
from evolution.adopting.training import TrainingProgram

MOST = 5  # epochs between rankings: a curve of fewer points says too little of when to stop, and of what falls behind


@dataclass(frozen=True, kw_only=True)
class RareEvaluation:
    """epochs: from one evaluation to the next, 1 where each is evaluated or nothing is known. place: "file.py:line"."""

    epochs: int = 1
    place: str = ""

    @property
    def eval_every(self) -> int:
        """The setting that follows."""
        return min(self.epochs, MOST)


def evaluation_of(program: TrainingProgram, constants: Constants) -> RareEvaluation:
    """What `if epoch % 20 == 0: evaluate()` in the loop over epochs says, the most frequent one where there are several."""
    end = program.end
    if end.unit is None or end.loop is None:
        return RareEvaluation()
    loop = next(
        (n for n in end.unit.nodes if isinstance(n, (ast.For, ast.While)) and n.lineno == end.line), None
    )
    counters = (
        {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
        if isinstance(loop, ast.For)
        else set()
    )
    asked = [node for node in ast.walk(loop) if isinstance(node, ast.If)] if loop is not None else []
    found: list[RareEvaluation] = []
    for branch in asked:
        evaluates = any(
            isinstance(call, ast.Call) and names_evaluation(call)
            for part in branch.body
            for call in ast.walk(part)
        )
        for period in _periods(branch.test, counters) if evaluates else ():
            told = [n for n in constants.values(end.unit, period) if isinstance(n, int) and n > 0]
            if told:
                found.append(RareEvaluation(epochs=min(told), place=f"{end.unit.file.path}:{branch.lineno}"))
    return min(found, key=lambda one: one.epochs, default=RareEvaluation())


def _periods(test: ast.expr, counters: set[str]) -> list[ast.expr]:
    """What the count of epochs is divided by in a condition that holds each time nothing, or one number, is left over."""
    rests = [
        node.left
        for node in ast.walk(test)
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq)
    ]
    rests += [
        node.operand
        for node in ast.walk(test)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)
    ]
    return [
        rest.right
        for rest in rests
        if isinstance(rest, ast.BinOp)
        and isinstance(rest.op, ast.Mod)
        and counters & {n.id for n in ast.walk(rest.left) if isinstance(n, ast.Name)}
    ]
