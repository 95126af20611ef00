"""What is divided into parts is trained on whole, and the model is then judged by one of the parts."""

import ast
from collections.abc import Iterator

from diagnosis.rules.parts_of_data import Part, parts_in
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.values import bindings
from diagnosis.syntax import called_name, dotted

HELD_OUT = {Part.TEST, Part.VALID}
TRAINS = {"fit", "train", "train_model", "learn", "train_epochs", "partial_fit"}
# What lays events side by side, or puts them into batches, without leaving any out.
WHOLE = {
    *("stack", "column_stack", "vstack", "hstack", "concatenate", "array", "asarray", "zip", "list", "tuple", "DataFrame", "tensor"),
    *("from_numpy", "LongTensor", "as_tensor", "TensorDataset", "DataLoader", "csr_matrix", "coo_matrix"),
}  # fmt: skip


def refitted_on_all(source: ParsedFile) -> Iterator[tuple[ast.Call, str]]:
    """(call that trains, what it trains on): `train, test = split(events)` before `model.fit(events)` and `evaluate(model, test)`."""
    for statement in source.within(source.nodes[0], ast.Assign):
        divided = statement.value
        told = parts_in(*statement.targets)
        if not isinstance(divided, ast.Call) or not told & HELD_OUT or Part.TRAIN not in told:
            continue
        whole = {dotted(arg) for arg in divided.args if not parts_in(arg)} - {""}
        held = {
            dotted(t)
            for t in _flat(statement.targets)
            if parts_in(t) & HELD_OUT and not parts_in(t) - HELD_OUT
        }
        around = source.function_of(statement) or source.nodes[0]
        if not whole or not held or "split" not in called_name(divided).lower():
            continue
        for call in source.calls_in(around):
            if called_name(call) in TRAINS and call.lineno > statement.lineno and call.args:
                given = call.args[0]
                model = _model(source, call)
                if not model or not _is_whole(given, whole) or _is_set_anew(source, given, statement):
                    continue
                if any(_is_judged(other, call, model, held) for other in source.calls_in(around)):
                    yield call, ", ".join(sorted(_names(given) & whole))


def _flat(targets: list[ast.expr]) -> Iterator[ast.expr]:
    for target in targets:
        yield from target.elts if isinstance(target, ast.Tuple | ast.List) else [target]


def _names(node: ast.expr) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _is_whole(node: ast.expr, whole: set[str]) -> bool:
    """Whether an argument is what was divided, or is laid out of that alone."""
    if isinstance(node, ast.Name | ast.Attribute):
        return dotted(node) in whole
    if isinstance(node, ast.List | ast.Tuple):
        return bool(node.elts) and all(_is_whole(one, whole) for one in node.elts)
    if isinstance(node, ast.Call) and called_name(node) in WHOLE and node.args:
        return _is_whole(node.args[0], whole) and all(
            _is_whole(one, whole) for one in node.args[1:] if isinstance(one, ast.Name)
        )
    return False


def _is_set_anew(source: ParsedFile, given: ast.expr, statement: ast.Assign) -> bool:
    """Whether a name holds something else by then."""
    return any(
        getattr(binding.node, "lineno", 0) >= statement.lineno
        for name in ast.walk(given)
        if isinstance(name, ast.Name)
        for binding in bindings(source, name.id, given)
    )


def _model(source: ParsedFile, call: ast.Call) -> str:
    """The name under which what was trained is asked afterwards: that of the object, or what the call gives."""
    kept = source.parents.get(call)
    if isinstance(kept, ast.Assign):
        return dotted(kept.targets[0])
    return dotted(call.func.value) if isinstance(call.func, ast.Attribute) else ""


def _is_judged(other: ast.Call, call: ast.Call, model: str, held: set[str]) -> bool:
    """Whether a later call takes the model, or is one of its own, and is given a held-out part."""
    own = dotted(other.func.value) if isinstance(other.func, ast.Attribute) else ""
    asked = own == model or any(dotted(arg) == model for arg in other.args)
    return asked and other.lineno > call.lineno and any(_names(arg) & held for arg in other.args)
