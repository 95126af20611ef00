"""Static rule: noise of a variational model that is scaled by the variance where its deviation is meant."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import bindings, names_in
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="spread-is-a-variance",
    found_by=FoundBy.RULE,
    title="The spread is a variance",
    why="What is drawn has another spread than the divergence is told, so that the two terms of the loss speak of two models.",
    definition="exp of what is called the logarithm of a variance, without a half, is kept as a deviation or multiplied by standard normal noise.",
    roles=(Role.ENCODER,),
    explains=WEAK,
    sources=("Kingma and Welling, 2014",),
)
LOG_VARIANCES = {"logvar", "logvars", "lnvar"}
SPREADS = {"std", "stddev", "sigma", "sd", "stdev"}
NOISE = {"randn", "randn_like", "normal", "standard_normal"}


def spread_is_a_variance(source: ParsedFile) -> Iterator[RuleHit]:
    """`std = torch.exp(logvar)`, `mu + eps * logvar.exp()`."""
    for call in source.calls_named("exp"):
        library = source.full_name(call).startswith(("torch.", "numpy."))
        given = (call.args or [None])[0] if library else getattr(call.func, "value", None)
        if not isinstance(given, ast.expr) or not _is_log_variance(given) or _is_halved(source, given):
            continue
        outer = source.parents.get(call)
        kept = [dotted(t) for t in outer.targets] if isinstance(outer, ast.Assign) else []
        pieces = {piece for name in kept for piece in name.rpartition(".")[2].lower().split("_")}
        named = bool(SPREADS & pieces) and not any(_is_rooted(source, call, name) for name in kept)
        if named or _is_times_noise(source, call):
            yield source.hit(KIND.code, call, "is the variance: the deviation is `exp(0.5 * logvar)`")


def _is_log_variance(node: ast.expr) -> bool:
    """`logvar`, `log_var`, `self.log_variance`; not half of it."""
    name = dotted(node).rpartition(".")[2].lower().replace("_", "").replace("variance", "var")
    return name in LOG_VARIANCES or (name.endswith("logvar") and bool(name))


def _is_halved(source: ParsedFile, name: ast.expr) -> bool:
    """Whether the half was taken where the logarithm got its name: `logvar = 0.5 * layer(h)`."""
    made = [b.value for b in bindings(source, dotted(name), name) if dotted(name)]
    return any(
        isinstance(value, ast.BinOp)
        and (
            0.5 in (_constant(value.left), _constant(value.right))
            or (isinstance(value.op, ast.Div) and _constant(value.right) == 2)
        )
        for value in made
    )


def _constant(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def _is_rooted(source: ParsedFile, call: ast.Call, name: str) -> bool:
    """Whether the function takes the root of what is kept, and so knows that it is the variance: `sigma.sqrt()`, `sigma ** 0.5`."""
    around = source.function_of(call) or source.nodes[0]
    for part in source.within(around, ast.Call):
        own = [part.func.value] if isinstance(part.func, ast.Attribute) else []
        if called_name(part) == "sqrt" and any(dotted(one) == name for one in (*own, *part.args)):
            return True
    return any(
        isinstance(p.op, ast.Pow) and dotted(p.left) == name and _constant(p.right) == 0.5
        for p in source.within(around, ast.BinOp)
    )


def _is_times_noise(source: ParsedFile, call: ast.Call) -> bool:
    outer = source.parents.get(call)
    if not isinstance(outer, ast.BinOp) or not isinstance(outer.op, ast.Mult):
        return False
    other = outer.right if outer.left is call else outer.left
    drawn = any(called_name(part) in NOISE for part in source.calls_in(other))
    return drawn or any(dotted(name).lower() in ("eps", "epsilon", "noise") for name in names_in(other))


RULE = Rule(kind=KIND, run=spread_is_a_variance)
