"""Static rule: a sampler keeps what each user has, and draws negatives without ever asking it."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Nature, Role, Severity
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.draws import is_draw
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import parameters
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="seen-never-asked",
    found_by=FoundBy.RULE,
    title="What users have is kept and never asked",
    why="Most samplers leave hits at chance, which costs little in a large catalogue; in a small one drawing them again is stronger, and what it takes is there.",
    definition="A class, or a function, that draws whole numbers as negatives is also handed what a user has, or makes a table or sets of what each user has, `seen[users, items] = True` or "
    "`set(items)`, and nothing in the repo reads these.",
    roles=(Role.NEGATIVES,),
    nature=Nature.ADVICE,
)
# Words by which functions name what a user has, which no negative may be.
HAD = {"seen", "owned", "taken", "positives", "known", "rated", "interacted", "exclude", "excluded", "forbidden", "avoid", "ts", "clicked", "bought"}  # fmt: skip
RANGES = {"randint", "integers", "random_integers", "randrange", "choice", "randint_like"}


def seen_never_asked(source: ParsedFile) -> Iterator[RuleHit]:
    """`self.rated[users, items] = True`, and `return rng.integers(1, n + 1, len(users))` for negatives."""
    repo = source.repo
    if repo is None or not repo.whole:
        return
    for function in source.functions:
        draws = _negatives(source, function)
        if not draws:
            continue
        unread = _unread_here(repo, source, function) or _unread_of_object(repo, source, function)
        if unread:
            yield source.hit(
                KIND.code,
                draws[0],
                f"draws negatives without asking {unread}, which holds what users have and is read nowhere: draw hits again",
                Severity.INFORMATION,
            )


def _negatives(source: ParsedFile, function: Function) -> list[ast.Call]:
    """The draws of whole numbers that a function gives out or keeps as negatives, by the names."""
    found = []
    named = _says_negative(function.name)
    for call in source.calls_in(function):
        if (
            called_name(call) not in RANGES
            or not is_draw(source, call)
            or source.function_of(call) is not function
        ):
            continue
        statement = next((o for o in source.around(call) if isinstance(o, ast.stmt)), None)
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        plain = isinstance(statement, ast.Return) and named
        if plain or any(_says_negative(dotted(t).rpartition(".")[2]) for t in targets) or (named and targets):
            found.append(call)
    return found


def _says_negative(name: str) -> bool:
    return any(piece.startswith("neg") or piece == "ng" for piece in name.lower().split("_"))


def _unread_here(repo: Codebase, source: ParsedFile, function: Function) -> str:
    """The name of what a user has that a function is handed or makes, and does not read; "" where there is none."""
    reads = _reads(source, function)
    for statement in source.within(function, ast.Assign):
        target, value = statement.targets[0], statement.value
        own = isinstance(target, ast.Name) and source.function_of(statement) is function and _is_set(value)
        if own and target.id not in reads and not target.id.startswith("_"):
            return target.id
    alone = len(repo.functions[function.name]) == 1  # else an interface that others fill otherwise
    for name in parameters(function) if alone else ():
        if name not in reads and HAD & set(name.lower().split("_")):
            return name
    for target in _marked(source, function):
        if isinstance(target, ast.Name) and target.id not in reads:
            return target.id
    return ""


def _unread_of_object(repo: Codebase, source: ParsedFile, function: Function) -> str:
    """The attribute of a sampler that holds what users have, where nothing in the repo reads it."""
    kind = source.parents.get(function)
    if not isinstance(kind, ast.ClassDef):
        return ""
    kept = {
        target.attr
        for target in _marked(source, kind)
        if isinstance(target, ast.Attribute) and _is_own(target)
    }
    for statement in source.within(kind, ast.Assign):
        target, value = statement.targets[0], statement.value
        if isinstance(target, ast.Attribute) and _is_own(target):
            of_sets = isinstance(value, ast.DictComp) and _is_set(value.value)
            of_sets |= isinstance(value, ast.Call) and bool(HAD & set(target.attr.lower().split("_")))
            if of_sets or (isinstance(value, ast.ListComp) and _is_set(value.elt)):
                kept.add(target.attr)
    return next((f"self.{name}" for name in sorted(kept) if name not in _attributes_read(repo)), "")


def _is_own(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and dotted(node.value) == "self"


def _is_set(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and called_name(value) in ("set", "frozenset") and bool(value.args)


def _marked(source: ParsedFile, inside: ast.AST) -> Iterator[ast.Name | ast.Attribute]:
    """The tables of which single places, of a user and an item, are set to True or 1: `seen[users, items] = True`."""
    for statement in source.within(inside, ast.Assign):
        target, value = statement.targets[0], statement.value
        if not isinstance(target, ast.Subscript) or not isinstance(target.slice, ast.Tuple):
            continue
        plain = all(isinstance(one, ast.Name | ast.Attribute | ast.Subscript) for one in target.slice.elts)
        sets = isinstance(value, ast.Constant) and value.value in (True, 1)
        if (
            len(target.slice.elts) == 2
            and plain
            and sets
            and isinstance(target.value, ast.Name | ast.Attribute)
        ):
            yield target.value


def _reads(source: ParsedFile, function: Function) -> set[str]:
    """The names that a function reads, those whose places are set or that are added to left out."""
    return {
        name.id
        for name in source.within(function, ast.Name)
        if isinstance(name.ctx, ast.Load) and not _is_filled(source, name)
    }


@once
def _attributes_read(repo: Codebase) -> frozenset[str]:
    """The names of all attributes that are read somewhere, also by their name as a string."""
    found = {
        node.attr
        for file in repo.files
        for node in file.within(file.nodes[0], ast.Attribute)
        if isinstance(node.ctx, ast.Load) and not _is_filled(file, node)
    }
    texts = {
        node.value
        for file in repo.files
        for call in file.calls_named("getattr", "hasattr")
        for node in call.args
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return frozenset(found | texts)


def _is_filled(source: ParsedFile, node: ast.AST) -> bool:
    """Whether a name stands there only to have a place of it set, or to be added to."""
    outer = source.parents.get(node)
    if isinstance(outer, ast.Subscript) and outer.value is node:
        if isinstance(outer.ctx, ast.Store):
            return True
        node, outer = outer, source.parents.get(outer)
    if isinstance(outer, ast.Attribute) and outer.attr in ("add", "update"):
        call = source.parents.get(outer)
        return isinstance(call, ast.Call) and isinstance(source.parents.get(call), ast.Expr)
    return False


RULE = Rule(kind=KIND, run=seen_never_asked)
