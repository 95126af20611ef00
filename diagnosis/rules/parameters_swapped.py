"""Static rule: two arguments of a call that stand in each other's place, by the names of both."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.codebase import Codebase, Defined
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.rules.values import parameters
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="parameters-swapped",
    found_by=FoundBy.RULE,
    title="Two arguments in each other's place",
    why="The call runs, and each of the two values does the work of the other.",
    definition="A call by position in which two arguments are called as each other's parameters are, of a function that no other "
    "call of the repo gives them in the order of its parameters.",
    explains=WEAK,
)
REVERSING = ("revers", "backward", "transpos", "invers", "mirror", "turned", "swap", "flip")
# Roles of one kind that a function of both may be asked with either way.
ROLES = (
    {"user", "item"},
    {"src", "dst"},
    {"source", "target"},
    {"student", "teacher"},
    {"prior", "posterior"},
    {"query", "key"},
    {"left", "right"},
    {"row", "col"},
    {"head", "tail"},
    {"train", "test"},
    {"train", "valid"},
    {"pos", "neg"},
)
SHORTEST = 3  # letters of a name that says what it is


def parameters_swapped(source: ParsedFile) -> Iterator[RuleHit]:
    """`Attention(cfg.dim, cfg.window, cfg.heads)` of `def __init__(self, dim, heads, window)`"""
    repo = source.repo
    if repo is None:
        return
    for name in source.called_names:
        if name not in repo.functions and name not in repo.classes:
            continue
        for call in source.calls_named(name):
            if len(call.args) < 2 or any(isinstance(a, ast.Starred) for a in call.args):
                continue
            words = [_word(a) for a in call.args]
            told = sum(len(word) >= SHORTEST for word in words)
            swapped = _swapped(repo, source, call, words) if told > 1 else None
            if swapped is not None:
                one, other = swapped
                yield source.hit(
                    KIND.code,
                    call,
                    f"gives {words[one]} for {words[other]} and {words[other]} for {words[one]}: swap the two, or name them",
                )


def _swapped(repo: Codebase, source: ParsedFile, call: ast.Call, words: list[str]) -> tuple[int, int] | None:
    """The places of two arguments that are named as each other's parameters."""
    names = _parameters(repo, source, call)
    if len({*words} & {*names}) < 2:
        return None
    for one, word in enumerate(words[: len(names)]):
        if len(word) < SHORTEST or word == names[one] or word not in names:
            continue
        other = names.index(word)
        if one < other < len(words) and words[other] == names[one] and words.count(word) == 1:
            straight = _is_given_straight(repo, call, (names[one], one), (word, other))
            return None if straight or _is_meant(source, call, names[one], word) else (one, other)
    return None


def _is_meant(source: ParsedFile, call: ast.Call, first: str, second: str) -> bool:
    """Whether two roles are exchanged on purpose: where the code around says so, or takes both itself, as for the users of an item or
    the other half of a comparison.
    """
    function = source.function_of(call)
    statement = next((o for o in source.around(call) if isinstance(o, ast.Assign)), None)
    told = [getattr(function, "name", ""), *(dotted(t) for t in getattr(statement, "targets", []))]
    if any(word in text.lower() for text in told for word in REVERSING):
        return True
    roles = {first.lower().rstrip("s"), second.lower().rstrip("s")}
    if function is None or roles not in ROLES:
        return False
    own = parameters(function)
    return first in own and second in own


def _is_given_straight(repo: Codebase, call: ast.Call, *pairs: tuple[str, int]) -> bool:
    """Whether another call gives the same names in their places, so that both orders are meant, as for the two sides of a loss; or
    the function itself calls on with them turned round.
    """
    for made in repo.calls(called_name(call)):
        if made.call is not call and all(
            place < len(made.call.args) and _word(made.call.args[place]) == name for name, place in pairs
        ):
            return True
    return False


def _parameters(repo: Codebase, source: ParsedFile, call: ast.Call) -> list[str]:
    """The parameters that a call fills by position; [] where it is not known what it runs, or several may be."""
    name = called_name(call)
    if _is_of_a_library(repo, source, call):
        return []
    kinds = repo.classes.get(name, [])
    made: Defined | None = repo.method(kinds[0], "__init__") if len(kinds) == 1 else None
    if made is None and kinds:
        return _fields(kinds[0]) if len(kinds) == 1 else []
    reached = made or repo.callee(source, call)
    if reached is None or not isinstance(reached.node, Function):
        return []
    if source.function_of(call) is reached.node:
        return []
    names = parameters(reached.node)
    return names[1:] if names[:1] in (["self"], ["cls"]) else names


def _is_of_a_library(repo: Codebase, source: ParsedFile, call: ast.Call) -> bool:
    """Whether a call goes to what was imported from outside the repo, whatever of its own has the same name."""
    first = dotted(call.func).partition(".")[0]
    origin = source.imports.get(first, "")
    top = origin.partition(".")[0]
    return bool(top) and not any(
        top in {piece.removesuffix(".py") for piece in file.path.replace("\\", "/").split("/")}
        for file in repo.files
    )


def _fields(kind: Defined) -> list[str]:
    """The fields of a data class or named tuple, in their order; [] of a class that has others from what it is made of."""
    node = kind.node
    if not isinstance(node, ast.ClassDef):
        return []
    bases = {dotted(base).rpartition(".")[2] for base in node.bases}
    plain = any("dataclass" in ast.unparse(mark) for mark in node.decorator_list) and not bases
    if not plain and bases != {"NamedTuple"}:
        return []
    return [
        statement.target.id
        for statement in node.body
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)
    ]


def _word(node: ast.expr) -> str:
    """The last name of `window`, `cfg.window`, `cfg["window"]`; "" of anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return node.slice.value if isinstance(node.slice.value, str) else ""
    return ""


RULE = Rule(kind=KIND, run=parameters_swapped)
