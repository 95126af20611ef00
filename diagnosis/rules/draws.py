"""Random draws: which calls draw numbers or elements, from which generator, and whether one at a time."""

import ast

from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.values import origins
from diagnosis.syntax import called_name, dotted

DRAWS = {
    "randint",
    "randrange",
    "choice",
    "choices",
    "integers",
    "random_integers",
    "sample",
    "multinomial",
    "randint_like",
}
RANDOM = DRAWS | {
    "permutation",
    "randperm",
    "shuffle",
    "permuted",
    "random",
    "rand",
    "randn",
    "normal",
    "uniform",
    "bernoulli",
}
SEEDS = {
    "seed",
    "manual_seed",
    "manual_seed_all",
    "seed_everything",
    "set_seed",
    "fork_rng",
    "set_state",
    "setstate",
}
GENERATORS = {"default_rng", "RandomState", "Random", "Generator"}
SIZES = ("size", "shape", "k")
# Generators that every module of the process shares.
SHARED = ("random.", "numpy.random.", "torch.")


def is_draw(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the call draws elements or whole numbers: `np.random.choice(x)`, `rng.integers(n)`, `random.sample(x, 9)`."""
    name = called_name(call)
    if name not in DRAWS:
        return False
    if name in ("sample", "choice", "choices"):  # models and data frames sample too
        return is_shared(source, call) or made_by_generator(source, call)
    return True


def is_shared(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the call draws from a generator of the whole process, and is given no other."""
    full = source.full_name(call)
    return full.startswith(SHARED) and keyword(call, "generator") is None


def made_by_generator(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the call is a method of a random generator: by where it was made, or as people name them."""
    owner = call.func.value if isinstance(call.func, ast.Attribute) else None
    if owner is None:
        return False
    if any(word in dotted(owner).lower().rpartition(".")[2] for word in ("rng", "rand", "generator")):
        return True
    return generator_made(source, owner) is not None


def generator_made(source: ParsedFile, node: ast.expr) -> ast.Call | None:
    """The call that made a generator; None where it is not seen."""
    for step in origins(source, node):
        for call in source.within(step, ast.Call):
            if called_name(call) in GENERATORS:
                return call
    return None


def draws_one(call: ast.Call) -> bool:
    """Whether a draw gives a single number: it has no size, or the size 1."""
    name = called_name(call)
    size = next((value for word in SIZES if (value := keyword(call, word)) is not None), None)
    if size is None and name in ("randint", "integers") and len(call.args) > 2:
        size = call.args[2]
    if size is None and name in ("choices", "sample", "multinomial"):
        size = call.args[1] if len(call.args) > 1 else ast.Constant(value=0)
    if size is None and name == "choice" and len(call.args) > 1:
        size = call.args[1]
    return size is None or _is_one(size)


def _is_one(size: ast.expr) -> bool:
    if isinstance(size, ast.Tuple | ast.List):
        return all(_is_one(part) for part in size.elts)
    return isinstance(size, ast.Constant) and size.value in (1, None)
