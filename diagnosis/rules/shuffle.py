"""Static rule: training batches that come in the same order every epoch."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.repeated import callee, is_training_loop, repo_of, trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Loop, ParsedFile, is_backward, is_false, keyword
from diagnosis.rules.values import bindings, words_of
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="no-shuffle",
    found_by=FoundBy.RULE,
    title="No shuffle",
    why="Every epoch sees the same batches in the same order, and the last ones weigh most.",
    definition="A training loop over batches whose order is never permuted.",
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
INDICES = {"arange", "argsort", "lexsort"}
MESSAGE = "feeds training in the same order every epoch: pass shuffle=True or a sampler"
WRAPS = {"enumerate", "tqdm", "iter", "list", "trange", "track", "islice"}
LOADERS = {"torch.utils.data.DataLoader", "torch.utils.data.dataloader.DataLoader"}


def no_shuffle(source: ParsedFile) -> Iterator[RuleHit]:
    """DataLoaders without shuffle or sampler that a training loop iterates; and, in a file that permutes nothing,
    training loops that step through `range(0, n, batch)`.
    """
    loops = source.training_loops()
    yield from _loaders(source, loops)
    yield from _made_elsewhere(source)
    if source.called_names.isdisjoint(PERMUTES):
        for loop in loops:
            if (
                isinstance(loop, ast.For)
                and _strides(loop.iter)
                and _slices(loop)
                and not _of_an_index(source, loop)
            ):
                yield source.hit(
                    KIND.code, loop, "takes the batches in the same order every epoch: permute them first"
                )


def _loaders(source: ParsedFile, loops: list[Loop]) -> Iterator[RuleHit]:
    names = {
        (_scope(source, loop, name), name)
        for loop in loops
        if isinstance(loop, ast.For)
        for name in _names(loop.iter)
    }
    for call in source.calls:
        if source.full_name(call) not in LOADERS or _has_order(call):
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
    for loop in source.within(source.nodes[0], ast.For):
        if not is_training_loop(source, loop, repo):
            continue
        loaders = [m for m in repo.makers(source, _unwrapped(source, loop.iter)) if m.full_name in LOADERS]
        if any(_has_order(made.call) for made in loaders) and _steps_at_times(repo, source, loop):
            continue  # the loop is given the batches of an evaluation too: those in order
        for made in loaders:
            if (
                not _has_order(made.call)
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


def _has_order(call: ast.Call) -> bool:
    """Whether a DataLoader has `shuffle` (other than False), a sampler, an iterable dataset, or arguments that are not
    visible here.
    """
    if any(k.arg is None for k in call.keywords) or any(isinstance(a, ast.Starred) for a in call.args):
        return True
    shuffle = call.args[2] if len(call.args) > 2 else keyword(call, "shuffle")
    if shuffle is not None and not is_false(shuffle):
        return True
    sampler = keyword(call, "sampler")
    in_order = isinstance(sampler, ast.Call) and called_name(sampler) == "SequentialSampler"
    if len(call.args) > 3 or (sampler is not None and not in_order) or keyword(call, "batch_sampler"):
        return True
    dataset = call.args[0] if call.args else keyword(call, "dataset")
    return isinstance(dataset, ast.Call) and "iterable" in called_name(dataset).lower()


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
        isinstance(part, ast.Slice)
        and part.lower is not None
        and any(isinstance(n, ast.Name) and n.id in variables for n in ast.walk(part.lower))
        for statement in loop.body
        for part in ast.walk(statement)
    )


RULE = Rule(kind=KIND, run=no_shuffle, crosses=True)
