"""Static rule: of a recurrent net of several layers the state of the lowest is taken for its answer."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.settings_seen import is_one_somewhere
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.tensor_calls import amount
from diagnosis.rules.values import Binding, bindings, parameters
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="state-of-the-lowest-layer",
    found_by=FoundBy.RULE,
    title="The state of the lowest layer is taken",
    why="The layers above it are computed, answer nothing, and get no gradient.",
    definition="The first state `h[0]` that a GRU, LSTM or RNN gives beside its outputs, of a net that may have several layers, whose "
    "outputs the function does not read.",
    roles=(Role.ENCODER,),
    explains=("no-gradient", *UNTRAINED, *WEAK),
)
NETS = ("GRU", "LSTM", "RNN")


def state_of_the_lowest_layer(source: ParsedFile) -> Iterator[RuleHit]:
    """`_, h = self.gru(x)`, `return h[0]`, of `nn.GRU(dim, dim, num_layers=2)`"""
    for made in source.calls_named(*NETS):
        kept = source.parents.get(made)
        if not isinstance(kept, ast.Assign) or not _has_layers(source, made):
            continue
        name = dotted(kept.targets[0])
        for call in source.calls_named(name.rpartition(".")[2]):
            if dotted(call.func) == name:
                yield from _read(source, call, called_name(made))


def _has_layers(source: ParsedFile, made: ast.Call) -> bool:
    """Whether a net has more than one layer, by a number that is written or a setting that is asked for; and reads one way."""
    layers = keyword(made, "num_layers") or (made.args[2] if len(made.args) > 2 else None)
    both = keyword(made, "bidirectional")
    if layers is None or (both is not None and getattr(both, "value", None) is not False):
        return False
    told = amount(layers)
    if told is None and isinstance(layers, ast.Name):
        told = _default(source, layers)
    if told is None and source.repo is not None and is_one_somewhere(source.repo, layers):
        return False
    return told is None or told > 1


def _default(source: ParsedFile, name: ast.Name) -> float | None:
    """The default of a parameter, which its callers may raise: 1 says that one layer is usual."""
    owner = source.function_of(name)
    if owner is None or name.id not in parameters(owner):
        return None
    arguments = [*owner.args.posonlyargs, *owner.args.args]
    defaults = dict(zip([a.arg for a in arguments][::-1], owner.args.defaults[::-1]))
    return amount(defaults.get(name.id))


def _read(source: ParsedFile, call: ast.Call, net: str) -> Iterator[RuleHit]:
    """Where the first layer's state of one call is read."""
    kept, function = source.parents.get(call), source.function_of(call)
    if not isinstance(kept, ast.Assign) or function is None or not isinstance(kept.targets[0], ast.Tuple):
        return
    target = kept.targets[0]
    if len(target.elts) != 2:
        return
    outputs, state = dotted(target.elts[0]), target.elts[1]
    if net == "LSTM" and not (isinstance(state, ast.Tuple) and state.elts):
        return  # the first of a pair of states, which is all layers' own
    hidden = state.elts[0] if isinstance(state, ast.Tuple) and state.elts else state
    begin = source.places[kept]
    reads = [n for n in source.within(function, ast.Name) if n.id == outputs and isinstance(n.ctx, ast.Load)]
    if not dotted(hidden) or any(source.places[n] > begin for n in reads):
        return
    if _is_read_otherwise(source, function, dotted(hidden), begin):
        return
    for part in source.within(function, ast.Subscript):
        index = part.slice.elts[0] if isinstance(part.slice, ast.Tuple) and part.slice.elts else part.slice
        if (
            source.places[part] > begin
            and dotted(part.value) == dotted(hidden)
            and number(index) == 0
            and _binds(source, part, kept)
        ):
            yield source.hit(
                KIND.code,
                part,
                "is the state of the lowest layer, and those above answer nothing: read the last one, [-1]",
            )


def _is_read_otherwise(source: ParsedFile, function: Function, hidden: str, begin: int) -> bool:
    """Whether the function reads more of the states than the lowest: the whole of them, or another one."""
    for node in source.within(function, ast.Name, ast.Attribute):
        if dotted(node) != hidden or source.places[node] < begin or not isinstance(node.ctx, ast.Load):
            continue
        outer = source.parents.get(node)
        if not isinstance(outer, ast.Subscript) or outer.value is not node:
            return True
        index = (
            outer.slice.elts[0] if isinstance(outer.slice, ast.Tuple) and outer.slice.elts else outer.slice
        )
        if number(index) != 0:
            return True
        if isinstance(source.parents.get(outer), ast.Attribute) and getattr(
            source.parents.get(outer), "attr", ""
        ) in ("shape", "size"):
            return True
    return False


def _binds(source: ParsedFile, part: ast.Subscript, kept: ast.Assign) -> bool:
    found: list[Binding] = bindings(source, dotted(part.value), part)
    return all(binding.node is kept for binding in found)


RULE = Rule(kind=KIND, run=state_of_the_lowest_layer)
