"""Static rule: weights that are largest for what was liked least, or happened longest ago."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.turned import turns_histories
from diagnosis.rules.values import How, bindings, words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

DISLIKED = FindingKind(
    code="dislikes-weigh-most",
    found_by=FoundBy.RULE,
    title="Dislikes weigh most",
    why="An example's weight falls with its rating, so that the model learns most of what users liked least.",
    definition="What is kept as a weight or confidence is a number less a rating, or one divided by it.",
    roles=(Role.LOSS, Role.LOADER),
    explains=WEAK,
)
OLDEST = FindingKind(
    code="oldest-weighs-most",
    found_by=FoundBy.RULE,
    title="The oldest event weighs most",
    why="Histories begin with the oldest event, so that powers that count from their beginning forget what the user did last.",
    definition="A factor below 1 to the power of 0, 1, 2, ..., or exp of a falling number, along a history that nothing turns round; or exp of an age that "
    "is not negative.",
    roles=(Role.ENCODER, Role.SCORING),
    explains=("newest-kept", "order-ignored", *WEAK),
)
WEIGHTS = ("weight", "confidence", "importance")
RATINGS = ("rating", "ratings", "stars", "star")
# What a weight is of that may fall as the rating rises: of negatives, and of what is rare.
OF_OTHERS = ("neg", "dislike", "inv", "ips", "propens", "balance", "class")
COUNTS = (
    "count",
    "n_",
    "num",
    "freq",
    "mean",
    "sum",
    "std",
    "var",
    "hist",
    "prob",
    "propens",
    "total",
    "min",
    "max",
)
FACTORS = ("recency", "forget", "fade", "fading", "decay", "half_life", "aging", "ageing")
SHARES = ("gamma", "alpha", "rho", "beta", "discount", "damp")  # other names of a factor below 1
CASTS = {
    "float",
    "double",
    "long",
    "to",
    "astype",
    "clamp",
    "clip",
    "unsqueeze",
    "view",
    "reshape",
    "flatten",
    "expand",
}
NO_HISTORY = (
    "dcg",
    "reward",
    "layer",
    "hop",
    "lr",
    "learning",
    "epoch",
    "step",
    "ndcg",
    "weight_decay",
    "optim",
    "sched",
    "warm",
)
HISTORIES = ("hist", "seq", "event", "session", "bag", "past", "len", "click")
TURNS = {"flip", "reversed", "flipud", "fliplr", "flip_"}


def dislikes_weigh_most(source: ParsedFile) -> Iterator[RuleHit]:
    """`weight.append(6 - rating)`, `confidence = 1 / ratings`."""
    for statement in source.within(source.nodes[0], ast.Assign, ast.Expr):
        if isinstance(statement, ast.Assign):
            kept, value = [dotted(_base(t)) for t in statement.targets], statement.value
        else:
            call = statement.value
            if not isinstance(call, ast.Call) or called_name(call) != "append" or len(call.args) != 1:
                continue
            kept, value = (
                [dotted(_base(call.func.value)) if isinstance(call.func, ast.Attribute) else ""],
                call.args[0],
            )
        last = [name.rpartition(".")[2].lower() for name in kept]
        others = any(word in name for name in last for word in OF_OTHERS)
        if not others and any(word in name for name in last for word in WEIGHTS) and _turns_rating(value):
            yield source.hit(
                DISLIKED.code,
                statement,
                "the weight falls as the rating rises: take the rating itself, or what it is above the lowest",
            )


def _base(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.Subscript):
        node = node.value
    return node


def _turns_rating(value: ast.expr) -> bool:
    """`6 - rating`, `(max_rating - r.rating)`, `1 / rating`; not what is counted, as in `1 / n_ratings`."""
    while (
        isinstance(value, ast.Call)
        and value.args
        and called_name(value) in ("float", "int", "tensor", "array", "asarray")
    ):
        value = value.args[0]
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Sub | ast.Div):
        return False
    constant = (
        isinstance(value.left, ast.Constant)
        or "max" in dotted(value.left).lower()
        or (isinstance(value.left, ast.Call) and called_name(value.left) == "max")
    )
    name = dotted(_base(value.right)).rpartition(".")[2].lower()
    taken = value.right.slice if isinstance(value.right, ast.Subscript) else None
    words = [name, *((w.lower() for w in words_of(taken)) if isinstance(taken, ast.Constant) else ())]
    rated = any(piece in RATINGS for word in words for piece in word.split("_"))
    counted = any(part in word for word in words for part in COUNTS)
    return constant and rated and not counted


def oldest_weighs_most(source: ParsedFile) -> Iterator[RuleHit]:
    """`recency ** np.arange(n)` for a history whose first event is the oldest."""
    yield from _of_ages(source)
    for node, length, factors in _falling(source):
        if any(word in factor for factor in factors for word in NO_HISTORY):
            continue
        around = source.function_of(node) or source.nodes[0]
        words = {name.lower() for name in words_of(length)} - {"len"}
        if isinstance(length, ast.Name):
            made = bindings(source, length.id, node)
            words |= {word.lower() for b in made for word in words_of(b.value)} - {"len"}
        told = {name.id.lower() for name in source.within(around, ast.Name)}
        told.add(getattr(around, "name", "").lower())
        pieces = {piece for word in told for piece in word.split("_")}
        if pieces & set(NO_HISTORY) or not any(word in name for name in words for word in HISTORIES):
            continue
        if not _is_turned(source, around) and not turns_histories(repo_of(source)):
            yield source.hit(
                OLDEST.code,
                next((o for o in source.around(node) if isinstance(o, ast.stmt)), node),
                "the first, oldest event has the full weight: count the places from the newest event",
            )


def _falling(source: ParsedFile) -> Iterator[tuple[ast.expr, ast.expr, list[str]]]:
    """Weights that fall from place to place, with how many places there are, or what is gone through, and the names of the factor:
    `decay ** np.arange(n)`, `0.5 ** (np.arange(n) / half_life)`, `[decay ** i for i in range(n)]`, `gamma ** back` of `enumerate(history)`,
    `np.exp(-rate * np.arange(n))`.
    """
    for node in source.within(source.nodes[0], ast.BinOp):
        if isinstance(node.op, ast.Pow):
            factors = [word.lower() for word in (*words_of(node.left), *words_of(node.right))]
            share = (
                isinstance(node.left, ast.Constant)
                and isinstance(node.left.value, float)
                and 0 < node.left.value < 1
            )
            named = dotted(node.left).rpartition(".")[2].lower()
            if share or any(word in named for word in (*FACTORS, *SHARES)):
                length = _places(source, node.right)
                sure = any(word in factor for factor in factors for word in FACTORS)
                if length is not None and (sure or _is_summed_weight(source, node)):
                    yield node, length, [named, *factors]
    for call in source.calls_named("exp"):
        given = call.args[0] if call.args else None
        negative = isinstance(given, ast.UnaryOp) and isinstance(given.op, ast.USub)
        if isinstance(given, ast.BinOp) and isinstance(given.op, ast.Mult | ast.Div):
            negative = isinstance(given.left, ast.UnaryOp) and isinstance(given.left.op, ast.USub)
        if given is not None and negative:
            length = _places(source, given)
            if length is not None:
                yield call, length, [word.lower() for word in words_of(given)]


def _places(source: ParsedFile, node: ast.expr, *, follow: bool = True) -> ast.expr | None:
    """What is counted through by places from 0 on, of which an expression is a multiple: `np.arange(n)`, `i` of `range(n)` or `enumerate(x)`."""
    while True:
        if isinstance(node, ast.UnaryOp):
            node = node.operand
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
            inner = [_places(source, side, follow=follow) for side in (node.left, node.right)]
            counted = [side for side in inner if side is not None]
            return counted[0] if len(counted) == 1 else None
        else:
            break
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and called_name(node) in CASTS:
        node = node.func.value
    if isinstance(node, ast.Call):
        return node.args[-1] if _counts_up(node) else None
    found = bindings(source, node.id, node) if isinstance(node, ast.Name) else []
    if len(found) == 1 and found[0].how is How.ASSIGNED and found[0].position is None and follow:
        return _places(source, found[0].value, follow=False)
    if len(found) != 1 or found[0].how is not How.ITERATED or not isinstance(found[0].value, ast.Call):
        return None
    over, position = found[0].value, found[0].position
    if called_name(over) == "enumerate" and position == 0 and len(over.args) == 1:
        return over.args[0]
    return over.args[-1] if position is None and _counts_up(over) else None


def _is_summed_weight(source: ParsedFile, node: ast.expr) -> bool:
    """Whether a falling factor weighs what is added up over a history, or is kept as its weights."""
    for outer in source.around(node):
        if isinstance(outer, ast.AugAssign):
            return isinstance(outer.op, ast.Add)
        if isinstance(outer, ast.Assign):
            words = [word.lower() for target in outer.targets for word in words_of(target)]
            return any(word.startswith("w") for word in words)
        if isinstance(outer, ast.stmt):
            return False
    return False


def _of_ages(source: ParsedFile) -> Iterator[RuleHit]:
    """`np.exp(age / tau)` of `age = now - times`: the larger the older."""
    for call in source.calls_named("exp"):
        given = call.args[0] if call.args else None
        if isinstance(given, ast.BinOp) and isinstance(given.op, ast.Mult | ast.Div):
            sides = (given.left, given.right)
            if any(isinstance(side, ast.UnaryOp) for side in sides) or any(
                number(side) is not None for side in sides
            ):
                continue
            given = given.left if _is_age(source, given.left) else given.right
        if given is not None and _is_age(source, given):
            yield source.hit(
                OLDEST.code,
                next((o for o in source.around(call) if isinstance(o, ast.stmt)), call),
                "the weight rises with the age, so that the oldest event has the most: take exp(-age / tau)",
            )


def _is_age(source: ParsedFile, node: ast.expr) -> bool:
    """Whether a value is how long ago something was: `now - times`, `times.max() - times`."""
    found = bindings(source, node.id, node) if isinstance(node, ast.Name) else []
    value = found[0].value if len(found) == 1 and found[0].how is How.ASSIGNED else node
    while isinstance(value, ast.BinOp) and isinstance(value.op, ast.Div | ast.Mult):
        value = value.left
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Sub):
        return False
    later = {w.lower() for w in words_of(value.left)}
    earlier = {piece for w in words_of(value.right) for piece in w.lower().split("_")}
    newest = any(word in one for one in later for word in ("now", "max", "last", "newest", "latest", "today"))
    return newest and bool(earlier & {"time", "times", "timestamp", "timestamps", "ts", "t", "unix"})


def _counts_up(power: ast.Call) -> bool:
    """`np.arange(n)`, `range(n)`: 0, 1, 2, ..."""
    return called_name(power) in ("arange", "range") and (
        len(power.args) == 1 or (len(power.args) == 2 and number(power.args[0]) in (0, 1))
    )


def _is_turned(source: ParsedFile, around: ast.AST) -> bool:
    """Whether the function turns something round: `x[::-1]`, `flip`, or sorts from the newest on."""
    if any(called_name(call) in TURNS for call in source.calls_in(around)):
        return True
    steps = [cut.step for cut in source.within(around, ast.Slice) if cut.step is not None]
    return any(number(step) == -1 for step in steps) or any(
        isinstance(k.value, ast.Constant)
        and (
            (k.value.value is True and k.arg in ("reverse", "descending"))
            or (k.value.value is False and k.arg == "ascending")
        )
        for call in source.calls_in(around)
        for k in call.keywords
    )


RULE = Rule(kind=DISLIKED, run=dislikes_weigh_most)
OLDEST_RULE = Rule(kind=OLDEST, run=oldest_weighs_most)
