"""Static rule: an encoder of histories by attention that is told no positions."""

import ast
import re
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.definitions import Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, is_false, keyword
from diagnosis.rules.values import parameters, words_of
from diagnosis.symptoms import UNORDERED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="positions-missing",
    found_by=FoundBy.RULE,
    title="The encoder is told no positions",
    why="Attention alone reads a history as a set: with a causal mask it still sees who came before, and not how long before.",
    definition="A module gives the rows of its item table to attention with a causal mask, and neither it nor the layers that it makes add "
    "positions or times, or read in order.",
    roles=(Role.ENCODER, Role.ITEM_TABLE),
    explains=("order-ignored", *UNORDERED, *WEAK),
)
ZERO = FindingKind(
    code="positions-all-alike",
    found_by=FoundBy.RULE,
    title="All positions get one row",
    why="The same vector is added to each event of a history, so that the model cannot tell their order.",
    definition="A table of positions is looked up at zeros or ones, one for each event.",
    roles=(Role.POSITION_TABLE, Role.ENCODER),
    explains=("order-ignored", *UNORDERED, *WEAK),
)
ATTENTION = {"MultiheadAttention", "TransformerEncoderLayer", "TransformerEncoder", "Transformer"}
CAUSAL = {"triu", "tril", "generate_square_subsequent_mask", "triu_", "tril_"}
# What tells an order, or may: other layers and tables, numbers of places, and the words for these.
READ_IN_ORDER = {"GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "Conv1d", "Conv2d", "Parameter", "register_buffer", "arange", "cumsum",
                 "sin", "cos", "roll", "linspace", "range", "enumerate", "from_pretrained", "load"}  # fmt: skip
ORDER = re.compile(
    r"posit(?!ive)|(^|_)pos_?(e|ids|table|enc)|wpe|rope|rotary|alibi|relat|sinus|time|interval|decay|recency|bert|gpt",
    re.I,
)
# Names of what is given beside the ids of a history, and holds no positions.
BESIDE = re.compile(r"mask|len|label|target|^pos|^neg|user|uid|train|device|padding|return|is_", re.I)
ALIKE = {"zeros_like", "ones_like", "zeros", "ones"}


def positions_missing(source: ParsedFile) -> Iterator[RuleHit]:
    """`self.encoder(self.items(seq), mask=causal)` in a module that has no positions; `self.positions(torch.zeros_like(seq))`."""
    repo = source.repo
    for kind in source.within(source.nodes[0], ast.ClassDef) if repo else ():
        if repo is None or kind.name not in repo.modules:
            continue
        yield from _alike(source, kind)
        family = _family(repo, Defined(file=source, node=kind))
        if family is None or not repo.whole:
            continue
        made = [call for place in family for call in place.file.within(place.node, ast.Call)]
        names = {called_name(call) for call in made}
        tables = [call for call in made if called_name(call) in ("Embedding", "EmbeddingBag")]
        own = [c for c in source.within(kind, ast.Call) if called_name(c) == "Embedding"]
        causal = bool(names & CAUSAL) or any(_is_causal(call) for call in made)
        if len(tables) != 1 or len(own) != 1 or not names & ATTENTION or not causal or names & READ_IN_ORDER:
            continue
        if any(ORDER.search(word) for place in family for word in _words(place)):
            continue
        read = _first_read(source, kind, own[0])
        if read is not None and not _is_given_more(source, read):
            yield source.hit(
                KIND.code,
                read,
                "goes to attention without positions: add a table of positions, or sines, to these rows",
            )


def _family(repo: Codebase, kind: Defined) -> list[Defined] | None:
    """The class, those above it, and those of the layers that it makes; None where a class is not at hand."""
    found: dict[ast.AST, Defined] = {}
    waiting = [kind]
    while waiting:
        place = waiting.pop()
        for above in repo.lineage(place):
            if above.node in found:
                continue
            found[above.node] = above
            for call in above.file.within(above.node, ast.Call):
                name = called_name(call)
                if len(repo.classes.get(name, [])) == 1:
                    waiting.append(repo.classes[name][0])
                elif name[:1].isupper() and name in above.file.imports:
                    full = above.file.full_name(call)
                    if not full.startswith(("torch.", "numpy.", "math.", "typing.")):
                        return None
    return list(found.values())


def _is_causal(call: ast.Call) -> bool:
    told = keyword(call, "is_causal")
    return told is not None and not is_false(told)


def _words(place: Defined) -> Iterator[str]:
    yield from words_of(place.node)
    for function in place.file.within(place.node, ast.FunctionDef):
        yield from (a.arg for a in (*function.args.args, *function.args.kwonlyargs))


def _first_read(source: ParsedFile, kind: ast.ClassDef, table: ast.Call) -> ast.Call | None:
    """The first look-up of a table in the class."""
    made = source.parents.get(table)
    name = dotted(made.targets[0]) if isinstance(made, ast.Assign) else ""
    reads = [c for c in source.within(kind, ast.Call) if name and dotted(c.func) == name]
    return reads[0] if reads else None


def _is_given_more(source: ParsedFile, read: ast.Call) -> bool:
    """Whether the function is given anything beside ids and masks, in which positions may be."""
    function = source.function_of(read)
    names = [name for name in parameters(function) if name != "self"] if function is not None else []
    return len([name for name in names if not BESIDE.search(name)]) > 1


def _alike(source: ParsedFile, kind: ast.ClassDef) -> Iterator[RuleHit]:
    for call in source.within(kind, ast.Call):
        name = dotted(call.func)
        words = name.rpartition(".")[2].lower()
        if not name.startswith("self.") or not ORDER.search(words) or len(call.args) != 1 or "type" in words:
            continue
        given, function = call.args[0], source.function_of(call)
        if isinstance(given, ast.Name) and isinstance(function, Function):
            values = [
                a
                for a in source.within(function, ast.Assign, ast.AugAssign)
                if any(
                    dotted(t) == given.id for t in (a.targets if isinstance(a, ast.Assign) else [a.target])
                )
            ]
            only = values[0] if len(values) == 1 else None
            changed = any(
                isinstance(n, ast.Subscript) and dotted(n.value) == given.id and isinstance(n.ctx, ast.Store)
                for n in source.within(function, ast.Subscript)
            )
            given = only.value if isinstance(only, ast.Assign) and not changed else given
        if isinstance(given, ast.Call) and called_name(given) in ALIKE and _is_of_torch(source, given):
            yield source.hit(
                ZERO.code, call, "looks up one row for all positions: give it torch.arange over the events"
            )


def _is_of_torch(source: ParsedFile, call: ast.Call) -> bool:
    return source.full_name(call).startswith("torch.")


RULE = Rule(kind=KIND, run=positions_missing, beside=(ZERO,))
