"""Static rule: targets are filled up with zeros, and the loss is taken at each of their places."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.definitions import Made
from diagnosis.rules.discount import statement_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.made_from import reaching
from diagnosis.rules.padded_examples import (
    is_padded,
    is_shifted_pair,
    is_target,
    padded_targets,
    pads_windows,
)
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import in_training_loop, repo_of, trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile, is_backward, keyword
from diagnosis.rules.tensor_calls import Operation, operation
from diagnosis.rules.values import How, bindings, origins, parameters, words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="padded-targets-count",
    found_by=FoundBy.RULE,
    title="Padded targets count in the loss",
    why="Short histories are mostly padding, so that most of the loss teaches the model to predict padding, or takes its row for an item.",
    definition="Targets are filled up with zeros, and a loss over all their places has no `ignore_index`, no mask and no choice of places; or its mask is "
    "`targets >= 0`, which padding passes.",
    roles=(Role.LOSS,),
    explains=("padding-in-loss", "padding-is-a-target", "padding-ranked", *WEAK),
)

OVER_CLASSES = ("cross_entropy", "nll_loss")
OF_PAIRS = ("binary_cross_entropy_with_logits", "binary_cross_entropy", "logsigmoid", "softplus", "sigmoid")
COMPARES = {"ne", "gt", "not_equal", "greater", "nonzero", "masked_select", "count_nonzero", "bool", "masked_fill", "masked_fill_", "where", "sign", "isin"}  # fmt: skip
SPARES = (
    "mask",
    "valid",
    "real",
    "keep",
    "present",
    "weight",
    "ignore",
    "istarget",
    "pad",
    "length",
    "lens",
    "packed",
)
TABLES = {"emb", "embs", "embed", "embedding", "embeddings", "items", "item"}
FARTHEST = 12  # steps from scores back to the targets that they are of
# What lays targets out otherwise, and keeps them.
LAID_OUT = {"view", "reshape", "flatten", "long", "to", "contiguous", "ravel", "cuda", "squeeze", "type"}
DEEPEST = 3  # callers above a loss


def padded_targets_count(source: ParsedFile) -> Iterator[RuleHit]:
    """`F.cross_entropy(logits.flatten(0, 1), y.flatten())` where `x, y = rows[:, :-1], rows[:, 1:]`; `bce(pos_logits, ones)` of padded `pos`."""
    repo = repo_of(source)
    if not repo.whole or _has_own_sign(repo):
        return
    told = set[ast.AST]()
    for call in source.calls:
        done = operation(repo, source, call)
        if done is not None and done.name == "sigmoid" and not _is_in_log(source, call):
            continue
        around = _part_around(source, call) if done is not None else None
        if done is None or around is None or done.name not in (*OVER_CLASSES, *OF_PAIRS):
            continue
        if done.name in OVER_CLASSES:
            counts = _is_over_places(source, done) and _is_padded_target(repo, source, done.values[1])
        else:
            counts = _is_of_padded_pairs(repo, source, around, done)
        place = statement_of(source, call)
        if counts and place not in told and not _is_spared(repo, source, around, done):
            told.add(place)
            yield source.hit(
                KIND.code, place, "padding counts as a target: leave the places out whose target is 0"
            )
    yield from _masks_that_keep_all(repo, source)


def _part_around(source: ParsedFile, node: ast.AST) -> Function | Loop | None:
    """The function around a node; of a script without any, the loop."""
    function = source.function_of(node)
    return function or next((outer for outer in source.around(node) if isinstance(outer, Loop)), None)


@once
def _has_own_sign(repo: Codebase) -> bool:
    """Whether any loss of the repo leaves a class out, or -100 stands for no target: then who wrote it knows."""
    for file in repo.files:
        if any(keyword(call, "ignore_index") is not None for call in file.calls):
            return True
        if any(
            isinstance(part.op, ast.USub) and number(part.operand) == 100
            for part in file.within(file.nodes[0], ast.UnaryOp)
        ):
            return True
    return False


@once
def _returns_padded_pairs(repo: Codebase) -> bool:
    """Whether examples are made as `full[:, :-1], full[:, 1:]` of padded rows."""
    return any(
        (rows := is_shifted_pair(pair)) is not None and is_padded(repo, file, rows)
        for file in repo.files
        for pair in file.within(file.nodes[0], ast.Tuple)
    )


def _is_over_places(source: ParsedFile, done: Operation) -> bool:
    """Whether scores of all places are laid out as rows, or classes stand at the second axis: `logits.view(-1, v)`, `logits.transpose(1, 2)`."""
    scores = done.values[0] if len(done.values) > 1 else None
    if isinstance(scores, ast.Name):
        nearest = reaching(source, scores.id, scores)
        scores = nearest[0].value if len(nearest) == 1 and nearest[0].position is None else None
    if not isinstance(scores, ast.Call) or not isinstance(scores.func, ast.Attribute):
        return False
    places = [number(given) for given in scores.args]
    name = called_name(scores)
    if name == "flatten":
        return places in ([0, 1], [0, -2]) or (not places and number(keyword(scores, "end_dim")) in (1, -2))
    if name in ("view", "reshape"):
        return len(places) == 2 and places[0] == -1
    if name in ("transpose", "swapaxes"):
        return set(places) in ({1, 2}, {1, -1}, {-2, -1})
    return name == "permute" and places == [0, 2, 1]


def _is_padded_target(repo: Codebase, source: ParsedFile, node: ast.expr) -> bool:
    """Whether targets are the padded ones, by their name or by that of what they are taken from; or the later part of padded rows."""
    while (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called_name(node) in LAID_OUT
    ):
        node = node.func.value
    if not isinstance(node, ast.Name | ast.Subscript):
        return False
    bound = [b.value for b in bindings(source, node.id, node)] if isinstance(node, ast.Name) else []
    for value in (node, *bound):
        if isinstance(value, ast.Subscript) and _begins_at_the_second(value):
            return pads_windows(repo) or is_padded(repo, source, value.value)
    made = [repo.callee(source, value) for value in bound if isinstance(value, ast.Call)]
    if any(one is not None and _tells_apart(one, own=True) for one in made):
        return False
    known = bool(padded_targets(repo)) or _returns_padded_pairs(repo)
    return known and is_target(node)


def _begins_at_the_second(rows: ast.Subscript) -> bool:
    """`rows[:, 1:]`"""
    index = rows.slice.elts[-1] if isinstance(rows.slice, ast.Tuple) and rows.slice.elts else None
    return isinstance(index, ast.Slice) and number(index.lower) == 1 and index.upper is None


def _is_of_padded_pairs(repo: Codebase, source: ParsedFile, around: ast.AST, done: Operation) -> bool:
    """Whether what a loss is of was made by a call that is handed padded targets: `p, n = model(u, seq, pos, neg)`, then `bce(p, ones_like(p))`."""
    scores = done.values[0] if done.values else None
    if not isinstance(scores, ast.Name):
        return False
    if _comes_from_padded(repo, source, scores):
        return True
    names = {part.id for part in source.within(around, ast.Name)} & padded_targets(repo)
    for binding in bindings(source, scores.id, scores) if names else ():
        call = binding.value
        if binding.how is not How.ASSIGNED or not isinstance(call, ast.Call):
            continue
        reached = repo.callee(source, call)
        handed = [given.id for given in call.args if isinstance(given, ast.Name) and given.id in names]
        if handed and reached is not None and isinstance(reached.node, Function):
            return not any(_looks_at(reached, name) for name in _taken_as(reached.node, call, handed))
    return False


def _comes_from_padded(repo: Codebase, source: ParsedFile, scores: ast.Name) -> bool:
    """Whether scores are made, in the same file, of a table's rows for padded targets, at each of their places: no last place is taken on the way."""
    tables = False
    for count, step in enumerate(origins(source, scores)):
        if count > FARTHEST or any(_is_of_an_end(part) for part in source.within(step, ast.Subscript)):
            return False
        if isinstance(step, ast.Name) and step.id in padded_targets(repo):
            return tables
        tables = tables or _is_of_table(repo, source, step)
    return False


