"""Static rule: users are scored one at a time."""

import ast
from collections.abc import Iterator, Sequence

from diagnosis.findings import FindingKind, FoundBy, Nature, Role, Severity
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.judging import judges
from diagnosis.rules.reach import reached
from diagnosis.rules.repeated import below, callee, repo_of, trains
from diagnosis.rules.rows_of_one import gives_ones, goes_on
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import How, bindings, parameters
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="one-user-at-a-time",
    found_by=FoundBy.RULE,
    title="Users are scored one at a time",
    why="A model's call costs almost the same for one user as for hundreds, so that evaluation takes a hundred times as long.",
    definition="A loop or comprehension over users in `score`, or in what it calls, calls the model for a batch of one.",
    roles=(Role.SCORING,),
    sources=("github.com/pmixer/SASRec.pytorch",),
)
OF_EVALUATION = FindingKind(
    code="evaluates-one-by-one",
    found_by=FoundBy.RULE,
    title="The repo's own evaluation goes user by user",
    why="A model's call costs almost the same for one user as for hundreds, so that an evaluation in each epoch may take "
    "longer than the training.",
    definition="A loop over users in an evaluation of the repo's own, which evolverec does not run, calls the model for a "
    "batch of one.",
    roles=(Role.SCORING,),
    nature=Nature.ADVICE,
    sources=("github.com/pmixer/SASRec.pytorch",),
)

_Comprehension = ast.ListComp | ast.GeneratorExp | ast.DictComp
LOADS = {"DataLoader", "batches", "batch", "split", "chunk", "array_split", "loader", "range"}
ONES = {"unsqueeze", "reshape", "view", "expand_dims", "atleast_2d"}
COLLECTS = {"append", "extend", "add", "update", "insert", "copy_", "index_copy_", "cat", "concatenate"}
HANDS_ON = {"tqdm", "enumerate", "list", "sorted", "trange", "asarray", "as_tensor", "from_numpy"}
ARRAYS = {"array", "asarray", "tensor", "as_tensor", "LongTensor", "Tensor", "from_numpy", "stack"}


def one_user_at_a_time(source: ParsedFile) -> Iterator[RuleHit]:
    """`for user in users: scores = model(torch.tensor([user]), history[None])` in what `score` runs."""
    repo = repo_of(source)
    served = _served(repo)
    for function in source.functions:
        own = function not in served
        if (own and function not in judges(repo)) or function in trains(repo):
            continue
        for loop in source.within(function, ast.For, ast.ListComp, ast.GeneratorExp, ast.DictComp):
            if source.function_of(loop) is function and _asks_for_one(source, loop):
                yield source.hit(
                    OF_EVALUATION.code if own else KIND.code,
                    loop,
                    "calls the model once for each user: score a batch of users in one call",
                    Severity.INFORMATION if own else Severity.WARNING,
                )
                break


@once
def _served(repo: Codebase) -> set[ast.AST]:
    """The functions that `score` runs: by their names, and by the classes of the objects whose methods they are."""
    asked = repo.functions.get("score", [])
    return {*below(repo, asked), *(place.node for place in reached(repo, asked))}


def _asks_for_one(source: ParsedFile, loop: ast.For | _Comprehension) -> bool:
    """Whether each round of a loop over users calls the model for one of them, and keeps what it answers."""
    if isinstance(loop, ast.For):
        return (
            _is_of_single_ones(source, loop)
            and _call_of_one(source, loop, loop.body) is not None
            and _is_collected(source, loop)
        ) or _asks_a_row_at_a_time(source, loop)
    first = loop.generators[0]
    parts = [loop.value] if isinstance(loop, ast.DictComp) else [loop.elt]
    return (
        len(loop.generators) == 1
        and _is_of_single_ones(source, first)
        and _call_of_one(source, first, parts) is not None
    )


