"""Which functions of a whole repo judge a model: they rank, call what ranks, or make what is handed to those.

`evaluating.py` tells it of one file, by names; calls into other files are followed only where one function fits.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from weakref import WeakKeyDictionary

from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.evaluating import FEEDS, ranking_functions, taught_calls
from diagnosis.rules.repeated import below, callee, trains
from diagnosis.rules.source import Function, ParsedFile, is_backward
from diagnosis.rules.values import How, bindings
from diagnosis.syntax import called_name

MOST_LEVELS = 4  # of calls between the function that ranks and those above it
TRAINING = {"forward", "loss", "fit", "train", "training", "backward", "optimize", "update"}
METRICS = ("ndcg", "recall", "hit", "mrr", "auc", "metric", "eval", "rank_of", "precision", "hr")


def judges(repo: Codebase) -> dict[ast.AST, Defined]:
    """The functions that rank and train nothing, those that call them, and their helpers.

    A function that training uses as well is none of them.
    """
    return _judges(repo)


def made_for_judges(source: ParsedFile, repo: Codebase) -> frozenset[Function]:
    """The functions of one file that make what judges in any file are handed."""
    found = _feeding(repo)
    return frozenset(f for f in source.functions if f in found)


def kept_for_judges(source: ParsedFile, judging: frozenset[Function]) -> frozenset[Function]:
    """The methods whose result a class keeps as an attribute that one of its judging methods reads."""
    read = {
        (source.parents.get(f), node.attr)
        for f in judging
        for node in source.within(f, ast.Attribute)
        if isinstance(node.ctx, ast.Load) and _is_self(node.value)
    }
    kept: set[Function] = set()
    for statement in source.within(source.nodes[0], ast.Assign):
        function = source.function_of(statement)
        owner = source.parents.get(function) if function is not None else None
        names = {t.attr for t in statement.targets if isinstance(t, ast.Attribute) and _is_self(t.value)}
        if isinstance(statement.value, ast.Call) and any((owner, name) in read for name in names):
            made = called_name(statement.value)
            kept |= {f for f in source.functions if f.name == made and source.parents.get(f) is owner}
    return frozenset(kept)


def says_it_trains(function: ast.AST) -> bool:
    """Whether a function's name says that it is a part of training, though nothing is seen to call it: `cal_loss`, `fit_knn`, a module's
    `forward`.
    """
    words = set(re.findall(r"[A-Z]?[a-z]+|[A-Z]+", getattr(function, "name", "")))
    words = {word.lower() for word in words}
    return bool(words & TRAINING) and not words & {"eval", "evaluate", "test", "predict", "rank", "recommend"}


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id == "self"


_SPEAKS: "WeakKeyDictionary[ParsedFile, bool]" = WeakKeyDictionary()


def speaks_of_metrics(source: ParsedFile) -> bool:
    """Whether the file evaluates, in its author's words: it names a metric, or evaluation."""
    if source not in _SPEAKS:
        _SPEAKS[source] = _names_a_metric(source)
    return _SPEAKS[source]


def _names_a_metric(source: ParsedFile) -> bool:
    names = (n.id for n in source.within(source.nodes[0], ast.Name) if isinstance(n.ctx, ast.Store))
    defined = (node.name for node in source.within(source.nodes[0], ast.FunctionDef, ast.ClassDef))
    called = (called_name(call) for call in source.calls)
    return any(word in name.lower() for name in (*names, *defined, *called) for word in METRICS)


@once
def _feeding(repo: Codebase) -> dict[ast.AST, Defined]:
    """What makes the arguments of judges, and the helpers of that."""
    if not judges(repo):
        return {}
    made = [d for d in _feeders(repo, judges(repo)) if d.node not in trains(repo)]
    training = _training(repo)
    return {node: d for node, d in below(repo, made).items() if node not in training}


@once
def _training(repo: Codebase) -> dict[ast.AST, Defined]:
    everything = [Defined(file=file, node=f) for file in repo.files for f in file.functions]
    steps = [d for d in everything if any(map(is_backward, d.file.calls_in(d.node)))]
    taught = [
        reached
        for d in steps
        if isinstance(d.node, Function)
        for call in taught_calls(d.file, d.node)
        if (reached := callee(repo, d.file, call)) is not None
    ]
    fed = [d for d in everything if getattr(d.node, "name", "") in FEEDS]
    return {d.node: d for d in steps} | below(repo, [*taught, *fed])


@once
def _judges(repo: Codebase) -> dict[ast.AST, Defined]:
    rankers = [Defined(file=file, node=f) for file in repo.files for f in ranking_functions(file)]
    if not rankers:
        return {}
    everything = [Defined(file=file, node=f) for file in repo.files for f in file.functions]
    training = _training(repo)
    ranking: dict[ast.AST, Defined] = {d.node: d for d in rankers if d.node not in training}
    judging = ranking | _above(repo, ranking, everything)
    return {node: d for node, d in below(repo, judging.values()).items() if node not in training}


def _above(
    repo: Codebase, roots: dict[ast.AST, Defined], everything: Iterable[Defined]
) -> dict[ast.AST, Defined]:
    """The functions that call one of the roots, and train nothing."""
    training = trains(repo)
    known = dict(roots)
    for _ in range(MOST_LEVELS):
        fresh = {
            d.node: d
            for d in everything
            if d.node not in known and d.node not in training and _calls_one(repo, d, known)
        }
        if not fresh:
            break
        known |= fresh
    return known


def _calls_one(repo: Codebase, caller: Defined, wanted: dict[ast.AST, Defined]) -> bool:
    names = {getattr(node, "name", "") for node in wanted}
    return any(
        (reached := callee(repo, caller.file, call)) is not None and reached.node in wanted
        for call in caller.file.calls_in(caller.node)
        if called_name(call) in names
    )


def _feeders(repo: Codebase, judging: dict[ast.AST, Defined]) -> Iterator[Defined]:
    """The functions whose result is an argument of a call of one that judges."""
    for name in {getattr(node, "name", "") for node in judging}:
        for made in repo.calls(name):
            reached = callee(repo, made.file, made.call)
            if reached is None or reached.node not in judging or not speaks_of_metrics(made.file):
                continue
            for given in (*made.call.args, *(k.value for k in made.call.keywords)):
                yield from _makers(repo, made.file, given)


def _makers(repo: Codebase, file: ParsedFile, given: ast.expr) -> Iterator[Defined]:
    values = [given]
    if isinstance(given, ast.Name):
        values = [b.value for b in bindings(file, given.id, given) if b.how is How.ASSIGNED]
    for value in values:
        made = callee(repo, file, value) if isinstance(value, ast.Call) else None
        if made is not None:
            yield made
