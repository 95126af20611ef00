"""Static rule: candidates of an evaluation that are drawn with replacement, so that one item stands among them twice."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.draws import SIZES, draws_one, is_draw
from diagnosis.rules.evaluating import evaluators, ranks
from diagnosis.rules.feeding import fed, is_joined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.judging import judges, kept_for_judges, made_for_judges, speaks_of_metrics
from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.repeated import repeated, repo_of, trains
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import parameters, words_of
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="candidates-repeated",
    found_by=FoundBy.RULE,
    title="The same candidate twice",
    why="Fewer items compete with the target than the figure says, and an item that ranks high takes several places.",
    definition="`choices`, `randint`, `choice` that is not told whether to replace, or a loop that keeps what it has kept before, draws more than one "
    "candidate for an evaluation.",
    roles=(Role.LOADER,),
    sources=("github.com/hexiangnan/neural_collaborative_filtering/issues/72",),
)
NUMBERS = {"randint", "randrange", "integers", "random_integers"}
DIFFERENT = {"unique", "set", "drop_duplicates", "fromkeys", "permutation", "randperm"}
CANDIDATES = ("cand", "neg", "unseen", "pool")


def candidates_repeated(source: ParsedFile) -> Iterator[RuleHit]:
    """`[target] + rng.choices(others, k=99)` of what an evaluation ranks."""
    drawn = [call for call in source.calls if _repeats(source, call)]
    if not drawn or (not speaks_of_metrics(source) and source.repo is None):
        return
    repo = repo_of(source)
    judging = frozenset(f for f in source.functions if f in judges(repo)) | evaluators(source)
    judging |= made_for_judges(source, repo) | kept_for_judges(source, judging)
    for call in drawn:
        function = source.function_of(call)
        statement = next((outer for outer in source.around(call) if isinstance(outer, ast.Assign)), None)
        named = statement is not None and _is_for_evaluation(repo, statement)
        ranking = (
            function in judging and function not in trains(repo) and _feeds_ranks(source, function, judging)
        )
        handed = (
            function in fed(repo)
            and function not in trains(repo)
            and function not in repeated(repo)
            and _stands_beside(source, function, call)
        )
        if ((ranking or handed) and _are_candidates(source, call)) or named:
            yield source.hit(
                KIND.code, call, "draws with replacement: an item can be a candidate twice; draw without"
            )


def _feeds_ranks(source: ParsedFile, function: Function, judging: frozenset[Function]) -> bool:
    """Whether a function ranks, or makes what is ranked: what it draws stands beside a target in what it returns."""
    if ranks(source, function):
        return True
    words = {word.lower() for name in parameters(function) for word in (name,)}
    return function in judging and any(
        part in word for word in words for part in ("target", "test", "answer", "truth", "pos")
    )


def _stands_beside(source: ParsedFile, function: Function, call: ast.Call) -> bool:
    """Whether what is drawn is all that a function gives, or joins other candidates there."""
    if call.args and parts_named(words_of(call.args[0])) & {Part.TEST, Part.VALID}:
        return False  # a sample of the questions
    for outer in source.around(call):
        if isinstance(outer, ast.Subscript):
            return False
        if isinstance(outer, ast.stmt):
            return isinstance(outer, ast.Return) or is_joined(source, call)
    return False


def _repeats(source: ParsedFile, call: ast.Call) -> bool:
    """Whether several elements are drawn of a list, each of which may come again."""
    name = called_name(call)
    if name in NUMBERS and is_draw(source, call):
        return _draws_many_numbers(source, call) or _kept_unasked(source, call)
    if name not in ("choices", "choice") or not is_draw(source, call) or draws_one(call):
        return False
    decided = keyword(call, "replace") is not None or (name == "choice" and len(call.args) > 2)
    # Weighed draws of Python's have no other way; numpy's have, and are as likely to come again as they weigh.
    weighed = any(keyword(call, word) is not None for word in ("weights", "cum_weights"))
    sized = any(keyword(call, word) is not None for word in SIZES) or len(call.args) > 1
    return sized and not weighed and not decided


def _draws_many_numbers(source: ParsedFile, call: ast.Call) -> bool:
    """Whether several whole numbers are drawn in one call, and nothing in the function makes them different."""
    around = source.function_of(call)
    full = source.full_name(call)
    sized = (full.startswith("torch.") and len(call.args) > 1) or not draws_one(call)
    if around is None or not sized or any(isinstance(o, ast.While) for o in source.around(call)):
        return False
    return not any(called_name(c) in DIFFERENT for c in source.calls_in(around)) and not any(
        isinstance(part, ast.Compare) and any(isinstance(op, ast.In | ast.NotIn) for op in part.ops)
        for loop in source.within(around, ast.While)
        for part in source.within(loop, ast.Compare)
    )


def _kept_unasked(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a number that a loop draws joins a list, `negs.append(j)`, and nothing asks whether it is there already."""
    outer = source.parents.get(call)
    name = dotted(outer.targets[0]) if isinstance(outer, ast.Assign) else ""
    around = source.function_of(call)
    if not name or around is None:
        return False
    lists = {
        dotted(c.func.value)
        for c in source.calls_in(around)
        if called_name(c) == "append"
        and isinstance(c.func, ast.Attribute)
        and [dotted(a) for a in c.args] == [name]
    } - {""}
    if len(lists) != 1:
        return False
    (kept,) = lists
    asked = [
        dotted(side)
        for part in source.within(around, ast.Compare)
        if any(isinstance(op, ast.In | ast.NotIn) for op in part.ops)
        for side in part.comparators
    ]
    told = {
        dotted(c.func.value)
        for c in source.calls_in(around)
        if called_name(c) in ("add", "update") and isinstance(c.func, ast.Attribute)
    }
    marks = {
        dotted(t.value)
        for s in source.within(around, ast.Assign)
        for t in s.targets
        if isinstance(t, ast.Subscript)
    }
    return (
        bool(asked)
        and not {kept} & set(asked)
        and not (told | marks) & set(asked)
        and not any(
            called_name(c) in DIFFERENT and [dotted(a) for a in c.args] == [kept]
            for c in source.calls_in(around)
        )
    )


