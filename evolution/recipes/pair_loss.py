"""Losses that set a positive item's score against a sampled one's: BCE, BPR and their kin, found by what they compute.

A score counts if it is an inner product of a hidden state and a row of an embedding table. Of the two scores'
factors, the one they share is the hidden state; the others are looked up in the item table. No name matters.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import libcst as cst

from diagnosis.findings import Role
from evolution.recipes.code import (
    Source,
    argument,
    bare,
    call_name,
    dotted,
    fresh_name,
    functions_at,
    last_name,
    loaded_names,
    parse_all,
    rewrite,
    statements,
    torch_name,
)
from evolution.recipes.flow import Scope, dead_after
from evolution.recipes.inner_product import InnerProduct, as_inner_product, embedding_call
from evolution.recipes.recipe import DoesNotFit, Draft, RecipeContext

COMPARISONS = {"ne", "gt", "ge", "lt", "le", "eq", "bool", "logical_and", "logical_not"}
RESHAPES = {"view", "reshape", "flatten", "squeeze", "unsqueeze", "float", "contiguous"}


@dataclass(frozen=True, kw_only=True, eq=False)
class PairLoss:
    """All expressions are code that is valid where the loss is computed.

    hidden: (..., d). table: the embedding module, called with ids. positives: ids (...,), same leading shape as
    hidden. mask: which positions count, boolean or an index; "" where all do. flat: hidden is known to be (B, d).
    padded: the table has a padding row 0. plain_table: it is torch's own Embedding.
    """

    source: Source
    scope: Scope
    gone: tuple[cst.SimpleStatementLine, ...]  # the loss's own statements, the first is where it starts
    target: str  # "loss = " or "return "
    hidden: str
    table: str
    positives: str
    mask: str
    flat: bool
    padded: bool
    plain_table: bool
    taken: set[str]

    def name(self, *choices: str) -> str:
        return fresh_name(self.taken, *choices)


@dataclass(kw_only=True)
class _Terms:
    """What a loss expression turned out to be made of. positive, negative: the scores; reduced: it is a scalar."""

    positive: list[InnerProduct] = field(default_factory=list)
    negative: list[InnerProduct] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)
    reduced: bool = False


def find_pair_loss(context: RecipeContext) -> PairLoss:
    """The loss of the repo. Raises DoesNotFit, with the reason at the place that came nearest."""
    sources = parse_all(context)
    reason = "no loss that sets a positive score against a sampled one was found"
    for source, function in functions_at(sources, context.sites_of(Role.LOSS)):
        try:
            found = _loss_in(Scope(source, function), sources)
        except DoesNotFit as error:
            reason = str(error)
            continue
        if found is not None:
            return found
    raise DoesNotFit(reason)


def _loss_in(scope: Scope, sources: Sequence[Source]) -> PairLoss | None:
    reason = None
    for index, line in enumerate(scope.lines):
        value, target, is_start = _assigned(line)
        if value is None or not is_start:
            continue
        reader = _Reader(scope, sources, scope.source.line(line))
        gone = [line]
        try:
            reader.read(value, 1)
            for later in scope.lines[index + 1 :]:
                added, its_target, starts = _assigned(later)
                if added is None or starts or its_target != target:
                    continue
                reader.line = scope.source.line(later)
                if reader.leads_to_score(added):  # anything else, such as a regulariser, stays
                    reader.read(added, 1)
                    gone.append(later)
        except _Unknown as error:
            if reader.terms.positive or reader.terms.negative:
                reason = str(error)
            continue
        if reader.terms.reduced and reader.terms.positive and reader.terms.negative:
            return _joined(scope, sources, gone, target, reader.terms)
    if reason:
        raise DoesNotFit(reason)
    return None


def _assigned(line: cst.SimpleStatementLine) -> tuple[cst.BaseExpression | None, str, bool]:
    """Value, target and whether the value starts there (rather than being added): of `x = v`, `x += v`, `return v`."""
    if len(line.body) != 1:
        return None, "", False
    part = line.body[0]
    if isinstance(part, cst.Return):
        return part.value, "return ", True
    if (
        isinstance(part, cst.Assign)
        and len(part.targets) == 1
        and isinstance(part.targets[0].target, cst.Name)
    ):
        return part.value, f"{part.targets[0].target.value} = ", True
    if isinstance(part, cst.AugAssign) and isinstance(part.operator, cst.AddAssign):
        return part.value, f"{dotted(part.target)} = ", False
    return None, "", False


class _Unknown(Exception):
    """A part of the expression that no pairwise loss has."""


class _Reader:
    """Reads a loss expression. sign: +1 where the value is minimised, -1 where it is maximised."""

    def __init__(self, scope: Scope, sources: Sequence[Source], line: int) -> None:
        self.scope, self.sources, self.line = scope, sources, line
        self.terms = _Terms()

    def read(self, node: cst.BaseExpression, sign: int) -> None:
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
                raise _Unknown(self._says(node))

    def _follow(self, node: cst.Name, read: Callable[[cst.BaseExpression], None]) -> None:
        binding = self.scope.before(node.value, self.line)
        if binding is None or binding.index >= 0 or binding.added:
            raise _Unknown(self._says(node))
        at, self.line = self.line, binding.line
        read(binding.value)
        self.line = at

    def _read_scaled(self, node: cst.BinaryOperation, sign: int) -> None:
        sides = [node.left, node.right]
        scores = [side for side in sides if self.leads_to_score(side)]
        if len(scores) != 1:
            raise _Unknown(self._says(node))
        other = sides[1 - sides.index(scores[0])]
        is_number = isinstance(bare(other), (cst.Integer, cst.Float))
        if isinstance(node.operator, cst.Multiply) and not is_number:
            self.terms.masks.append(self._as_boolean(other))
        self.read(scores[0], sign)

    def _as_boolean(self, weight: cst.BaseExpression) -> str:
        """A factor of zeros and ones as an index."""
        weight = bare(weight)
        value = bare(self.scope.resolve(weight, self.line)[0])
        if isinstance(value, cst.Comparison) or call_name(value) in COMPARISONS:
            return self.scope.source.code(weight)
        receiver = _receiver(weight) if isinstance(weight, cst.Call) else None
        if receiver is not None and call_name(weight) in ("float", "to", "type_as", "type"):
            return self._as_boolean(receiver)
        return f"{_indexable(self.scope.source.code(weight))}.bool()"

    def leads_to_score(self, node: cst.BaseExpression) -> bool:
        trial = _Reader(self.scope, self.sources, self.line)
        try:
            trial.read(node, 1)
        except _Unknown:
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
            raise _Unknown(self._says(node))

    def _read_log(self, node: cst.BaseExpression, sign: int) -> None:
        """log(sigmoid(x) + eps) and log(1 - sigmoid(x) + eps)."""
        code = self.scope.source.code(node)
        sigmoids = [call for call in self.scope.source.all_of(cst.Call, node) if call_name(call) == "sigmoid"]
        if len(sigmoids) != 1:
            raise _Unknown(self._says(node))
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
        raise _Unknown(f"the labels `{self.scope.source.code(node)}` are neither all ones nor all zeros")

    def _score(self, node: cst.BaseExpression, kind: int) -> None:
        """kind +1: the loss wants the score high; -1: low."""
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
                raise _Unknown(
                    f"the score `{self.scope.source.code(node)}` is no inner product of a hidden state and an item's embedding"
                )

    def _index(self, node: cst.Subscript) -> str:
        code = self.scope.source.code
        if len(node.slice) != 1 or not isinstance(node.slice[0].slice, cst.Index):
            raise _Unknown(self._says(node))
        return code(node.slice[0].slice.value)

    def _says(self, node: cst.BaseExpression) -> str:
        return (
            f"the loss contains `{self.scope.source.code(node)}`, which is no part of a loss on score pairs"
        )


def _receiver(call: cst.Call) -> cst.BaseExpression | None:
    """`x` of `x.method(...)`; None for functions, and for functions of modules such as torch.sum."""
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


def _joined(
    scope: Scope,
    sources: Sequence[Source],
    gone: Sequence[cst.SimpleStatementLine],
    target: str,
    terms: _Terms,
) -> PairLoss:
    positive, negative = terms.positive[0], terms.negative[0]
    shared = [
        factor for factor in positive.factors if factor.code in {other.code for other in negative.factors}
    ]
    apart = [factor for factor in positive.factors if factor not in shared]
    if len(shared) != 1 or len(apart) != 1:
        raise DoesNotFit("positive and negative scores do not share one hidden state")
    lookup = embedding_call(apart[0].value, sources)
    if lookup is None:
        raise DoesNotFit(f"`{apart[0].code}` is no lookup in an embedding table")
    masks = list(dict.fromkeys(terms.masks))
    if len(masks) > 1:
        raise DoesNotFit(f"the loss is masked in several ways: {', '.join(f'`{mask}`' for mask in masks)}")
    table, ids = scope.source.code(lookup.table), scope.source.code(lookup.ids)
    mask = masks[0] if masks else (f"{ids} != 0" if lookup.padded and not positive.flat else "")
    return PairLoss(
        source=scope.source,
        scope=scope,
        gone=tuple(gone),
        target=target,
        hidden=shared[0].shown,
        table=table,
        positives=ids,
        mask=mask,
        flat=positive.flat,
        padded=lookup.padded,
        plain_table=lookup.plain,
        taken=scope.names() | {name for source in sources for name in _module_names(source)},
    )


def _module_names(source: Source) -> set[str]:
    return {
        node.name.value for node in source.module.body if isinstance(node, (cst.FunctionDef, cst.ClassDef))
    }


@dataclass(frozen=True, kw_only=True)
class Positions:
    """Names of the states and ids where the loss counts, and the lines that make them.

    states: (P, d). wanted: (P,) ids of the positives.
    """

    lines: tuple[str, ...]
    states: str
    wanted: str


def counted_positions(loss: PairLoss) -> Positions:
    """Gather the positions that count first: logits of padding would cost most of the time and memory."""
    lines: list[str] = []
    hidden, positives, mask = loss.hidden, loss.positives, loss.mask
    if not mask and loss.flat:
        states, wanted = hidden, positives
        if not hidden.isidentifier():
            states = loss.name("states", "user_states")
            lines.append(f"{states} = {hidden}")
        return Positions(lines=tuple(lines), states=states, wanted=wanted)
    if not mask:
        dense = _named(loss, hidden, lines, "hidden", "dense_states")
        states, wanted = loss.name("states", "flat_states"), loss.name("wanted", "next_items")
        lines += [f"{states} = {dense}.flatten(0, -2)  # (positions, d)", f"{wanted} = {positives}.flatten()"]
        return Positions(lines=tuple(lines), states=states, wanted=wanted)
    is_short = mask.isidentifier() or mask.endswith(".bool()")
    valid = mask if is_short else _named(loss, mask, lines, "valid", "counted")
    dense = _named(loss, hidden, lines, "hidden", "dense_states") if len(hidden) > 40 else hidden
    states, wanted = loss.name("states", "valid_states"), loss.name("wanted", "next_items")
    lines += [
        f"{states} = {_indexable(dense)}[{valid}]  # (positions, d)",
        f"{wanted} = {_indexable(positives)}[{valid}]",
    ]
    return Positions(lines=tuple(lines), states=states, wanted=wanted)


def _named(loss: PairLoss, code: str, lines: list[str], *choices: str) -> str:
    if code.isidentifier():
        return code
    name = loss.name(*choices)
    lines.append(f"{name} = {code}")
    return name


def _indexable(code: str) -> str:
    try:
        node = cst.parse_expression(code)
    except cst.ParserSyntaxError:
        return f"({code})"
    simple = (cst.Name, cst.Attribute, cst.Call, cst.Subscript)
    return code if isinstance(node, simple) else f"({code})"


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Code for the item table under a short name, and the line that gives it one; rows: how many it has."""

    lines: tuple[str, ...]
    table: str
    rows: str


