"""Static rule: training batches that come in the same order every epoch."""

import ast
from collections.abc import Iterator
from itertools import islice

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.repeated import callee, is_training_loop, repo_of, trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Loop, ParsedFile, is_backward, is_false, keyword
from diagnosis.rules.values import bindings, origins, words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="no-shuffle",
    found_by=FoundBy.RULE,
    title="No shuffle",
    why="Every epoch sees the same batches in the same order, and the last ones weigh most.",
    definition="A training loop over batches whose order is never permuted, or a loader in order that `train_dataloader` returns.",
    roles=(Role.LOADER,),
    explains=("batches-in-one-order", "nothing-pushed-down", "not-learning", *WEAK),
)

PERMUTES = {
    "randperm",
    "permutation",
    "shuffle",
    "permuted",
    "sample",
    "RandomSampler",
    "randint",
    "choice",
    "integers",
}
DRAWS = {
    "randint",
    "choice",
    "integers",
}  # of elements, as of negatives, which order nothing unless they are what is cut
MOST_STEPS = 12  # expressions that made what is cut
INDICES = {"arange", "argsort", "lexsort"}
MESSAGE = "feeds training in the same order every epoch: pass shuffle=True or a sampler"
WRAPS = {"enumerate", "tqdm", "iter", "list", "trange", "track", "islice"}
# torch's own class of data sets, made as it is: it stands for what a class that inherits the method will load.
NO_ROWS = {"torch.utils.data.Dataset", "torch.utils.data.dataset.Dataset"}
LOADERS = {"torch.utils.data.DataLoader", "torch.utils.data.dataloader.DataLoader"}


def no_shuffle(source: ParsedFile) -> Iterator[RuleHit]:
    """DataLoaders without shuffle or sampler that a training loop iterates; and, in a file that permutes nothing,
    training loops that step through `range(0, n, batch)`.
    """
    loops = source.training_loops()
    yield from _loaders(source, loops)
    yield from _made_elsewhere(source)
    yield from _given_to_train(source)
    if source.called_names.isdisjoint(PERMUTES - DRAWS):
        yield from _by_generator(source, loops)
        for loop in loops:
            if (
                isinstance(loop, ast.For)
                and (_strides(loop.iter) or _steps_by_product(loop))
                and _slices(loop)
                and not _of_an_index(source, loop)
                and not _of_draws(source, loop)
            ):
                yield source.hit(
                    KIND.code, loop, "takes the batches in the same order every epoch: permute them first"
                )


def _given_to_train(source: ParsedFile) -> Iterator[RuleHit]:
    """The loader that `train_dataloader` returns, which a trainer asks for."""
    for call in source.calls_named("DataLoader"):
        function = source.function_of(call)
        if (
            function is not None
            and source.full_name(call) in LOADERS
            and "loader" in function.name
            and parts_named([function.name]) == {Part.TRAIN}
            and isinstance(source.parents.get(call), ast.Return)
            and not source.calls_named(function.name)
            and not _has_order(source, call)
            and not _shuffles_itself(repo_of(source), source, call)
        ):
            yield source.hit(KIND.code, call, MESSAGE)


def _by_generator(source: ParsedFile, loops: list[Loop]) -> Iterator[RuleHit]:
    """Loops of a generator that steps through its arguments in order, over which a training loop goes: `for u, i in batches(users, items)`."""
    asked = {
        called_name(call)
        for loop in loops
        if isinstance(loop, ast.For)
        for call in source.calls_in(_unwrapped(source, loop.iter))
    }
    for function in source.functions:
        if function.name not in asked or source.calls_named("sort", "sorted", "argsort"):
            continue
        for loop in source.within(function, ast.For):
            if (
                (_strides(loop.iter) or _steps_by_product(loop))
                and _slices(loop)
                and source.within(loop, ast.Yield)
                and not _of_draws(source, loop)
            ):
                yield source.hit(
                    KIND.code, loop, "takes the batches in the same order every epoch: permute them first"
                )


def _of_draws(source: ParsedFile, loop: ast.For) -> bool:
    """Whether what the loop cuts into batches was drawn at random."""
    cut = [part.value for part in source.within(loop, ast.Subscript)]
    return any(
        called_name(call) in DRAWS
        for name in cut
        for step in islice(origins(source, name), MOST_STEPS)
        for call in source.within(step, ast.Call)
    )


def _steps_by_product(loop: ast.For) -> bool:
    """`for i in range(n)` with `x[i * size : (i + 1) * size]`, or with a `slice` of these."""
    given = [
        part for part in ast.walk(loop.iter) if isinstance(part, ast.Call) and called_name(part) == "range"
    ]
    variables = {part.id for part in ast.walk(loop.target) if isinstance(part, ast.Name)}
    return bool(given) and any(
        isinstance(lower, ast.BinOp)
        and isinstance(lower.op, ast.Mult)
        and any(isinstance(n, ast.Name) and n.id in variables for n in (lower.left, lower.right))
        for lower in _starts(loop)
    )


