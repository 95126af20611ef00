"""Static rule: an epoch that ends after a few batches, by a break that a trial left behind."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import is_training_loop, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, Loop, ParsedFile
from diagnosis.rules.values import bindings, same, words_of
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import called_name, dotted

MOST = 100  # batches of a quick trial

KIND = FindingKind(
    code="epoch-cut-short",
    found_by=FoundBy.RULE,
    title="An epoch of a few batches",
    why="Most of the data is never trained on, or only by the luck of its order.",
    definition=f"A loop over batches that trains is left by `break` after a number of at most {MOST} batches that is written in the code, "
    "under no setting or flag.",
    roles=(Role.LOADER,),
    explains=(*UNTRAINED, *WEAK),
)

# Words of code that is meant to be short, and of loops whose rounds are no batches of a pass.
SHORT = ("debug", "bench", "profil", "smoke", "overfit", "sanity", "demo", "find_lr", "lr_find", "warm", "speed", "time", "trace", "test",
         "example", "dry", "quick", "tiny")  # fmt: skip
ENDLESS = ("cycle", "infinite", "endless", "forever", "repeat", "count", "sampler", "stream", "epoch")


def epoch_cut_short(source: ParsedFile) -> Iterator[RuleHit]:
    """`if i >= 4 * batch: break` in `for i in range(0, n, batch)`, `if step == 10: break` in `for step, batch in enumerate(loader)`."""
    for loop in source.within(source.nodes[0], ast.For):
        breaks = [s for s in loop.body if isinstance(s, ast.If) and _leaves(s)]
        if not breaks or _is_short_on_purpose(source, loop):
            continue
        repo = repo_of(source)
        if not is_training_loop(source, loop, repo) or not _goes_through_batches(source, loop, repo):
            continue
        for branch in breaks:
            batches = _bound(source, loop, branch.test)
            if batches is not None and 0 < batches <= MOST:
                yield source.hit(
                    KIND.code,
                    branch,
                    f"ends each epoch after about {batches} batches: take the break out, or make it a setting",
                )


def _leaves(branch: ast.If) -> bool:
    """Whether a branch does nothing but leave the loop, perhaps with a word of it."""
    *before, last = branch.body
    said = all(isinstance(s, ast.Expr) and isinstance(s.value, ast.Call) for s in before)
    return isinstance(last, ast.Break | ast.Return) and said and not branch.orelse


def _is_short_on_purpose(source: ParsedFile, loop: ast.For) -> bool:
    names = [outer.name for outer in source.around(loop) if isinstance(outer, Function | ast.ClassDef)]
    names += [word for o in source.around(loop) if isinstance(o, ast.If) for word in words_of(o.test)]
    return any(word in name.lower() for name in names for word in SHORT)


def _goes_through_batches(source: ParsedFile, loop: ast.For, repo: Codebase) -> bool:
    """Whether a loop is a pass over batches: a loader, a generator, or steps through the rows; no count of rounds."""
    given = _bare(loop.iter)
    if isinstance(given, ast.Call) and called_name(given) in ("range", "trange"):
        return len(given.args) == 3
    words = [word.lower() for word in words_of(given)]
    if any(part in word for word in words for part in ENDLESS):
        return False
    if isinstance(given, ast.Name | ast.Attribute):
        made = [b.value for b in bindings(source, dotted(given), given)]
        if any(part in word.lower() for value in made for word in words_of(value) for part in ENDLESS):
            return False
    reached = repo.callee(source, given) if isinstance(given, ast.Call) else None
    return reached is None or not any(
        isinstance(w.test, ast.Constant) for w in reached.file.within(reached.node, ast.While)
    )


def _bare(node: ast.expr) -> ast.expr:
    while (
        isinstance(node, ast.Call)
        and called_name(node) in ("enumerate", "tqdm", "iter", "track")
        and node.args
    ):
        node = node.args[0]
    return node


def _bound(source: ParsedFile, loop: ast.For, test: ast.expr) -> int | None:
    """The number of batches after which a condition leaves the loop; None where no plain number says it."""
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    op, counter, end = test.ops[0], test.left, test.comparators[0]
    if not isinstance(op, ast.Gt | ast.GtE | ast.Eq) or not _counts(source, loop, _counter(counter)):
        return None
    step = _step(loop)
    least = number(end)
    if step is None:
        return least if least is not None else None
    if isinstance(end, ast.BinOp) and isinstance(end.op, ast.Mult):
        for factor, size in ((end.left, end.right), (end.right, end.left)):
            if same(size, step):
                return number(factor)
    size = number(step)
    return least // size if least is not None and size else None


def _counter(node: ast.expr) -> ast.expr:
    """`step` of `step + 1`."""
    added = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add) and number(node.right) is not None
    return node.left if added and isinstance(node, ast.BinOp) else node


def _step(loop: ast.For) -> ast.expr | None:
    """How far the loop's own number goes in each round, where that is not one."""
    given = _bare(loop.iter)
    is_range = (
        isinstance(given, ast.Call) and called_name(given) in ("range", "trange") and len(given.args) == 3
    )
    return (
        given.args[2]
        if is_range and isinstance(given, ast.Call) and isinstance(loop.target, ast.Name)
        else None
    )


def _counts(source: ParsedFile, loop: ast.For, counter: ast.expr) -> bool:
    """Whether a name counts the rounds of a loop: its own number, or one that each round adds one to, from nought in each epoch."""
    if not isinstance(counter, ast.Name):
        return False
    if isinstance(loop.iter, ast.Call) and called_name(loop.iter) in ("range", "trange"):
        return isinstance(loop.target, ast.Name) and loop.target.id == counter.id
    inner: ast.expr = loop.iter
    while isinstance(inner, ast.Call) and called_name(inner) != "enumerate" and inner.args:
        inner = inner.args[0]
    if (
        isinstance(inner, ast.Call)
        and called_name(inner) == "enumerate"
        and isinstance(loop.target, ast.Tuple)
    ):
        first = loop.target.elts[0]
        return isinstance(first, ast.Name) and first.id == counter.id
    added = [s for s in loop.body if isinstance(s, ast.AugAssign) and dotted(s.target) == counter.id]
    once = len(added) == 1 and isinstance(added[0].op, ast.Add) and number(added[0].value) == 1
    around = next((o for o in source.around(loop) if isinstance(o, Loop | Function)), None)
    body = getattr(around, "body", [])
    reset = any(
        isinstance(s, ast.Assign) and dotted(s.targets[0]) == counter.id and number(s.value) == 0
        for s in body
    )
    return once and reset


RULE = Rule(kind=KIND, run=epoch_cut_short)
