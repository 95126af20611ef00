"""Repairs of what the loss is made of: its sign, its scale, its arguments, and terms that no gradient passes."""

import libcst as cst

from evolution.recipes.code import call_name, dotted, last_name, loaded_names, statements
from evolution.recipes.flow import Scope
from evolution.recipes.repairs.logits import made_loss
from evolution.recipes.repairs.repair import Changes, Place, Repair, receiver

TEMPERATURES = ("temperature", "temp", "tau")
LIKELIHOODS = {"logsigmoid": "LogSigmoid", "log_softmax": "LogSoftmax", "log": "Log"}
NUMBERS = ("item", "detach")
OTHER_WAY_ROUND = ("binary_cross_entropy", "cross_entropy", "mse_loss", "_score", "log_loss")
# Of tensors that autograd needs no more once they are scaled or multiplied, so that a diagonal may be filled in place.
PRODUCTS = (cst.BinaryOperation, cst.Call)


def _divided(place: Place) -> Changes:
    """`scores / tau` for `scores * tau` and for `tau * scores`."""
    node = place.only(cst.BinaryOperation, lambda one: _temperature_side(one) is not None)
    side = _temperature_side(node) if node is not None else None
    if node is None or side is None:
        return {}
    other = node.left if side is node.right else _grouped(node.right)
    operator = cst.Divide(
        whitespace_before=cst.SimpleWhitespace(" "), whitespace_after=cst.SimpleWhitespace(" ")
    )
    return {node: [node.with_changes(left=other, operator=operator, right=side)]}


def _temperature_side(node: cst.BinaryOperation) -> cst.BaseExpression | None:
    if not isinstance(node.operator, cst.Multiply):
        return None
    for side in (node.right, node.left):
        name = last_name(side).lower().strip("_")
        if name in TEMPERATURES or name.endswith(tuple(f"_{word}" for word in TEMPERATURES)):
            return side
    return None


def _grouped(node: cst.BaseExpression) -> cst.BaseExpression:
    """An expression that may stand before a division."""
    if isinstance(node, cst.BinaryOperation) and not node.lpar:
        return node.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return node


def _with_gradient(place: Place) -> Changes:
    """The tensor itself for `.item()`, `.detach()` and `float()` of it."""
    call = place.only(cst.Call, lambda node: _number_of(node) is not None)
    kept = _number_of(call) if call is not None else None
    return {call: [kept]} if call is not None and kept is not None else {}


def _number_of(call: cst.Call) -> cst.BaseExpression | None:
    """What the call takes a plain number, or a tensor without its graph, out of."""
    if call_name(call) in NUMBERS:
        return receiver(call)
    is_float = isinstance(call.func, cst.Name) and call.func.value == "float" and len(call.args) == 1
    return call.args[0].value if is_float and isinstance(call.args[0].value, cst.Call) else None


def _negated(place: Place) -> Changes:
    """The sign that makes a loss of a likelihood, before the outermost expression that the accused line makes of it."""
    call = place.only(cst.Call, lambda node: call_name(node) in LIKELIHOODS)
    if call is None:
        return {}
    whole: cst.BaseExpression = call
    for above in place.source.ancestors(call):
        is_method = isinstance(above, cst.Attribute) or (
            isinstance(above, cst.Call)
            and isinstance(above.func, cst.Attribute)
            and above.func.value is whole
        )
        if (isinstance(above, cst.Attribute) and above.value is whole) or (
            isinstance(above, cst.Call) and above.func is whole
        ):
            whole = above
        elif not is_method:
            break
    if isinstance(whole, cst.Attribute):
        return {}
    return {whole: [cst.UnaryOperation(operator=cst.Minus(), expression=whole)]}


def _undivided(place: Place) -> Changes:
    """The mean itself for a mean that is divided once more."""
    node = place.only(cst.BinaryOperation, lambda one: isinstance(one.operator, cst.Divide))
    if node is not None:
        above = place.source.parents.get(node)
        alone = isinstance(above, cst.Assign) and dotted(node.left) == dotted(above.targets[0].target)
        line = place.source.statement(node)
        if alone and line is not None and len(line.body) == 1:
            return {line: []}
        return {node: [node.left]}
    added = place.only(cst.AugAssign, lambda one: isinstance(one.operator, cst.DivideAssign))
    line = place.source.statement(added) if added is not None else None
    return {line: []} if line is not None and len(line.body) == 1 else {}


def _turned(place: Place) -> Changes:
    """The first two arguments in the other order."""
    call = place.only(cst.Call, lambda node: any(word in call_name(node) for word in OTHER_WAY_ROUND))
    if call is None or len(call.args) < 2 or any(arg.keyword or arg.star for arg in call.args[:2]):
        return {}
    first, second, *rest = call.args
    args = [first.with_changes(value=second.value), second.with_changes(value=first.value), *rest]
    return {call: [call.with_changes(args=args)]}