def _asks_a_row_at_a_time(source: ParsedFile, loop: ast.For) -> bool:
    """`for part in at[:, None]: scores = model(users[part])`, or over a generator that gives such rows."""
    if not gives_ones(source, loop.iter) or not _is_collected(source, loop):
        return False
    at = _taken_from(source, loop, loop.body)
    return any(
        _is_a_model(source, call)
        and not goes_on(call, loop.body)
        and any(
            isinstance(part, ast.Name) and part.id in at
            for given in (*call.args, *(k.value for k in call.keywords))
            for part in ast.walk(given)
        )
        for call in source.calls_in(*loop.body)
    )


def _is_of_single_ones(source: ParsedFile, loop: ast.For | ast.comprehension) -> bool:
    """Whether a loop goes through users, not through batches of them."""
    given = loop.iter
    while isinstance(given, ast.Call) and called_name(given) in HANDS_ON and given.args:
        given = given.args[0]
    if isinstance(given, ast.Call) and called_name(given) == "range":
        return len(given.args) < 3
    if isinstance(given, ast.Call):
        return called_name(given) in ("zip", "items", "keys", "values", "tolist", "unique")
    name = dotted(given).lower()
    made = [b.value for b in bindings(source, dotted(given), given) if b.how is How.ASSIGNED] if name else []
    if any(
        isinstance(part, ast.Call) and called_name(part) in LOADS and not _counts_by_one(part)
        for value in made
        for part in ast.walk(value)
    ):
        return False
    return bool(name) and not any(
        word in name for word in ("batch", "loader", "epoch", "layer", "block", "step", "chunk", "dl")
    )


def _counts_by_one(call: ast.Call) -> bool:
    """`range(1, n)`, without a step"""
    return called_name(call) == "range" and len(call.args) < 3


def _call_of_one(
    source: ParsedFile, loop: ast.For | ast.comprehension, body: Sequence[ast.AST]
) -> ast.Call | None:
    """A call of a model on a batch that holds what the loop is at, and nothing else."""
    at = _taken_from(source, loop, body)
    for call in source.calls_in(*body):
        if _is_a_model(source, call) and any(
            _is_one(source, given, at, loop) for given in (*call.args, *(k.value for k in call.keywords))
        ):
            return call
        if _asks_for_its_argument(source, call, at):
            return call
    return None


def _taken_from(source: ParsedFile, loop: ast.For | ast.comprehension, body: Sequence[ast.AST]) -> set[str]:
    """The names that hold what a loop is at, or what its rounds make of it."""
    at = {part.id for part in ast.walk(loop.target) if isinstance(part, ast.Name)}
    for inner in (part for statement in body for part in source.within(statement, ast.For)):
        if any(isinstance(part, ast.Name) and part.id in at for part in ast.walk(inner.iter)):
            at |= {part.id for part in ast.walk(inner.target) if isinstance(part, ast.Name)}
    for made in (part for statement in body for part in source.within(statement, ast.Assign)):
        if any(isinstance(part, ast.Name) and part.id in at for part in ast.walk(made.value)):
            at |= {target.id for target in made.targets if isinstance(target, ast.Name)}
    return at


def _asks_for_its_argument(source: ParsedFile, call: ast.Call, at: set[str]) -> bool:
    """Whether a function of the repo calls the model on a batch of the one row that it is given: `self.ask(row)`."""
    given = {n for n, one in enumerate(call.args) if isinstance(one, ast.Name) and one.id in at}
    reached = callee(repo_of(source), source, call) if given else None
    if reached is None or not isinstance(reached.node, Function) or reached.node.name == "forward":
        return False
    names = parameters(reached.node)
    names = names[1:] if names[:1] == ["self"] else names
    rows = {name for n, name in enumerate(names) if n in given}
    loops = reached.file.within(reached.node, ast.For, ast.While)
    return not loops and any(
        _is_a_model(reached.file, inner)
        and any(_is_one(reached.file, one, rows, reached.node) for one in inner.args)
        for inner in reached.file.calls_in(reached.node)
    )


