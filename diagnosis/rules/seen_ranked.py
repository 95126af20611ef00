"""Static rule: an evaluation that leaves out padding, and ranks what the user has seen."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.draws import is_draw
from diagnosis.rules.evaluating import evaluators, is_count_above
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.sought import sought_unseen
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import origins, parameters, same, words_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="seen-items-ranked",
    found_by=FoundBy.RULE,
    title="Seen items are ranked",
    why="Items that a user has had take the first places of the list, and the target falls behind them.",
    definition="An evaluation over all items (the best of them, or how many are above the target) sets the scores of padding, or has "
    "the histories or seen items at hand, or looks for what a user has not had, and filters none of them. Of sessions and baskets items may come again.",
    sources=("github.com/RUCAIBox/RecBole/issues/1449",),
)

TOPS = {"topk", "argsort", "argpartition", "nlargest", "top_k"}
FILTERS = {
    "masked_fill", "masked_fill_", "scatter", "scatter_", "index_fill", "index_fill_", "where", "isin", "in1d",
    "setdiff1d", "difference", "difference_update", "delete", "discard", "remove", "putmask", "copyto", "put_along_axis",
    "index_put_", "fill_diagonal_", "pop", "multiply", "masked_scatter_", "filter", "exclude",
}  # fmt: skip
SEEN = ("seen", "rated", "interacted", "watched", "train_items", "consumed", "known", "clicked", "visited")
HISTORIES = (*SEEN, "hist", "past_items", "fold_in", "foldin")
REPEATS = ("sess", "basket", "repeat", "rebuy", "consum")
MODES = {"training", "is_train", "is_training"}  # parameters that tell how to run, and bring no data
SCORES = ("recon", "score", "logit", "pred", "rating", "prob", "sim", "dist", "out")
HIDES = ("mask", "filter", "hide", "exclu", "suppress", "block", "remov", "penal")
CANDIDATES = ("cand", "neg", "sampled")


def seen_items_ranked(source: ParsedFile) -> Iterator[RuleHit]:
    """Functions that rank all items and filter nothing but a fixed column, or never read the seen items they are given."""
    judging = evaluators(source)
    for function in source.functions:
        if function not in judging or function.name in ("score", "predict"):
            continue
        calls = source.calls_in(function)
        counted = _has_histories(source, function)
        tops = [call for call in calls if called_name(call) in TOPS or (counted and is_count_above(call))]
        if not tops and _leaves_training_unread(source, function):
            tops = _tops_below(source, function)
        if not tops or _ranks_a_few(source, function):
            continue
        if (
            _ignores_seen(source, function)
            or (
                (
                    _sets_padding(source, function)
                    or (counted and not _may_repeat(source) and any(_is_of_scores(top) for top in tops))
                )
                and not _filters(source, function)
            )
            or _leaves_seen_in(source, function)
        ):
            yield source.hit(
                KIND.code,
                _filter_of(source, function) or tops[0],
                "ranks the items that the user has seen: set their scores to -inf before",
            )


def _leaves_seen_in(source: ParsedFile, function: Function) -> bool:
    """Whether items that a user has had are taken out of what is looked for, and nothing that runs here takes them out of what is ranked."""
    repo = repo_of(source)
    if not sought_unseen(repo, source, function) or _filters(source, function):
        return False
    called = {called_name(call) for call in source.calls_in(function)}
    elsewhere = [d for name in called for d in repo.functions.get(name, []) if d.file.path != source.path]
    return not any(isinstance(d.node, Function) and _filters(d.file, d.node) for d in elsewhere)


def _is_of_scores(call: ast.Call) -> bool:
    """Whether what a call orders is scores in its author's words, and not ids."""
    given = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    names = {dotted(part).lower() for one in (*given, *call.args) for part in ast.walk(one)}
    return any(word in name for name in names for word in SCORES)


