"""Which functions of a repo run again and again while it trains: at each step, or at each epoch."""

import ast
from collections.abc import Iterable, Iterator
from weakref import WeakKeyDictionary

from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.evaluating import NOT_CALLS
from diagnosis.rules.handed_on import handed_on
from diagnosis.rules.source import Function, Loop, ParsedFile, is_backward, keyword
from diagnosis.rules.written_steps import moves_rows
from diagnosis.syntax import called_name, dotted

MOST_LEVELS = 6  # of calls below a loop that trains
LIBRARIES = {"torch", "numpy", "random", "scipy", "pandas", "math", "os", "sklearn", "tqdm", "time", "copy"}
# Methods that a DataLoader, or a loop over examples, calls again in each epoch.
FEEDS = {"__getitem__", "__iter__"}


_FOUND: "WeakKeyDictionary[Codebase, dict[ast.AST, Defined]]" = WeakKeyDictionary()
_TRAINING: "WeakKeyDictionary[Codebase, dict[ast.AST, Defined]]" = WeakKeyDictionary()


def repo_of(source: ParsedFile) -> Codebase:
    """The repo of a file; the file alone where no other is at hand."""
    return source.repo or Codebase(files=(source,), whole=False)


def repeated(repo: Codebase) -> dict[ast.AST, Defined]:
    """The functions that run at least once in each epoch of training, by their nodes."""
    found = _FOUND.get(repo)
    if found is None:
        found = _FOUND[repo] = below(repo, [*_fed(repo), *_in_training_loops(repo)])
    return found


def trains(repo: Codebase) -> dict[ast.AST, Defined]:
    """The functions that call `backward`, or move rows by a rate themselves, here or through others, by their nodes."""
    found = _TRAINING.get(repo)
    if found is None:
        found = _TRAINING[repo] = _reaching(repo)
    return found


def in_training_loop(source: ParsedFile, node: ast.AST, repo: Codebase) -> bool:
    """Whether a loop around the node, in its own function, trains in each round."""
    for outer in source.around(node):
        if isinstance(outer, Function):
            return False
        if isinstance(outer, Loop) and _trains_inside(source, outer, repo):
            return True
    return False


def is_training_loop(source: ParsedFile, loop: Loop, repo: Codebase) -> bool:
    """Whether a loop goes through batches: it trains, and no loop inside it does."""
    if not _trains_inside(source, loop, repo):
        return False
    inner = [part for s in loop.body for part in source.within(s, ast.For, ast.AsyncFor, ast.While)]
    if any(_trains_inside(source, part, repo) for part in inner):
        return False
    steps = (callee(repo, source, call) for call in source.calls_in(*loop.body))
    return not any(d is not None and d.node in trains(repo) and _loops_and_trains(d, repo) for d in steps)


def _loops_and_trains(function: Defined, repo: Codebase) -> bool:
    """Whether a function is an epoch, or more than one."""
    return any(
        _trains_inside(function.file, loop, repo)
        for loop in function.file.within(function.node, ast.For, ast.AsyncFor, ast.While)
    )


def callee(repo: Codebase, source: ParsedFile, call: ast.Call) -> Defined | None:
    """The function that a call runs: the one that is handed on, where it calls a parameter; else by its name, the one of its class, of its
    file, or the only one of the repo.

    `Codebase.callee` knows more, and takes too long to be asked about every call of a repo.
    """
    return _handed(repo).get(call) or _named(repo, source, call)


@once
def _handed(repo: Codebase) -> dict[ast.Call, Defined]:
    return handed_on(repo, _named)


def _named(repo: Codebase, source: ParsedFile, call: ast.Call) -> Defined | None:
    name = called_name(call)
    named = repo.functions.get(name, [])
    own = isinstance(call.func, ast.Attribute) and dotted(call.func.value) == "self"
    if not named or (name in NOT_CALLS and not (own and name == "update")):
        return None
    head, _, rest = dotted(call.func).partition(".")
    if head in source.imports and rest and source.imports[head].partition(".")[0] in LIBRARIES:
        return None
    here = [d for d in named if d.file.path == source.path]
    if head == "self" and rest == name:
        owner = next((o for o in source.around(call) if isinstance(o, ast.ClassDef)), None)
        own = [d for d in here if owner is not None and d.file.parents.get(d.node) is owner]
        here = own or here
    fitting = here if not rest or head == "self" else []
    fitting = fitting or named
    if rest and head != "self" and head not in source.imports:  # of an object, whose functions are methods
        fitting = [d for d in fitting if isinstance(d.file.parents.get(d.node), ast.ClassDef)]
    return fitting[0] if len(fitting) == 1 else None


def _fed(repo: Codebase) -> Iterator[Defined]:
    for name in FEEDS:
        yield from repo.functions.get(name, [])
    for file in repo.files:
        for call in file.calls:
            given = keyword(call, "collate_fn")
            if given is not None:
                yield from repo.functions.get(dotted(given).rpartition(".")[2], [])


def _in_training_loops(repo: Codebase) -> Iterator[Defined]:
    for file in repo.files:
        for loop in file.loops:
            if _trains_inside(file, loop, repo) or _is_of_fit(file, loop):
                yield from _called(repo, file, loop.body)


def _is_of_fit(file: ParsedFile, loop: Loop) -> bool:
    """Whether a loop yields the epochs of `fit`: a repo without torch trains there too."""
    function = file.function_of(loop)
    return function is not None and function.name == "fit" and bool(file.within(loop, ast.Yield))


def _trains_inside(file: ParsedFile, loop: Loop, repo: Codebase) -> bool:
    training = trains(repo)
    for call in file.calls_in(*loop.body):
        reached = None if is_backward(call) else callee(repo, file, call)
        if is_backward(call) or (reached is not None and reached.node in training):
            return True
    return any(moves_rows(file, statement) for statement in loop.body)


def _called(repo: Codebase, file: ParsedFile, nodes: Iterable[ast.AST]) -> Iterator[Defined]:
    for call in file.calls_in(*nodes):
        reached = callee(repo, file, call)
        if reached is not None:
            yield reached


def below(repo: Codebase, roots: Iterable[Defined]) -> dict[ast.AST, Defined]:
    """The functions and all that they call, MOST_LEVELS deep, by their nodes."""
    found = {root.node: root for root in roots}
    fresh = list(found.values())
    for _ in range(MOST_LEVELS):
        called = {d.node: d for f in fresh for d in _called(repo, f.file, [f.node])}
        fresh = [d for node, d in called.items() if node not in found]
        found |= {d.node: d for d in fresh}
    return found


def _reaching(repo: Codebase) -> dict[ast.AST, Defined]:
    calls = {
        function: (Defined(file=file, node=function), [d.node for d in _called(repo, file, [function])])
        for file in repo.files
        for function in file.functions
    }
    found: dict[ast.AST, Defined] = {
        f: d
        for f, (d, _) in calls.items()
        if any(map(is_backward, d.file.calls_in(f))) or moves_rows(d.file, f)
    }
    for _ in range(MOST_LEVELS):
        found |= {f: d for f, (d, below) in calls.items() if any(node in found for node in below)}
    return found
