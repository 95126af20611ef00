"""Part of the static rule on generators that start anew: the global one is seeded by who evaluates, between two epochs."""

import ast
from collections.abc import Iterator

from diagnosis.rules.definitions import Defined
from diagnosis.rules.draws import RANDOM
from diagnosis.rules.repeated import below, in_training_loop, repeated, repo_of
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.syntax import called_name

# What seeds a global generator -> how the calls that draw from it begin.
GLOBAL = {
    "torch.manual_seed": "torch.",
    "torch.random.manual_seed": "torch.",
    "numpy.random.seed": "numpy.random.",
    "random.seed": "random.",
}
RESTORES = {"get_rng_state", "set_rng_state", "fork_rng", "getstate", "setstate", "get_state", "set_state"}
OF_TORCH = {"RandomSampler", "Dropout", "dropout"}  # they draw from its global generator
ANSWERS = {"score", "predict", "recommend"}


def seeded_to_answer(source: ParsedFile) -> Iterator[ast.Call]:
    """`torch.manual_seed(seed)` in a function that evaluates after each epoch, in a repo that trains with the same generator."""
    for call in source.calls:
        library = GLOBAL.get(source.full_name(call))
        function = source.function_of(call) if library is not None else None
        if library is None or function is None or not _evaluates(source, function):
            continue
        restored = any(called_name(c) in RESTORES for c in source.calls_in(function))
        if not restored and _comes_again(source, function) and _trains_with(source, library, function):
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


def _trains_with(source: ParsedFile, library: str, evaluates: Function) -> bool:
    """Whether training draws from the same global generator; what the evaluation draws itself, or the preparation, is none."""
    repo = repo_of(source)
    asked = below(repo, [Defined(file=source, node=evaluates)])
    again = repeated(repo)
    for file in repo.files:
        for call in file.calls:
            owner = file.function_of(call)
            if keyword(call, "generator") is not None or owner is evaluates or owner in asked:
                continue
            if library == "torch." and _is_of_torch(call):
                return True
            drawn = called_name(call) in RANDOM and file.full_name(call).startswith(library)
            if drawn and (owner in again or in_training_loop(file, call, repo)):
                return True
    return False


def _is_of_torch(call: ast.Call) -> bool:
    """Whether a layer or loader draws from torch's global generator, in an order that is shuffled or in units that are dropped."""
    if called_name(call) != "DataLoader":
        return called_name(call) in OF_TORCH
    shuffled = keyword(call, "shuffle")
    return shuffled is not None and not (isinstance(shuffled, ast.Constant) and not shuffled.value)
