"""Static rule: worker processes of a loader that each draw with a copy of one generator, anew in every epoch."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.constants import numbers_of
from diagnosis.rules.definitions import Defined, own_method
from diagnosis.rules.draws import GENERATORS, RANDOM
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile, keyword
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="workers-draw-alike",
    found_by=FoundBy.RULE,
    title="All workers draw the same numbers",
    why="Each worker process gets a copy of the data set's generator when an epoch begins, so that all of them draw the same, in every epoch.",
    definition="`__getitem__` draws from a generator that `__init__` made, and a DataLoader with num_workers above 0 and no worker_init_fn reads it.",
    roles=(Role.LOADER, Role.NEGATIVES),
    explains=("negatives-repeated", "overconfidence", *WEAK),
    sources=("pytorch.org/docs/stable/notes/faq.html",),
)


def workers_draw_alike(source: ParsedFile) -> Iterator[RuleHit]:
    """`DataLoader(data, num_workers=4)` of a data set with `self.rng = np.random.default_rng(seed)`."""
    repo = source.repo
    for call in source.calls_named("DataLoader") if repo else ():
        if repo is None or not call.args or keyword(call, "worker_init_fn"):
            continue
        workers = numbers_of(repo, source, keyword(call, "num_workers"))
        kept = keyword(call, "persistent_workers")
        if not workers or min(workers) < 1 or (isinstance(kept, ast.Constant) and kept.value is True):
            continue
        kind = repo.class_of(source, call.args[0])
        drawn = _drawn_from(repo, kind) if kind is not None else ""
        if drawn:
            yield source.hit(
                KIND.code,
                call,
                f"copies self.{drawn} into each worker anew in every epoch: make the generator in worker_init_fn",
            )


def _drawn_from(repo: Codebase, kind: Defined) -> str:
    """The attribute with the generator that `__getitem__` draws from and that `__init__` made; "" for none."""
    reads, makes = own_method(kind, "__getitem__"), repo.method(kind, "__init__")
    if reads is None or makes is None:
        return ""
    made = {
        dotted(target).removeprefix("self.")
        for statement in makes.file.within(makes.node, ast.Assign)
        for target in statement.targets
        if dotted(target).startswith("self.") and _makes_generator(makes.file, statement.value)
    }
    methods = [reads, *(m for m in _called(repo, kind, reads) if m is not None)]
    for method in methods:
        for call in method.file.calls_in(method.node):
            owner = dotted(call.func.value) if isinstance(call.func, ast.Attribute) else ""
            given = [*(k.value for k in call.keywords if k.arg == "generator")]
            names = {owner, *map(dotted, given)}
            hits = [name for name in made if f"self.{name}" in names]
            if hits and called_name(call) in RANDOM:
                return hits[0]
    return ""


def _makes_generator(file: ParsedFile, value: ast.expr) -> bool:
    return any(called_name(call) in GENERATORS for call in file.calls_in(value))


def _called(repo: Codebase, kind: Defined, method: Defined) -> Iterator[Defined | None]:
    """The methods of the class that one of them calls on `self`."""
    for call in method.file.calls_in(method.node):
        if dotted(call.func).startswith("self.") and dotted(call.func).count(".") == 1:
            yield repo.method(kind, called_name(call))


RULE = Rule(kind=KIND, run=workers_draw_alike)