def _has_histories(source: ParsedFile, function: Function) -> bool:
    """Whether the author of an evaluation has the users' histories at hand there, by what the names say, or is given the training part."""
    names = {name.id.lower() for name in source.within(function, ast.Name)}
    return any(word in name for name in names for word in HISTORIES) or bool(_training_given(function))


def _training_given(function: Function) -> set[str]:
    """The parameters for the training part of the data, beside one for what is held out."""
    names = [name for name in parameters(function) if name not in MODES]
    held = any(parts_named([name]) & {Part.TEST, Part.VALID} for name in names)
    return {name for name in names if held and parts_named([name]) == {Part.TRAIN}}


def _leaves_training_unread(source: ParsedFile, function: Function) -> bool:
    """Whether an evaluation is given the training part and never reads it."""
    return bool(_training_given(function) - {name.id for name in source.within(function, ast.Name)})


def _tops_below(source: ParsedFile, function: Function) -> list[ast.Call]:
    """The calls that take the best items in the functions of the file that a function calls."""
    called = {called_name(call) for call in source.calls_in(function)}
    below = [
        f for f in source.functions if f.name in called and f is not function and not _filters(source, f)
    ]
    return [
        call
        for f in below
        for call in source.calls_in(f)
        if called_name(call) in TOPS and not _ranks_a_few(source, f)
    ]


def _may_repeat(source: ParsedFile) -> bool:
    """Whether the file speaks of sessions or baskets, in which items come again."""
    names = (
        *(name.id for name in source.within(source.nodes[0], ast.Name)),
        *(node.name for node in source.within(source.nodes[0], ast.FunctionDef, ast.ClassDef)),
    )
    return any(word in name.lower() for name in names for word in REPEATS)


def _filter_of(source: ParsedFile, function: Function) -> ast.expr | None:
    """A comparison that leaves something else out."""
    compared = source.within(function, ast.Compare)
    return next((c for c in compared if any(isinstance(op, ast.NotIn) for op in c.ops)), None)


def _filters(source: ParsedFile, function: Function) -> bool:
    """Whether anything in the function, or in a helper that it calls, may leave out items by their ids."""
    called = {called_name(call) for call in source.calls_in(function)}
    helpers = [f for f in source.functions if f.name in called and f is not function]
    for around in (function, *helpers):
        if any(
            called_name(call) in FILTERS and not _finds_hits(source, call) for call in source.calls_in(around)
        ):
            return True
        if any(isinstance(op, ast.NotIn) for c in source.within(around, ast.Compare) for op in c.ops):
            return True
        if any(isinstance(branch.body[0], ast.Continue) for branch in source.within(around, ast.If)):
            return True
        if any(not (_is_fixed(t) or _is_of_targets(source, around, t)) for t, _ in _stores(source, around)):
            return True
        if any(isinstance(part.op, ast.Mult | ast.Sub) for part in source.within(around, ast.AugAssign)):
            return True
    return _may_hide(source, function)


