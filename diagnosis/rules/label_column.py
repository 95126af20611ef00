"""Static rule: the label says that the positive is in another column than the one in which it was put."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.places_from import number
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.values import How, bindings
from diagnosis.symptoms import UNLEARNED, WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="label-beside-the-positive",
    found_by=FoundBy.RULE,
    title="The label is in another column than the positive",
    why="A drawn item is pushed up and what the user chose is pushed down: the model learns the opposite.",
    definition="Candidates are one column of positives beside several others; the labels are 1 in another column, or the class that "
    "a cross-entropy is told is another one.",
    roles=(Role.LOSS,),
    explains=("scores-inverted", "ranking-margin", "popularity-reversed", *UNLEARNED, *WEAK),
)
JOINS = {"concatenate", "cat", "concat", "hstack", "column_stack"}
ZEROS = {"zeros", "zeros_like", "new_zeros"}
LABELS = ("label", "target", "gold", "truth", "click")


@dataclass(frozen=True, kw_only=True)
class Joined:
    """Columns that are put side by side. name: of the result. single: which of the parts is one column. parts: how many."""

    name: str
    single: int
    parts: int

    def misses(self, column: int) -> bool:
        """Whether a column, negative from the end, is surely one of the several others."""
        if self.single == 0:
            return column != 0
        return self.single == self.parts - 1 and column >= 0


def label_beside_the_positive(source: ParsedFile) -> Iterator[RuleHit]:
    """`items = cat([clicked[:, None], drawn], 1)` with `label[:, -1] = 1`; `cross_entropy(cat([neg, pos[:, None]], 1), zeros)`."""
    for function in source.functions:
        joined = [one for s in source.within(function, ast.Assign) if (one := _joined(source, s)) is not None]
        if not joined:
            continue
        for statement in source.within(function, ast.Assign):
            column = _labelled(source, function, statement, joined)
            if column is not None and all(one.misses(column) for one in joined):
                yield _hit(source, statement, column)
        for call in source.calls_in(function):
            yield from _of_class(source, call, joined)


def _hit(source: ParsedFile, node: ast.stmt | ast.expr, column: int) -> RuleHit:
    where = "last" if column < 0 else "first" if column == 0 else f"column {column}"
    return source.hit(
        KIND.code,
        node,
        f"names the {where} candidate the positive, which is one of the others: label its column",
    )


def _joined(source: ParsedFile, statement: ast.Assign) -> Joined | None:
    """Exactly one part is a single column, of positives by its name or because others are drawn or negative."""
    call = statement.value
    if not isinstance(call, ast.Call) or called_name(call) not in JOINS or not call.args:
        return None
    axis = keyword(call, "axis") or keyword(call, "dim") or (call.args[1] if len(call.args) > 1 else None)
    beside = called_name(call) in ("hstack", "column_stack") or (axis is not None and number(axis) in (1, -1))
    parts = call.args[0].elts if isinstance(call.args[0], ast.Tuple | ast.List) else []
    single = [place for place, part in enumerate(parts) if _is_column(source, part)]
    name = dotted(statement.targets[0])
    if not beside or not name or len(single) != 1 or len(parts) < 2:
        return None
    others = [part for place, part in enumerate(parts) if place != single[0]]
    if not all(_is_negative(source, part) for part in others) or _is_negative(source, parts[single[0]]):
        return None
    return Joined(name=name, single=single[0], parts=len(parts))


def _is_column(source: ParsedFile, part: ast.expr, depth: int = 0) -> bool:
    """`x[:, None]`, `x.unsqueeze(1)`, `x.reshape(-1, 1)`, `(a * b).sum(-1, keepdim=True)`"""
    if isinstance(part, ast.Subscript):
        index = part.slice.elts if isinstance(part.slice, ast.Tuple) else []
        last = index[-1] if index else None
        return last is not None and (
            (isinstance(last, ast.Constant) and last.value is None) or dotted(last).endswith("newaxis")
        )
    if isinstance(part, ast.Call):
        name, numbers = called_name(part), [number(a) for a in part.args]
        if name in ("unsqueeze", "expand_dims"):
            return numbers[-1:] in ([1], [-1])
        if name in ("reshape", "view"):
            return numbers[-2:] == [-1, 1] or (len(numbers) == 2 and numbers[1] == 1)
        kept = keyword(part, "keepdim") or keyword(part, "keepdims")
        return name == "sum" and isinstance(kept, ast.Constant) and kept.value is True
    if isinstance(part, ast.Name) and depth < 2:
        made = bindings(source, part.id, part)
        return bool(made) and all(
            b.how is How.ASSIGNED and b.position is None and _is_column(source, b.value, depth + 1)
            for b in made
        )
    return False


def _is_negative(source: ParsedFile, part: ast.expr) -> bool:
    """Whether a part holds drawn items, or their scores, by what its author calls it and what it was made of."""
    words = [
        n.id if isinstance(n, ast.Name) else n.attr
        for n in ast.walk(part)
        if isinstance(n, ast.Name | ast.Attribute)
    ]
    return any(
        word.lower().startswith("neg") or "negative" in word.lower() or "_neg" in word.lower()
        for word in words
    )


def _labelled(
    source: ParsedFile, function: Function, statement: ast.Assign, joined: list[Joined]
) -> int | None:
    """The column of `label[:, -1] = 1`, where the labels are zeros of the candidates' shape, or are called labels."""
    target = statement.targets[0]
    if (
        number(statement.value) != 1
        or not isinstance(target, ast.Subscript)
        or not isinstance(target.slice, ast.Tuple)
    ):
        return None
    whole, last = target.slice.elts[0], target.slice.elts[-1]
    name = dotted(target.value)
    if (
        not name
        or len(target.slice.elts) != 2
        or not isinstance(whole, ast.Slice)
        or whole.lower
        or whole.upper
    ):
        return None
    made = [b.value for b in bindings(source, name, target) if b.how is How.ASSIGNED and b.position is None]
    zeros = [v for v in made if isinstance(v, ast.Call) and called_name(v) in ZEROS]
    names = {one.name for one in joined}
    linked = any(dotted(part) in names for value in zeros for part in ast.walk(value))
    named = any(word in name.lower() for word in LABELS)
    if len(made) != 1 or not zeros or not (linked or named):
        return None
    if isinstance(last, ast.Slice):
        lower, upper = number(last.lower), number(last.upper)
        if last.lower is None and upper == 1:
            return 0
        return -1 if lower == -1 and last.upper is None else None
    column = number(last)
    return int(column) if column is not None else None


def _of_class(source: ParsedFile, call: ast.Call, joined: list[Joined]) -> Iterator[RuleHit]:
    """`F.cross_entropy(logits, zeros)` where the first of the logits is a negative."""
    if called_name(call) != "cross_entropy" or len(call.args) < 2:
        return
    logits, label = call.args[0], call.args[1]
    if isinstance(logits, ast.BinOp):
        logits = logits.left
    found = [one for one in joined if one.name == dotted(logits)]
    values = [label]
    if isinstance(label, ast.Name):
        values = [b.value for b in bindings(source, label.id, label) if b.how is How.ASSIGNED]
    zeros = bool(values) and all(isinstance(v, ast.Call) and called_name(v) in ZEROS for v in values)
    if found and zeros and all(one.misses(0) for one in found):
        yield _hit(source, call, 0)


RULE = Rule(kind=KIND, run=label_beside_the_positive)
