"""Static rule: the repo's own evaluation ranks the row of padding among the items."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.definitions import returns
from diagnosis.rules.draws import is_draw
from diagnosis.rules.evaluating import evaluators
from diagnosis.rules.feeding import fed
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.judging import judges
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import callee, repo_of, trains
from diagnosis.rules.resampled import examples_of_evaluation
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import How, bindings
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="padding-in-evaluation",
    found_by=FoundBy.RULE,
    title="The evaluation ranks padding",
    why="Row 0 of the item table stands for no item, and takes a place in the list, or among the candidates, whenever it scores high.",
    definition="Where 0 is padding (`padding_idx=0`), an evaluation takes the best of the products with all rows of an item table, from row 0 on, and sets no "
    "column of them apart; or draws its candidates from numbers that begin at 0 and end at the number of items.",
    sources=("github.com/RUCAIBox/RecBole/issues/277",),
)
TOPS = ("topk", "argsort", "argpartition")
SAME = {
    "cpu",
    "numpy",
    "detach",
    "float",
    "squeeze",
    "contiguous",
    "to",
    "clone",
    "sigmoid",
}  # rows and columns stay where they are
DEEPEST = 5  # calls between an evaluation and the product


def padding_in_evaluation(source: ParsedFile) -> Iterator[RuleHit]:
    """`scores = trainer.scores(users)`, which is `x @ self.items.weight.T`, then `scores.topk(k)`; `np.setdiff1d(np.arange(n_items + 1), seen)`."""
    repo = repo_of(source)
    if not repo.whole or not _padded_by_zero(repo):
        return
    judging = {f for f in source.functions if f in judges(repo)} | evaluators(source)
    judging |= examples_of_evaluation(source, ("__init__", "__getitem__", "__iter__")) | {
        f for f in source.functions if f in fed(repo)
    }
    for function in judging:
        if function in trains(repo) or function.name in ("score", "predict"):
            continue
        for call in source.calls_in(function):
            ranked = _ranked(call) if called_name(call) in TOPS else None
            if ranked is not None and _is_of_all_rows(repo, source, function, ranked):
                yield source.hit(
                    KIND.code,
                    call,
                    "ranks column 0, which is padding, among the items: set its scores to -inf before",
                )
            elif (pool := _pool_from_padding(repo, source, call)) is not None:
                yield source.hit(
                    KIND.code,
                    pool,
                    "candidates are drawn from 0 on, which is padding and no item: begin at 1",
                )


@once
def _padded_by_zero(repo: Codebase) -> bool:
    """Whether every table of the repo that knows padding has it in row 0."""
    told = [
        given
        for file in repo.files
        for call in file.calls
        if (given := keyword(call, "padding_idx")) is not None
    ]
    return bool(told) and all(number(given) == 0 for given in told)


def _ranked(call: ast.Call) -> ast.Name | None:
    """The scores that are ranked: `scores.topk(k)`, `np.argsort(-scores, axis=1)`."""
    own = call.func.value if isinstance(call.func, ast.Attribute) else None
    value = (
        own
        if isinstance(own, ast.Name) and own.id not in ("np", "torch", "numpy")
        else (call.args or [None])[0]
    )
    value = value.operand if isinstance(value, ast.UnaryOp) else value
    return value if isinstance(value, ast.Name) else None


def _is_of_all_rows(repo: Codebase, source: ParsedFile, function: Function, scores: ast.Name) -> bool:
    """Whether scores are a product with all rows of a table, whose first column nothing in the function sets apart."""
    found = [b for b in bindings(source, scores.id, scores) if b.how is How.ASSIGNED]
    if len(found) != 1 or found[0].position is not None or _sets_apart(source, function, scores.id):
        return False
    return _gives_all_rows(repo, source, found[0].value, 0)


def _sets_apart(source: ParsedFile, function: Function, name: str) -> bool:
    """Whether a column is set or cut off, or scores are handed to anything that may do so; a row of seen items, taken by user, is not."""
    for part in source.within(function, ast.Subscript):
        if dotted(part.value) != name:
            continue
        places = part.slice.elts if isinstance(part.slice, ast.Tuple) else [part.slice]
        if (
            isinstance(part.ctx, ast.Load)
            or len(places) != 2
            or not isinstance(places[1], ast.Name | ast.Subscript)
        ):
            return True
        if not isinstance(places[0], ast.Name):
            return True
    return any(
        called_name(call) not in TOPS and any(dotted(given) == name for given in call.args)
        for call in source.calls_in(function)
    ) or any(
        isinstance(call.func, ast.Attribute)
        and dotted(call.func.value) == name
        and called_name(call) not in (*TOPS, *SAME)
        for call in source.calls_in(function)
    )


def _gives_all_rows(repo: Codebase, file: ParsedFile, value: ast.expr, depth: int) -> bool:
    if depth > DEEPEST:
        return False
    if isinstance(value, ast.Call):
        own = value.func.value if isinstance(value.func, ast.Attribute) else None
        if called_name(value) in SAME and own is not None and dotted(own) not in ("np", "torch", "F"):
            return _gives_all_rows(repo, file, own, depth)
        reached = repo.callee(file, value) or callee(repo, file, value)
        given = _returned(reached) if reached is not None else None
        pads = (
            depth > 0
            or reached is None
            or any(_pads(repo, reached.file, c) for c in reached.file.calls_in(reached.node))
        )
        return (
            reached is not None
            and given is not None
            and pads
            and _gives_all_rows(repo, reached.file, given, depth + 1)
        )
    if isinstance(value, ast.Name):
        found = [b.value for b in bindings(file, value.id, value) if b.how is How.ASSIGNED]
        return len(found) == 1 and _gives_all_rows(repo, file, found[0], depth + 1)
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):  # beside a bias
        return any(_gives_all_rows(repo, file, side, depth + 1) for side in (value.left, value.right))
    return (
        isinstance(value, ast.BinOp)
        and isinstance(value.op, ast.MatMult)
        and _is_whole_table(repo, file, value.right, 0)
    )


def _pads(repo: Codebase, file: ParsedFile, call: ast.Call) -> bool:
    """Whether a call fills rows up, by its name or because the function that it runs lays them into zeros."""
    if "pad" in called_name(call):
        return True
    reached = repo.callee(file, call)
    return reached is not None and any(called_name(c) == "zeros" for c in reached.file.calls_in(reached.node))


def _returned(function: Defined) -> ast.expr | None:
    found = returns(function)
    return found[0] if len(found) == 1 else None


def _is_whole_table(repo: Codebase, file: ParsedFile, value: ast.expr, depth: int) -> bool:
    """`self.items.weight.T` of a table with padding, `self.tower(torch.arange(n)).T` with a whole range, itself or through a method."""
    if isinstance(value, ast.Attribute) and value.attr in ("T", "mT", "weight"):
        if value.attr == "weight":
            made = repo.makers(file, value.value)
            return bool(made) and all(keyword(m.call, "padding_idx") is not None for m in made)
        return _is_whole_table(repo, file, value.value, depth)
    if not isinstance(value, ast.Call) or depth > DEEPEST:
        return False
    if called_name(value) in ("t", "transpose") and isinstance(value.func, ast.Attribute):
        return _is_whole_table(repo, file, value.func.value, depth)
    if len(value.args) == 1 and _is_range(file, value.args[0]):
        kind = repo.class_of(file, value.func)
        place = kind or Defined(file=file, node=file.nodes[0])
        return any(keyword(c, "padding_idx") is not None for c in place.file.calls_in(place.node))
    reached = repo.callee(file, value)
    given = _returned(reached) if reached is not None and not value.args else None
    return reached is not None and given is not None and _is_whole_table(repo, reached.file, given, depth + 1)


def _is_range(file: ParsedFile, value: ast.expr) -> bool:
    """`torch.arange(n)`, which begins at 0."""
    if isinstance(value, ast.Name):
        found = [b.value for b in bindings(file, value.id, value) if b.how is How.ASSIGNED]
        value = found[0] if len(found) == 1 else value
    return isinstance(value, ast.Call) and called_name(value) == "arange" and len(value.args) == 1


def _pool_from_padding(repo: Codebase, source: ParsedFile, draw: ast.Call) -> ast.expr | None:
    """The range from 0 to the number of items, both in it, of which an evaluation draws: `rng.choice(np.setdiff1d(np.arange(n + 1), seen))`."""
    if not is_draw(source, draw) or called_name(draw) not in ("choice", "sample", "choices") or not draw.args:
        return None
    pool = draw.args[0]
    if isinstance(pool, ast.Name):
        found = [b.value for b in bindings(source, pool.id, draw) if b.how is How.ASSIGNED]
        pool = found[0] if len(found) == 1 else pool
    for call in source.calls_in(pool):
        last = call.args[0] if called_name(call) in ("arange", "range") and len(call.args) == 1 else None
        if isinstance(last, ast.BinOp) and isinstance(last.op, ast.Add) and number(last.right) == 1:
            name = dotted(last.left).rpartition(".")[2]
            if name and name in _sizes(repo):
                return call
    return None


@once
def _sizes(repo: Codebase) -> frozenset[str]:
    """The names of the numbers that tables with padding have one row more of: `item_num` of `nn.Embedding(item_num + 1, d, padding_idx=0)`, and
    what is given for them.
    """
    found: set[str] = set()
    for file in repo.files:
        for call in file.calls:
            first = call.args[0] if call.args and keyword(call, "padding_idx") is not None else None
            if (
                not isinstance(first, ast.BinOp)
                or not isinstance(first.op, ast.Add)
                or number(first.right) != 1
            ):
                continue
            found.add(dotted(first.left).rpartition(".")[2])
            function = file.function_of(call)
            if isinstance(first.left, ast.Name) and function is not None:
                given = (
                    repo.given(Defined(file=file, node=function), first.left.id)
                    if _has(function, first.left.id)
                    else []
                )
                found |= {dotted(value).rpartition(".")[2] for _, value in given}
    return frozenset(found - {""})


def _has(function: Function, name: str) -> bool:
    return any(a.arg == name for a in (*function.args.args, *function.args.kwonlyargs))


RULE = Rule(kind=KIND, run=padding_in_evaluation)
