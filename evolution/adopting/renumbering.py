"""How a program numbers users and items anew: dictionaries that it fills, factorised columns, counters."""

import ast
from dataclasses import dataclass, replace

from diagnosis.syntax import dotted
from evolution.adopting.constants import Constants, assigned_in
from evolution.adopting.foreign_code import CodeUnit
from evolution.adopting.model_class import beyond
from evolution.adopting.naming import role_of, words_of
from evolution.adopting.training import TrainingProgram, below_main


@dataclass(frozen=True, kw_only=True)
class Renumbering:
    attribute: str  # the dict, "" where there is none
    about: str
    order: str
    first: int
    place: str


def renumberings(constants: Constants, program: TrainingProgram) -> list[Renumbering]:
    """Where dicts from what was read to new ids are made, for items and users."""
    found: list[Renumbering] = []
    for unit in program.units:
        for node in unit.nodes:
            if unit is not program.units[0] and below_main(unit, node):
                continue
            if isinstance(node, ast.Assign):
                one = _made_dict(unit, node) or _factorised(unit, node) or _filled_dict(constants, unit, node)
            else:
                one = _set_by_default(constants, unit, node)
            if one is not None and one.about in ("item", "user"):
                by_time = one.order == "appearance" and _sorts_by_time(unit, node)
                found.append(replace(one, order="time") if by_time else one)
    return found


def _sorts_by_time(unit: CodeUnit, numbered: ast.AST) -> bool:
    """Whether all rows are put in order of time before this, outside of any loop over users."""
    line = getattr(numbered, "lineno", 0)
    for call in unit.calls:
        name = getattr(call.func, "attr", "") or dotted(call.func)
        if call.lineno > line or name not in ("sort", "sorted", "sort_values"):
            continue
        keys = [word.value for word in call.keywords if word.arg in ("key", "by")]
        keys += call.args[:1] if name == "sort_values" and not keys else []
        looped = any(
            isinstance(above, (ast.For, ast.ListComp, ast.GeneratorExp)) for above in unit.around(call)
        )
        if keys and not looped and _names_time(keys[0]):
            return True
    return False


def _names_time(key: ast.expr) -> bool:
    """Whether a key of sorting is the time, and nothing before it: `"ts"`, `["ts", "user"]`, `lambda row: row.ts`."""
    if isinstance(key, ast.Lambda):
        key = key.body
    if isinstance(key, (ast.List, ast.Tuple)) and key.elts:
        key = key.elts[0]
    match key:
        case ast.Constant(value=str(name)) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return role_of(name) == "time"
        case ast.Attribute(attr=name):
            return role_of(name) == "time"
        case _:
            return False


def _made_dict(unit: CodeUnit, node: ast.Assign) -> Renumbering | None:
    """`{x: i for i, x in enumerate(xs)}`, `dict(zip(xs, range(n)))`, `pd.Series(np.arange(n), index=xs)`."""
    value, target = node.value, dotted(node.targets[0]).rpartition(".")[2]
    source, first = None, 0
    if (
        isinstance(value, ast.Call)
        and dotted(value.func) == "dict"
        and value.args
        and isinstance(value.args[0], (ast.GeneratorExp, ast.ListComp, ast.Call))
    ):
        inner = value.args[0]
        if isinstance(inner, ast.Call) and dotted(inner.func) == "zip" and len(inner.args) == 2:
            source, first = inner.args[0], _start_of(inner.args[1])
            return _named(unit, node, target, source, first)
        value = inner
    if isinstance(value, (ast.DictComp, ast.GeneratorExp, ast.ListComp)):
        loop = value.generators[0]
        if (
            isinstance(loop.iter, ast.Call)
            and dotted(loop.iter.func) == "enumerate"
            and loop.iter.args
            and isinstance(loop.target, ast.Tuple)
        ):
            counter = getattr(loop.target.elts[0], "id", "")
            told = value.value if isinstance(value, ast.DictComp) else value.elt
            if isinstance(value, ast.DictComp) and not any(
                getattr(n, "id", "") == counter for n in ast.walk(value.value)
            ):
                return None  # from ids to what was read
            source = loop.iter.args[0]
            first = beyond(told) if isinstance(value, ast.DictComp) else 0
            starts = [
                *loop.iter.args[1:2],
                *(word.value for word in loop.iter.keywords if word.arg == "start"),
            ]
            first += sum(
                one.value for one in starts if isinstance(one, ast.Constant) and isinstance(one.value, int)
            )
    if isinstance(value, ast.Call) and dotted(value.func).endswith("Series"):
        source = next((word.value for word in value.keywords if word.arg == "index"), None)
    return _named(unit, node, target, source, first) if source is not None else None


def _named(unit: CodeUnit, node: ast.Assign, target: str, source: ast.expr, first: int) -> Renumbering | None:
    words = words_of(target)
    # "token" may be any id: of `token_uid` the other word says whose.
    about = (
        role_of("_".join(word for word in words if word != "token"))
        or role_of(target)
        or role_of(ast.unparse(source))
    )
    about = {"smap": "item", "umap": "user"}.get(target, about)
    said = ast.unparse(source)
    if isinstance(source, ast.Name):
        said += " ".join(
            ast.unparse(one.value)
            for one in unit.nodes
            if isinstance(one, ast.Assign) and dotted(one.targets[0]) == source.id
        )
    order = (
        "sorted"
        if any(one in said for one in ("sorted", "set(", "np.unique", "numpy.unique", "range("))
        else "appearance"
    )
    return Renumbering(
        attribute=target if words else "",
        about=about,
        order=order,
        first=first,
        place=f"{unit.file.path}:{node.lineno}",
    )


