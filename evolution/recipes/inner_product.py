"""Recognises inner products of vectors, and lookups in embedding tables, in the usual spellings and through one call."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import libcst as cst

from evolution.recipes.code import (
    RecipeFile,
    argument,
    bare,
    call_name,
    dotted,
    imported,
    last_name,
    loaded_names,
)
from evolution.recipes.flow import Scope, expand, parameters
from evolution.recipes.recipe import DoesNotFit

END = 1 << 30  # a line after the end of every file
AXES = {"unsqueeze", "squeeze", "view", "reshape", "contiguous", "expand_as"}


@dataclass(frozen=True, kw_only=True, eq=False)
class Factor:
    """One side of an inner product.

    code: the expression without calls that only add or drop axes.
    shown: the same, written for the place where the score is used.
    value: the expression after names are followed.
    """

    code: str
    shown: str
    value: cst.BaseExpression


@dataclass(frozen=True, kw_only=True, eq=False)
class InnerProduct:
    """A score that is an inner product of two vectors.

    flat: whether both sides are known to be (B, d).
    """

    factors: tuple[Factor, Factor]
    flat: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Lookup:
    """`table(ids)`.

    padded: row 0 is padding.
    padded_elsewhere: another row is.
    plain: the table is torch's own Embedding, not a class around it.
    sparse: only rows that are looked up may have gradients.
    computed: the table is a matrix that the model computes, and is indexed.
    """

    table: cst.BaseExpression
    ids: cst.BaseExpression
    padded: bool
    padded_elsewhere: bool
    plain: bool
    sparse: bool
    computed: bool = False


def as_inner_product(
    node: cst.BaseExpression, scope: Scope, sources: Sequence[RecipeFile], line: int
) -> InnerProduct | None:
    """The two factors of a score, or None if the expression is something else.

    A score that a function of the repo returns is read there and expressed in the caller's names. Raises DoesNotFit if
    that fails.
    """
    direct = _operands(node, scope)
    if direct is not None:
        left, right, flat = direct
        return InnerProduct(factors=(_factor(left, scope, line), _factor(right, scope, line)), flat=flat)
    if isinstance(node, cst.Call):
        return _returned_product(node, -1, scope, sources)
    if isinstance(node, cst.Name):
        binding = scope.before(node.value, line)
        if binding is not None and binding.index >= 0 and isinstance(binding.value, cst.Call):
            return _returned_product(binding.value, binding.index, scope, sources)
    return None


def _factor(node: cst.BaseExpression, scope: Scope, line: int) -> Factor:
    plain = _without_axes(node)
    code = scope.source.code(plain)
    return Factor(code=code, shown=code, value=bare(scope.resolve(plain, line)[0]))


def _without_axes(node: cst.BaseExpression) -> cst.BaseExpression:
    """`h` for `h.unsqueeze(1)` and for `h[:, None]`."""
    node = bare(node)
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and call_name(node) in AXES:
        return _without_axes(node.func.value)
    if isinstance(node, cst.Subscript) and any(_adds_axis(element) for element in node.slice):
        return _without_axes(node.value)
    return node


def _adds_axis(element: cst.SubscriptElement) -> bool:
    return isinstance(element.slice, cst.Index) and last_name(element.slice.value) in ("None", "newaxis")


def _operands(
    node: cst.BaseExpression, scope: Scope
) -> tuple[cst.BaseExpression, cst.BaseExpression, bool] | None:
    """The two sides of `(a * b).sum(-1)`, `torch.sum(torch.mul(a, b), dim=-1)`, whose product may have a name, or
    `torch.einsum("bd,bd->b", a, b)`, and whether both are known to be (B, d).
    """
    node = bare(node)
    if not isinstance(node, cst.Call):
        return None
    if call_name(node) == "einsum" and len(node.args) == 3:
        return _einsum_operands(node)
    if call_name(node) != "sum" or not isinstance(node.func, cst.Attribute):
        return None
    if dotted(node.func.value) == "torch":
        product, axis = argument(node, "input", 0), argument(node, "dim", 1)
    else:
        product, axis = node.func.value, argument(node, "dim", 0)
    axis = axis or argument(node, "axis")
    if product is None or axis is None:
        return None
    product, flat = bare(product), scope.source.code(axis) == "1"
    if isinstance(product, cst.Name):  # `score = torch.mul(a, b)` above `score = torch.sum(score, dim=1)`
        product = bare(scope.resolve(product, scope.source.line(node))[0])
    if isinstance(product, cst.BinaryOperation) and isinstance(product.operator, cst.Multiply):
        return product.left, product.right, flat
    if isinstance(product, cst.Call) and dotted(product.func) in ("torch.mul", "torch.multiply"):
        sides = [arg.value for arg in product.args if arg.keyword is None]
        return (sides[0], sides[1], flat) if len(sides) == len(product.args) == 2 else None
    return None


def _einsum_operands(
    node: cst.Call,
) -> tuple[cst.BaseExpression, cst.BaseExpression, bool] | None:
    spec = node.args[0].value
    if not isinstance(spec, cst.SimpleString) or "->" not in spec.value:
        return None
    left, right = str(spec.evaluated_value).replace(" ", "").split("->")[0].split(",")
    output = str(spec.evaluated_value).replace(" ", "").split("->")[1]
    if left[-1] != right[-1] or left[-1] in output or max(left, right, key=len)[:-1] != output:
        return None
    return node.args[1].value, node.args[2].value, len(left) == len(right) == 2


def _returned_product(
    call: cst.Call, index: int, scope: Scope, sources: Sequence[RecipeFile]
) -> InnerProduct | None:
    callee = _callee(call, sources)
    if callee is None:
        return None
    source, function, given = callee
    inner = Scope(source, function)
    returns = [
        part.value
        for line in inner.lines
        for part in line.body
        if isinstance(part, cst.Return) and (source.ran(line) or not source.ran(function))
    ]
    if len(returns) != 1 or returns[0] is None:
        return None
    value = bare(returns[0])
    if index >= 0:
        if not isinstance(value, cst.Tuple) or index >= len(value.elements):
            return None
        value = value.elements[index].value
    value, _ = inner.resolve(bare(value), END)
    direct = _operands(value, inner)
    if direct is None:
        return None
    left, right, flat = direct
    first, second = (_outside(side, inner, given, scope) for side in (left, right))
    return InnerProduct(factors=(first, second), flat=flat)


def _outside(
    node: cst.BaseExpression, inner: Scope, given: Mapping[str, cst.BaseExpression], scope: Scope
) -> Factor:
    """A factor found inside a function, expressed in the names of its caller."""
    value = expand(_without_axes(node), inner, given, END)
    code = scope.source.code(value)
    known = set(imported(scope.source).values()) | scope.names()
    strange = {name for name in loaded_names(value) if name in imported(inner.source).values()} - known
    if strange:
        raise DoesNotFit(f"{scope.source.path} does not import {', '.join(sorted(strange))}")
    return Factor(code=code, shown=code, value=bare(value))


def _callee(
    call: cst.Call, sources: Sequence[RecipeFile]
) -> tuple[RecipeFile, cst.FunctionDef, dict[str, cst.BaseExpression]] | None:
    """The only function of the repo that a call can mean, and the argument for each of its parameters; else None."""
    name = call_name(call)
    named = [
        (source, function)
        for source in sources
        for function in source.functions()
        if function.name.value == name
    ]
    receiver: cst.BaseExpression = call.func.value if isinstance(call.func, cst.Attribute) else call.func
    if not named:
        receiver = call.func
        named = [
            (source, function)
            for source in sources
            for function in source.functions()
            if function.name.value == "forward"
        ]
    fitting = [
        (source, function, given)
        for source, function in named
        if (given := _given(call, source, function, receiver)) is not None
    ]
    if len(fitting) > 1:
        fitting = [one for one in fitting if one[0].ran(one[1])]
    return fitting[0] if len(fitting) == 1 else None


def _given(
    call: cst.Call, source: RecipeFile, function: cst.FunctionDef, receiver: cst.BaseExpression
) -> dict[str, cst.BaseExpression] | None:
    names = parameters(function)
    given: dict[str, cst.BaseExpression] = {}
    if source.enclosing(function, cst.ClassDef) is not None and names and names[0] == "self":
        given["self"] = receiver
        names = names[1:]
    plain = [arg.value for arg in call.args if arg.keyword is None]
    if any(arg.star for arg in call.args) or len(plain) > len(names):
        return None
    given |= dict(zip(names, plain))
    given |= {arg.keyword.value: arg.value for arg in call.args if arg.keyword is not None}
    return given if all(name in given for name in names) else None


def embedding_call(node: cst.BaseExpression, sources: Sequence[RecipeFile]) -> Lookup | None:
    """The lookup `table(ids)`, if the repo creates `table` by a call of an ...Embedding class; else None."""
    node = bare(node)
    if not isinstance(node, cst.Call) or len(node.args) != 1 or node.args[0].star:
        return None
    made = table_construction(last_name(node.func), sources)
    if made is None:
        return None
    source, call = made
    padding = argument(call, "padding_idx", 2)
    plain = call_name(call) == "Embedding"
    row = "" if padding is None else constant(padding, source, sources)
    return Lookup(
        table=node.func,
        ids=node.args[0].value,
        padded=not plain or row == "0",
        padded_elsewhere=plain and row not in ("", "0", "None"),
        plain=plain,
        sparse=has_sparse_gradients(call, source),
    )


def computed_row(node: cst.BaseExpression, scope: Scope) -> Lookup | None:
    """The lookup `items[ids]` in a matrix that a call returned beside another one, as the rows that LightGCN propagates to.

    What is returned alone may hold users and items in one.
    """
    node = bare(node)
    if not isinstance(node, cst.Subscript) or not isinstance(node.value, cst.Name) or len(node.slice) != 1:
        return None
    index, binding = node.slice[0].slice, scope.before(node.value.value, scope.source.line(node))
    beside = binding is not None and binding.index >= 0 and isinstance(bare(binding.value), cst.Call)
    if not beside or not isinstance(index, cst.Index) or not dotted(index.value):
        return None
    return Lookup(
        table=node.value,
        ids=index.value,
        padded=False,
        padded_elsewhere=False,
        plain=False,
        sparse=False,
        computed=True,
    )


def returned_row(node: cst.BaseExpression, scope: Scope, sources: Sequence[RecipeFile]) -> Lookup | None:
    """The same lookup in a method that returns the row among others: of `_, pos, _ = self.rows(users, items, drawn)`, which looks
    up in what `self.propagated()` returns, the table is `self.propagated()[1]`, computed once more.
    """
    binding = scope.before(node.value, END) if isinstance(node, cst.Name) else None
    call = bare(binding.value) if binding is not None and binding.index >= 0 else None
    callee = _callee(call, sources) if isinstance(call, cst.Call) else None
    if callee is None or binding is None:
        return None
    source, function, given = callee
    inner = Scope(source, function)
    told = [part.value for line in inner.lines for part in line.body if isinstance(part, cst.Return)]
    value = bare(told[0]) if len(told) == 1 and told[0] is not None else None
    if not isinstance(value, cst.Tuple) or binding.index >= len(value.elements):
        return None
    row = computed_row(inner.resolve(bare(value.elements[binding.index].value), END)[0], inner)
    made = inner.before(dotted(row.table), END) if row is not None else None
    if (
        row is None
        or made is None
        or dotted(getattr(bare(made.value), "func", made.value)).partition(".")[0] != "self"
    ):
        return None
    table, ids = (expand(part, inner, given, END) for part in (made.value, row.ids))
    index = cst.SubscriptElement(slice=cst.Index(value=cst.Integer(str(made.index))))
    return replace(row, table=cst.Subscript(value=table, slice=[index]), ids=ids)


def encoder_call(call: cst.Call) -> Lookup:
    """A call with ids that computes their vectors, which no table holds."""
    return Lookup(
        table=call.func,
        ids=call.args[0].value,
        padded=False,
        padded_elsewhere=False,
        plain=False,
        sparse=False,
    )


def has_sparse_gradients(call: cst.Call, source: RecipeFile) -> bool:
    """Whether an Embedding is made with `sparse=True`, or with what may be it."""
    flag = argument(call, "sparse", 6)
    return flag is not None and source.code(flag) != "False"


def table_construction(attribute: str, sources: Sequence[RecipeFile]) -> tuple[RecipeFile, cst.Call] | None:
    """The call that creates the embedding table kept under a name or attribute, with its file; None if there is none.

    Where several do, the first that ran.
    """
    found = list[tuple[RecipeFile, cst.Call]]()
    for source in sources:
        for part in source.all_of(cst.Assign):
            value = bare(part.value)
            kept = any(last_name(target.target) == attribute for target in part.targets)
            if kept and isinstance(value, cst.Call) and "Embedding" in call_name(value):
                found.append((source, value))
    return next((one for one in found if one[0].ran(one[1])), found[0] if found else None)


def constant(node: cst.BaseExpression, source: RecipeFile, sources: Sequence[RecipeFile]) -> str:
    """The expression's code; for a name that the top level of a file assigns, the code of the assigned value."""
    if isinstance(node, cst.Name):
        for other in (source, *sources):
            for statement in other.module.body:
                for part in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
                    if isinstance(part, cst.Assign) and dotted(part.targets[0].target) == node.value:
                        return other.code(part.value)
    return source.code(node)
