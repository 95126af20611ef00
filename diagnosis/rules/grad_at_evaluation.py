"""Static rule: evaluation and scoring code that keeps gradients."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.answers_ranked import answers_ranked
from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.detached_answers import MOST_CALLERS, detached_answer
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.judging import says_it_trains
from diagnosis.rules.own_evaluations import is_handed_on
from diagnosis.rules.repeated import below, callee, repo_of, trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, is_backward
from diagnosis.rules.values import origins, parameters, words_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="grad-at-evaluation",
    found_by=FoundBy.RULE,
    title="Gradients kept at evaluation",
    why="Without no_grad every score keeps its graph: memory and time are spent for nothing.",
    definition="A function that calls `.eval()` and ranks, or ranks a model's answers, or `score`, or one that scores and detaches its answer at the end, with "
    "nothing on the way to the model that switches gradients off.",
    roles=(Role.SCORING,),
)

NO_GRAD = {"no_grad", "inference_mode", "set_grad_enabled"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
RANKS = {"topk", "argsort", "sort"}


def grad_at_evaluation(source: ParsedFile) -> Iterator[RuleHit]:
    """Functions that call `.eval()` and rank, themselves or through helpers, and `score`, without `no_grad`,
    `inference_mode` or an early `detach`.
    """
    repo = repo_of(source)
    for function in source.functions:
        if function in trains(repo):
            yield from _beside_training(source, function, repo)
            continue
        place = _evaluation(source, function) or _scoring(source, function, repo)
        if (
            place is None
            and trains(repo)
            and not (is_handed_on(repo, function.name) or says_it_trains(function))
        ):
            place = next(_kept(source, repo, function), None)
        answer = detached_answer(source, function, repo) if place is None and trains(repo) else None
        if answer is not None and not _is_freed_above(repo, Defined(file=source, node=function)):
            yield source.hit(
                KIND.code,
                answer,
                "detaches an answer whose graph was kept for nothing: wrap it in torch.no_grad()",
            )
        if place is not None and not _is_freed(repo, Defined(file=source, node=function)):
            yield source.hit(KIND.code, place, "scores with gradients on: wrap it in torch.no_grad()")
    if any(source.function_of(loop) is None for loop in source.training_loops()):
        yield from _beside_training(source, source.nodes[0], repo)


def _beside_training(source: ParsedFile, around: ast.AST, repo: Codebase) -> Iterator[RuleHit]:
    """Loops of a function or script that also trains, behind `.eval()`, in which a model's answers are ranked with gradients on."""
    calls = source.calls_in(around)
    evals = [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "eval" and not c.args]
    if not evals or _mentions(around):
        return
    for loop in source.within(around, ast.For):
        inside = source.calls_in(loop)
        before = any(
            source.places[c] < source.places[loop] and source.function_of(c) is source.function_of(loop)
            for c in evals
        )
        if (
            not before
            or (around is source.nodes[0] and source.function_of(loop) is not None)
            or any(map(is_backward, inside))
            or any(called_name(c) == "step" for c in inside)
        ):
            continue
        answer = next(_kept(source, repo, loop), None)
        if answer is not None:
            yield source.hit(KIND.code, answer, "scores with gradients on: wrap it in torch.no_grad()")
            return


def _kept(source: ParsedFile, repo: Codebase, around: ast.AST) -> Iterator[ast.expr]:
    """The calls whose answers are ranked with their graphs, and not detached at once."""
    for call in answers_ranked(source, repo, around):
        kept = source.parents.get(call)
        names = {dotted(t) for t in kept.targets} if isinstance(kept, ast.Assign) else set()
        freed = any(
            isinstance(c.func, ast.Attribute)
            and (dotted(c.func.value) in names or call in source.calls_in(c.func.value))
            for c in source.calls_in(around)
            if called_name(c) == "detach"
        )
        if _is_of_the_answer(source, call) and not freed:
            yield call


def _evaluation(source: ParsedFile, function: Function) -> ast.expr | None:
    """The call of `.eval()` in a function that ranks, or calls a function of its file that does."""
    calls = source.calls_in(function)
    evals = [c for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "eval" and not c.args]
    if not evals or any(map(is_backward, calls)) or any(called_name(call) == "detach" for call in calls):
        return None
    names = {called_name(call) for call in calls}
    helpers = [f for f in source.functions if f.name in names]
    ranks = any(called_name(c) in RANKS for around in (function, *helpers) for c in source.calls_in(around))
    return evals[0] if ranks else None


def _scoring(source: ParsedFile, function: Function, repo: Codebase) -> ast.stmt | None:
    """`score` of a model that trains by `backward`, where it calls the model itself."""
    names = [name for name in parameters(function) if name != "self"]
    if (
        function.name != "score"
        or len(names) != 2
        or not isinstance(source.parents.get(function), ast.ClassDef)
    ):
        return None
    calls = source.calls_in(function)
    if any(called_name(c) == "numpy" for c in calls) and not any(called_name(c) == "detach" for c in calls):
        return None  # a tensor with a graph would refuse
    if not trains(repo) or not any(
        _is_module_call(repo, source, call)
        for call in source.calls_in(function)
        if _is_of_the_answer(source, call)
    ):
        return None
    return function