def candidates(loss: PairLoss) -> Candidates:
    table = loss.table if len(loss.table) < 24 else loss.name("items", "item_table")
    lines = () if table == loss.table else (f"{table} = {loss.table}",)
    rows = f"{table}.num_embeddings" if loss.plain_table else f"len({table}.weight)"
    return Candidates(lines=lines, table=table, rows=rows)


def random_items(loss: PairLoss, rows: str, shape: str, device_of: str) -> str:
    """Code that draws item ids uniformly; padding is never drawn."""
    first = "1" if loss.padded else "0"
    return f"{torch_name(loss.source)}.randint({first}, {rows}, {shape}, device={device_of}.device)"


def replace_loss(loss: PairLoss, lines: Sequence[str], value: str, *, summary: str, note: str) -> Draft:
    """A draft in which the loss is computed by `lines` and is `value`; what only fed the old one goes.

    lines come with their comments; one of them says why. summary takes the place of a one-line docstring that
    tells of the old loss.
    """
    new = statements([*lines, f"{loss.target}{value}"])
    first = loss.gone[0]
    blank = [line for line in first.leading_lines if line.comment is None]
    new[0] = new[0].with_changes(leading_lines=[*blank[:1], *new[0].leading_lines])
    read = {name for statement in new for name in loaded_names(statement)}
    dead = dead_after(loss.scope, loss.gone, read)
    changes: dict[cst.CSTNode, Sequence[cst.CSTNode]] = {statement: [] for statement in (*loss.gone, *dead)}
    changes[first] = new
    docstring = _outdated_docstring(loss)
    if docstring is not None:
        changes[docstring] = statements([f'"""{summary}"""'])
    return Draft(edits=tuple(rewrite(loss.source, changes)), note=note)


def _outdated_docstring(loss: PairLoss) -> cst.SimpleStatementLine | None:
    lines = loss.scope.lines
    text = loss.source.code(lines[0].body[0]) if lines else ""
    is_one_line = text.startswith('"""') and "\n" not in text
    tells = re.search(r"binary|\bbce\b|\bbpr\b|pairwise|negative|did not|cross.entropy", text, re.IGNORECASE)
    return lines[0] if is_one_line and tells else None
