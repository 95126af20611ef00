"""Repairs of scoring: the oldest events for the newest, dropout and gradients that stay on."""

import libcst as cst

from evolution.recipes.code import RecipeFile, call_name, dotted, statements, torch_name
from evolution.recipes.flow import parameters
from evolution.recipes.repairs.repair import Changes, Place, Repair, with_argument


def _newest(place: Place) -> Changes:
    """`x[:, -n:]` for `x[:, :n]`, and `x[:, -1]` for `x[:, 0]`."""
    at = place.only(cst.Subscript, lambda node: _from_the_left(node) is not None)
    if at is None:
        return {}
    new = _from_the_left(at)
    return {at.slice[-1]: [at.slice[-1].with_changes(slice=new)]} if new is not None else {}


def _from_the_left(node: cst.Subscript) -> cst.BaseSlice | None:
    """The last index of a subscript, counted from the right; None where it does not count from the left."""
    last = node.slice[-1].slice
    if isinstance(last, cst.Index):
        is_first = isinstance(last.value, cst.Integer) and last.value.value == "0" and len(node.slice) > 1
        return last.with_changes(value=cst.parse_expression("-1")) if is_first else None
    if (
        not isinstance(last, cst.Slice)
        or last.lower is not None
        or last.step is not None
        or last.upper is None
    ):
        return None
    if isinstance(last.upper, cst.UnaryOperation):
        return None
    simple = isinstance(last.upper, (cst.Name, cst.Attribute, cst.Integer, cst.Call, cst.Subscript))
    width = last.upper if simple else last.upper.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    lower = cst.UnaryOperation(operator=cst.Minus(), expression=width)
    spaced = cst.SimpleWhitespace("" if isinstance(last.upper, (cst.Name, cst.Integer)) else " ")
    colon = cst.Colon(whitespace_before=spaced, whitespace_after=cst.SimpleWhitespace(""))
    return cst.Slice(lower=lower, upper=None, first_colon=colon)


def _without_gradients(place: Place) -> Changes:
    """`@torch.no_grad()` on the function, if nothing trains in it."""
    function = place.function()
    if function is None or place.source.trained is None or place.source.trains(function):
        return {}
    decorator = cst.Decorator(decorator=cst.parse_expression(f"{torch_name(place.source)}.no_grad()"))
    lead = function.leading_lines if not function.decorators else []
    new = function.with_changes(
        decorators=[*function.decorators, decorator], leading_lines=lead or function.leading_lines
    )
    return {function: [new]}


def _evaluating(place: Place) -> Changes:
    """`model.eval()` first in the function that scores, where training switches back with `model.train()`."""
    for source in place.sources:
        for function in source.functions():
            model = _model_called(source, function) if _scores_only(source, function) else ""
            if not model or not _is_switched_back(place.sources, model):
                continue
            first = function.body.body[0]
            if not _switches(source, function, f"{model}.eval"):
                return {first: [*statements([f"{model}.eval()"]), first]}
    return {}


def _scores_only(source: RecipeFile, function: cst.FunctionDef) -> bool:
    """Whether a function answers questions and takes no part in training."""
    if source.trained is None:
        return function.name.value == "score"
    return source.ran(function) and not source.trains(function)


def _switches(source: RecipeFile, function: cst.FunctionDef, name: str) -> bool:
    return any(dotted(call.func) == name for call in source.all_of(cst.Call, function))


def _model_called(source: RecipeFile, function: cst.FunctionDef) -> str:
    """The attribute of self that the function calls, or a method of it, if there is one alone."""
    called = set[str]()
    for call in source.all_of(cst.Call, function):
        parts = dotted(call.func).split(".")
        if len(parts) in (2, 3) and parts[0] == "self":
            called.add(".".join(parts[:2]))
    kept = {name for name in called if _is_kept(source, function, name)}
    return kept.pop() if len(kept) == 1 else ""


def _is_kept(source: RecipeFile, function: cst.FunctionDef, name: str) -> bool:
    """Whether the function's class assigns the attribute, so that it is no method."""
    owner = source.enclosing(function, cst.ClassDef)
    return owner is not None and any(
        dotted(target.target) == name for node in source.all_of(cst.Assign, owner) for target in node.targets
    )


def _is_switched_back(sources: tuple[RecipeFile, ...], model: str) -> bool:
    """Whether training calls `train()` on what is kept under the same attribute."""
    name = model.rpartition(".")[2]
    return any(
        not call.args and dotted(call.func).endswith(f"{name}.train") and source.trains(call)
        for source in sources
        for call in source.all_of(cst.Call)
    )


def _told_when(place: Place) -> Changes:
    """`training=training` for functional dropout in a function that has such a parameter."""
    call = place.only(cst.Call, lambda node: call_name(node) == "dropout")
    function = place.function()
    if (
        call is None
        or function is None
        or any(arg.keyword and arg.keyword.value == "training" for arg in call.args)
    ):
        return {}
    names = parameters(function)
    if "training" in names and len(call.args) <= 2:
        return {call: [with_argument(call, "training", "training")]}
    return {}


NEWEST = Repair(
    code="newest-events",
    title="Score by the newest events of a history",
    rationale="Histories end with the newest event; what is cut from the left shows the model the oldest ones.",
    triggers=frozenset({"newest-kept", "window-of-the-oldest"}),
    needs="a slice or index that counts from the left",
    note="The window ends where the history ends.",
    mend=_newest,
)
WITHOUT_GRADIENTS = Repair(
    code="score-without-gradients",
    title="Score without gradients",
    rationale="Scoring with gradients on builds a graph that nobody uses: more memory, and slower.",
    triggers=frozenset({"grad-at-evaluation"}),
    needs="a function that scores and does not train",
    note="The scores are the same, to the bit.",
    mend=_without_gradients,
    leaves_figures=True,
)
EVALUATING = Repair(
    code="score-in-evaluation-mode",
    title="Score in evaluation mode",
    rationale="In training mode dropout stays on, so the same question gets another answer each time.",
    triggers=frozenset({"eval-forgotten", "same-answer-twice", "scores-in-training-mode"}),
    needs="one model that scoring calls and that training switches back with train()",
    note="Training switches back by itself.",
    mend=_evaluating,
)
TOLD_WHEN = Repair(
    code="dropout-in-training-only",
    title="Drop only while training",
    rationale="F.dropout drops unless it is told not to, so the same question gets another answer each time.",
    triggers=frozenset({"functional-dropout", "same-answer-twice"}),
    needs="functional dropout where it is known whether the model trains",
    note="Training is as it was; scoring is the same each time.",
    mend=_told_when,
)
