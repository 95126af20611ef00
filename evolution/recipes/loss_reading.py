"""Reads a loss expression: which scores it raises, which ones it lowers, and which positions it counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import libcst as cst

from evolution.recipes.code import RecipeFile, argument, bare, call_name, dotted, last_name
from evolution.recipes.flow import Scope
from evolution.recipes.inner_product import InnerProduct, as_inner_product

COMPARISONS = {"ne", "gt", "ge", "lt", "le", "eq", "bool", "logical_and", "logical_not"}
RESHAPES = {"view", "reshape", "flatten", "squeeze", "unsqueeze", "float", "contiguous"}


@dataclass(kw_only=True)
class LossTerms:
    """The parts of a loss expression.

    positive, negative: scores that the loss raises and lowers.
    masks: code of the masks and indices that choose positions.
    reduced: whether the loss is reduced to a scalar.
    """

    positive: list[InnerProduct] = field(default_factory=list)
    negative: list[InnerProduct] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    reduced: bool = False


class UnknownTerm(Exception):
    """A part of the expression that no pairwise loss has.

    is_near: whether the expression is a pairwise loss but for this part, so that the user should be told.
    """

    def __init__(self, message: str, *, is_near: bool = False) -> None:
        super().__init__(message)
        self.is_near = is_near


class LossReader:
    """Reads a loss expression of a scope, as it stands at a line, into `terms`."""

    def __init__(self, scope: Scope, sources: Sequence[RecipeFile], line: int) -> None:
        self.scope, self.sources, self.line = scope, sources, line
        self.terms = LossTerms()

    def read(self, node: cst.BaseExpression, sign: int) -> None:
        """Add an expression to `terms`. Raises UnknownTerm.

        sign: +1 if its value is minimised, -1 if it is maximised.
        """
        node = bare(node)
        match node:
            case cst.UnaryOperation(operator=cst.Minus()):
                self.read(node.expression, -sign)
            case cst.BinaryOperation(operator=cst.Add()):
                self.read(node.left, sign)
                self.read(node.right, sign)
            case cst.BinaryOperation(operator=cst.Subtract()):
                self.read(node.left, sign)
                self.read(node.right, -sign)
            case cst.BinaryOperation(operator=cst.Multiply() | cst.Divide()):
                self._read_scaled(node, sign)
            case cst.Subscript():
                self.terms.masks.append(self._index(node))
                self.read(node.value, sign)
            case cst.Call():
                self._read_call(node, sign)
            case cst.Name():
                self._follow(node, lambda value: self.read(value, sign))
            case _:
                raise UnknownTerm(self._says(node))

    def _follow(self, node: cst.Name, read: Callable[[cst.BaseExpression], None]) -> None:
        binding = self.scope.before(node.value, self.line)
        if binding is None or binding.index >= 0 or binding.added:
            raise UnknownTerm(self._says(node))
        at, self.line = self.line, binding.line
        read(binding.value)
        self.line = at

    def _read_scaled(self, node: cst.BinaryOperation, sign: int) -> None:
        sides = [node.left, node.right]
        scores = [side for side in sides if self.leads_to_score(side)]
        if len(scores) != 1:
            raise UnknownTerm(self._says(node))
        other = sides[1 - sides.index(scores[0])]
        is_number = isinstance(bare(other), (cst.Integer, cst.Float))
        if isinstance(node.operator, cst.Multiply) and not is_number:
            self.terms.masks.append(self._as_boolean(other))
        self.read(scores[0], sign)

    def _as_boolean(self, weight: cst.BaseExpression) -> str:
        """Code of the boolean index that chooses the same positions as a factor of zeros and ones."""
        weight = bare(weight)
        value = bare(self.scope.resolve(weight, self.line)[0])
        if isinstance(value, cst.Comparison) or call_name(value) in COMPARISONS:
            return self.scope.source.code(weight)
        receiver = _receiver(weight) if isinstance(weight, cst.Call) else None
        if receiver is not None and call_name(weight) in ("float", "to", "type_as", "type"):
            return self._as_boolean(receiver)
        return f"{indexable(self.scope.source.code(weight))}.bool()"

    def leads_to_score(self, node: cst.BaseExpression) -> bool:
        """Whether the expression is a loss on scores, rather than, for example, a regulariser."""
        trial = LossReader(self.scope, self.sources, self.line)
        try:
            trial.read(node, 1)
        except UnknownTerm:
            return False
        return bool(trial.terms.positive or trial.terms.negative)

    def _read_call(self, node: cst.Call, sign: int) -> None:
        name, receiver = call_name(node), _receiver(node)
        first = node.args[0].value if node.args else None
        if name in ("mean", "sum", "nanmean"):
            self.terms.reduced = True
            self.read(first if receiver is None and first else receiver or node.func, sign)
        elif name in ("logsigmoid", "LogSigmoid") and first is not None:
            self._score(first, -sign)
        elif name == "softplus" and first is not None:
            self._score(first, sign * -1)
        elif name == "log" and (argument_ := receiver or first) is not None:
            self._read_log(bare(argument_), sign)
        elif name in ("masked_select",) and first is not None and receiver is not None:
            self.terms.masks.append(self.scope.source.code(first))
            self.read(receiver, sign)
        elif self._is_bce(node) and len(node.args) >= 2:
            self._read_bce(node)
        else:
            raise UnknownTerm(self._says(node))

    def _read_log(self, node: cst.BaseExpression, sign: int) -> None:
        """Reads log(sigmoid(x) + eps) and log(1 - sigmoid(x) + eps)."""
        code = self.scope.source.code(node)
        sigmoids = [call for call in self.scope.source.all_of(cst.Call, node) if call_name(call) == "sigmoid"]
        if len(sigmoids) != 1:
            raise UnknownTerm(self._says(node))
        inner = _receiver(sigmoids[0]) or sigmoids[0].args[0].value
        flipped = code.replace(" ", "").lstrip("(").startswith("1")
        self._score(inner, sign if flipped else -sign)

    def _is_bce(self, node: cst.Call) -> bool:
        name = call_name(node)
        if name.startswith("binary_cross_entropy"):
            return True
        makers = ("BCEWithLogitsLoss", "BCELoss")
        return any(
            last_name(target.target) == name and call_name(part.value) in makers
            for source in self.sources
            for part in source.all_of(cst.Assign)
            for target in part.targets
        )

    def _read_bce(self, node: cst.Call) -> None:
        reduction = argument(node, "reduction")
        if reduction is None or "none" not in self.scope.source.code(reduction):
            self.terms.reduced = True
        weight = argument(node, "weight")
        if weight is not None:
            self.terms.masks.append(self._as_boolean(weight))
        scores, labels = node.args[0].value, node.args[1].value
        self._labelled(scores, labels)

    def _labelled(self, scores: cst.BaseExpression, labels: cst.BaseExpression) -> None:
        """Add the scores of a BCE by their labels; concatenated scores and labels are paired part by part."""
        scores_at, labels_at = (self.scope.resolve(node, self.line)[0] for node in (scores, labels))
        parts, kinds = _concatenated(scores_at), _concatenated(labels_at)
        if parts and len(parts) == len(kinds):
            for part, kind in zip(parts, kinds):
                self._labelled(part, kind)
            return
        kind = self._label_kind(labels)
        if call_name(bare(scores_at)) == "sigmoid" and isinstance(bare(scores_at), cst.Call):
            inside = bare(scores_at)
            assert isinstance(inside, cst.Call)
            scores = _receiver(inside) or inside.args[0].value
        self._score(scores, kind)

    def _label_kind(self, node: cst.BaseExpression) -> int:
        """+1 for labels that are all ones, -1 for zeros. Raises UnknownTerm for others."""
        value = bare(self.scope.resolve(bare(node), self.line)[0])
        while isinstance(value, cst.Subscript):
            value = bare(self.scope.resolve(value.value, self.line)[0])
        while isinstance(value, cst.Call) and call_name(value) in ("to", "float", "type_as"):
            value = bare(_receiver(value) or value.func)
        name = call_name(value)
        if name in ("ones_like", "ones", "new_ones"):
            return 1
        if name in ("zeros_like", "zeros", "new_zeros"):
            return -1
        raise UnknownTerm(
            f"the labels `{self.scope.source.code(node)}` are neither all ones nor all zeros", is_near=True
        )

    def _score(self, node: cst.BaseExpression, kind: int) -> None:
        """Add one score to the terms. kind: +1 if the loss raises it, -1 if the loss lowers it."""
        node = bare(node)
        found = as_inner_product(node, self.scope, self.sources, self.line)
        if found is not None:
            (self.terms.positive if kind > 0 else self.terms.negative).append(found)
            return
        match node:
            case cst.UnaryOperation(operator=cst.Minus()):
                self._score(node.expression, -kind)
            case cst.BinaryOperation(operator=cst.Subtract()):
                self._score(node.left, kind)
                self._score(node.right, -kind)
            case cst.Subscript():
                self.terms.masks.append(self._index(node))
                self._score(node.value, kind)
            case cst.Call() if call_name(node) in RESHAPES and _receiver(node) is not None:
                self._score(_receiver(node) or node.func, kind)
            case cst.Call() if call_name(node) == "masked_select" and node.args:
                self.terms.masks.append(self.scope.source.code(node.args[-1].value))
                self._score(_receiver(node) if len(node.args) == 1 else node.args[0].value, kind)  # type: ignore[arg-type]
            case cst.Name():
                self._follow(node, lambda value: self._score(value, kind))
            case _:
                raise UnknownTerm(
                    f"the score `{self.scope.source.code(node)}` is no inner product of a hidden state and an item's embedding",
                    is_near=True,
                )

    def _index(self, node: cst.Subscript) -> str:
        code = self.scope.source.code
        if len(node.slice) != 1 or not isinstance(node.slice[0].slice, cst.Index):
            raise UnknownTerm(self._says(node))
        return code(node.slice[0].slice.value)

    def _says(self, node: cst.BaseExpression) -> str:
        return (
            f"the loss contains `{self.scope.source.code(node)}`, which is no part of a loss on score pairs"
        )


def _receiver(call: cst.Call) -> cst.BaseExpression | None:
    """`x` for `x.method(...)`; None for functions, those of modules such as torch.sum included."""
    if not isinstance(call.func, cst.Attribute):
        return None
    is_module = dotted(call.func.value) in ("torch", "F", "np", "nn.functional", "torch.nn.functional")
    return None if is_module else call.func.value


def _concatenated(node: cst.BaseExpression) -> list[cst.BaseExpression]:
    node = bare(node)
    if (
        isinstance(node, cst.Call)
        and call_name(node) in ("cat", "concat", "stack", "concatenate")
        and node.args
    ):
        parts = bare(node.args[0].value)
        if isinstance(parts, (cst.Tuple, cst.List)):
            return [element.value for element in parts.elements]
    return []


def indexable(code: str) -> str:
    """The code, in parentheses if it needs them before an index or a method."""
    try:
        node = cst.parse_expression(code)
    except cst.ParserSyntaxError:
        return f"({code})"
    simple = (cst.Name, cst.Attribute, cst.Call, cst.Subscript)
    return code if isinstance(node, simple) else f"({code})"