def _is_of_table(repo: Codebase, source: ParsedFile, node: ast.expr) -> bool:
    """`self.items(ids)`, by what it was made as, or what it is called."""
    if not isinstance(node, ast.Call) or len(node.args) != 1:
        return False
    done = operation(repo, source, node)
    pieces = called_name(node).lower().split("_")
    return (done is not None and done.name == "embedding") or any(piece in TABLES for piece in pieces)


def _is_of_an_end(part: ast.Subscript) -> bool:
    """`h[:, -1]`"""
    index = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
    return any(isinstance(one, ast.UnaryOp) for one in index)


def _is_in_log(source: ParsedFile, call: ast.Call) -> bool:
    """`torch.log(torch.sigmoid(x) + 1e-24)`"""
    for outer in source.around(call):
        if isinstance(outer, ast.Call) and called_name(outer) == "log":
            return True
        if not isinstance(outer, ast.BinOp | ast.Attribute):
            return False
    return False


def _taken_as(function: Function, call: ast.Call, names: list[str]) -> list[str]:
    """The parameters of a function, or of a module's `forward`, for which a call gives these names."""
    taken = [name for name in parameters(function) if name not in ("self", "cls")]
    return [
        taken[place] for place, given in enumerate(call.args) if dotted(given) in names and place < len(taken)
    ]


