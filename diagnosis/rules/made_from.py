"""What made a value: followed backwards through names, tuples, functions and modules of the repo, to the operations.

At a name, the binding that is nearest above counts; where a condition may have skipped it, the one before as well.
"""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from diagnosis.rules.codebase import Codebase, Defined, returns
from diagnosis.rules.constants import default_of
from diagnosis.rules.source import Function, Loop, ParsedFile
from diagnosis.rules.tensor_calls import operation
from diagnosis.rules.values import Binding, How, bindings, parameters
from diagnosis.syntax import dotted

MOST = 40  # expressions that one question passes
# Operations that choose or rearrange values and change none.
REARRANGES = frozenset(
    [
        "squeeze",
        "unsqueeze",
        "view",
        "reshape",
        "flatten",
        "contiguous",
        "clone",
        "expand",
        "expand_as",
        "transpose",
        "permute",
        "t",
        "swapaxes",
        "movedim",
        "narrow",
        "select",
        "index_select",
        "gather",
        "masked_select",
        "take",
        "cpu",
        "cuda",
        "to",
        "float",
        "double",
        "type_as",
        "type",
        "identity",
        "repeat_interleave",
        "repeat",
        "unbind",
        "ravel",
    ]
)
# Operations whose results are parts of their input.
APART = {"split", "chunk", "unbind", "tensor_split", "split_with_sizes"}


Calls = tuple[
    tuple[ParsedFile, ast.Call, ast.AST], ...
]  # the file of a call, the call, the function that it runs


@dataclass(frozen=True, kw_only=True, eq=False)
class Value:
    """An expression in its file. calls: the calls through which it was reached, innermost last."""

    file: ParsedFile
    node: ast.expr
    calls: Calls = ()


def endings(
    repo: Codebase,
    file: ParsedFile,
    node: ast.expr,
    through: frozenset[str] = REARRANGES,
    calls: Calls = (),
) -> list[Value]:
    """The expressions that made a value, one for each way it may have come: operations other than `through`,
    parameters that nothing gives, constants. calls: through which the node was reached, as in `Value`.
    """
    found: list[Value] = []
    waiting = [Value(file=file, node=node, calls=calls)]
    seen: set[tuple[ast.AST, int]] = set()
    while waiting:
        value = waiting.pop()
        key = (value.node, len(value.calls))
        if key in seen or len(seen) > MOST:
            continue
        seen.add(key)
        before = step_back(repo, value, through)
        if before:
            waiting += before
        else:
            found.append(value)
    return found


def step_back(repo: Codebase, value: Value, through: frozenset[str]) -> list[Value]:
    """What a value is handed on from, one step back; [] where it is made."""
    node = value.node
    if isinstance(node, ast.Name | ast.Attribute):
        return _bound(repo, value)
    if isinstance(node, ast.Subscript):
        return [_at(value, node.value)] if not _is_key(node.slice) else []
    if isinstance(node, ast.IfExp):
        return [_at(value, node.body), _at(value, node.orelse)]
    if isinstance(node, ast.NamedExpr):
        return [_at(value, node.value)]
    if isinstance(node, ast.Call):
        return _called(repo, value, node, through)
    return []


def _at(value: Value, node: ast.expr) -> Value:
    return Value(file=value.file, node=node, calls=value.calls)


