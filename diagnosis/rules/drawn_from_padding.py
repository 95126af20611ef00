"""Static rule: negatives are drawn from 0 on, where 0 is padding and items begin at 1."""

import ast
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.repeated import repeated, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="drawn-from-padding",
    found_by=FoundBy.RULE,
    title="Draws begin at padding",
    why="Padding is drawn as a negative, and the last item never is, so that nothing pushes it down.",
    definition="Training draws whole numbers from 0 up to the number of items, which is left out, and nothing is added to them, where 0 is "
    "padding and a table of one row more belongs to the same items.",
    roles=(Role.NEGATIVES,),
    explains=("negatives-out-of-range", "padding-ranked", *WEAK),
)


def drawn_from_padding(source: ParsedFile) -> Iterator[RuleHit]:
    """`rng.integers(0, self.n_items, size)` beside `np.zeros((n_users + 1, self.n_items + 1))` and `padding_idx=0`."""
    repo = repo_of(source)
    padded, feeding = _zero_is_padding(repo), repeated(repo)
    for call in source.calls if padded else ():
        function = source.function_of(call)
        name = dotted(_upper(call)).rpartition(".")[2]
        if function not in feeding or not name or "item" not in name.lower():
            continue
        if _is_shifted(source, call) or not _has_one_more(source, call, name):
            continue
        yield source.hit(
            KIND.code,
            call,
            f"draws from 0 to {name} - 1, where 0 is padding and {name} the last item: begin at 1",
        )


def _upper(call: ast.Call) -> ast.expr:
    """The end of a draw that begins at 0; a constant for all else."""
    name, nothing = called_name(call), ast.Constant(value=0)
    if name not in ("integers", "randint", "randrange") or keyword(call, "endpoint") is not None:
        return nothing
    whole = [a for a in call.args if not isinstance(a, ast.Tuple | ast.List)]
    if len(whole) >= 2 and number(whole[0]) == 0 and dotted(whole[1]):
        return whole[1]
    return nothing


def _is_shifted(source: ParsedFile, call: ast.Call) -> bool:
    """Whether 1 is added to what is drawn, or it is the place of an item in a list."""
    statement = None
    for outer in source.around(call):
        if isinstance(outer, ast.BinOp) or (
            isinstance(outer, ast.Subscript) and call in source.calls_in(outer.slice)
        ):
            return True
        if isinstance(outer, ast.stmt):
            statement = outer
            break
    function = source.function_of(call)
    names = {dotted(t) for t in statement.targets} if isinstance(statement, ast.Assign) else set()
    if function is None:
        return True
    adds = [b for b in source.within(function, ast.BinOp, ast.AugAssign) if isinstance(b.op, ast.Add)]
    moved = any(dotted(part) in names - {""} for b in adds for part in ast.walk(b))
    index = any(dotted(s.slice) in names - {""} for s in source.within(function, ast.Subscript))
    return moved or index


def _has_one_more(source: ParsedFile, call: ast.Call, name: str) -> bool:
    """Whether the class or function makes an array with a row or column more than there are items."""
    scope = next((o for o in source.around(call) if isinstance(o, ast.ClassDef)), None)
    scope = scope or next((o for o in source.around(call) if isinstance(o, Function)), source.nodes[0])
    return any(
        called_name(made) in ("zeros", "ones", "full", "empty", "Embedding")
        and any(
            isinstance(total.op, ast.Add)
            and 1 in (number(total.left), number(total.right))
            and name in (dotted(total.left).rpartition(".")[2], dotted(total.right).rpartition(".")[2])
            for total in source.within(made, ast.BinOp)
        )
        for made in source.calls_in(scope)
    )


@once
def _zero_is_padding(repo: Codebase) -> bool:
    """Whether the repo says so: `padding_idx=0`, or ids that are told from padding by `ids > 0`."""
    for file in repo.files:
        for call in file.calls:
            given = keyword(call, "padding_idx")
            if given is not None and number(given) == 0:
                return True
        for compared in file.within(file.nodes[0], ast.Compare):
            words = dotted(compared.left).rpartition(".")[2].lower()
            if (
                isinstance(compared.ops[0], ast.Gt | ast.NotEq)
                and number(compared.comparators[0]) == 0
                and any(word in words for word in ("ids", "items", "hist", "seq"))
            ):
                return True
    return False


RULE = Rule(kind=KIND, run=drawn_from_padding)