def _is_collected(source: ParsedFile, loop: ast.For) -> bool:
    """Whether each round adds to a result; one that only goes on from the round before reads a history."""
    adds = any(called_name(c) in COLLECTS for c in source.calls_in(*loop.body))
    kinds = (ast.Yield, ast.YieldFrom, ast.AugAssign)
    stores = any(isinstance(s.ctx, ast.Store) for s in source.within(loop, ast.Subscript))
    return adds or stores or bool(source.within(loop, *kinds))


def _is_a_model(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call may be a model's: an object that is called, or a method of one or a function of the repo that scores."""
    name, head = called_name(call), dotted(call.func).partition(".")[0]
    if head in source.imports and not isinstance(call.func, ast.Name):
        return False
    if any(
        word in name.lower()
        for word in (
            "model",
            "net",
            "encoder",
            "predict",
            "score",
            "logit",
            "forward",
            "recommend",
            "tower",
            "query",
        )
    ):
        reached = callee(repo_of(source), source, call)
        return reached is None or not _is_plain(reached.file, reached.node)
    return False


def _is_plain(file: ParsedFile, node: ast.AST) -> bool:
    """Whether a function does no linear algebra and calls nothing that could."""
    return not any(True for _ in file.calls_in(node)) and not file.within(node, ast.BinOp)


def _is_one(source: ParsedFile, node: ast.expr, at: set[str], loop: ast.AST, depth: int = 0) -> bool:
    """Whether an argument is a batch of one: `[user]`, `row[None]`, `x[i : i + 1]`, `row.unsqueeze(0)`, `item.view(1)`."""
    if isinstance(node, ast.Starred):
        rows = node.value.generators[0].iter if isinstance(node.value, ast.ListComp) else node.value
        given = rows.elts if isinstance(rows, ast.List | ast.Tuple) else []
        return any(_is_one(source, part, at, loop, depth + 1) for part in given)
    if isinstance(node, ast.Name) and depth < 3:
        found = [
            b
            for b in bindings(source, node.id, node)
            if loop in source.around(b.node) and b.how is How.ASSIGNED
        ]
        return any(_is_one(source, b.value, at, loop, depth + 1) for b in found)
    if not any(isinstance(part, ast.Name) and part.id in at for part in ast.walk(node)):
        return False
    if isinstance(node, ast.List):
        return len(node.elts) == 1
    if isinstance(node, ast.Subscript):
        return _adds_an_axis(node.slice) or _is_slice_of_one(node.slice)
    if isinstance(node, ast.Call):
        name = called_name(node)
        if name in ONES and isinstance(node.func, ast.Attribute):
            numbers = [a.value for a in node.args if isinstance(a, ast.Constant)]
            return bool(numbers) and numbers[0] in ((0,) if name == "unsqueeze" else (1,))
        inner = (
            node.func.value
            if isinstance(node.func, ast.Attribute) and not (node.args and name in ARRAYS)
            else None
        )
        return any(
            _is_one(source, part, at, loop, depth + 1)
            for part in (*node.args[:1], *([inner] if inner is not None else []))
        )
    return False


def _adds_an_axis(index: ast.expr) -> bool:
    first = index.elts[0] if isinstance(index, ast.Tuple) and index.elts else index
    return (isinstance(first, ast.Constant) and first.value is None) or dotted(first).endswith("newaxis")


def _is_slice_of_one(index: ast.expr) -> bool:
    """`i : i + 1`"""
    return (
        isinstance(index, ast.Slice)
        and isinstance(index.upper, ast.BinOp)
        and isinstance(index.upper.right, ast.Constant)
        and index.upper.right.value == 1
        and index.lower is not None
        and ast.dump(index.upper.left) == ast.dump(index.lower)
    )


RULE = Rule(kind=KIND, beside=(OF_EVALUATION,), run=one_user_at_a_time)