def _starts(loop: ast.For) -> Iterator[ast.expr]:
    """Where the slices of a loop begin, those of `slice(start, stop)` too."""
    for statement in loop.body:
        for part in ast.walk(statement):
            if isinstance(part, ast.Slice) and part.lower is not None:
                yield part.lower
            elif isinstance(part, ast.Call) and called_name(part) == "slice" and len(part.args) > 1:
                yield part.args[0]


def _loaders(source: ParsedFile, loops: list[Loop]) -> Iterator[RuleHit]:
    names = {
        (_scope(source, loop, name), name)
        for loop in loops
        if isinstance(loop, ast.For)
        for name in _names(loop.iter)
    }
    for call in source.calls:
        if source.full_name(call) not in LOADERS or _has_order(source, call):
            continue
        inline = any(call in source.calls_in(loop.iter) for loop in loops if isinstance(loop, ast.For))
        statement = source.parents.get(call)
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        assigned = {(_scope(source, call, dotted(t)), dotted(t).rpartition(".")[2]) for t in targets}
        if not (inline or assigned & names) or _is_for_evaluation(source, call):
            continue
        if not _shuffles_itself(repo_of(source), source, call):
            yield source.hit(KIND.code, call, MESSAGE)


def _made_elsewhere(source: ParsedFile) -> Iterator[RuleHit]:
    """Loaders that a factory or another file makes for a training loop of this one."""
    repo = repo_of(source)
    for loop in source.within(source.nodes[0], ast.For) if trains(repo) or source.training_loops() else ():
        if not is_training_loop(source, loop, repo):
            continue
        loaders = [m for m in repo.makers(source, _unwrapped(source, loop.iter)) if m.full_name in LOADERS]
        if any(_has_order(made.file, made.call) for made in loaders) and _steps_at_times(repo, source, loop):
            continue  # the loop is given the batches of an evaluation too: those in order
        for made in loaders:
            if (
                not _has_order(made.file, made.call)
                and not _is_for_evaluation(made.file, made.call)
                and not _shuffles_itself(repo, made.file, made.call)
            ):
                yield made.file.hit(KIND.code, made.call, MESSAGE)


def _steps_at_times(repo: Codebase, source: ParsedFile, loop: ast.For) -> bool:
    """Whether a loop trains under a condition: `if opt is not None: loss.backward()`."""
    taught = [
        call
        for call in source.calls_in(*loop.body)
        if is_backward(call) or ((d := callee(repo, source, call)) is not None and d.node in trains(repo))
    ]
    return bool(taught) and all(
        any(isinstance(o, ast.If) and loop in source.around(o) for o in source.around(call))
        for call in taught
    )


