"""Static rule: a weight decay so strong that the rows of a table are gone before their items come again."""

import ast
import math
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.constants import numbers_of
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.rules.steps import is_optimizer
from diagnosis.symptoms import NARROW, UNLEARNED, UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="decay-starves-tables",
    found_by=FoundBy.RULE,
    title="Weight decay starves the tables",
    why="A row gets a gradient only when its item is in a batch and the decay at every step, and Adam scales both alike: rare items go to zero.",
    definition="An optimizer has a table of embeddings among its parameters and a weight decay that is at least 0.01 wherever the code sets it (of Adam and its "
    "like, which add it to the gradient), or whose product with the rate halves the weights within 150 steps (of AdamW and SGD).",
    roles=(Role.OPTIMIZER,),
    explains=("decay-outweighs", "tables-shrink", "decay-without-gradient", *UNLEARNED, *UNTRAINED, *WEAK, *NARROW),
)  # fmt: skip
# Optimizers that divide the decay together with the gradient by their size.
RESCALING = {"Adam", "NAdam", "RAdam", "Adamax", "RMSprop"}
STRONG = 0.01  # published recommenders take at most a tenth of it with these
SUBTRACTING = {"AdamW", "SGD"}
HALVED_WITHIN = 150  # steps
TABLES = ("Embedding", "EmbeddingBag", "embedding", "embedding_bag")
DEEPEST = 4  # classes inside of each other


def decay_starves_tables(source: ParsedFile) -> Iterator[RuleHit]:
    """`optim.Adam(model.parameters(), lr=1e-3, weight_decay=0.05)`"""
    repo = source.repo
    if repo is None:
        return
    for call in source.calls_named(*RESCALING, *SUBTRACTING):
        decay = keyword(call, "weight_decay")
        if decay is None or not is_optimizer(source.full_name(call)):
            continue
        numbers = numbers_of(repo, source, decay)
        if (
            not numbers
            or not _is_strong(repo, source, call, min(numbers))
            or not _has_table(repo, source, call)
        ):
            continue
        yield source.hit(
            KIND.code,
            call,
            f"`weight_decay={min(numbers):g}` takes rows to zero before their items come again: take far less, or leave the tables out",
        )


def _is_strong(repo: Codebase, source: ParsedFile, call: ast.Call, decay: float) -> bool:
    if called_name(call) in RESCALING:
        return decay >= STRONG and keyword(call, "decoupled_weight_decay") is None
    given = keyword(call, "lr") or (call.args[1] if len(call.args) > 1 else None)
    rates = numbers_of(repo, source, given) if given is not None else frozenset((1e-3,))
    return bool(rates) and decay * min(rates) * HALVED_WITHIN > math.log(2)


def _has_table(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    """Whether the optimizer is handed the parameters of what has a table; no groups, whose decay may be another."""
    given = call.args[0] if call.args else keyword(call, "params")
    while isinstance(given, ast.Call) and called_name(given) in ("list", "filter") and given.args:
        given = given.args[-1]
    if isinstance(given, ast.List | ast.Tuple):
        return bool(given.elts) and any("emb" in dotted(part).lower() for part in given.elts)
    if not isinstance(given, ast.Call) or not isinstance(given.func, ast.Attribute):
        return False
    owner = given.func.value
    if called_name(given) == "values":
        return next(repo.calls("embedding", "embedding_bag"), None) is not None
    if called_name(given) != "parameters":
        return False
    kind = repo.class_around(source, call) if dotted(owner) == "self" else repo.class_of(source, owner)
    return kind.node in _with_tables(repo) if kind is not None else _all_have_tables(repo)


@once
def _with_tables(repo: Codebase) -> set[ast.AST]:
    """The classes whose objects have a table, in themselves, in a class above or in an object that they make."""
    kinds = [kind for places in repo.classes.values() for kind in places]
    found = {kind.node for kind in kinds if _makes_table(kind)}
    for _ in range(DEEPEST):
        more = {kind.node for kind in kinds if kind.node not in found and _holds(repo, kind, found)}
        if not more:
            break
        found |= more
    return found


def _makes_table(kind: Defined) -> bool:
    return any(called_name(call) in TABLES for call in kind.file.calls_in(kind.node))


def _holds(repo: Codebase, kind: Defined, found: set[ast.AST]) -> bool:
    if any(above.node in found for above in repo.lineage(kind)):
        return True
    made = {called_name(call) for call in kind.file.calls_in(kind.node)} & repo.classes.keys()
    return any(place.node in found for name in made for place in repo.classes[name])


@once
def _all_have_tables(repo: Codebase) -> bool:
    """Whether a model that nothing is known of has a table: every module that trains in this repo holds one somewhere."""
    outermost = [
        place
        for name, places in repo.classes.items()
        if name in repo.modules
        for place in places
        if not _is_part(repo, name)
    ]
    return bool(outermost) and all(place.node in _with_tables(repo) for place in outermost)


def _is_part(repo: Codebase, name: str) -> bool:
    """Whether objects of a class are parts of others, or the class is one that others derive from."""
    if repo.below.get(name):
        return True
    return any(
        (outer := repo.class_around(made.file, made.call)) is not None and repo.is_module(outer)
        for made in repo.constructions.get(name, [])
    )


RULE = Rule(kind=KIND, run=decay_starves_tables)