def _are_candidates(source: ParsedFile, call: ast.Call) -> bool:
    """Whether items are drawn, in the author's words, and no users of which a sample is judged."""
    outer = next((o for o in source.around(call) if isinstance(o, ast.Assign | ast.Return | ast.Expr)), call)
    words = [word.lower() for word in words_of(outer)]
    if called_name(call) in NUMBERS and _joins_a_target(source, call):
        return not any("user" in word for word in words)
    if called_name(call) in NUMBERS and not any(
        word in one for one in words for word in ("row", "batch", "user")
    ):
        words += [word.lower() for word in words_of(call)]
        words += ["item"] if _kept_unasked(source, call) else []
    return any(part in word for word in words for part in (*CANDIDATES, "item")) and not any(
        "user" in word for word in words_of(call.args[0] if call.args else call)
    )


def _joins_a_target(source: ParsedFile, call: ast.Call) -> bool:
    """Whether a list takes what is drawn after something that the loop around gives: `rows.append([u, i]); rows += [[u, j] for j in drawn]`."""
    kept = next((outer for outer in source.around(call) if isinstance(outer, ast.stmt)), None)
    loop = next((outer for outer in source.around(call) if isinstance(outer, ast.For | Function)), None)
    if not isinstance(kept, ast.AugAssign) or not isinstance(loop, ast.For):
        return False
    given = {n.id for n in ast.walk(loop.target) if isinstance(n, ast.Name)}
    return any(
        isinstance(other.func, ast.Attribute)
        and dotted(other.func.value) == dotted(kept.target)
        and given & {n.id for one in other.args for n in ast.walk(one) if isinstance(n, ast.Name)}
        for other in source.calls_in(loop)
        if called_name(other) == "append"
    )


def _is_for_evaluation(repo: Codebase, statement: ast.Assign) -> bool:
    """Whether candidates of an evaluation are kept: by the name, `self.test_negatives[u]`, or as a judging function reads them."""
    words = [word for target in statement.targets for word in words_of(target)]
    last = [
        dotted(t.value if isinstance(t, ast.Subscript) else t).rpartition(".")[2] for t in statement.targets
    ]
    if not any(part in word.lower() for word in last for part in CANDIDATES):
        return False
    told = parts_named(words) & {Part.TEST, Part.VALID} or any("eval" in word.lower() for word in words)
    return bool(told) or any(word in _read_by_judges(repo) for word in last)


@once
def _read_by_judges(repo: Codebase) -> set[str]:
    """The attributes that functions read that rank, and train nothing."""
    return {
        node.attr
        for judge in judges(repo).values()
        for node in judge.file.within(judge.node, ast.Attribute)
        if isinstance(node.ctx, ast.Load)
    }


RULE = Rule(kind=KIND, run=candidates_repeated)
