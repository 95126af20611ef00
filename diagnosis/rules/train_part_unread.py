"""A log is divided, its held-out parts are asked for, and what is trained on is the whole of it: nothing reads the training part."""

import ast
from collections.abc import Iterator

from diagnosis.rules.parts_of_data import Part, parts_in
from diagnosis.rules.places_from import number
from diagnosis.rules.refitted_on_all import HELD_OUT, TRAINS
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import bindings, words_of
from diagnosis.syntax import called_name, dotted

DIVIDES = ("split", "holdout", "hold_out", "leave", "divide")
SHOULD_NOT = ("all", "full", "whole", "final", "refit", "both", "everything")


def train_part_unread(source: ParsedFile) -> Iterator[tuple[ast.Call, str]]:
    """(what is made for training, of what whole): `_, valid, test = split(log)`, then `train_loader = loader(TrainSet(log))`."""
    for statement in source.within(source.nodes[0], ast.Assign):
        held = _held_alone(source, statement)
        divided = statement.value
        if not held or not isinstance(divided, ast.Call):
            continue
        whole = {one.id for one in divided.args if isinstance(one, ast.Name)}
        around = source.function_of(statement) or source.nodes[0]
        for call in source.calls_in(around):
            if call.lineno <= statement.lineno or not _is_for_training(source, call):
                continue
            taken = _taken_whole(source, call, whole, statement)
            told_apart = {name.id for name in source.within(call, ast.Name)} & held
            if (
                taken
                and not told_apart
                and not _is_on_purpose(source, around, call)
                and not _cuts_itself(source, call)
            ):
                yield call, ", ".join(sorted(taken))
                break


def _held_alone(source: ParsedFile, statement: ast.Assign) -> set[str]:
    """The held-out parts of a division whose training part nothing reads afterwards, while they are read; {} for all else."""
    divided, target = statement.value, statement.targets[0]
    if not isinstance(divided, ast.Call) or not isinstance(target, ast.Tuple) or len(target.elts) < 2:
        return set()
    if not any(word in called_name(divided).lower() for word in DIVIDES):
        return set()
    held = {dotted(one) for one in target.elts if parts_in(one) and parts_in(one) <= HELD_OUT} - {""}
    left = [one for one in target.elts if dotted(one) not in held]
    if len(left) != 1 or not isinstance(left[0], ast.Name):
        return set()
    around = source.function_of(statement) or source.nodes[0]
    read = {
        name.id
        for name in source.within(around, ast.Name)
        if isinstance(name.ctx, ast.Load) and name.lineno > statement.lineno
    }
    trains = left[0].id.startswith("_") or parts_in(left[0]) == {Part.TRAIN}
    return held if trains and left[0].id not in read and held & read else set()


def _is_on_purpose(source: ParsedFile, around: ast.AST, call: ast.Call) -> bool:
    """Whether the function, or the statement that makes what is trained on, says that it is everything."""
    statement = next((o for o in source.around(call) if isinstance(o, ast.stmt)), call)
    words = {piece for word in words_of(statement) for piece in word.lower().split("_")}
    words |= set(getattr(around, "name", "").lower().split("_"))
    return bool(words & set(SHOULD_NOT))


def _is_for_training(source: ParsedFile, call: ast.Call) -> bool:
    """`trainer.fit(x)`, `TrainSet(x)`, or what a name of the training part takes."""
    name = called_name(call)
    if name in TRAINS or Part.TRAIN in parts_in(ast.Name(id=name, ctx=ast.Load())):
        return True
    outer = source.parents.get(call)
    while isinstance(outer, ast.Call | ast.keyword):
        outer = source.parents.get(outer)
    return isinstance(outer, ast.Assign) and Part.TRAIN in parts_in(*outer.targets)


def _taken_whole(source: ParsedFile, call: ast.Call, whole: set[str], statement: ast.Assign) -> set[str]:
    """The names of the whole that a call is given as they are, or laid out by calls, and that hold nothing else by then."""
    found: set[str] = set()
    for name in source.within(call, ast.Name):
        if name.id not in whole:
            continue
        outer = source.parents.get(name)
        plain = (
            isinstance(outer, ast.Call)
            and name in outer.args
            and called_name(outer) not in ("len", "max", "set", "int")
        )
        anew = any(getattr(b.node, "lineno", 0) >= statement.lineno for b in bindings(source, name.id, name))
        if plain and not anew:
            found.add(name.id)
    return found


def _cuts_itself(source: ParsedFile, call: ast.Call) -> bool:
    """Whether what takes the whole may leave its end out: a class or function in whose code a slice ends before the end, or that is unknown."""
    repo = source.repo
    if repo is None:
        return True
    for one in source.calls_in(call):
        name = called_name(one)
        kinds = repo.classes.get(name) or repo.functions.get(name) or []
        if not kinds:
            continue
        for kind in kinds:
            cuts = kind.file.within(kind.node, ast.Slice)
            shifted = any(number(cut.lower) == 1 for cut in cuts if cut.lower is not None)
            for end in (cut.upper for cut in cuts):
                if isinstance(end, ast.UnaryOp | ast.BinOp) and not (shifted and number(end) == -1):
                    return True
            words = {n.id.lower() for n in kind.file.within(kind.node, ast.Name)}
            if words & {"mode", "split", "phase", "stage", "data_type", "test", "valid", "mask", "cutoff"}:
                return True
    return False