def _looks_at(function: Defined, name: str) -> bool:
    """Whether a function compares a parameter with anything: what it gives may then be 0 where padding stands."""
    sides = [compared.left for compared in function.file.within(function.node, ast.Compare)]
    sides += [
        given
        for call in function.file.calls_in(function.node)
        if called_name(call) in COMPARES
        for given in (*call.args, call.func)
    ]
    return any(name in words_of(side) for side in sides)


def _is_spared(repo: Codebase, source: ParsedFile, part: ast.AST, done: Operation) -> bool:
    """Whether the loss leaves places out itself, or any function on the way from the training to it tells places apart."""
    for call in (done.options, done.call):
        if any(
            k.arg in (None, "ignore_index", "weight", "reduction", "pos_weight", "reduce")
            for k in call.keywords
        ):
            return True
    if done.options is not done.call and done.options.args:
        return True  # weights of classes
    around = _around(repo, Defined(file=source, node=part))
    return any(_tells_apart(place, own=place.node is part) for place in around)


def _around(repo: Codebase, function: Defined) -> list[Defined]:
    """A function and those that call one of its name, a few levels up, as far as the one that calls `backward`."""
    found = {function.node: function}
    fresh = [function]
    for _ in range(DEEPEST):
        inner = [one for one in fresh if not any(map(is_backward, one.file.calls_in(one.node)))]
        calls = [made for one in inner for made in _calls(repo, one)]
        above = [Defined(file=m.file, node=f) for m in calls if (f := m.file.function_of(m.call)) is not None]
        fresh = [d for d in above if d.node not in found]
        found |= {d.node: d for d in fresh}
    return list(found.values())


def _calls(repo: Codebase, function: Defined) -> list[Made]:
    name = getattr(function.node, "name", "")  # "" for the loop of a script
    if name in ("forward", "__call__"):
        return repo.calls_of_module(function.file.parents.get(function.node))
    return list(repo.calls(name))


def _tells_apart(function: Defined, *, own: bool) -> bool:
    """Whether a function compares with a number or with padding, or speaks of masks, lengths or weights of places. In one that is not the
    loss's own, what is compared must be called targets: steps and rates are compared with numbers, too.
    """
    file, node = function.file, function.node
    for compared in file.within(node, ast.Compare):
        counts = isinstance(compared.left, ast.BinOp) and isinstance(compared.left.op, ast.Mod)
        signs = any(map(_is_sign, (compared.left, *compared.comparators))) and not _passes_padding(compared)
        if signs and not counts and (own or is_target(compared)):
            return True
    if any(called_name(call) in COMPARES for call in file.calls_in(node)):
        return True
    words = [name.id for name in file.within(node, ast.Name)] + [
        given.arg for given in file.within(node, ast.arg)
    ]
    words += [
        part.attr for part in file.within(node, ast.Attribute) if part.attr not in ("weight", "weight_decay")
    ]
    words += [
        str(part.value)
        for part in file.within(node, ast.Constant)
        if isinstance(part.value, str) and " " not in part.value
    ]
    return any(
        part in word.lower() for word in words for part in SPARES if not word.lower().startswith("max")
    )


def _is_sign(node: ast.expr) -> bool:
    return number(node) is not None or "pad" in dotted(node).lower()


def _passes_padding(compared: ast.Compare) -> bool:
    """`targets >= 0`, `targets > -1`, which all ids pass, and padding."""
    bound = number(compared.comparators[0])
    sense = compared.ops[0]
    return (isinstance(sense, ast.GtE) and bound == 0) or (isinstance(sense, ast.Gt) and bound == -1)


def _masks_that_keep_all(repo: Codebase, source: ParsedFile) -> Iterator[RuleHit]:
    """`real = targets >= 0` where padding is 0, in a function that trains."""
    for compared in source.within(source.nodes[0], ast.Compare):
        if not _passes_padding(compared):
            continue
        if source.function_of(compared) not in trains(repo) and not in_training_loop(source, compared, repo):
            continue
        name = compared.left
        if (
            isinstance(name, ast.Name)
            and name.id in padded_targets(repo)
            and _is_kept_as_mask(source, compared)
        ):
            yield source.hit(
                KIND.code,
                statement_of(source, compared),
                f"keeps padding too, which is 0: ask for {name.id} > 0",
            )


def _is_kept_as_mask(source: ParsedFile, compared: ast.Compare) -> bool:
    """Whether a comparison is kept under a name, or chooses places at once."""
    for outer in source.around(compared):
        if isinstance(outer, ast.Assign | ast.Subscript):
            return True
        if isinstance(outer, ast.Assert | ast.If | ast.While | ast.IfExp) or not isinstance(outer, ast.expr):
            return False
    return False


RULE = Rule(kind=KIND, run=padded_targets_count)