def _start_of(node: ast.expr) -> int:
    if (
        isinstance(node, ast.Call)
        and dotted(node.func).endswith(("range", "arange"))
        and len(node.args) > 1
        and isinstance(node.args[0], ast.Constant)
    ):
        return int(node.args[0].value) if isinstance(node.args[0].value, int) else 0
    return 0


def _factorised(unit: CodeUnit, node: ast.Assign) -> Renumbering | None:
    """`pd.factorize(df.item)`, `.astype("category").cat.codes`, `LabelEncoder().fit_transform(...)`."""
    said = ast.unparse(node.value)
    target = ast.unparse(node.targets[0])
    counts = (
        isinstance(node.value, ast.Call)
        and dotted(node.value.func).endswith(("arange", "range"))
        and "len(" in said
    )
    if counts and isinstance(
        node.targets[0], ast.Subscript
    ):  # df["itemId"] = np.arange(len(df)), below drop_duplicates
        about = role_of(str(getattr(node.targets[0].slice, "value", "")))
        place = f"{unit.file.path}:{node.lineno}"
        return Renumbering(attribute="", about=about, order="appearance", first=0, place=place)
    if not any(one in said for one in ("factorize(", ".cat.codes", "fit_transform(")):
        return None
    if "fit_transform(" in said and "ncoder" not in unit.file.text and "le." not in said.lower():
        return None
    about = role_of(target) or role_of(said)
    order = "appearance" if "factorize(" in said and "sort=True" not in said else "sorted"
    return Renumbering(
        attribute="",
        about=about,
        order=order,
        first=beyond(node.value),
        place=f"{unit.file.path}:{node.lineno}",
    )


def _set_by_default(constants: Constants, unit: CodeUnit, node: ast.AST) -> Renumbering | None:
    """`vocab.setdefault(item, len(vocab))`, of which the special tokens that stand there before are the first ids."""
    if not (
        isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "setdefault" and len(node.args) == 2
    ):
        return None
    name = dotted(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    counted = ast.unparse(node.args[1])
    if not name or f"len({name})" not in counted:
        return None
    first = beyond(node.args[1]) + max(
        (_size(constants, unit, one) for one in assigned_in(unit, name)), default=0
    )
    place = f"{unit.file.path}:{node.lineno}"
    return Renumbering(attribute=name.rpartition(".")[2], about=role_of(name), order="appearance", first=first, place=place)  # fmt: skip


def _size(constants: Constants, unit: CodeUnit, made: ast.expr) -> int:
    """How many entries a dict has from the start."""
    if isinstance(made, ast.Dict):
        return len(made.keys)
    if isinstance(made, ast.DictComp):
        over = made.generators[0].iter
        inner = over.args[0] if isinstance(over, ast.Call) and dotted(over.func) == "enumerate" else over
        return next((len(one) for one in constants.values(unit, inner) if isinstance(one, list)), 0)
    return 0


def _filled_dict(constants: Constants, unit: CodeUnit, node: ast.Assign) -> Renumbering | None:
    """`item_map[item] = num_item` below `if item not in item_map`."""
    target = node.targets[0]
    if not isinstance(target, ast.Subscript):
        return None
    name = dotted(target.value)
    if (enumerated := _enumerated(unit, node, target)) is not None:
        return _named(unit, node, name.rpartition(".")[2], *enumerated)
    value, more = _counted(constants, unit, node.value)
    counts = (
        isinstance(value, ast.Name) or (isinstance(value, ast.Call) and dotted(value.func) == "len") or more
    )
    asked = any(
        isinstance(above, ast.If) and any(isinstance(op, ast.NotIn) for one in ast.walk(above.test) if isinstance(one, ast.Compare) for op in one.ops)
        and name in ast.unparse(above.test)
        for above in unit.around(node)
    )  # fmt: skip
    if not name or not counts or not asked:
        return None
    first = more
    return Renumbering(
        attribute=name.rpartition(".")[2],
        about=role_of(name),
        order="appearance",
        first=first,
        place=f"{unit.file.path}:{node.lineno}",
    )


def _enumerated(unit: CodeUnit, node: ast.Assign, target: ast.Subscript) -> tuple[ast.expr, int] | None:
    """What is numbered, and from where, by `for i, item in enumerate(items): ids[item] = i + 1`."""
    loop = next((one for one in unit.around(node) if isinstance(one, ast.For)), None)
    if loop is None or not isinstance(loop.target, ast.Tuple) or len(loop.target.elts) != 2:
        return None
    counter, each = (dotted(one) for one in loop.target.elts)
    starts = isinstance(loop.iter, ast.Call) and dotted(loop.iter.func) == "enumerate" and loop.iter.args
    counts = any(dotted(one) == counter for one in ast.walk(node.value) if isinstance(one, ast.Name))
    if not starts or dotted(target.slice) != each or not counts or not isinstance(loop.iter, ast.Call):
        return None
    more = loop.iter.args[1] if len(loop.iter.args) > 1 else None
    start = more.value if isinstance(more, ast.Constant) and isinstance(more.value, int) else 0
    return loop.iter.args[0], start + beyond(node.value)


def _counted(constants: Constants, unit: CodeUnit, node: ast.expr) -> tuple[ast.expr, int]:
    """What is counted, and what is added to it: (len(vocab), 2) of `len(vocab) + FIRST` where FIRST is 2."""
    more = 0
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = (
            next((one for one in constants.values(unit, side) if type(one) is int), None)
            for side in (node.left, node.right)
        )
        if right is not None:
            node, more = node.left, more + right
        elif left is not None:
            node, more = node.right, more + left
        else:
            break
    return node, more
