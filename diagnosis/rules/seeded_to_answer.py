"""Part of the static rule on generators that start anew: the global one is seeded by who evaluates, between two epochs."""

import ast
from collections.abc import Iterator

from diagnosis.rules.draws import DRAWS
from diagnosis.rules.evaluating import evaluators
from diagnosis.rules.repeated import repeated, repo_of
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.syntax import called_name

# What seeds a global generator -> how the calls that draw from it begin.
GLOBAL = {
    "torch.manual_seed": "torch.",
    "torch.random.manual_seed": "torch.",
    "numpy.random.seed": "numpy.random.",
    "random.seed": "random.",
}
RESTORES = {"get_rng_state", "set_rng_state", "fork_rng", "getstate", "setstate", "get_state", "set_state"}
DRAW = DRAWS | {"permutation", "randperm", "shuffle", "random", "rand", "randn", "normal", "uniform", "bernoulli", "sample", "choice"}  # fmt: skip
OF_TORCH = {"DataLoader", "RandomSampler", "Dropout", "dropout"}  # they draw from its global generator
ANSWERS = {"score", "predict", "recommend"}


def seeded_to_answer(source: ParsedFile) -> Iterator[ast.Call]:
    """`torch.manual_seed(seed)` in a function that evaluates after each epoch, in a repo that trains with the same generator."""
    for call in source.calls:
        library = GLOBAL.get(source.full_name(call))
        function = source.function_of(call) if library is not None else None
        if library is None or function is None or not _evaluates(source, function):
            continue
        restored = any(called_name(c) in RESTORES for c in source.calls_in(function))
        if not restored and _comes_again(source, function) and _trains_with(source, library):
            yield call


def _evaluates(source: ParsedFile, function: Function) -> bool:
    """Whether a function switches a model to evaluation, and trains nothing."""
    called = {called_name(c) for c in source.calls_in(function) if c.args or called_name(c) != "train"}
    return "eval" in called and "backward" not in called


def _comes_again(source: ParsedFile, function: Function) -> bool:
    """Whether training goes on after it: it runs at each epoch, or answers for a class whose `fit` stops after each."""
    again = repeated(repo_of(source)).values()
    if any(defined.node is function for defined in again):
        return True
    owner = source.parents.get(function)
    methods = [
        part
        for part in (owner.body if isinstance(owner, ast.ClassDef) else [])
        if isinstance(part, ast.FunctionDef)
    ]
    if not any(part.name == "fit" and source.within(part, ast.Yield) for part in methods):
        return False
    asked = {called_name(c) for part in methods if part.name in ANSWERS for c in source.calls_in(part)}
    return function.name in ANSWERS | asked


def _trains_with(source: ParsedFile, library: str) -> bool:
    """Whether code that does not evaluate draws from the same global generator."""
    for file in repo_of(source).files:
        judging = evaluators(file)
        for call in file.calls:
            of_torch = library == "torch." and called_name(call) in OF_TORCH
            drawn = called_name(call) in DRAW and file.full_name(call).startswith(library)
            given = any(k.arg == "generator" for k in call.keywords)
            if (of_torch or drawn) and not given and file.function_of(call) not in judging:
                return True
    return False
