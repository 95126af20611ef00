"""Static rule: one model is measured, and the state of another is kept as the best."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import bindings
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="other-state-kept",
    found_by=FoundBy.RULE,
    title="The state of another model is kept",
    why="What is restored and tested is not what was measured, and may be worse by all that the two models differ in.",
    definition="Where a measured figure is the best so far, the state of another model than the one that was measured is kept.",
    explains=WEAK,
)
JUDGES = ("eval", "valid", "test", "score", "rank", "metric", "measure", "judge")
COPIES = (
    "model",
    "net",
    "module",
    "ema",
    "average",
    "averaged",
    "mean",
    "teacher",
    "student",
    "shadow",
    "online",
    "swa",
    "target",
)


AVERAGES = ("ema", "average", "averaged", "teacher", "shadow", "swa")
PUTS = ("copy", "apply", "applied", "swap", "store", "average", "assign", "scope", "use")


def other_state_kept(source: ParsedFile) -> Iterator[RuleHit]:
    """`ndcg = evaluate(average.model, pairs)`, `if ndcg > best: state = deepcopy(trainer.model.state_dict())`"""
    for call in source.calls_named("state_dict"):
        kept = dotted(call.func).rpartition(".")[0]
        branch = _branch(source, call)
        function = source.function_of(call)
        if not kept or branch is None or function is None or not _is_a_model(kept):
            continue
        measured = _measured(source, function, branch)
        inside = {
            dotted(other.func).rpartition(".")[0]
            for other in source.calls_named("state_dict")
            if other in source.calls_in(*branch.body)
        }
        if len(measured) != 1 or (_is_a_copy(kept) == _is_a_copy(*measured)):
            continue
        both = any(_is_within(one, other) for one in inside for other in measured)
        if (
            not both
            and not _is_one(source, function, kept, *measured)
            and not _is_put_in(source, function, kept)
        ):
            yield source.hit(
                KIND.code,
                call,
                f"keeps the state of {kept}, but the figure is that of {next(iter(measured))}: keep the state that was measured",
            )


def _branch(source: ParsedFile, call: ast.Call) -> ast.If | None:
    """The branch of `if figure > best` that a call stands in."""
    for outer in source.around(call):
        if isinstance(outer, Function):
            return None
        if isinstance(outer, ast.If) and any(
            isinstance(part, ast.Compare)
            and isinstance(part.ops[0], ast.Gt | ast.GtE | ast.Lt | ast.LtE)
            and any("best" in dotted(side).lower() for side in (part.left, *part.comparators))
            for part in ast.walk(outer.test)
        ):
            return outer
    return None


def _measured(source: ParsedFile, function: Function, branch: ast.If) -> set[str]:
    """The models that the function gives to what judges them, before the branch."""
    figures = {
        dotted(part.value) if isinstance(part, ast.Subscript) else dotted(part)
        for part in ast.walk(branch.test)
        if isinstance(part, ast.Name | ast.Attribute | ast.Subscript)
    }
    found = set()
    for call in source.calls_in(function):
        name = called_name(call).lower()
        if (
            not any(word in name for word in JUDGES)
            or source.places[call] > source.places[branch]
            or not call.args
        ):
            continue
        statement = next((o for o in source.around(call) if isinstance(o, ast.Assign)), None)
        targets = [t.value if isinstance(t, ast.Subscript) else t for t in getattr(statement, "targets", [])]
        named = {
            dotted(t)
            for target in targets
            for t in (target.elts if isinstance(target, ast.Tuple) else [target])
        }
        if named & figures - {""}:
            found |= {dotted(a) for a in call.args if dotted(a) and _is_a_model(dotted(a))}
    return found


def _is_a_model(name: str) -> bool:
    last = name.rpartition(".")[2].lower().strip("_")
    return any(piece in COPIES for piece in last.split("_"))


def _is_a_copy(name: str) -> bool:
    """Whether a name says that it is a running average of the weights that are trained; two that are not may be one net, wrapped."""
    return any(piece in AVERAGES for word in name.lower().split(".") for piece in word.strip("_").split("_"))


def _is_within(one: str, other: str) -> bool:
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def _is_put_in(source: ParsedFile, function: Function, kept: str) -> bool:
    """Whether the weights of an average are put into another model to be measured there: `ema.copy_to(model)`, `with ema.applied():`."""
    return _is_a_copy(kept) and any(
        dotted(call.func).rpartition(".")[0] == kept
        and any(word in called_name(call).lower() for word in PUTS)
        for call in source.calls_in(function)
    )


def _is_one(source: ParsedFile, function: Function, *names: str) -> bool:
    """Whether one of two names may stand for the other: it is bound to something that reads it, as `raw = model.module`."""
    for name, other in (names, names[::-1]):
        if name.startswith(f"{other}.") or other.startswith(f"{name}."):
            return True
        for binding in bindings(source, name, function.body[0]):
            if any(dotted(part) == other for part in ast.walk(binding.value)):
                return True
    return False


RULE = Rule(kind=KIND, run=other_state_kept)
