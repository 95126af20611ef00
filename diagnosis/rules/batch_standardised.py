"""Static rule: features that are standardised by the rows at hand, which are others in training than where the model serves."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.discount import statement_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import same
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="standardised-by-batch",
    found_by=FoundBy.RULE,
    title="Features are standardised by the rows at hand",
    why="The same user and item get other numbers beside other rows, and a request of one row is nothing but zeros.",
    definition="A function that is given users, histories or candidates takes off the mean over axis 0 of the features that it makes of them, and divides by "
    "their deviation. Losses, and functions that run once, as constructors do, may.",
    roles=(Role.LOADER, Role.ENCODER),
    explains=("batch-companions", "batch-mixed", *WEAK),
)
ASKED = {
    "users",
    "user",
    "items",
    "item",
    "hist",
    "history",
    "histories",
    "candidates",
    "cand",
    "batch",
    "x",
    "rows",
    "events",
    "seq",
    "sequences",
}
ONCE = (
    "load",
    "read",
    "prepare",
    "fit",
    "build",
    "make",
    "standard",
    "scale",
    "normal",
    "preprocess",
    "init",
    "loss",
    "whiten",
    "barlow",
    "vicreg",
    "from_",
    "train",
    "update",
    "advantage",
    "corr",
    "contrast",
    "align",
    "uniform",
    "ssl",
    "regul",
    "penalt",
)


def standardised_by_batch(source: ParsedFile) -> Iterator[RuleHit]:
    """`numeric = (numeric - numeric.mean(0)) / (numeric.std(0) + 1e-6)` in what makes the features of each request."""
    for node in source.within(source.nodes[0], ast.BinOp):
        if (
            not isinstance(node.op, ast.Div)
            or not isinstance(node.left, ast.BinOp)
            or not isinstance(node.left.op, ast.Sub)
        ):
            continue
        value = node.left.left
        if not _over_rows(source, node.left.right, "mean", value) or not _divides_by_spread(
            source, node.right, value
        ):
            continue
        function = source.function_of(node)
        if isinstance(function, Function) and _is_asked(source, function):
            yield source.hit(
                KIND.code,
                statement_of(source, node),
                "standardises by the rows that are asked for together: take mean and deviation of the training data, once",
            )


def _over_rows(source: ParsedFile, node: ast.expr, name: str, value: ast.expr) -> bool:
    """`x.mean(0)`, `np.mean(x, axis=0)`"""
    if not isinstance(node, ast.Call) or called_name(node) != name:
        return False
    library = source.full_name(node).startswith(("numpy.", "torch."))
    own = node.args[0] if library and node.args else getattr(node.func, "value", None)
    given = node.args[1:2] if library else node.args[:1]
    axis = given[0] if given else keyword(node, "axis") or keyword(node, "dim")
    return (
        isinstance(own, ast.expr)
        and same(_plain(own), _plain(value))
        and axis is not None
        and number(axis) == 0
    )


def _plain(node: ast.expr) -> ast.AST:
    return ast.Constant(value=ast.unparse(node))


def _divides_by_spread(source: ParsedFile, node: ast.expr, value: ast.expr) -> bool:
    return any(
        _over_rows(source, part, "std", value) for part in ast.walk(node) if isinstance(part, ast.expr)
    )


def _is_asked(source: ParsedFile, function: Function) -> bool:
    """Whether a function answers requests, by what it is given, and is none that runs once or makes a loss."""
    given = {a.arg.lower() for a in (*function.args.posonlyargs, *function.args.args)}
    name = function.name.lower()
    if any(word in name for word in ONCE) or _knows_training(source, function):
        return False
    owner = source.parents.get(function)
    if isinstance(owner, ast.ClassDef) and _is_norm_or_loss(owner):
        return False
    several = len((given & ASKED) - {"x"}) > 1
    called = function.name in ("forward", "collate", "collate_fn", "__call__") and bool(given & ASKED)
    return several or (called and (isinstance(owner, ast.ClassDef) or "collate" in function.name))


def _knows_training(source: ParsedFile, function: Function) -> bool:
    """Whether it takes other numbers where the model serves, as batch normalisation does."""
    return any(
        part.attr == "training" or part.attr.startswith("running")
        for part in source.within(function, ast.Attribute)
    )


def _is_norm_or_loss(owner: ast.ClassDef) -> bool:
    """Whether a class is a layer that normalises, or a loss, by its name and those of its bases."""
    words = (owner.name, *(dotted(b) for b in owner.bases))
    return any(part in word.lower() for word in words for part in ("norm", *ONCE))


RULE = Rule(kind=KIND, run=standardised_by_batch)