def _is_key(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _called(repo: Codebase, value: Value, call: ast.Call, through: frozenset[str]) -> list[Value]:
    done = operation(repo, value.file, call)
    if done is not None and done.name in through and done.values:
        return [_at(value, done.values[0])]
    reached = repo.callee(value.file, call)
    if reached is None or len(value.calls) > 4 or any(call is c for _, c, _ in value.calls):
        return []
    return _inside(value, call, reached, None)


def _inside(value: Value, call: ast.Call, reached: Defined, position: int | None) -> list[Value]:
    """What the function that a call runs returns; of a tuple, the part at `position`."""
    found = []
    for given in returns(reached):
        if is_dead(reached, call, given):
            continue
        if position is not None:
            if not isinstance(given, ast.Tuple) or position >= len(given.elts):
                return []
            given = given.elts[position]
        calls = (*value.calls, (value.file, call, reached.node))
        found.append(Value(file=reached.file, node=given, calls=calls))
    return found


def _bound(repo: Codebase, value: Value) -> list[Value]:
    node = value.node
    name = dotted(node)
    if isinstance(node, ast.Attribute):
        return []
    found: list[Value] = []
    within = value.calls[-1] if value.calls else None
    for binding in reaching(value.file, name, node):
        if within is not None and is_dead(Defined(file=value.file, node=within[2]), within[1], binding.node):
            continue
        if binding.how is How.ASSIGNED and binding.position is None:
            found.append(_at(value, binding.value))
        elif binding.how is How.ASSIGNED and isinstance(binding.value, ast.ListComp):
            found.append(_at(value, binding.value.elt))
        elif binding.how is How.ASSIGNED and isinstance(binding.value, ast.Call):
            done = operation(repo, value.file, binding.value)
            if done is not None and done.name in APART and done.values:
                found.append(_at(value, done.values[0]))
                continue
            reached = repo.callee(value.file, binding.value)
            inside = _inside(value, binding.value, reached, binding.position) if reached else []
            if not inside:
                return []
            found += inside
        else:
            return []
    return found or _argument(value, name)


def is_dead(function: Defined, call: ast.Call, node: ast.AST) -> bool:
    """Whether a call skips a part of a function: a branch on a flag that the call sets otherwise or leaves out."""
    file = function.file
    if node not in file.places:
        return False
    for outer in file.around(node):
        if outer is function.node:
            return False
        if isinstance(outer, ast.If) and not _holds(file, [outer.test], node):
            flag = _flag(function, call, outer.test)
            if flag is not None and _holds(file, outer.orelse if flag else outer.body, node):
                return True
    return False


def _flag(function: Defined, call: ast.Call, test: ast.expr) -> bool | None:
    """The truth of a parameter that is tested, as the call gives it; None where that is not a constant."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        inner = _flag(function, call, test.operand)
        return None if inner is None else not inner
    node = function.node
    if (
        not isinstance(test, ast.Name)
        or not isinstance(node, Function)
        or any(k.arg is None for k in call.keywords)
    ):
        return None
    names = [n for n in parameters(node) if n not in ("self", "cls")]
    if test.id not in names or any(isinstance(a, ast.Starred) for a in call.args):
        return None
    given = next((k.value for k in call.keywords if k.arg == test.id), None)
    place = names.index(test.id)
    if given is None:
        given = call.args[place] if place < len(call.args) else default_of(node, test.id)
    return bool(given.value) if isinstance(given, ast.Constant) else None


def _argument(value: Value, name: str) -> list[Value]:
    """The argument that the call through which the value was reached gives for a parameter."""
    if not value.calls:
        return []
    file, call, function = value.calls[-1]
    if not isinstance(function, Function) or value.file.function_of(value.node) is not function:
        return []
    names = [n for n in parameters(function) if n not in ("self", "cls")]
    if name not in names:
        return []
    given = next((k.value for k in call.keywords if k.arg == name), None)
    place = names.index(name)
    if given is None and place < len(call.args) and not any(isinstance(a, ast.Starred) for a in call.args):
        given = call.args[place]
    return [Value(file=file, node=given, calls=value.calls[:-1])] if given is not None else []


def reaching(file: ParsedFile, name: str, at: ast.AST) -> list[Binding]:
    """The bindings whose value a name may have at a node: the nearest above in the text and, while a condition or loop
    may have skipped it, the ones before; [] for parameters that nothing rebinds above.
    """
    place = file.places[at]
    owner = file.function_of(at)
    own = [b for b in bindings(file, name, at) if b.node in file.places]
    before = [b for b in own if not _within(file, b.node, at) and file.places[b.node] < place]
    found: list[Binding] = []
    for binding in sorted(before, key=lambda b: file.places[b.node], reverse=True):
        if _other_branch(file, binding.node, at):
            continue
        found.append(binding)
        if file.function_of(binding.node) is not owner or _always(file, binding.node, at):
            return found
    if found and isinstance(owner, Function) and name in parameters(owner):
        return []  # it may still be the argument
    return found


def _within(file: ParsedFile, binder: ast.AST, at: ast.AST) -> bool:
    """Whether the node is part of the very statement that binds, whose value is the one before."""
    if isinstance(binder, Loop | ast.With | ast.comprehension):
        return False
    return file.places[binder] <= file.places[at] < file.ends[file.places[binder]]


def _always(file: ParsedFile, binder: ast.AST, at: ast.AST) -> bool:
    """Whether whoever reaches the node has passed the binding."""
    if isinstance(binder, ast.comprehension):
        return True
    around = {*file.around(at)}
    for outer in file.around(binder):
        if outer in around:
            return True
        if isinstance(outer, ast.If | Loop | ast.Try | ast.match_case):
            return False
    return True


def _other_branch(file: ParsedFile, binder: ast.AST, at: ast.AST) -> bool:
    """Whether the binding stands in the other branch of an `if` that the node is in."""
    for outer in file.around(at):
        if isinstance(outer, ast.If):
            branches = (outer.body, outer.orelse)
            mine = [i for i, b in enumerate(branches) if _holds(file, b, at)]
            theirs = [i for i, b in enumerate(branches) if _holds(file, b, binder)]
            if mine and theirs and mine != theirs:
                return True
    return False


def _holds(file: ParsedFile, body: Sequence[ast.AST], node: ast.AST) -> bool:
    place = file.places.get(node, -1)
    return any(file.places[s] <= place < file.ends[file.places[s]] for s in body)
