"""Static rule: a loss of pairs that is lowest where negatives score above positives."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.definitions import Defined
from diagnosis.rules.discount import statement_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import callee, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import How, bindings, owner_of, parameters
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="pairs-turned",
    found_by=FoundBy.RULE,
    title="Negatives are pushed above positives",
    why="The loss falls as drawn items rise above those that users chose: the model learns to rank them last.",
    definition="softplus(pos - neg), -log(sigmoid(neg - pos)) or a hinge of pos - neg, of what the code calls so and makes by a product; of distances the "
    "other way round.",
    roles=(Role.LOSS,),
    explains=(
        "learns-backwards",
        "scores-inverted",
        "popularity-reversed",
        "same-list",
        "not-learning",
        *WEAK,
    ),
    sources=("Rendle et al., UAI 2009",),
)
GROWING = {
    "softplus",
    "relu",
    "relu_",
    "clamp",
    "clip",
    "clamp_min",
    "maximum",
    "hinge",
}  # of what they are given
FALLING = {"logsigmoid"}  # where their negative is the loss
PRODUCTS = {"matmul", "mm", "bmm", "einsum", "dot", "inner", "cosine_similarity"}
DISTANCES = {"norm", "cdist", "pairwise_distance", "dist", "square", "pow", "abs"}

CALLED_DISTANCES = (
    "dist",
    "divergence",
)  # words of functions that say of themselves that they give distances

# What a function or a value is called that is no loss to be lowered: what is watched, what weighs, and attacks on the model.
NO_LOSS = (
    "weight",
    "gap",
    "lead",
    "margin",
    "viol",
    "acc",
    "auc",
    "gain",
    "reward",
    "metric",
    "watch",
    "eval",
)
ATTACKS = ("adv", "attack", "perturb")
DEEPEST = 3  # calls through which a score is handed on


def pairs_turned(source: ParsedFile) -> Iterator[RuleHit]:
    """`F.softplus(pos - neg)`, `-F.logsigmoid(neg - pos)`, `torch.relu(1 - neg + pos)`."""
    for call in source.calls:
        name = called_name(call)
        inner, falls = _given(source, call), False
        if name in FALLING or (name == "log" and inner is not None):
            inner = _of_sigmoid(source, inner) if name == "log" else inner
            if inner is None or not _is_negated(source, call):
                continue
            falls = True
        elif name not in GROWING or _is_negated(source, call):
            continue
        if inner is None or (name in ("clamp", "clip") and not _cuts_at_zero(call)):
            continue
        rises = _sense(source, inner)
        if rises is None or (rises > 0) == falls or not _is_minimised(source, call):
            continue
        yield source.hit(
            KIND.code,
            statement_of(source, call),
            "is lowest where negatives score above positives: exchange them",
        )


def _given(source: ParsedFile, call: ast.Call) -> ast.expr | None:
    """x of `f(x)` and `x.f()`."""
    library = source.full_name(call).startswith(("torch.", "numpy.", "math."))
    if isinstance(call.func, ast.Attribute) and not library:
        return call.func.value
    parts = [one for one in call.args if number(one) is None]
    return parts[0] if parts else None


def _cuts_at_zero(call: ast.Call) -> bool:
    ends = [keyword(call, "min"), keyword(call, "a_min"), *call.args]
    return any(end is not None and number(end) == 0 for end in ends)


def _of_sigmoid(source: ParsedFile, node: ast.expr | None) -> ast.expr | None:
    """x of `sigmoid(x)`, a small number added or not."""
    if (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add)
        and isinstance(node.right, ast.Constant | ast.Name)
    ):
        node = node.left
    if isinstance(node, ast.Call) and called_name(node) in ("sigmoid", "expit"):
        return _given(source, node)
    return None


def _is_negated(source: ParsedFile, call: ast.Call) -> bool:
    """Whether the statement around a call takes its negative an odd number of times: `-(...).mean()`, `loss -= ...`."""
    turned, inner = False, call
    for outer in source.around(call):
        if isinstance(outer, ast.UnaryOp) and isinstance(outer.op, ast.USub):
            turned = not turned
        if isinstance(outer, ast.BinOp) and isinstance(outer.op, ast.Sub) and outer.right is inner:
            turned = not turned
        if isinstance(outer, ast.AugAssign) and isinstance(outer.op, ast.Sub):
            turned = not turned
        if isinstance(outer, ast.stmt):
            return turned
        inner = outer
    return turned


def _is_minimised(source: ParsedFile, call: ast.Call) -> bool:
    """Whether what a call gives may be the loss: it is not cut from the graph, its name speaks of none else, and nothing takes its
    negative afterwards.
    """
    function, statement = source.function_of(call), statement_of(source, call)
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    kept = {dotted(target) for target in targets} - {""}
    words = [getattr(function, "name", ""), *(name.rpartition(".")[2] for name in kept)]
    for word in map(str.lower, words):
        watched = "loss" not in word and any(part in word for part in NO_LOSS)
        if watched or any(part in word for part in ATTACKS):
            return False
    if any(isinstance(o, ast.Attribute) and o.attr in ("detach", "item") for o in source.around(call)):
        return False
    around = function or source.nodes[0]
    return not any(
        isinstance(part.op, ast.USub) and any(dotted(n) in kept for n in ast.walk(part.operand))
        for part in source.within(around, ast.UnaryOp)
    )


def _sense(source: ParsedFile, node: ast.expr) -> int | None:
    """1 where a value rises with positives, -1 where with negatives, as scores; None where that cannot be told."""
    signs = {"pos": 0, "neg": 0}
    distances: set[bool] = set()
    for part, sign in _terms(source, node, 1):
        which = _which(part)
        if which is None:
            continue
        signs[which] += sign
        kind = _is_distance(source, part)
        if kind is None:
            return None
        distances.add(kind)
    if signs["pos"] * signs["neg"] != -1 or len(distances) != 1:
        return None
    return -signs["pos"] if distances.pop() else signs["pos"]


def _terms(source: ParsedFile, node: ast.expr, sign: int) -> Iterator[tuple[ast.expr, int]]:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield from _terms(source, node.operand, -sign)
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub):
        yield from _terms(source, node.left, sign)
        yield from _terms(source, node.right, sign if isinstance(node.op, ast.Add) else -sign)
    elif isinstance(node, ast.Name) and _which(node) is None:
        made = [b for b in bindings(source, node.id, node) if b.how is How.ASSIGNED and b.position is None]
        if len(made) == 1 and isinstance(made[0].value, ast.BinOp) and isinstance(made[0].value.op, ast.Sub):
            yield from _terms(source, made[0].value, sign)
    else:
        yield node, sign


def _which(node: ast.expr) -> str | None:
    """ "pos" or "neg", as a name begins or ends: `pos`, `neg_scores`, `score_pos`, `d_neg`."""
    while isinstance(node, ast.Subscript) or (
        isinstance(node, ast.Call) and called_name(node) in ("unsqueeze", "squeeze", "view", "mean", "sum")
    ):
        inner = node.value if isinstance(node, ast.Subscript) else getattr(node.func, "value", None)
        if not isinstance(inner, ast.expr):
            return None
        node = inner
    pieces = dotted(node).rpartition(".")[2].lower().split("_")
    found = {
        piece[:3]
        for piece in (pieces[0], pieces[-1])
        if piece in ("pos", "neg", "positive", "negative", "positives", "negatives")
    }
    return found.pop() if len(found) == 1 else None


def _is_distance(source: ParsedFile, node: ast.expr, depth: int = 0) -> bool | None:
    """Whether what a name holds is a distance; False for a product; None where neither is seen."""
    name = dotted(node.value if isinstance(node, ast.Subscript) else node).rpartition(".")[2].lower()
    if "dist" in name or "d" in name.split("_"):
        return True
    base = node
    while isinstance(base, ast.Subscript | ast.Call) and not isinstance(base, ast.Name):
        inner = base.value if isinstance(base, ast.Subscript) else getattr(base.func, "value", None)
        if not isinstance(inner, ast.expr):
            break
        base = inner
    made = [b.value for b in bindings(source, dotted(base), base)] if isinstance(base, ast.Name) else []
    function = source.function_of(node)
    called_so = False if any(word in name for word in ("score", "logit")) else None
    if not made and isinstance(function, Function):
        return _as_given(source, base, depth) if dotted(base) in parameters(function) else called_so
    repo = repo_of(source)
    made_by = [called_name(c).lower() for value in made for c in source.calls_in(value)]
    made_of = [n.id.lower() for value in made for n in ast.walk(value) if isinstance(n, ast.Name)]
    if any(word in one for one in (*made_by, *made_of) for word in CALLED_DISTANCES):
        return True
    reached = [d for value in made for c in source.calls_in(value) if (d := callee(repo, source, c))]
    parts = [part for value in (*made, *(d.node for d in reached)) for part in ast.walk(value)]
    calls = {called_name(part) for part in parts if isinstance(part, ast.Call)}
    powers = any(isinstance(part, ast.BinOp) and isinstance(part.op, ast.Pow) for part in parts)
    negated = any(
        isinstance(part, ast.UnaryOp) and isinstance(part.op, ast.USub) and number(part) is None
        for part in parts
    )
    if powers or negated or calls & DISTANCES:
        return None if negated else True
    products = any(
        isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult | ast.MatMult) for part in parts
    )
    if products or calls & PRODUCTS:
        return False
    return called_so


def _as_given(source: ParsedFile, name: ast.expr, depth: int) -> bool | None:
    """Whether a parameter is a distance, by what the calls in the repo give for it; where none is seen by its name, unless the file
    speaks of distances.
    """
    text = dotted(name)
    owner = owner_of(source, text, name)
    reached = Defined(file=source, node=owner) if owner is not None and depth < DEEPEST else None
    given = repo_of(source).given(reached, text) if reached is not None else []
    kinds = {_is_distance(file, value, depth + 1) for file, value in given}
    if kinds:
        return kinds.pop() if len(kinds) == 1 else None
    known = not source.called_names.isdisjoint(DISTANCES)
    return False if not known and any(word in text.lower() for word in ("score", "logit")) else None


RULE = Rule(kind=KIND, run=pairs_turned)
