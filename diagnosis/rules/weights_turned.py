"""Static rule: weights that are largest for what was liked least, or happened longest ago."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import bindings, words_of
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
    definition="A factor that its author names after recency or forgetting, to the power of 0, 1, 2, ... along a history that nothing turns round.",
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
NO_HISTORY = ("lr", "learning", "epoch", "step", "ndcg", "weight_decay", "optim", "sched", "warm")
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
    for node in source.within(source.nodes[0], ast.BinOp):
        if (
            not isinstance(node.op, ast.Pow)
            or not isinstance(node.right, ast.Call)
            or not _counts_up(node.right)
        ):
            continue
        factor = dotted(node.left).rpartition(".")[2].lower()
        if not any(word in factor for word in FACTORS) or any(word in factor for word in NO_HISTORY):
            continue
        around = source.function_of(node) or source.nodes[0]
        words = {name.lower() for name in words_of(node.right.args[-1])} - {"len"}
        if isinstance(node.right.args[-1], ast.Name):
            made = bindings(source, node.right.args[-1].id, node)
            words |= {word.lower() for b in made for word in words_of(b.value)} - {"len"}
        told = {name.id.lower() for name in source.within(around, ast.Name)}
        told.add(getattr(around, "name", "").lower())
        pieces = {piece for word in told for piece in word.split("_")}
        if pieces & set(NO_HISTORY) or not any(word in name for name in words for word in HISTORIES):
            continue
        if not _is_turned(source, around):
            yield source.hit(
                OLDEST.code,
                next((o for o in source.around(node) if isinstance(o, ast.stmt)), node),
                "the first, oldest event has the power 0 and the full weight: count the powers from the newest event",
            )


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