def _is_for_evaluation(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a loader is kept, or handed on, under a name that speaks of validation, test or evaluation alone."""
    words: list[str] = []
    inner: ast.AST = call
    for outer in source.around(call):
        if isinstance(outer, ast.keyword):
            words.append(outer.arg or "")
        elif isinstance(outer, ast.Dict) and inner in outer.values:
            words += [
                w
                for key, value in zip(outer.keys, outer.values)
                if value is inner
                for w in words_of(key or outer)
            ]
        elif isinstance(outer, ast.Assign):
            words += _targets_of(outer, call)
        if words or isinstance(outer, ast.stmt):
            break
        inner = outer
    parts = parts_named(words)
    if Part.TRAIN in parts:
        return False
    return bool(parts) or any("eval" in word.lower() for word in words)


def _targets_of(statement: ast.Assign, value: ast.AST) -> list[str]:
    """The words of what a statement binds to a value: in `a, b = x, y` to x those of a."""
    found: list[str] = []
    for target in statement.targets:
        given = statement.value
        if (
            isinstance(target, ast.Tuple)
            and isinstance(given, ast.Tuple)
            and len(target.elts) == len(given.elts)
        ):
            found += [w for t, v in zip(target.elts, given.elts) if value in ast.walk(v) for w in words_of(t)]
        else:
            found += words_of(target)
    return found


def _unwrapped(source: ParsedFile, given: ast.expr) -> ast.expr:
    """What is gone through: `loader` of `enumerate(bar)`, where `bar = tqdm(loader)`."""
    for _ in range(6):  # names and wrappers, one in the other
        told = given
        if isinstance(given, ast.Name):
            bound = bindings(source, given.id, given)
            told = bound[0].value if len(bound) == 1 and bound[0].position is None else given
        if not (isinstance(told, ast.Call) and called_name(told) in WRAPS and told.args):
            return given
        given = told.args[0]
    return given


def _has_order(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a DataLoader has `shuffle` (other than False), a sampler, an iterable dataset, or arguments that are not
    visible here.
    """
    if any(isinstance(a, ast.Starred) for a in call.args):
        return True
    hidden = [k.value for k in call.keywords if k.arg is None]
    given = _settings(source, hidden[0]) if len(hidden) == 1 else None
    if hidden and (given is None or given.keys() & {"sampler", "batch_sampler"}):
        return True
    shuffle = call.args[2] if len(call.args) > 2 else keyword(call, "shuffle")
    shuffle = shuffle if shuffle is not None or given is None else given.get("shuffle")
    if shuffle is not None and not is_false(shuffle):
        return True
    sampler = keyword(call, "sampler")
    in_order = isinstance(sampler, ast.Call) and called_name(sampler) == "SequentialSampler"
    if len(call.args) > 3 or (sampler is not None and not in_order) or keyword(call, "batch_sampler"):
        return True
    dataset = call.args[0] if call.args else keyword(call, "dataset")
    if not isinstance(dataset, ast.Call):
        return False
    return "iterable" in called_name(dataset).lower() or source.full_name(dataset) in NO_ROWS


def _settings(source: ParsedFile, node: ast.expr) -> dict[str, ast.expr] | None:
    """The keyword arguments of `**settings`, where one statement of the function makes them and nothing changes them; None otherwise."""
    if not isinstance(node, ast.Name):
        return None
    found = bindings(source, node.id, node)
    around = source.function_of(node) or source.nodes[0]
    uses = [n for n in source.within(around, ast.Name) if n.id == node.id and isinstance(n.ctx, ast.Load)]
    plain = all(isinstance(source.parents.get(n), ast.keyword) for n in uses)
    if len(found) != 1 or not plain:
        return None
    made = found[0].value
    if isinstance(made, ast.Call) and called_name(made) == "dict" and not made.args:
        return {k.arg: k.value for k in made.keywords if k.arg} if all(k.arg for k in made.keywords) else None
    if isinstance(made, ast.Dict) and all(isinstance(k, ast.Constant) for k in made.keys):
        return {str(k.value): v for k, v in zip(made.keys, made.values) if isinstance(k, ast.Constant)}
    return None


def _shuffles_itself(repo: Codebase, file: ParsedFile, loader: ast.Call) -> bool:
    """Whether the data set that a loader is given has a method that puts its rows in random order."""
    given = loader.args[0] if loader.args else keyword(loader, "dataset")
    kind = repo.class_of(file, given) if given is not None else None
    return kind is not None and any(
        called_name(call) in PERMUTES
        for place in repo.lineage(kind)
        for call in place.file.calls_in(place.node)
    )


def _scope(source: ParsedFile, node: ast.AST, name: str) -> ast.AST | None:
    """The function to which a local name belongs; None for what other functions see: attributes, names of the file."""
    function = source.function_of(node)
    is_local = function is not None and "." not in name and bool(bindings(source, name, node))
    return function if is_local else None


def _names(node: ast.expr) -> set[str]:
    """The last parts of all names in an expression: `enumerate(self.loader)` -> {"enumerate", "self", "loader"}."""
    return {
        part.id if isinstance(part, ast.Name) else part.attr
        for part in ast.walk(node)
        if isinstance(part, ast.Name | ast.Attribute)
    }


def _strides(node: ast.expr) -> bool:
    """Whether the expression holds a `range(start, stop, step)`, however wrapped."""
    return any(
        isinstance(part, ast.Call) and called_name(part) == "range" and len(part.args) == 3
        for part in ast.walk(node)
    )


def _of_an_index(source: ParsedFile, loop: ast.For) -> bool:
    """Whether the batches are cut from an index that is made in order: `fixed_order` says so, where it is made."""
    names = [part.value for part in source.within(loop, ast.Subscript) if isinstance(part.slice, ast.Slice)]
    return any(
        isinstance(made.value, ast.Call) and called_name(made.value) in INDICES
        for name in names
        if isinstance(name, ast.Name)
        for made in bindings(source, name.id, name)
    )


def _slices(loop: ast.For) -> bool:
    """Whether the loop variable starts a slice, as in `x[i:i + n]`."""
    variables = {part.id for part in ast.walk(loop.target) if isinstance(part, ast.Name)}
    return any(
        isinstance(n, ast.Name) and n.id in variables for lower in _starts(loop) for n in ast.walk(lower)
    )


RULE = Rule(kind=KIND, run=no_shuffle, crosses=True)