def _finds_hits(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call asks which of the best items are those that are looked for: `np.isin(top, wanted[user])`."""
    if called_name(call) not in ("isin", "in1d") or len(call.args) < 2:
        return False
    if _speak_of({w.lower() for w in words_of(call)}, HISTORIES) or parts_named(words_of(call)) == {
        Part.TRAIN
    }:
        return False
    return any(
        isinstance(part, ast.Call) and called_name(part) in TOPS
        for step in origins(source, call.args[0])
        for part in ast.walk(step)
    )


def _may_hide(source: ParsedFile, function: Function) -> bool:
    """Whether scores meet what hides items, by its name, or a call is given them together with the histories: `hide(scores, seen)`; or
    something is taken off by the training part: `pool - set(train[u])`, `scores - 1e9 * x_train`.
    """
    training = {name.lower() for name in _training_given(function)}
    for part in source.within(function, ast.BinOp):
        taken = {w.lower() for w in words_of(part.right)} if isinstance(part.op, ast.Sub) else set()
        if taken & training:
            return True
    for part in source.within(function, ast.BinOp):
        outer = source.parents.get(part)
        kept = (
            {w.lower() for t in outer.targets for w in words_of(t)}
            if isinstance(outer, ast.Assign)
            else set()
        )
        words = [{w.lower() for w in words_of(side)} for side in (part.left, part.right)]
        for one, other in (words, words[::-1]):
            if _speak_of(one | kept, SCORES) and _speak_of(other, HIDES):
                return True
    for call in source.calls_in(function):
        kept = source.parents.get(call)
        targets = kept.targets if isinstance(kept, ast.Assign) else []
        changed = isinstance(kept, ast.Expr) or any(
            _speak_of({w.lower()}, SCORES) for t in targets for w in words_of(t)
        )
        words = {
            w.lower() for given in (*call.args, *(k.value for k in call.keywords)) for w in words_of(given)
        }
        named = _speak_of({called_name(call).lower()}, HIDES)
        if (
            changed
            and _speak_of(words, SCORES)
            and (named or _speak_of(words, HISTORIES) or words & training)
        ):
            return True
    return False


def _speak_of(words: set[str], parts: tuple[str, ...]) -> bool:
    return any(part in word for word in words for part in parts)


def _stores(source: ParsedFile, around: ast.AST) -> Iterator[tuple[ast.Subscript, ast.expr]]:
    """Assignments of a number to elements of something: `scores[seen] = -1e9`."""
    for statement in source.within(around, ast.Assign):
        for target in statement.targets:
            if isinstance(target, ast.Subscript) and _is_low(statement.value):
                yield target, statement.value


def _is_low(value: ast.expr) -> bool:
    """-inf, a large negative number, the least of a type, or 0."""
    return (
        isinstance(value, ast.UnaryOp)
        or number(value) == 0
        or (isinstance(value, ast.Call) and called_name(value) in ("float", "finfo"))
        or (isinstance(value, ast.Attribute) and value.attr in ("min", "inf", "NINF"))
        or isinstance(value, ast.Name)
    )


def _is_fixed(target: ast.Subscript) -> bool:
    """Whether the index is the same for all users: `scores[:, 0]`."""
    parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
    return all(
        number(p) is not None or (isinstance(p, ast.Slice) and p.lower is p.upper is None) for p in parts
    )


def _is_of_targets(source: ParsedFile, around: Function, target: ast.Subscript) -> bool:
    """Whether only the targets' own scores are set, which the function has read to compare all others with them."""
    read = [
        s
        for s in source.within(around, ast.Assign)
        if isinstance(s.value, ast.Subscript) and _alike(s.value, target)
    ]
    names = {dotted(t) for s in read for t in s.targets}
    compared = source.within(around, ast.Compare)
    return any(isinstance(part, ast.Name) and part.id in names for c in compared for part in ast.walk(c))


def _alike(one: ast.Subscript, other: ast.Subscript) -> bool:
    return dotted(one.value) == dotted(other.value) != "" and same(one.slice, other.slice)


def _sets_padding(source: ParsedFile, function: Function) -> bool:
    return any(_is_fixed(target) and number(value) != 0 for target, value in _stores(source, function))


def _ignores_seen(source: ParsedFile, function: Function) -> bool:
    """Whether a parameter that its author names after seen items is never read."""
    read = {name.id for name in source.within(function, ast.Name)}
    return _leaves_training_unread(source, function) or any(
        name not in read and any(word in name.lower() for word in SEEN) and "unseen" not in name.lower()
        for name in parameters(function)
    )


def _ranks_a_few(source: ParsedFile, function: Function) -> bool:
    """Whether only some candidates are ranked."""
    names = (name.id.lower() for name in source.within(function, ast.Name))
    return any(word in name for name in names for word in CANDIDATES) or any(
        is_draw(source, call) for call in source.calls_in(function)
    )


RULE = Rule(kind=KIND, run=seen_items_ranked)
