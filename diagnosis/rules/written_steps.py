"""Steps of gradient descent that are written out, as programs without torch train: rows of a table moved by a rate."""

import ast

from diagnosis.rules.source import ParsedFile
from diagnosis.syntax import called_name, dotted

# What a step of gradient descent that is written out multiplies a gradient with.
RATES = {"lr", "eta", "alpha", "rate", "learning_rate", "learningrate", "step_size", "lrate", "learn_rate"}


def moves_rows(file: ParsedFile, node: ast.AST) -> bool:
    """Whether rows of a table are moved by a rate: `self.P[u] += lr * g`, `np.add.at(P, u, lr * g)`. Numpy trains so."""
    if ast.AugAssign not in file.by_type and "at" not in file.called_names:
        return False
    # With torch at hand, `scores[:, items] += alpha * bonus` is a ranking's, and no step.
    if any(module.partition(".")[0] == "torch" for module in file.imports.values()):
        return False
    for part in file.within(node, ast.AugAssign):
        moved = isinstance(part.target, ast.Subscript) and isinstance(part.op, ast.Add | ast.Sub)
        if moved and has_rate(part.value):
            return True
    return any(
        called_name(call) == "at" and len(call.args) == 3 and has_rate(call.args[2])
        for call in file.calls_in(node)
    )


def has_rate(value: ast.expr) -> bool:
    """Whether something is multiplied with a learning rate, by its name."""
    return any(
        dotted(side).rpartition(".")[2].lower() in RATES
        for part in ast.walk(value)
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult)
        for side in (part.left, part.right)
    )