def _without_itself(place: Place) -> Changes:
    """A line that takes the diagonal out of the scores which the accused line computes."""
    lines = place.nodes(cst.SimpleStatementLine)
    part = lines[0].body[0] if len(lines) == 1 and len(lines[0].body) == 1 else None
    if not isinstance(part, cst.Assign) or len(part.targets) != 1 or not isinstance(part.value, PRODUCTS):
        return {}
    name = part.targets[0].target
    if not isinstance(name, cst.Name) or name.value in loaded_names(part.value):
        return {}
    new = statements([f'{name.value}.fill_diagonal_(float("-inf"))  # no row is a negative of itself'])
    return {lines[0]: [lines[0], *new]}


def _of_scores(place: Place) -> Changes:
    """`cross_entropy` for `nll_loss`, whose input is no log-likelihood; of a softmax its logarithm."""
    call = place.only(cst.Call, lambda node: call_name(node) == "nll_loss")
    if call is None:
        made = made_loss(place, ("NLLLoss",))
        func = made.func if made is not None else None
        return _renamed(func, "CrossEntropyLoss")
    squashed = _softmax_of(place, call)
    if squashed is not None:
        return _renamed(squashed.func, "log_softmax")
    return _renamed(call.func, "cross_entropy")


def _softmax_of(place: Place, call: cst.Call) -> cst.Call | None:
    """The softmax that the first argument is, or is the name of."""
    value = Scope(place.source, place.block()).resolve(call.args[0].value, place.source.line(call))[0]
    return value if isinstance(value, cst.Call) and call_name(value) == "softmax" else None


def _renamed(func: cst.BaseExpression | None, name: str) -> Changes:
    return {func: [func.with_changes(attr=cst.Name(name))]} if isinstance(func, cst.Attribute) else {}


DIVIDED = Repair(
    code="divide-by-temperature",
    title="Divide by the temperature",
    rationale="A softmax with a temperature divides by it; multiplied by a number below 1, all scores come to nearly the same.",
    triggers=frozenset({"temperature-multiplied"}),
    needs="a product with one factor that is called a temperature",
    note="The temperature itself stays as it was.",
    mend=_divided,
)
WITH_GRADIENT = Repair(
    code="term-as-tensor",
    title="Add the term itself, and not its number",
    rationale="No gradient passes a number: the term moves the loss that is printed, and no weight.",
    triggers=frozenset({"term-as-number"}),
    needs="one `.item()`, `.detach()` or `float()` in the term",
    note="The loss has the same value; the term teaches now.",
    mend=_with_gradient,
)
NEGATED = Repair(
    code="negate-the-likelihood",
    title="Minimise the negative likelihood",
    rationale="A likelihood that is minimised makes what users took less likely with every step.",
    triggers=frozenset({"likelihood-minimised"}),
    needs="one logarithm of a likelihood in the line",
    note="Only the sign is another.",
    mend=_negated,
)
UNDIVIDED = Repair(
    code="mean-once",
    title="Leave the mean as it is",
    rationale="A mean that is divided by the batch's size again shrinks every gradient, and the more so in large batches.",
    triggers=frozenset({"mean-divided-again"}),
    needs="one division of the loss",
    note="Gradients grow by the size of a batch.",
    mend=_undivided,
)
TURNED = Repair(
    code="arguments-in-order",
    title="Give predictions and labels in their order",
    rationale="Predictions for labels and labels for predictions are another loss, and another figure.",
    triggers=frozenset({"arguments-swapped"}),
    needs="one call with both by position",
    note="The call is the same otherwise.",
    mend=_turned,
)
WITHOUT_ITSELF = Repair(
    code="not-its-own-negative",
    title="Leave a row out of its own negatives",
    rationale="A row is most like itself: among its negatives it is pushed away from itself, and its partner cannot win.",
    triggers=frozenset({"self-among-negatives"}),
    needs="a product of the rows with themselves that has a name",
    note="The other rows of the batch are negatives as before.",
    mend=_without_itself,
)
OF_SCORES = Repair(
    code="likelihood-of-logits",
    title="Take the cross-entropy of plain scores",
    rationale="`nll_loss` expects logarithms of probabilities; of plain scores it has no lower bound, and they only grow.",
    triggers=frozenset({"likelihood-of-scores"}),
    needs="a call of `nll_loss` on scores",
    note="`cross_entropy` takes the softmax itself.",
    mend=_of_scores,
)