def _is_of_the_answer(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call's first result is not detached at once: what is detached keeps no graph."""
    return not isinstance(source.parents.get(call), ast.Attribute) or called_name(call) != "detach"


def _is_module_call(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call runs a torch module of the repo: the object itself, or a method of its class."""
    reached = callee(repo, source, call)
    if reached is not None:
        owner = reached.file.parents.get(reached.node)
        return isinstance(owner, ast.ClassDef) and owner.name in repo.modules
    head = dotted(call.func)
    if not head.startswith("self.") or head.count(".") != 1:
        return False
    made = [part for step in origins(source, call.func) for part in source.within(step, ast.Call)]
    return any(called_name(part) in repo.modules for part in made)


def _is_freed(repo: Codebase, function: Defined) -> bool:
    """Whether gradients are switched off in the function, in what it calls, or by who calls it."""
    reached = below(repo, [function]).values()
    for place in (function, *reached):
        if _mentions(place.node) or any(
            _switches(repo, part) for part in place.file.within(place.node, ast.With, *FUNCTIONS)
        ):
            return True
    return any(_called_without_grad(repo, file, function.node) for file in repo.files)


def _is_freed_above(repo: Codebase, function: Defined) -> bool:
    """Whether gradients are switched off for a function by itself, by anybody above it, or for a whole file."""
    above, seen = [function], {function.node}
    for _ in range(MOST_CALLERS):
        if any(_is_freed(repo, one) for one in above):
            return True
        names = {getattr(one.node, "name", "") for one in above}
        callers = [
            Defined(file=made.file, node=outer)
            for made in repo.calls(*names)
            if (outer := made.file.function_of(made.call)) is not None and outer not in seen
        ]
        above = [one for one in callers if one.node not in trains(repo)]
        seen |= {one.node for one in above}
    return any(
        file.function_of(call) is None and not any(isinstance(o, ast.With) for o in file.around(call))
        for file in repo.files
        for call in file.calls_named("set_grad_enabled")
    )


def _mentions(node: ast.AST) -> bool:
    return any(
        isinstance(part, ast.Name | ast.Attribute) and dotted(part).rpartition(".")[2] in NO_GRAD
        for part in ast.walk(node)
    )


def _called_without_grad(repo: Codebase, source: ParsedFile, function: ast.AST) -> bool:
    """Whether a caller in a file calls the function with gradients switched off."""
    for call in source.calls_named(getattr(function, "name", "")):
        around = source.around(call)
        spread = any(isinstance(one, ast.Starred) for one in call.args) or any(
            k.arg is None for k in call.keywords
        )
        given = len(call.args) + len(call.keywords)
        if isinstance(function, Function) and given < _asks_for(function) and not spread:
            continue  # `model.eval()` is no call of an evaluation that has this name and asks for its data
        if any(isinstance(o, ast.With | Function) and _switches(repo, o) for o in around):
            return True
    return False


def _asks_for(function: Function) -> int:
    """How many arguments a function or method cannot do without."""
    names = [name for name in parameters(function) if name not in ("self", "cls")]
    given = function.args
    return max(0, len(names) - len(given.defaults) - sum(one is not None for one in given.kw_defaults))


def _switches(repo: Codebase, outer: ast.With | Function) -> bool:
    given = (
        [item.context_expr for item in outer.items]
        if isinstance(outer, ast.With)
        else list(outer.decorator_list)
    )
    return any(_mentions(one) or not _named_quiet(repo).isdisjoint(words_of(one)) for one in given)


@once
def _named_quiet(repo: Codebase) -> set[str]:
    """The repo's own names of what switches gradients off: `quiet = torch.no_grad`, `class Frozen` or `def inference` that use it."""
    found: set[str] = set()
    for file in repo.files:
        top = file.nodes[0]
        found |= {name for name, origin in file.imports.items() if origin.rpartition(".")[2] in NO_GRAD}
        for statement in file.within(top, ast.Assign):
            if file.function_of(statement) is None and _mentions(statement.value):
                found |= {dotted(target).rpartition(".")[2] for target in statement.targets}
        for kind in file.within(top, ast.ClassDef):
            if any(isinstance(f, Function) and f.name == "__enter__" and _mentions(f) for f in kind.body):
                found.add(kind.name)
        for function in file.functions:
            if any("contextmanager" in words_of(one) for one in function.decorator_list) and _mentions(
                function
            ):
                found.add(function.name)
    return found - {""}


RULE = Rule(kind=KIND, run=grad_at_evaluation)
